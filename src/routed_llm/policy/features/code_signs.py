"""What gives the programming language of code away: the name behind its fence, and bits of text that few others have."""

from __future__ import annotations

import re

from routed_llm.prompt.words import Words, vocabulary

__all__ = ["ALIASES", "fenced", "written"]

#: names of languages in fences and prose, in lower case -> the name in facts
ALIASES: dict[str, str] = {
    alias: code
    for code, aliases in (
        ("python", "python py python2 python3 ipython django flask fastapi pandas numpy pytest pytorch pydantic asyncio"),
        ("javascript", "javascript js jsx node nodejs ecmascript jquery expressjs deno npm reactjs vuejs"),
        ("typescript", "typescript ts tsx angular nestjs"),
        ("java", "java jdk jvm hibernate springboot"),
        ("c", "c gcc"),
        ("cpp", "cpp c++ cxx"),
        ("csharp", "csharp c# cs dotnet asp blazor linq"),
        ("fsharp", "fsharp f#"),
        ("go", "go golang"),
        ("rust", "rust rs cargo tokio"),
        ("ruby", "ruby rb rails rspec"),
        ("php", "php laravel symfony wordpress"),
        ("swift", "swift swiftui"),
        ("kotlin", "kotlin kt"),
        ("sql", "sql mysql postgresql postgres sqlite tsql plsql psql mariadb"),
        ("bash", "bash sh shell zsh"),
        ("powershell", "powershell ps1"),
        ("html", "html html5"),
        ("css", "css css3 scss sass tailwind"),
        ("r", "r dplyr ggplot2 tidyverse"),
        ("scala", "scala"),
        ("perl", "perl"),
        ("haskell", "haskell hs"),
        ("julia", "julia"),
        ("lua", "lua"),
        ("dart", "dart flutter"),
        ("elixir", "elixir"),
        ("erlang", "erlang"),
        ("clojure", "clojure"),
        ("matlab", "matlab octave"),
        ("fortran", "fortran"),
        ("cobol", "cobol"),
        ("vba", "vba"),
        ("solidity", "solidity"),
        ("groovy", "groovy"),
        ("objectivec", "objectivec objc"),
        ("zig", "zig"),
        ("assembly", "assembly asm nasm"),
        ("ocaml", "ocaml"),
        ("prolog", "prolog"),
    )
    for alias in aliases.split()
}

_FENCE = re.compile(r"```[ \t]{0,3}([A-Za-z0-9+#]{1,15})")
#: without one of these signs, or words, no code is looked for
_SIGNS_OF_CODE = ("{", "=", "<", ";", "`", "$", "|", "):")
_WORDS_OF_CODE = vocabulary("select insert update delete create alter def include import fn func println printf sudo console")
#: characters of code that are looked at
_SAMPLE = 1_500


def _table(lines: str) -> dict[str, tuple[tuple[str, int], ...]]:
    """``language points: word word`` in each line -> points of each word by language."""
    found: dict[str, list[tuple[str, int]]] = {}
    for line in lines.strip().splitlines():
        head, words = line.split(":", 1)
        code, points = head.split()
        for word in words.split():
            found.setdefault(word, []).append((code, int(points)))
    return {word: tuple(of) for word, of in found.items()}


#: words of code, in lower case as prose is split
_WORDS = _table("""
python 3: elif __init__ __name__ isinstance kwargs enumerate asyncio valueerror
python 2: def self except none typing lambda dict
python 1: import print range len class true false yield async await from
javascript 3: console getelementbyid addeventlistener usestate useeffect settimeout foreach queryselector
javascript 2: const undefined exports null
javascript 1: let var function await async document require map filter
typescript 1: interface const readonly promise string number boolean type keyof any export
java 3: arraylist println override hashmap stringbuilder
java 2: public throws extends implements final
java 1: private string static void class system int new util
csharp 3: writeline namespace foreach linq ienumerable
csharp 1: using public private string var static void class system task async get set
cpp 3: iostream std cout nullptr endl constexpr cerr
cpp 1: include vector template typename using auto const int void class
c 3: malloc stdio printf sizeof stdlib
c 1: include int char void struct return main const
go 3: fmt func println chan defer
go 2: nil
go 1: package import main err type struct range interface
rust 3: fn mut println impl unwrap vec
rust 1: let pub use match str struct result option
ruby 3: puts attr_accessor elsif nil require_relative
ruby 2: end unless
ruby 1: def do require each
php 3: php echo __construct
php 1: function array foreach
swift 3: swiftui uikit guard nslog
swift 1: var let func import foundation view struct
kotlin 3: fun println val lateinit mutablelistof
kotlin 1: var data when main
scala 3: extends object println
scala 1: val def case implicit
bash 3: sudo grep chmod awk fi esac sed curl
bash 1: echo done then bin export cd
html 3: doctype div href tbody
html 1: html body span table class p ul li head
css 3: px rem flexbox
css 2: margin padding font color background
css 1: display width height
r 3: ggplot dplyr tidyverse
r 1: library function data frame mean summary plot
haskell 3: maybe monad fmap
haskell 1: where data import io
perl 3: strict
perl 2: my
powershell 3: childitem cmdlet
matlab 3: fprintf linspace
lua 3: local
dart 3: buildcontext setstate statelesswidget
elixir 3: defmodule defp
solidity 3: pragma solidity msg uint256
""")
#: bits of text with signs, which few languages share
_BITS: tuple[tuple[str, str, int], ...] = tuple(
    (bit, code, points)
    for code, points, bits in (
        ("python", 2, ("):\n", ") -> ", 'f"', "\nfrom ", "import annotations")),
        ("javascript", 2, ("=== ", "=> ", "console.log(")),
        ("typescript", 4, (": string", ": number", ": boolean", "Promise<")),
        ("java", 4, ("static void main(String", "System.out.", "import java.")),
        ("csharp", 4, ("using System", "Console.Write", "{ get; ")),
        ("cpp", 4, ("std::", "cout <<", "template<", "template <")),
        ("c", 2, ("#include <std", "->", "char *")),
        ("go", 4, (" := ", "func main()", "package main", "func (")),
        ("rust", 3, ("&mut ", "println!(", "::new(", "let mut ", "&str")),
        ("ruby", 3, ("do |", "\nend", ".nil?")),
        ("php", 5, ("<?php", "$this->")),
        ("swift", 2, ("if let ", "@State", "var body")),
        ("kotlin", 2, ("fun main", "data class ", "?.")),
        ("scala", 4, ("case class ", "object Main", "Array[String]")),
        ("bash", 4, ("#!/bin/", "#!/usr/bin/env bash", "\nfi", "| grep")),
        ("html", 4, ("</div>", "<!DOCTYPE", "<html", "</p>", "<a href", "<div")),
        ("css", 4, ("px;", "@media", ": #")),
        ("r", 4, ("<- ", "%>%", "library(")),
        ("haskell", 4, (" :: ", "import Data.")),
        ("perl", 4, ("my $", "my @")),
        ("powershell", 4, ("Get-", "Write-Host")),
        ("elixir", 4, ("|> ",)),
        ("solidity", 4, ("pragma solidity",)),
    )
    for bit in bits
)
_SQL = re.compile(
    r"\bselect\b[^;]{1,400}?\bfrom\s+[\w.\"`\[\]]{1,60}(?:\s*;|\s+(?:where|join|left|inner|group|order|limit|as)\b[^.?!])"
    r"|(?-i:\bSELECT\s[^;]{1,400}?\sFROM\s+\w)|\bselect\s+\*\s+from\b|\bdelete\s+from\s+\S{1,60}\s*(?:where|;)"
    r"|\balter\s+table\s"
    r"|\binsert\s+into\s+\S{1,60}\s*(?:\(|values|select)|\bcreate\s+(?:or\s+replace\s+)?(?:table|view|index"
    r"|procedure)\s+\S{1,60}\s*(?:\(|as|on)"
    r"|\bupdate\s+\S{1,60}\s+set\s+\S{1,60}\s*=",
    re.IGNORECASE,
)
_WORDS_OF_SQL = vocabulary("select insert delete update alter create")
#: least points for an answer
_ENOUGH = 4


def fenced(text: str) -> str | None:
    """The language named behind the first fence that names one."""
    if "```" not in text:
        return None
    for match in _FENCE.finditer(text):
        code = ALIASES.get(match[1].lower())
        if code is not None:
            return code
    return None


def _sample(text: str) -> str:
    """Where the code begins, a little before its first sign."""
    if len(text) <= _SAMPLE:
        return text
    starts = [
        place
        for place in (text.find("{"), text.find(" = "), text.find(";\n"), text.find("):\n"), text.find("</"))
        if place >= 0
    ]
    start = max(0, min(starts, default=0) - 200)
    return text[start : start + _SAMPLE]


def written(words: Words) -> str | None:
    """The language of code that stands in a text, or None where there is none, or too little of it."""
    text = words.text
    if words.known.isdisjoint(_WORDS_OF_CODE) and not any(sign in text for sign in _SIGNS_OF_CODE):
        return None
    points: dict[str, int] = {}
    for word in words.known & _WORDS.keys():
        for code, count in _WORDS[word]:
            points[code] = points.get(code, 0) + count
    sample = _sample(text)
    signed: set[str] = set()
    for bit, code, count in _BITS:
        if bit in sample:
            points[code] = points.get(code, 0) + count
            signed.add(code)
    if not words.known.isdisjoint(_WORDS_OF_SQL) and _SQL.search(sample):
        return "sql"
    # words alone may be prose; what else the language writes must be there too
    points = {code: count for code, count in points.items() if code in signed}
    best = max(points, key=points.__getitem__, default=None)
    return best if best is not None and points[best] >= _ENOUGH else None
