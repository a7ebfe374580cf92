"""Arguments of tool calls, and typed answers, as models write them: JSON text that may be anything."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["DEEPEST", "read_arguments", "read_document"]

#: levels of objects and lists within one another that are read; no tool takes as many, and walking deeper ones may end programs
DEEPEST = 128

#: bare line breaks in texts are forgiven; models write them
_read = json.JSONDecoder(strict=False).decode
_FENCED = re.compile(r"```[A-Za-z0-9]*\s*\n?(.*?)```", re.DOTALL)


def read_arguments(text: str) -> dict[str, Any]:
    """The arguments that a model wrote; no text at all, and null, are a call without arguments.

    Raises:
        ValueError: in words, why they are none.
    """
    try:
        found = _read(text or "{}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"they are no JSON ({_shortened(error)})") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError("they are no object")
    _check_depth(text, found)
    return found


def read_document(text: str) -> Any:
    """What a typed answer says, also where Markdown's fence is around it.

    Raises:
        ValueError: in words, why it is no JSON.
    """
    bare = text.strip()
    try:
        found = _read(bare)
    except (ValueError, RecursionError) as error:
        fenced = _FENCED.search(bare)
        if fenced is None:
            raise ValueError(f"it is no JSON ({_shortened(error)})") from None
        try:
            found = _read(fenced[1])
        except (ValueError, RecursionError) as inner:
            raise ValueError(f"it is no JSON ({_shortened(inner)})") from None
    _check_depth(bare, found)
    return found


def _shortened(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]


def _check_depth(text: str, value: Any) -> None:
    if text.count("{") + text.count("[") <= DEEPEST:  # as nearly always: then it cannot be deep
        return
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST + 1:
            raise ValueError(f"nested deeper than {DEEPEST} levels")
        level = [inner for each in level for inner in _inner(each)]


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
