"""Media of a call in the forms that they have, and what of them a model cannot be given: asked of its dialect, and its limits.

A dialect is asked by writing a body with a sample: the medium in the same form (a data URL of that type, an address with that
scheme and ending), without its content. So that nothing is copied, and what is found out once for a form stays known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from routed_llm.dialects.dialect import Dialect
from routed_llm.dialects.hub import Message, Part, is_kept, parts_of, plain
from routed_llm.dialects.taking import left_out
from routed_llm.dialects.view import media_of
from routed_llm.dialects.wire import Wire
from routed_llm.relay import MEDIUM_OF

__all__ = ["Carrier", "LIMITS", "Media", "beyond", "media_given", "plainly_lost"]

#: what a row may limit, in bytes and pieces
LIMITS: tuple[str, ...] = (
    *(f"{medium}_{what}" for medium in ("image", "pdf", "audio", "video") for what in ("bytes", "count")), "request_bytes",
)  # fmt: skip

#: whose media are what the call is about; those of earlier answers are the model's own words
_GIVEN_BY = frozenset({"user", "tool", "function"})
#: content that is nothing but valid base64
_ANY = "AAAA"
#: forms that are remembered for a model; media types are the callers' words, so that there can be many
_MOST = 64
#: characters in which the head of a data URL is looked for
_HEAD = 256


class Size(NamedTuple):
    """How many of one medium there are, and the bytes of the largest whose data is in the request."""

    pieces: int
    largest: int


class Media(NamedTuple):
    """Media that the user and tools give: samples of their forms by a text for each, sizes by medium, and all data as sent."""

    samples: Mapping[str, Part]
    sizes: Mapping[str, Size]
    sent_bytes: int


def media_given(messages: Sequence[Message]) -> Media:
    """The media of messages, without files that a provider keeps."""
    samples: dict[str, Part] = {}
    sizes: dict[str, Size] = {}
    sent = 0
    for message in messages:
        if message["role"] not in _GIVEN_BY:
            continue
        for part in parts_of(message):
            ability = media_of(part)
            if ability is None or is_kept(part):
                continue
            sample = _sample(part)
            samples[repr(sample)] = sample
            raw, written = _bytes(part)
            sent += written
            pieces, largest = sizes.get(MEDIUM_OF[ability], (0, 0))
            sizes[MEDIUM_OF[ability]] = Size(pieces + 1, max(largest, raw))
    return Media(samples, sizes, sent)


class Carrier:
    """What of media a model cannot be given, in words.

    Args:
        dialect: the language in which it is asked.
        wire: how it wants to be spoken to.
    """

    def __init__(self, dialect: Dialect, wire: Wire) -> None:
        self._dialect = dialect
        self._wire = wire
        self._known: dict[str, Sequence[str]] = {}

    def lost(self, media: Media) -> list[str]:
        """What cannot be sent in its form, and what is larger than its provider takes."""
        told = _lost(media, self._known, lambda sample: left_out(self._dialect, self._wire, sample))
        return [*told, *beyond(media, self._wire.media_limits)]


def plainly_lost(media: Media) -> list[str]:
    """What OpenAI's chat messages in their plain form cannot say, in which frameworks' objects are asked from another door."""
    return _lost(media, {}, _not_plain)


def _not_plain(sample: Part) -> list[str]:
    losses: list[str] = []
    plain([{"role": "user", "content": [sample], "parts": [sample]}], losses)
    return losses


def _lost(media: Media, known: dict[str, Sequence[str]], find: Callable[[Part], Sequence[str]]) -> list[str]:
    found: list[str] = []
    for form, sample in media.samples.items():
        told = known.get(form)
        if told is None:
            if len(known) >= _MOST:
                known.clear()
            told = known[form] = find(sample)
        found += told
    return list(dict.fromkeys(found))


def beyond(media: Media, limits: Mapping[str, int]) -> Iterator[str]:
    """What is more than the limits allow; what is not known allows all."""
    if not limits:
        return
    for medium, size in media.sizes.items():
        most = limits.get(f"{medium}_bytes")
        if most is not None and size.largest > most:
            yield f"{medium} data of {size.largest:,} bytes, of which it takes {most:,} at most"
        most = limits.get(f"{medium}_count")
        if most is not None and size.pieces > most:
            yield f"{size.pieces:,} pieces of {medium}, of which it takes {most:,} in a call"
    most = limits.get("request_bytes")
    if most is not None and media.sent_bytes > most:
        yield f"media of {media.sent_bytes:,} bytes in base64, of which it takes {most:,} in a request"


def _sample(part: Part) -> Part:
    """A part of the same form without its content."""
    kind = part["type"]
    given = part[kind]
    inner = _short(kind, given) if isinstance(given, str) else {name: _short(name, value) for name, value in given.items()}
    sample: Part = {"type": kind, kind: inner}
    return {**sample, "media_type": part["media_type"]} if part.get("media_type") else sample


def _short(name: str, value: Any) -> Any:
    """A value by which a form can be told: words stay, data and addresses become such of the same form."""
    if name == "filename":
        return "sample"
    if not isinstance(value, str) or name in ("format", "detail"):
        return value
    if value[:5] == "data:":
        return f"{value[:_HEAD].partition(',')[0]},{_ANY}"
    if "://" in value[:16]:
        address = urlsplit(value)
        ending = address.path.rpartition(".")[2] if "." in address.path[-6:] else ""
        return f"{address.scheme}://sample.example/a{'.' if ending else ''}{ending}"
    return _ANY if value else value


def _bytes(part: Part) -> tuple[int, int]:
    """Bytes of the content of a part, and of it as it is written; 0 for what is given by address."""
    given = part[part["type"]]
    values = (given,) if isinstance(given, str) else (given.get("url"), given.get("data"), given.get("file_data"))
    text = next((value for value in values if isinstance(value, str) and value), "")
    if text[:5] == "data:":
        start = text.find(",") + 1
    elif "://" in text[:16]:
        return 0, 0
    else:
        start = 0
    written = len(text) - start
    return written * 3 // 4 - text[-2:].count("="), written
