"""Where something stands in a configuration: key paths such as ``models.fast.deployments[1].price``, and lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from routed_llm.errors import ConfigurationError

__all__ = ["Source", "below", "strings_of"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
#: ``['fast']``, as paths of arguments of Python name a key
_SUBSCRIPT = re.compile(r"""\[(?:'([^']*)'|"([^"]*)")\]""")
_QUOTED = re.compile(r'"([^"]*)"')


def below(path: str, key: str | int) -> str:
    """The path of a key or of an element below another path."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    word = key if _BARE.fullmatch(key) else '"' + key.replace('"', "'") + '"'
    return f"{path}.{word}" if path else word


class Source(NamedTuple):
    """A configuration that was read.

    ``name`` is what errors call it, ``data`` holds plain values, ``lines`` the line of each path, where there are lines.
    """

    name: str
    data: dict[str, Any]
    lines: Mapping[str, int]

    def line_of(self, path: str) -> int | None:
        """The line of a path, or of the nearest place above it that has one."""
        plain = _QUOTED.sub(r"\1", path)
        while plain:
            if plain in self.lines:
                return self.lines[plain]
            plain = plain[: max(plain.rfind("."), plain.rfind("["), 0)]
        return None

    def placed(self, error: ConfigurationError) -> ConfigurationError:
        """The same error with the file's name before its path, and with its line."""
        path = _SUBSCRIPT.sub(lambda found: below("x", found[1] if found[1] is not None else found[2])[1:], error.path or "")
        if error.path and error.path.startswith(f"{self.name}: "):
            return error
        where = f"{self.name}: {path}" if path else self.name
        return type(error)(error.problem, path=where, line=error.line or self.line_of(path))

    def place_of(self, text: str, sections: tuple[str, ...]) -> str | None:
        """The path where a text stands in some sections, as a value or as a key; None where it does not."""
        return next(
            (
                path
                for section in sections
                if section in self.data
                for path, found in strings_of(self.data[section], section)
                if found == text
            ),
            None,
        )


def strings_of(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text below a place with its path; keys count as texts, too."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield below(path, key), key
            yield from strings_of(each, below(path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from strings_of(each, below(path, number))
