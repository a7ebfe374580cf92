"""What keeps a stream from being held open for ever: only content counts as a sign of life, and no answer grows without end."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.dispatch.assemble import Assembly
from routed_llm.driver import Patience
from routed_llm.errors import ProviderError
from routed_llm.prompt.estimate import text_tokens
from routed_llm.requests import Ask
from routed_llm.results import CONTENT_EXTRAS, Event, Fragment, Opaque, Reasoning, Text, ToolCallDelta

__all__ = ["LARGEST", "Guard", "late", "shows"]

#: characters of one answer; as many bytes are allowed of an answer that comes in one piece
LARGEST = 16 * 1024 * 1024
#: a piece of so many characters is looked at by itself
LARGE = 64 * 1024
#: tokens of the longest answer of a deployment whose limit nobody knows: those of the largest models that are widely served
UNKNOWN = 65_536
#: an answer is cut at so many times its limit of tokens: our count is an estimate
TIMES = 2
#: tokens beyond that, so that the estimate of a very short answer never cuts it
SLACK = 64
#: events between two looks at the length; they become rarer as the answer grows
EVERY = 64


def shows(event: Event) -> bool:
    """True for an event with content that a caller would see."""
    kind = type(event)
    if kind is Text or kind is Reasoning:
        return bool(event.text)  # type: ignore[union-attr]  # both have a text
    if kind is Opaque:
        return event.key in CONTENT_EXTRAS  # type: ignore[union-attr]  # by kind
    return kind is ToolCallDelta or (kind is Fragment and event.shows)  # type: ignore[union-attr]  # by kind


def late(what: str) -> ProviderError:
    """The error of a stream that kept the caller waiting, however much else came."""
    return ProviderError("timeout", what, phase="stream")


class Guard:
    """Watches one attempt's stream.

    Args:
        patience: how long it may pause, and last.
        ask: what was asked, with the caller's limit of tokens.
        deployment: who answers, with the longest answer that it gives.
    """

    __slots__ = ("_events", "_gap", "_look", "_most", "_thoughts", "_total", "_until", "patience")

    def __init__(self, patience: Patience, ask: Ask, deployment: Deployment) -> None:
        self.patience = patience
        longest = deployment.max_output or UNKNOWN
        asked = ask.max_tokens
        #: whether a limit of the caller holds for thoughts, providers do not agree about
        self._thoughts = TIMES * max(longest, asked or 0) + SLACK
        self._most = self._thoughts if asked is None or asked < 1 else TIMES * asked + SLACK
        self._total, self._gap = patience.total, patience.gap
        self._until = self._total
        self._events, self._look = 0, EVERY

    def until(self, batch: Sequence[Event], came: float, now: float, assembly: Assembly) -> float:
        """When the next content must be there, after a batch of which ``assembly`` is the sum.

        It ``came`` some time ago where the caller was slow to take it: that time is nobody's silence.

        Raises:
            ProviderError: ``timeout`` where nothing but signs of life came for too long, or the stream lasts too long;
                ``malformed`` for an answer without end, and ``too_large`` for one above :data:`LARGEST`.
        """
        # this runs for each piece of each stream: plain text goes the short way
        if batch and type(first := batch[0]) is Text:
            live, large = True, len(first.text) > LARGE
        else:
            live, large = any(map(shows, batch)), False
        if live:
            until = now + self._gap
            if until >= self._total:
                if now >= self._total:
                    raise late("the stream lasts longer than the call may take")
                until = self._total
            self._until = until
        else:
            self._until = min(self._until + now - came, self._total)
            if now >= self._until:
                raise late("no content came, only signs of life")
        self._events += len(batch)
        if large or self._events >= self._look:
            self._measure(assembly)
        return self._until

    def _measure(self, assembly: Assembly) -> None:
        self._look = self._events + max(EVERY, self._events // 4)  # so that all looks together cost what the last one does
        said, thought = assembly.sizes
        if said + thought > LARGEST:
            raise ProviderError("too_large", f"the answer has more than {LARGEST} characters", phase="stream")
        for size, text, most in ((said, assembly.spoken, self._most), (thought, assembly.thoughts, self._thoughts)):
            if size > most and (tokens := text_tokens(text())) > most:  # a token is seldom less than a character
                raise ProviderError(
                    "malformed",
                    f"the answer does not end: about {tokens} tokens came, of {most // TIMES} at most",
                    phase="stream",
                )
