r"""JSON as providers send it: strict and fast where it is proper, patient with a BOM and with characters cut in two.

Some servers cut a character beyond the BMP into its two halves (``"\ud83d"`` and ``"\ude00"``), also over two events.
A half alone is no character, and neither orjson nor pydantic takes it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

__all__ = ["ODD", "Halves", "parse"]

#: what reading an answer of an unknown form may raise
ODD = (KeyError, IndexError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)
BOM = b"\xef\xbb\xbf"
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def parse(data: bytes) -> Any:
    """What the text says; a half of a character becomes U+FFFD.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _mended(_patient(data), {}, None)


def _patient(data: bytes) -> Any:
    """As :func:`json.loads`, for the two faults that are forgiven."""
    bare = data.removeprefix(BOM)
    if _HALF.search(bare) is None:
        return orjson.loads(bare)
    try:
        return json.loads(bare)
    except RecursionError:
        raise ValueError("nested too deeply") from None


class Halves:
    """Parses the events of one stream: a half at the end of a text waits for the other half in the next event."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[tuple[Any, ...], str] = {}

    def parse(self, data: bytes) -> Any:
        """As :func:`parse`, with halves put together; one that stays alone at the end of a text is left out."""
        return _mended(_patient(data), self._waiting, ())


def _mended(value: Any, waiting: dict[tuple[Any, ...], str], path: tuple[Any, ...] | None) -> Any:
    """The value with whole characters only; ``path`` leads to it (None: there is nothing to wait for)."""
    if isinstance(value, str):
        return _text(value, waiting, path)
    if isinstance(value, list):
        return [_mended(v, waiting, None if path is None else (*path, i)) for i, v in enumerate(value)]
    if isinstance(value, dict):
        return {_text(k, waiting, None): _mended(v, waiting, None if path is None else (*path, k)) for k, v in value.items()}
    return value


def _text(text: str, waiting: dict[tuple[Any, ...], str], path: tuple[Any, ...] | None) -> str:
    if path is not None:
        if "\udc00" <= text[:1] <= "\udfff":
            text = waiting.pop(path, "") + text
        if "\ud800" <= text[-1:] <= "\udbff":
            waiting[path], text = text[-1], text[:-1]
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
