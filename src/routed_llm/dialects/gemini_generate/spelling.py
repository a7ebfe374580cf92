"""Field names: Google's JSON is that of protobuf, which takes ``inline_data`` for ``inlineData``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["camel", "fields_of"]

_HUMP = re.compile(r"_([a-z0-9])")


def camel(name: str) -> str:
    """A field's name as answers spell it."""
    return _HUMP.sub(lambda found: found[1].upper(), name) if "_" in name else name


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of an object, without those within it; none of what is no object."""
    return {camel(name): inner for name, inner in value.items()} if isinstance(value, Mapping) else {}
