"""Where an answer's sentences come from: grounding and citation metadata as plain citations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["citations_of", "searches_of"]


def citations_of(candidate: Mapping[str, Any], text: str) -> list[dict[str, Any]]:
    """The citations of a candidate: ``url``, ``title``, ``cited_text``, ``start_index`` and ``end_index`` as far as told.

    Args:
        candidate: with ``groundingMetadata`` (searches and files) or ``citationMetadata`` (recitations).
        text: the answer's whole text. Google counts its bytes in UTF-8; the indices here count characters.
    """
    written = text.encode()
    found = [*_grounded(candidate.get("groundingMetadata")), *_recited(candidate.get("citationMetadata"))]
    for citation in found:
        for name in ("start_index", "end_index"):
            if type(citation.get(name)) is int:
                citation[name] = len(written[: citation[name]].decode("utf-8", "ignore"))
    return found


def _grounded(metadata: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(metadata, Mapping):
        return
    sources = [_source(chunk) for chunk in _listed(metadata.get("groundingChunks"))]
    cited: set[int] = set()
    for support in _listed(metadata.get("groundingSupports")):
        segment = support.get("segment")
        segment = segment if isinstance(segment, Mapping) else {}
        told = {
            "cited_text": segment.get("text"),
            "start_index": segment.get("startIndex", 0),
            "end_index": segment.get("endIndex"),
        }
        for index in support.get("groundingChunkIndices") or ():
            if type(index) is int and 0 <= index < len(sources):
                cited.add(index)
                yield _told({**sources[index], **told})
    for index, source in enumerate(sources):
        if index not in cited:
            yield _told(source)


def _source(chunk: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the web, a file of the user's own, or a place on a map."""
    told = next((inner for inner in chunk.values() if isinstance(inner, Mapping)), {})
    return {"url": told.get("uri"), "title": told.get("title"), "source_text": told.get("text")}


def _recited(metadata: Any) -> Iterator[dict[str, Any]]:
    """Texts of others that the answer repeats; older models say ``citations`` for ``citationSources``."""
    if not isinstance(metadata, Mapping):
        return
    for source in _listed(metadata.get("citationSources") or metadata.get("citations")):
        yield _told({
            "url": source.get("uri"),
            "title": source.get("title"),
            "license": source.get("license"),
            "start_index": source.get("startIndex", 0),
            "end_index": source.get("endIndex"),
        })  # fmt: skip


def searches_of(metadata: Any, each: bool) -> int:
    """Searches that are billed: ``each`` query, or one for all (Gemini API pricing: until Gemini 2.5 a prompt counts)."""
    queries = metadata.get("webSearchQueries") if isinstance(metadata, Mapping) else None
    count = sum(1 for query in queries if query) if isinstance(queries, list) else 0
    return count if each else min(count, 1)


def _told(citation: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in citation.items() if value is not None}


def _listed(value: Any) -> Sequence[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else ()
