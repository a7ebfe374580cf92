"""Every text within a structured value: blocks of any type, arguments of tools, parameters, schemas."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

__all__ = ["joined", "texts_in"]

#: keys under which media lie as base64, and those of what providers sign and encrypt; what is no base64 is read under them too
_PAYLOADS = frozenset({"data", "base64", "b64_json", "file_data", "bytes", "audio", "image", "video"})
_SIGNED = frozenset({"signature", "thought_signature", "thought_signatures", "encrypted_content", "reasoning_opaque"})
#: base64 that is shorter is read like every other text
_SHORTEST = 64
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BASE64, _FOR_URLS = _LETTERS + b"+/=\r\n", _LETTERS + b"+/=-_\r\n"
#: the head of a data URL (RFC 2397)
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[^;,]{1,80})*;base64,", re.IGNORECASE)
#: numbers of calls, messages and blocks that providers and frameworks give out; they look like numbers of papers
_GIVEN_OUT = re.compile(r"(?:call|toolu|srvtoolu|tooluse|fc|msg|rs|resp|run|lc|lc_run|chatcmpl)[-_][\w.:-]*")
#: how an object is written that does not say how
_PLAIN: object = object.__str__
#: keys of a block of text that hold no text
_BARE = frozenset({"type", "text", "id", "index"})


def texts_in(block: Any) -> Iterator[str]:
    """Texts of a block: its ``text`` as it is, and all else in it as one."""
    if isinstance(block, str):
        yield block
        return
    if isinstance(block, Mapping) and isinstance(text := block.get("text"), str):
        yield text
        if block.keys() <= _BARE:
            return
        block = {key: value for key, value in block.items() if key != "text"}
    if rest := joined(block):
        yield rest


def joined(value: Any) -> str:
    """Everything in a value that can be read, as lines ``key: text``, in its order and whatever its shape.

    Mappings, lists, dataclasses and Pydantic's models are gone through to their ends, keys and numbers too. What is left out:
    bytes, media and signatures in base64 (that of a text is decoded), functions, and numbers that a provider gave a call.
    """
    lines: list[str] = []
    seen: set[int] = set()
    left: list[tuple[str, Any, bool]] = [("", value, False)]
    while left:
        key, value, text = left.pop()
        if isinstance(value, str):
            if line := _readable(key, value, text):
                lines.append(f"{key}: {line}" if key else line)
        elif isinstance(value, (int, float)):
            if not isinstance(value, bool):
                lines.append(f"{key}: {value}" if key else str(value))
        elif (inner := _within(key, value)) is not None:
            if id(value) not in seen:
                seen.add(id(value))
                left.extend(reversed(inner))
                if isinstance(value, Mapping):
                    lines.append(key)
        elif said := _said(value):
            lines.append(f"{key}: {said}" if key else said)
    return "\n".join(filter(None, lines))


def _within(key: str, value: Any) -> list[tuple[str, Any, bool]] | None:
    """What a container holds: the key of each, the value, and whether bytes in it are a text's; None for what is none."""
    if isinstance(value, (list, tuple, AbstractSet)):
        return [(key, each, False) for each in value]
    if not isinstance(value, Mapping):
        kind = type(value)
        if isinstance(value, type) or not (hasattr(kind, "model_fields") or hasattr(kind, "__dataclass_fields__")):
            return None
        value = {**getattr(value, "__dict__", {}), **(getattr(value, "__pydantic_extra__", None) or {})}
    mime = value.get("mime_type") or value.get("media_type")
    text = isinstance(mime, str) and mime.startswith("text/")
    return [(str(name), each, text) for name, each in value.items()]


def _readable(key: str, value: str, text: bool) -> str:
    """A text to read; empty for what is none."""
    if len(value) >= _SHORTEST:
        if value[:5].lower() == "data:" and (head := _DATA_URL.match(value)) and _encoded(value[head.end() :], _FOR_URLS):
            return _decoded(value[head.end() :]) if (head[1] or "").startswith("text/") else ""
        if key in _PAYLOADS and _encoded(value, _BASE64):
            return _decoded(value) if text else ""
        if key in _SIGNED and _encoded(value, _FOR_URLS):
            return ""
    elif (key == "id" or key.endswith("_id")) and _GIVEN_OUT.fullmatch(value):
        return ""
    elif text and key in _PAYLOADS and _encoded(value, _BASE64):
        return f"{value}\n{_decoded(value)}"
    return value


def _encoded(value: str, letters: bytes) -> bool:
    """Whether a text has letters of base64 alone; by deletion, which takes a millisecond for a megabyte."""
    return value.isascii() and not value.encode("ascii").translate(None, letters)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode("utf-8", "replace")
    except binascii.Error:
        return value


def _said(value: Any) -> str:
    """How an address, a date or a decimal number writes itself; empty for what has no text of its own."""
    kind = type(value)
    if value is None or isinstance(value, (type, bytes, bytearray, memoryview)) or callable(value) or kind.__str__ is _PLAIN:
        return ""
    return str(value)
