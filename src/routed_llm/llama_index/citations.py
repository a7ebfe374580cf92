"""Citations of answers as LlamaIndex's blocks, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.base.llms.types import CitationBlock, TextBlock

from routed_llm.door.citations import Cited

__all__ = ["anthropic_citation", "citation_block"]

#: the places in a source that a citation of Anthropic's must tell, all of them -> its type (Claude documentation, citations)
_PLACES = {
    ("search_result_index", "start_block_index", "end_block_index"): "search_result_location",
    ("document_index", "start_char_index", "end_char_index"): "char_location",
    ("document_index", "start_page_number", "end_page_number"): "page_location",
    ("document_index", "start_block_index", "end_block_index"): "content_block_location",
}


def citation_block(found: Cited) -> CitationBlock:
    """A citation; its location is the place in the source, and ``start_index`` and ``end_index`` that in the answer's text."""
    place = {name: value for name, value in found.rest.items() if type(value) is int}
    at = {"start_index": found.start, "end_index": found.end}
    return CitationBlock(
        cited_content=TextBlock(text=found.text),
        source=found.url or found.title,
        title=found.title or found.url,
        additional_location_info={**place, **{name: value for name, value in at.items() if value is not None}},
    )


def anthropic_citation(block: CitationBlock) -> Mapping[str, Any] | None:
    """The citation in Anthropic's form, the only one that takes it back; None where the block does not tell enough for it."""
    if not isinstance(block.cited_content, TextBlock):
        return None
    place = block.additional_location_info
    for names, kind in _PLACES.items():
        if all(name in place for name in names):
            told: dict[str, Any] = {"type": kind, "cited_text": block.cited_content.text}
            told |= {name: place[name] for name in names}
            if kind == "search_result_location":
                return {**told, "source": block.source, "title": block.title}
            return {**told, "document_title": block.title or None}
    return None
