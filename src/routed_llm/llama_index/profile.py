"""What the pool can do, in the words of LlamaIndex's ``LLMMetadata``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from llama_index.core.base.llms.types import LLMMetadata
from llama_index.core.constants import DEFAULT_CONTEXT_WINDOW, DEFAULT_NUM_OUTPUTS

from routed_llm.catalog.deployments import Deployment
from routed_llm.door.arguments import check_profile
from routed_llm.door.reach import reach_of
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest

__all__ = ["Profile", "check_overrides", "check_sizes", "metadata_of"]

Profile = Mapping[str, Any] | Literal["guaranteed"] | None


def check_overrides(profile: Profile) -> None:
    """Refuse what is no profile.

    Raises:
        ConfigurationError: for anything but a dict of ``LLMMetadata``'s fields, ``guaranteed`` or None.
    """
    check_profile(profile)
    known = LLMMetadata.model_fields
    for name in profile if isinstance(profile, Mapping) else ():
        if name not in known:
            meant = nearest(name, known, cutoff=0.6)
            problem = f"LLMMetadata has no such field.{meant} It has {', '.join(known)}."
            raise ConfigurationError(problem, path=f"profile.{name}")


def check_sizes(**sizes: int | None) -> None:
    """Refuse what is no number of tokens.

    Raises:
        ConfigurationError: for anything but a whole number above zero, or None.
    """
    for name, value in sizes.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value <= 0):
            raise ConfigurationError(f"must be a number of tokens above zero, not {value!r}.", path=name)


def metadata_of(deployments: Sequence[Deployment], profile: Profile, told: Mapping[str, Any]) -> LLMMetadata:
    """The metadata of a pool, by the rule of :mod:`routed_llm.door.reach`.

    A window that is unknown of all is LlamaIndex's default. Tools count as callable unless every model is known not to
    (``guaranteed``: only if every model is known to): an unknown ability rejects nothing when a model is chosen.

    Args:
        deployments: the pool's.
        profile: fields to show instead, or ``guaranteed`` for what every model can.
        told: what the user said beside it; None is nothing.
    """
    guaranteed = profile == "guaranteed"
    reach = reach_of(deployments, "guaranteed" if guaranteed else "any")
    tools = reach.abilities.get("tools")
    names = {deployment.model for deployment in deployments}
    fields: dict[str, Any] = {
        "context_window": reach.context or DEFAULT_CONTEXT_WINDOW,
        "num_output": DEFAULT_NUM_OUTPUTS,
        "is_chat_model": True,
        "is_function_calling_model": tools is True if guaranteed else tools is not False,
        "model_name": deployments[0].served_model if len(names) == 1 else "routed",
    }
    fields.update((name, value) for name, value in told.items() if value is not None)
    if isinstance(profile, Mapping):
        fields.update(profile)
    return LLMMetadata(**fields)
