"""The simulated models: what they cost, can and know. Invented, as everything here; no real model is meant."""

from __future__ import annotations

from dataclasses import dataclass

from routed_llm.money import NANO

__all__ = ["ABILITIES", "DEFAULT_MODELS", "SandboxModel", "SandboxPrice"]

#: every ability a simulated model may have, in the words of the model cards
ABILITIES = frozenset(
    {
        "tools",
        "tool_choice",
        "tool_streaming",
        "images",
        "image_urls",
        "pdf",
        "audio",
        "structured_output",
        "json_mode",
        "reasoning",
    }
)
_FULL = ABILITIES - {"reasoning"}


@dataclass(frozen=True, slots=True)
class SandboxPrice:
    """Rates in nano-dollars per million tokens (see :mod:`routed_llm.money`).

    Args:
        input: text of the prompt that was not cached.
        output: tokens of the answer, with reasoning.
        cached: prompt tokens read from the cache.
        audio: prompt tokens that are audio.
    """

    input: int
    output: int
    cached: int
    audio: int


@dataclass(frozen=True, slots=True)
class SandboxModel:
    """One simulated model.

    Args:
        name: its name on the wire.
        price: its rates; None for recorded models, whose every call has a recorded cost.
        context: longest prompt and answer together, in tokens; None for no limit.
        max_output: longest answer in tokens.
        abilities: some of :data:`ABILITIES`.
        skill: probability of a right answer at difficulty 1; at difficulty d it is ``skill ** d``.
        first: seconds to the first token, before ``speed`` and a spread of a fifth.
        per_token: seconds for each further token.
    """

    name: str
    price: SandboxPrice | None = None
    context: int | None = None
    max_output: int = 16_384
    abilities: frozenset[str] = frozenset()
    skill: float = 1.0
    first: float = 0.005
    per_token: float = 0.0


#: a weak, a middle, a strong and a reasoning model; small to large cost 1:25
DEFAULT_MODELS: tuple[SandboxModel, ...] = (
    SandboxModel(
        "sandbox-small",
        SandboxPrice(input=NANO // 10, output=NANO * 4 // 10, cached=NANO // 40, audio=NANO // 10),
        context=16_000,
        max_output=4_096,
        abilities=frozenset({"json_mode"}),
        skill=0.86,
        first=0.005,
        per_token=0.00005,
    ),
    SandboxModel(
        "sandbox-medium",
        SandboxPrice(input=NANO // 2, output=NANO * 2, cached=NANO // 8, audio=NANO * 2),
        context=64_000,
        max_output=8_192,
        abilities=_FULL,
        skill=0.97,
        first=0.012,
        per_token=0.0001,
    ),
    SandboxModel(
        "sandbox-large",
        SandboxPrice(input=NANO * 25 // 10, output=NANO * 10, cached=NANO * 25 // 40, audio=NANO * 10),
        context=200_000,
        max_output=16_384,
        abilities=ABILITIES,
        skill=0.995,
        first=0.030,
        per_token=0.0002,
    ),
    SandboxModel(
        "sandbox-reasoner",
        SandboxPrice(input=NANO * 2, output=NANO * 8, cached=NANO // 2, audio=NANO * 8),
        context=200_000,
        max_output=32_768,
        abilities=ABILITIES,
        skill=0.999,
        first=0.040,
        per_token=0.0001,
    ),
)
