"""YAML as configurations are written in: plain values, ``true`` and ``false`` alone for yes and no, each key once.

YAML 1.1 takes ``no`` for False and ``16:30`` for 990; here both are texts, as in YAML 1.2.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from yaml import MappingNode, Node, SafeLoader, SequenceNode, YAMLError

from routed_llm.config.places import below
from routed_llm.errors import ConfigurationError

__all__ = ["Parsed", "read_yaml"]


#: anchors can stand for more places than anybody wants to know the line of
_MOST_LINES = 50_000


class Parsed(NamedTuple):
    """What a text holds, and the line of each path."""

    data: Any
    lines: dict[str, int]


class _Loader(SafeLoader):
    """Reads the core of YAML 1.2, and days."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _form, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9_]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN)$",
     "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("timestamp", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "0123456789"),
    ("merge", r"^<<$", "<"),
):  # fmt: skip
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_form), list(_first))


def read_yaml(text: str) -> Parsed:
    """The values of a YAML text.

    Raises:
        ConfigurationError: for what is no YAML, or says a key twice; with the line.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Parsed({}, {})
        lines: dict[str, int] = {}
        _lines(node, "", lines, 0)
        return Parsed(loader.construct_document(node), lines)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigurationError(
            f"is no valid YAML: {said}. Indent with spaces, and put texts with special characters into quotes.",
            line=None if mark is None else mark.line + 1,
        ) from None
    except (ValueError, OverflowError, TypeError) as error:  # a day such as 2026-02-31, a key that is a list
        raise ConfigurationError(f"holds a value that YAML cannot mean ({error}): put it into quotes.") from None


def _lines(node: Node, path: str, lines: dict[str, int], depth: int) -> None:
    if depth > 40 or len(lines) > _MOST_LINES:
        return
    if isinstance(node, MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key.value, str):
                continue
            where = below(path, key.value)
            if key.value in seen and key.value != "<<":
                raise ConfigurationError("is said twice: leave one out.", path=where, line=key.start_mark.line + 1)
            seen.add(key.value)
            lines.setdefault(where.replace('"', ""), key.start_mark.line + 1)
            _lines(value, where, lines, depth + 1)
    elif isinstance(node, SequenceNode):
        for number, each in enumerate(node.value):
            lines.setdefault(below(path, number).replace('"', ""), each.start_mark.line + 1)
            _lines(each, below(path, number), lines, depth + 1)
