"""What of an entry is secret: keys given as text, headers, and user and password in an address."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["REFERENCES", "bare", "is_literal", "reference_of"]

#: beginnings of a text that tells where a key is, instead of being one
REFERENCES = ("env:", "file:", "command:")
_USER = re.compile(r"^((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)?[^/?#]*@")  # RFC 3986, section 3.2: it ends before the path


def reference_of(key: Any) -> Any:
    """A key as the user meant it: a ``SecretStr`` (or its like) that holds a reference counts as that reference."""
    if isinstance(key, str) or not hasattr(key, "get_secret_value") or not _is_plain_secret(key):
        return key
    text = key.get_secret_value()
    return text if isinstance(text, str) and text.startswith(REFERENCES) else key


def _is_plain_secret(key: Any) -> bool:
    """Whether it is pydantic's own holder of a text, which may be looked into at any time."""
    return any(cls.__module__.startswith("pydantic") for cls in type(key).__mro__)


def is_literal(key: Any) -> bool:
    """Whether a key, or one of a list of them, is held as text here and not by a reference or a function."""
    if isinstance(key, (list, tuple)):
        return any(is_literal(each) for each in key)
    key = reference_of(key)
    return not key.startswith(REFERENCES) if isinstance(key, str) else hasattr(key, "get_secret_value")


def bare(url: str) -> str:
    """An address without user and password."""
    return _USER.sub(lambda found: found[1] or "", url, count=1)
