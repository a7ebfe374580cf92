"""What the pool can do, in the words of LangChain's model profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from langchain_core.language_models.model_profile import ModelProfile

from routed_llm.catalog.deployments import Deployment
from routed_llm.door.reach import Rule, reach_of

__all__ = ["profile_of"]

_NAMES = {
    "tools": "tool_calling",
    "tool_choice": "tool_choice",
    "tool_streaming": "tool_call_streaming",
    "structured_output": "structured_output",
    "images": "image_inputs",
    "image_urls": "image_url_inputs",
    "pdf": "pdf_inputs",
    "audio": "audio_inputs",
    "video": "video_inputs",
    "reasoning": "reasoning_output",
}


def profile_of(deployments: Sequence[Deployment], rule: Rule = "any") -> ModelProfile:
    """The profile of a pool, by the rule of :mod:`routed_llm.door.reach`; what is unknown of all is left out."""
    reach = reach_of(deployments, rule)
    told: dict[str, Any] = {name: reach.abilities[ability] for ability, name in _NAMES.items() if ability in reach.abilities}
    for limit, name in ((reach.context, "max_input_tokens"), (reach.max_output, "max_output_tokens")):
        if limit is not None:
            told[name] = limit
    return cast("ModelProfile", told)
