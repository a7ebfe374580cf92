"""A model that is known to lack what the call needs is never tried; an unknown ability rejects nothing."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Abilities"]

_WORDS = {
    "tools": "cannot call tools",
    "tool_choice": "cannot be told which tool to call",
    "typed_answer": "can neither give typed answers nor call tools",
    "images": "cannot read images",
    "image_urls": "cannot read images by URL",
    "pdf": "cannot read PDF files",
    "audio": "cannot hear audio",
    "video": "cannot watch video",
    "thinking_blocks": "takes no thinking of earlier turns",
    "citations": "takes no citations",
    "cache_points": "takes no cache marks",
    "embeddings": "makes no embeddings",
}


class Abilities:
    """Tools, typed answers and media of the request against what is known of each model."""

    name = "abilities"
    static = True

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates that are known to lack an ability."""
        needs = ask.requires.needs
        if not needs:
            return {}
        rejected = {}
        for deployment in candidates:
            missing = [_WORDS.get(need, f"lacks {need}") for need in sorted(needs) if deployment.can(need) is False]
            if missing:
                rejected[deployment.id] = " and ".join(missing)
        return rejected
