"""What the pool can do, in the words of LangChain's model profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from langchain_core.language_models.model_profile import ModelProfile

from routed_llm.abilities import PROFILE_KEYS
from routed_llm.catalog.deployments import Deployment
from routed_llm.door.reach import Rule, reach_of

__all__ = ["profile_of"]


def profile_of(deployments: Sequence[Deployment], rule: Rule = "any") -> ModelProfile:
    """The profile of a pool, by the rule of :mod:`routed_llm.door.reach`; what is unknown of all is left out."""
    reach = reach_of(deployments, rule)
    told: dict[str, Any] = {
        name: reach.abilities[ability] for ability, name in PROFILE_KEYS.items() if ability in reach.abilities
    }
    for limit, name in ((reach.context, "max_input_tokens"), (reach.max_output, "max_output_tokens")):
        if limit is not None:
            told[name] = limit
    return cast("ModelProfile", told)
