"""How a body asks for thinking, and what it forbids (Claude documentation, extended and adaptive thinking)."""

from __future__ import annotations

from typing import Any

from routed_llm.providers.sandbox.checks import need, need_choice, need_count, need_object, only
from routed_llm.providers.sandbox.language import EFFORTS, effort_of_budget
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["thinking_of"]

_LEAST_BUDGET = 1_024
_LEAST_TOP_P = 0.95
_KEYS = {"enabled": {"type", "budget_tokens", "display"}, "adaptive": {"type", "display"}, "disabled": {"type"}}


def thinking_of(body: dict[str, Any], model: SandboxModel) -> tuple[int, bool]:
    """Tokens of thinking, and whether it is shown.

    Raises:
        Refusal: for a model that does not think, and for what thinking forbids.
    """
    effort = _effort(body, model)
    if "thinking" not in body:
        return 0, False
    thinking = need_object(body["thinking"], "thinking")
    kind = need_choice(need(thinking, "type", "thinking"), "thinking.type", tuple(_KEYS))
    only(thinking, _KEYS[kind], "thinking")
    if kind == "disabled":
        return 0, False
    if "reasoning" not in model.abilities:
        raise Refusal(f"thinking: {model.name} does not support thinking", exact=True)
    shown = need_choice(thinking.get("display", "summarized"), "thinking.display", ("summarized", "omitted")) == "summarized"
    if kind == "enabled":
        budget = need_count(need(thinking, "budget_tokens", "thinking"), "thinking.budget_tokens", 0, 10**9)
        if budget < _LEAST_BUDGET:
            raise Refusal(
                f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_LEAST_BUDGET}", exact=True
            )
        if budget >= body["max_tokens"]:
            raise Refusal("`max_tokens` must be greater than `thinking.budget_tokens`.", exact=True)
        effort = effort_of_budget(budget)
    _forbids(body)
    return EFFORTS[effort], shown


def _effort(body: dict[str, Any], model: SandboxModel) -> str | None:
    """The effort of ``output_config``, which rules adaptive thinking."""
    if "output_config" not in body:
        return None
    config = need_object(body["output_config"], "output_config")
    only(config, {"effort", "format"}, "output_config")
    if config.get("effort") is None:
        return None
    if "reasoning" not in model.abilities:
        raise Refusal("This model does not support the effort parameter.", exact=True)
    return str(need_choice(config["effort"], "output_config.effort", ("low", "medium", "high", "xhigh", "max")))


def _forbids(body: dict[str, Any]) -> None:
    if body.get("temperature", 1) != 1:
        raise Refusal("`temperature` may only be set to 1 when thinking is enabled.", exact=True)
    if "top_k" in body:
        raise Refusal("`top_k` must be unset when thinking is enabled.", exact=True)
    if body.get("top_p", 1) < _LEAST_TOP_P:
        raise Refusal(f"`top_p` must be greater than or equal to {_LEAST_TOP_P} or unset when thinking is enabled.", exact=True)
