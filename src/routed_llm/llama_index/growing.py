"""JSON as models write it: perhaps in a fence, perhaps still growing."""

from __future__ import annotations

import re
from typing import Any

from llama_index.core.llms.utils import parse_partial_json
from pydantic_core import from_json

__all__ = ["growing_json", "unfenced"]

_OPENING = re.compile(r"\s*```[A-Za-z0-9]*")


def unfenced(text: str) -> str:
    """The text inside of the fence of Markdown that is around all of it, also if it is not closed yet; else the text itself."""
    opening = _OPENING.match(text)
    return text if opening is None else text[opening.end() :].rstrip().removesuffix("```")


def growing_json(text: str) -> Any:
    """What a text says so far, with the beginning of a string that is under way; None where it cannot be read.

    LlamaIndex's own parser drops such a beginning, so it is only asked where pydantic's gives up: it forgives bare line
    breaks in strings.
    """
    try:
        return from_json(text, allow_partial="trailing-strings")
    except ValueError:
        pass
    try:
        return parse_partial_json(text)
    except (ValueError, TypeError, RecursionError):
        return None
