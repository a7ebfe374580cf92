"""What an answer cites, in one form, of all the forms that providers have.

Read are Anthropic's citations (Claude documentation, citations), OpenAI's annotations, flat and nested (OpenAI API reference,
Responses; chat completions), Bedrock's (API reference, Citation), what we make of Google's grounding, and bare addresses, as
Perplexity tells them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Cited", "cited", "citations_of"]

#: keys that are told in a field of :class:`Cited`
_TOLD = frozenset({
    "type", "url", "uri", "source", "title", "document_title", "filename", "cited_text", "start_index", "end_index",
})  # fmt: skip


class Cited(NamedTuple):
    """One citation.

    ``text`` is what the source says, ``url`` and ``title`` tell the source, ``start`` and ``end`` the characters of the
    answer's text that it stands for; ``rest`` is all else that the provider says, such as the place in the source
    (``document_index``, ``start_char_index``, ``start_page_number``).
    """

    text: str = ""
    url: str = ""
    title: str = ""
    start: int | None = None
    end: int | None = None
    rest: Mapping[str, Any] = {}

    def within(self, length: int) -> Cited:
        """The same without its place in the answer, where a text of that many characters has no such place."""
        told = self.start is not None and self.end is not None and 0 <= self.start <= self.end <= length
        return self if told else self._replace(start=None, end=None)

    def moved(self, by: int, length: int | None = None) -> Cited:
        """The same in a text that begins elsewhere, and ends after ``length`` characters."""
        if self.start is None or self.end is None:
            return self
        start, end = max(0, self.start + by), max(0, self.end + by)
        return self._replace(start=start, end=end if length is None else min(end, length))


def cited(given: Any, length: int) -> Iterator[Cited]:
    """The citations, in any of the forms, of a text of ``length`` characters; what names no source is none."""
    for each in given if isinstance(given, (list, tuple)) else ():
        found = _read(each).within(length)
        if found.url or found.title or found.text or found.rest:
            yield found


def _read(given: Any) -> Cited:
    """A citation in any of the forms; of an unknown one nothing but ``rest`` is told."""
    if isinstance(given, Cited):
        return given
    if isinstance(given, str):
        return Cited(url=given)
    if not isinstance(given, Mapping):
        return Cited()
    kind = given.get("type")
    inner = given.get(str(kind))
    told: Mapping[str, Any] = inner if isinstance(inner, Mapping) else given
    return Cited(
        _text(told),
        _first(told, "url", "uri", "source"),
        _first(told, "title", "document_title", "filename"),
        _index(told, "start_index"),
        _index(told, "end_index"),
        {name: value for name, value in told.items() if name not in _TOLD and value is not None},
    )


def citations_of(text: str, extras: Mapping[str, Any]) -> Iterator[Cited]:
    """What an answer of that text cites, by its opaque parts; ``start`` and ``end`` count in the whole text."""
    parts = [part for part in extras.get("parts") or () if part.get("type") == "text"]
    if not any(part.get("citations") for part in parts):
        yield from cited(extras.get("citations") or extras.get("annotations") or (), len(text))
        return
    begin = 0
    for part in parts:
        end = begin + len(part["text"])
        for each in cited(part.get("citations") or (), end - begin):
            yield each.moved(begin) if each.start is not None else each._replace(start=begin, end=end)
        begin = end


def _text(told: Mapping[str, Any]) -> str:
    """What the source says; Bedrock tells it in pieces."""
    pieces = told.get("sourceContent")
    if isinstance(pieces, Sequence) and not isinstance(pieces, str):
        return "".join(str(piece.get("text") or "") for piece in pieces if isinstance(piece, Mapping))
    return _first(told, "cited_text")


def _first(told: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := told.get(name), str) and value), "")


def _index(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    return value if type(value) is int and value >= 0 else None
