"""Usage as generateContent tells it: thoughts beside the answer, tools' prompts beside the prompt, cumulative in streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.service_tiers import billed_tier
from routed_llm.results import Usage

__all__ = ["Counting", "read_usage"]

#: no call has more tokens than this; larger counts are a provider's mistake
_MOST = 10**9


def _count(value: Any) -> int:
    """A plausible count, or 0 for what is missing.

    Raises:
        ValueError: for a count that cannot be one.
    """
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError("not a count")
    return value


def _of(details: Any, modality: str) -> int:
    """Tokens of one kind of media."""
    listed = details if isinstance(details, list) else ()
    return sum(
        _count(each.get("tokenCount")) for each in listed if isinstance(each, Mapping) and each.get("modality") == modality
    )


def read_usage(told: Any) -> Usage | None:
    """Counts of a ``usageMetadata``; None where there is none, or where its counts cannot be true.

    Input is the prompt, with what was read from a cache, and what the provider's tools put beside it; output is the answer
    and its thoughts.
    """
    if not isinstance(told, Mapping) or told.get("promptTokenCount") is None:
        return None
    try:
        prompt, thoughts = _count(told["promptTokenCount"]), _count(told.get("thoughtsTokenCount"))
        answer = _count(told.get("candidatesTokenCount"))
        return Usage(
            prompt + _count(told.get("toolUsePromptTokenCount")),
            answer + thoughts,
            cache_read=min(_count(told.get("cachedContentTokenCount")), prompt),
            reasoning=thoughts,
            audio_input=min(_of(told.get("promptTokensDetails"), "AUDIO"), prompt),
            audio_output=min(_of(told.get("candidatesTokensDetails"), "AUDIO"), answer),
            service_tier=billed_tier(told.get("serviceTier")),
        )
    except ValueError:
        return None


class Counting:
    """The usage of a stream: every chunk tells it anew, and the last one sometimes leaves out the tokens of the answer."""

    __slots__ = ("_last", "_most")

    #: counts that only grow
    _GROWING = ("candidatesTokenCount", "thoughtsTokenCount")

    def __init__(self) -> None:
        self._last: Mapping[str, Any] = {}
        self._most: dict[str, int] = {}

    def see(self, told: Any) -> None:
        """Look at the ``usageMetadata`` of one chunk."""
        if not isinstance(told, Mapping):
            return
        if told.get("promptTokenCount") is not None or not self._last:
            self._last = told
        most = self._most
        for name in self._GROWING:
            value = told.get(name)
            if type(value) is int and value > most.get(name, 0):
                most[name] = value

    @property
    def tier(self) -> Any:
        """The service tier, where it was told."""
        return self._last.get("serviceTier")

    def usage(self) -> Usage | None:
        """What it came to."""
        return read_usage(
            {**self._last, **{name: most for name, most in self._most.items() if _is_plain(self._last.get(name))}}
        )


def _is_plain(value: Any) -> bool:
    """Whether a count may be replaced by a larger one: what is no count is a mistake of the provider, and stays one."""
    return value is None or type(value) is int
