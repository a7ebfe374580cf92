"""What the pool can do, in the words of LangChain's model profile.

By default an ability holds if any candidate has it and a limit is the largest among them: the hard filters make that true,
because a model that cannot serve a call is never tried. ``guaranteed`` gives the intersection and the smallest limits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

from langchain_core.language_models.model_profile import ModelProfile

from routed_llm.catalog.deployments import Deployment

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


def profile_of(deployments: Sequence[Deployment], rule: Literal["any", "guaranteed"] = "any") -> ModelProfile:
    """The profile of a pool; what is unknown of all is left out."""
    told: dict[str, Any] = {}
    for ability, name in _NAMES.items():
        known = [d.abilities.get(ability) for d in deployments]
        if (rule == "any" and True in known) or (rule == "guaranteed" and all(known)):
            told[name] = True
        elif False in known and (rule == "guaranteed" or None not in known):
            told[name] = False
    pick: Callable[[list[int]], int] = max if rule == "any" else min
    for attribute, name in (("context", "max_input_tokens"), ("max_output", "max_output_tokens")):
        limits = [limit for d in deployments if (limit := getattr(d, attribute)) is not None]
        if limits and (rule == "any" or len(limits) == len(deployments)):
            told[name] = pick(limits)
    return cast("ModelProfile", told)
