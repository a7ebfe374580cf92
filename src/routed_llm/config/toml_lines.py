"""The line of every key of a TOML text. The text was parsed before, so this only counts and need not refuse anything."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["lines_of"]

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:\\.|[^"\\\n])*"|'
    r"'[^'\n]*'|#[^\n]*|\n|[\[\]{}=,.]|[^\s\[\]{}=,.#\"']+",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\(.)")


class _Token(NamedTuple):
    text: str
    line: int


def lines_of(text: str) -> dict[str, int]:
    """Path (as :func:`routed_llm.config.places.below` writes it, without quotes) -> line, counted from 1."""
    tokens: list[_Token] = []
    line = 1
    for found in _TOKEN.finditer(text):
        if not found[0].startswith("#"):
            tokens.append(_Token(found[0], line))
        line += found[0].count("\n")
    reader = _Reader(tokens)
    reader.read()
    return reader.lines


class _Reader:
    def __init__(self, tokens: list[_Token]) -> None:
        self.lines: dict[str, int] = {}
        self._tokens = [*tokens, _Token("\n", 0)]
        self._next = 0
        #: arrays of tables -> number of their last one
        self._arrays: dict[str, int] = {}

    def read(self) -> None:
        table = ""
        while self._next < len(self._tokens):
            token = self._take()
            if token.text == "\n":
                continue
            if token.text == "[":
                table = self._header(token.line)
            else:
                self._next -= 1
                self._pair(table)

    def _take(self) -> _Token:
        token = self._tokens[self._next] if self._next < len(self._tokens) else _Token("\n", 0)
        self._next += 1
        return token

    def _header(self, line: int) -> str:
        several = self._tokens[self._next].text == "["
        self._next += several
        path = ""
        keys = self._keys("]")
        for number, key in enumerate(keys):
            path = _join(path, key)
            if several and number == len(keys) - 1:
                self._arrays[path] = self._arrays.get(path, -1) + 1
            self.lines.setdefault(path, line)
            if path in self._arrays:
                path = f"{path}[{self._arrays[path]}]"
        self._next += several
        self.lines.setdefault(path, line)
        return path

    def _keys(self, end: str) -> list[str]:
        """The parts of a dotted key, up to and with the token after it."""
        keys: list[str] = []
        while (token := self._take()).text not in (end, "\n"):
            if token.text != ".":
                keys.append(_unquoted(token.text))
        return keys

    def _pair(self, table: str) -> None:
        line, path = self._tokens[self._next].line, table
        for key in self._keys("="):
            path = _join(path, key)
            self.lines.setdefault(path, line)
        self._value(path)

    def _value(self, path: str) -> None:
        """Pass over a value; what stands after it is left."""
        opening = self._take().text
        if opening == "{":
            while (token := self._take()).text != "}" and self._next < len(self._tokens):
                if token.text not in (",", "\n"):
                    self._next -= 1
                    self._pair(path)
        elif opening == "[":
            count = 0
            while (token := self._take()).text != "]" and self._next < len(self._tokens):
                if token.text not in (",", "\n"):
                    self._next -= 1
                    element = f"{path}[{count}]"
                    self.lines.setdefault(element, token.line)
                    self._value(element)
                    count += 1
        else:
            while self._next < len(self._tokens) and self._tokens[self._next].text not in (",", "]", "}", "\n"):
                self._next += 1


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _unquoted(token: str) -> str:
    if token.startswith("'"):
        return token.strip("'")
    if token.startswith('"'):
        return _ESCAPED.sub(lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2] else m[3], token[1:-1])
    return token
