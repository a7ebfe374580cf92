"""How one model at one provider wants to be spoken to: facts, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Wire"]


@dataclass(frozen=True, slots=True)
class Wire:
    """Facts of a provider's row and of a model that shape bodies and answers.

    Args:
        model: the model's name on the wire.
        max_tokens_field: ``max_tokens`` or ``max_completion_tokens``.
        system_role: role of system messages: ``system`` or ``developer``.
        drops: parameters that this model refuses; they are left out and the decision says so.
        reasoning_fields: where its answers hold reasoning, the first that is there.
        stream_usage: whether usage in streams must be asked for.
        native_schema: whether it takes ``response_format``; otherwise a typed answer becomes a forced tool call.
        strict_tools: whether it takes ``strict`` in tools.
        params: parameters of its own; those of a call win.
        maker: who makes signatures and opaque parts that come with its answers, such as ``anthropic``: they go back to the same
            maker only.
        quirks: further facts that a single dialect reads.
        media_limits: how much of media its provider takes, by the words of :data:`~routed_llm.dialects.media.LIMITS`; what is
            not known is not limited.
    """

    model: str
    max_tokens_field: str = "max_tokens"
    system_role: str = "system"
    drops: frozenset[str] = frozenset()
    reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    stream_usage: bool = True
    native_schema: bool = True
    strict_tools: bool = True
    params: Mapping[str, Any] = field(default_factory=dict)
    maker: str = "openai"
    quirks: Mapping[str, Any] = field(default_factory=dict)
    media_limits: Mapping[str, int] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """What of this decides answers, as the same text in every process."""
        told = (self.model, self.system_role, sorted(self.drops), self.native_schema, sorted(self.params.items()))
        return repr((*told, sorted(self.quirks.items())) if self.quirks else told)
