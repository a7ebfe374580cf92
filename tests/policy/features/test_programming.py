"""Programming languages: named, fenced, or read from the code; words that mean something else; versions."""

import pytest

from routed_llm.policy.features.programming import programming_of
from routed_llm.prompt.words import words_of

NAMED = [
    ("Write a Python 3.12 function that sorts a list", "python", "3.12"),
    ("how do I reverse a string in go?", "go", None),
    ("Convert this Python script to Rust", "rust", None),
    ("Port the parser from Java to Kotlin", "kotlin", None),
    ("rewrite the class in C++20", "cpp", "20"),
    ("java 17 records example class", "java", "17"),
    ("C program for a linked list", "c", None),
    ("write a react component", "javascript", None),
    ("Use PHP 8.2 enums", "php", "8.2"),
    ("plot a histogram in R", "r", None),
    ("C# async method", "csharp", None),
    ("bash script to rename files", "bash", None),
    ("Explain ES2022 features of JavaScript", "javascript", "2022"),
    ("Schreibe eine Funktion in Java", "java", None),
    ("Escribe un programa en Python", "python", None),
    ("Écris une fonction en TypeScript 5.4", "typescript", "5.4"),
    ("Is there a ternary operator in Kotlin?", "kotlin", None),
    ("my django view returns 500", "python", None),
    ("center a div with css", "css", None),
    ("Why is my PostgreSQL query slow?", "sql", None),
    ("golang 1.22 loop variable change", "go", "1.22"),
    ("macro in Rust 1.75", "rust", "1.75"),
    ("VBA macro to copy a sheet", "vba", None),
    ("Haskell monads for beginners", "haskell", None),
]
CODE = [
    ("```js\nlet a = 1;\n```\nfix it", "javascript"),
    ("What does this print?\n```\nfor i in range(3):\n    print(i)\n```", "python"),
    ("```cpp\nint x;\n```", "cpp"),
    ("def f(x):\n    return x + 1\nwhat does this do", "python"),
    ("SELECT name FROM users WHERE id = 3; slow, why?", "sql"),
    ("insert into t (a, b) values (1, 2)", "sql"),
    ("public static void main(String[] args) { System.out.println(1); }", "java"),
    ('#include <stdio.h>\nint main(void) { printf("hi"); }', "c"),
    ("#include <vector>\nstd::vector<int> v; std::cout << v.size();", "cpp"),
    ("<div class='a'>hi</div> center this", "html"),
    ('fn main() { let mut x = 1; println!("hi"); }', "rust"),
    ('package main\nfunc main() { fmt.Println("x") }', "go"),
    ("interface User { id: number; name: string; }", "typescript"),
    ("const f = async () => { await fetch(url); console.log(f) }", "javascript"),
    ("<?php echo $name; ?>", "php"),
    ("using System;\nclass A { static void Main() { Console.WriteLine(1); } }", "csharp"),
    ("#!/bin/bash\nfor f in *; do echo $f; done", "bash"),
    ('data class User(val name: String)\nfun main() { println(User("a")) }', "kotlin"),
    (".box { margin: 4px; color: red; display: flex; padding: 2px; }", "css"),
    ("users.each do |u|\n  puts u.name\nend", "ruby"),
    ("df <- data.frame(x = 1:3)\nsummary(df)\nlibrary(ggplot2)", "r"),
]
OTHERWISE = [
    "We should go to the beach",
    "Please go through the code",
    "why does my car rust",
    "Is Java a nice island?",
    "vitamin c deficiency",
    "How should I react to this?",
    "What is the capital of France?",
    "Taylor Swift songs",
    "a swift reply to the letter",
    "my pet python ate a mouse, the zoo says fine",
    "Select the best candidate from the list below",
    "ruby or sapphire for the ring?",
    "The function of the liver",
    "What was the class struggle?",
    "Bash the bad guys",
    "I am in c minor today",
    "Convert 5 miles to km",
    "let me know; thanks = good",
    "Julia and Dart went home",
    "",
]


@pytest.mark.parametrize(("text", "language", "version"), NAMED)
def test_named(text, language, version):
    assert programming_of(words_of(text)) == (language, version)


@pytest.mark.parametrize(("text", "language"), CODE)
def test_code(text, language):
    assert programming_of(words_of(text))[0] == language


@pytest.mark.parametrize("text", OTHERWISE)
def test_words_that_mean_something_else(text):
    assert programming_of(words_of(text)) == (None, None)
