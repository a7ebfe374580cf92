"""The words for what a model can do, and for the blocks of a message that ask for it."""

from __future__ import annotations

__all__ = ["ABILITIES", "BLOCKS", "NEEDS", "NOT_ON_THE_WIRE"]

#: every ability that a call can need, as ``Model(abilities=...)`` names it. ``thinking_blocks``, ``citations`` and
#: ``cache_points`` mean that such blocks come to the model as they are.
ABILITIES: tuple[str, ...] = (
    "tools",
    "tool_choice",
    "tool_streaming",
    "structured_output",
    "images",
    "image_urls",
    "pdf",
    "audio",
    "video",
    "reasoning",
    "thinking_blocks",
    "citations",
    "cache_points",
    "embeddings",
)

#: types of message blocks, in LlamaIndex's and LangChain's words -> the ability they ask for
BLOCKS: dict[str, str] = {
    "image": "images",
    "document": "pdf",
    "file": "pdf",
    "thinking": "thinking_blocks",
    "citable": "citations",
    "citation": "citations",
    "cache": "cache_points",
    "cache_point": "cache_points",
    "tool_call": "tools",
}

#: what OpenAI's chat completions have no place for: such blocks are left out there, and the loss is recorded
NOT_ON_THE_WIRE: dict[str, bool] = {"thinking_blocks": False, "citations": False, "cache_points": False}

#: every word that the hint ``needs`` takes
NEEDS: tuple[str, ...] = (*ABILITIES, "typed_answer", *BLOCKS)
