"""The programming language a call is about: named, behind a fence, or read from the code itself; and its version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from routed_llm.driver import Driver
from routed_llm.policy.features.code_signs import ALIASES, fenced, written
from routed_llm.prompt.words import Words, spoken, vocabulary
from routed_llm.requests import Request

__all__ = ["Programming", "programming_of"]

#: words that also mean something else; they count in the company of :data:`_CODE`, and the shortest only in some phrases
_DOUBTFUL = vocabulary(
    "go c r swift bash rust java ruby scala julia dart shell basic assembly elixir rails node angular flask cs rs ts js "
    "asp deno zig cargo groovy hs asm sh kt rb prolog express octave sass wordpress gcc numpy"
)
_SHORT = frozenset({"go", "c", "r", "swift", "cs", "basic", "shell"})
#: one of these tells that a text is about code, or two of :data:`_PERHAPS_CODE`
_CODE = vocabulary(
    "code coding function functions programming programmer compile compiler compiles script scripts implement "
    "implementation debug bug bugs syntax snippet algorithm refactor unittest async regex parser json backend frontend "
    "developer developers codebase repo api enum struct goroutine goroutines recursion iterator decorator sdk lint "
    "linter ide stacktrace segfault websocket microservice dataframe crate crates macro macros generics traits boxplot "
    "histogram subroutine funktion programmieren programmiere code skript fonction programmation función código "
    "funzione codice"
)
_PERHAPS_CODE = vocabulary(
    "program programs class classes method methods library libraries package module variable variables array arrays "
    "loop loops pointer pointers app application error errors exception parse framework language languages repository "
    "query database server endpoint trait interface string strings integer list lists sort sorting reverse recursive "
    "lambda closure memory thread threads threading concurrency version http crawler scraper plot component components "
    "hook hooks create write example parse test tests operator file files dates programm klasse methode fehler schreibe "
    "programme classe méthode erreur écris programa clase método escribe errore"
)
_ASSEMBLY = frozenset({"assembly", "asm"})
_MACHINE = vocabulary("x86 arm mips nasm register registers instruction instructions language cpu opcode")
_SNAKE = vocabulary("snake snakes zoo reptile monty ball terrarium coffee island indonesia coast")
_WITH_SIGNS = re.compile(
    r"(?<![\w.])(?:(c\+\+)|(c#)|(f#)|(\.net\b)|(objective-c\b)|(node\.js\b)|(vue\.js\b)|(next\.js\b)|(react\b))"
)
_OF_SIGNS = ("cpp", "csharp", "fsharp", "csharp", "objectivec", "javascript", "javascript", "javascript", "javascript")
#: phrases in which the shortest names are languages; where the text is not about code only ``sure`` ones count
_IN_PHRASE = re.compile(
    r"\b(?P<sure>(?:in|using|idiomatic) (?:Go|C)(?! (?:minor|major|sharp|flat)))(?=[\s.,:;?!)]|\Z)"
    r"|\b(?:in|using|into|idiomatic|with|my|this|your|und|auf|en|plain|pure|modern) "
    r"(?P<in>Go|C|R|Swift|Shell|go|c|r|swift|shell|BASIC)(?=[\s.,:;?!)]|\Z)(?! (?:to|for|on|through|ahead|back|home|out)\b)"
    r"|\b(?:convert|port|rewrite|translate|migrate|transpile)\b.{0,60}? to (?P<to>Go|C|R|Swift|go|c|swift"
    r"|r)(?=[\s.,:;?!)]|\Z)"
    r"|\b(?P<before>Go|C|R|Swift|Shell|go|c|r|swift|shell) (?:code|program|function|script|routine|compiler|package|module|"
    r"struct|"
    r"developer|library|programming|lang|app|project|interface|channel|test|error|version|syntax|snippet|1\.[0-9]|[0-9])"
)
_TARGET = re.compile(r"\b(?:to|into|in|nach|en|auf|using|with) ([A-Za-z+#]{1,12})(?=[\s.,:;?!)0-9]|\Z)")
_VERSION = r"(?:[ -]?(?:version|v|edition|es)?[ -]?)(?P<version>[0-9]{1,4}(?:\.[0-9]{1,3}){0,2})(?![\w%])"
_VERSIONED = re.compile(
    r"(?<![\w.])(?P<name>python|py|javascript|typescript|ts|java|jdk|php|ruby|go|golang|rust|swift|kotlin|scala|c\+\+"
    r"|cpp|c#|csharp|c|"
    r"r|node|nodejs|node\.js|perl|julia|lua|dart|elixir|matlab|postgres|postgresql|mysql|html|css|ecmascript|es"
    r"|powershell|bash|"
    rf"solidity|fortran|haskell|sql|sql:)(?:\.js)?{_VERSION}"
)


def _about_code(words: Words) -> bool:
    known = words.known
    return not known.isdisjoint(_CODE) or len(known & _PERHAPS_CODE) > 1 or "```" in words.lower


def _counts(name: str, known: frozenset[str], about_code: bool) -> bool:
    """Whether a name in a text means the language."""
    if name in _ASSEMBLY:
        return about_code and not known.isdisjoint(_MACHINE)
    if name == "python":
        return about_code or known.isdisjoint(_SNAKE)
    return name not in _SHORT and (about_code or name not in _DOUBTFUL)


def _in_phrases(words: Words, about_code: bool) -> Iterator[tuple[str, int]]:
    """The shortest names where a phrase tells that they are languages, and names with signs in them."""
    lower = words.lower
    if not words.known.isdisjoint(_SHORT):
        for match in _IN_PHRASE.finditer(words.text):
            if about_code or match.lastgroup == "sure":
                name = match[match.lastgroup or 0].lower().rsplit(" ", 1)[-1]
                yield ALIASES.get(name, name), match.start()
    if "#" in lower or "++" in lower or ".net" in lower or ".js" in lower or "objective-c" in lower or "react" in words.known:
        for match in _WITH_SIGNS.finditer(lower):
            if match[1] or match[2] or about_code or not lower.startswith("react", match.start()):
                yield _OF_SIGNS[(match.lastindex or 1) - 1], match.start()


def _named(words: Words) -> list[str]:
    """Languages named in prose, in the order of the text; doubtful names only where the text is about code."""
    about_code = _about_code(words)
    found = {
        ALIASES[name]: words.lower.find(name) for name in words.known & ALIASES.keys() if _counts(name, words.known, about_code)
    }
    for language, place in _in_phrases(words, about_code):
        found.setdefault(language, place)
    return sorted(found, key=found.__getitem__)


def _target(words: Words, named: list[str]) -> str:
    """Of several languages the one that is written in, or translated to; else the first."""
    if len(named) > 1:
        for match in _TARGET.finditer(words.lower):
            code = ALIASES.get(match[1])
            if code in named:
                return code
    return named[0]


def _version(words: Words, language: str) -> str | None:
    for match in _VERSIONED.finditer(words.lower):
        name = match["name"].rstrip(":")
        of = "javascript" if name == "es" else ALIASES.get(name.removesuffix(".js"), name)
        if of == language:
            return match["version"]
    return None


def programming_of(words: Words) -> tuple[str | None, str | None]:
    """Programming language and its version (``"3.12"``) that a text is about; None for each that cannot be told.

    A language that is named counts before the one behind a fence, and that before what the code looks like: who pastes one and
    names another one wants the other one.
    """
    named = _named(words)
    shown = fenced(words.text) or (None if len(named) == 1 else written(words))
    if shown is not None and shown in named and len(named) > 1:
        others = [name for name in named if name != shown]
        target = _target(words, named)
        language: str | None = target if target in others else shown
    else:
        language = _target(words, named) if named else shown
    if language is None:
        return None, None
    return language, _version(words, language)


class Programming:
    """Facts ``programming_language`` and ``programming_version``, absent where they cannot be told."""

    name = "programming"
    gives = ("programming_language", "programming_version")

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read the last user message."""
        language, version = programming_of(spoken(request))
        if language is None:
            return {}
        return (
            {"programming_language": language}
            if version is None
            else {"programming_language": language, "programming_version": version}
        )
