"""Limits of deployments: requests and tokens in a minute, and calls at once. Plain code on a time that is given.

Requests and tokens are taken from sliding windows of a minute (:mod:`routed_llm.state.windows`) when an attempt begins: as many
tokens as are expected, of which the difference to the real ones is settled when it ends. It takes no lock: that is the business
of whoever asks, see :class:`routed_llm.dispatch.queue.Queue`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from routed_llm.catalog.deployments import Deployment
from routed_llm.state.windows import Window

__all__ = ["MANY", "Full", "Limiter", "LimitStore", "Place", "Why"]

#: what stands in the way; ``told`` is the provider's own word that nothing is left, ``short`` that too few tokens are, ``line``
#: are those who stand in line before
Why = Literal["requests", "tokens", "concurrent", "told", "short", "line", "never"]


#: as many as nobody counts
MANY = float("inf")


class Full(NamedTuple):
    """Why an attempt may not begin, and the monotonic time from which it may.

    ``until`` is None where only the end of another call makes room, and infinity where the call is larger than the limit.
    """

    why: Why
    until: float | None = None


class Place:
    """What one attempt holds of its deployment's limits until it ends; ended once."""

    __slots__ = ("begun_tokens", "deployment_id", "number", "process", "request_step", "token_step", "tokens", "told")

    def __init__(self, deployment_id: str, tokens: int, process: int) -> None:
        self.deployment_id = deployment_id
        self.tokens = tokens
        self.process = process
        self.request_step: int | None = None
        self.token_step: int | None = None
        #: how many had begun at its deployment with it, and how many tokens these were expected to use
        self.number = self.begun_tokens = 0
        #: of what its provider told that is left, if it is taken from that
        self.told: Told | None = None


class Told:
    """Requests and tokens that a provider told to be left until a monotonic time, without those of calls that began since."""

    __slots__ = ("requests", "tokens", "until")

    def __init__(self, requests: float, tokens: float, until: float) -> None:
        self.requests = requests
        self.tokens = tokens
        self.until = until


class LimitStore(Protocol):
    """Keeps the limits of deployments, for one process or for many. It is called under its caller's lock, and never waits."""

    def take(self, deployment: Deployment, tokens: int, now: float, *, heeding: bool = True) -> Place | Full:
        """A place for one attempt that is expected to use so many tokens, or why there is none; then nothing is taken.

        ``heeding`` tells whether the provider's word that nothing is left counts.
        """
        ...

    def settle(self, place: Place, requests: int, tokens: int | None) -> None:
        """An attempt has ended.

        Args:
            place: what it held.
            requests: that reached its provider: 0 for an attempt that never did, more than 1 where it was sent again.
            tokens: that it really used; None where that is unknown: then what was expected counts.
        """
        ...

    def told_empty(self, deployment_id: str, until: float) -> None:
        """The provider told that it takes nothing more before a monotonic time; one that is past takes the word back."""
        ...

    def told_left(
        self, deployment_id: str, requests: float, until: float, place: Place | None = None, *, tokens: float = MANY
    ) -> None:
        """The provider told whoever has the place that it takes so many requests and tokens more before a monotonic time."""
        ...

    def renew(self, deployment_id: str) -> None:
        """Another deployment has this id now: what was used and told is forgotten; calls under way count until they end."""
        ...

    def is_told(self, deployment_id: str, now: float) -> bool:
        """Whether what the provider told of its limits holds still."""
        ...

    def emptied(self, deployment_id: str, now: float) -> float | None:
        """The time until when, as its provider told, nothing more is taken; None where that is not so."""
        ...

    def after_fork(self) -> None:
        """In the child no call is under way."""
        ...


class _Use:
    """What is used of one deployment's limits."""

    __slots__ = ("begun", "begun_tokens", "requests", "running", "running_tokens", "tokens")

    def __init__(self) -> None:
        self.requests, self.tokens = Window(), Window()
        self.begun = self.running = 0
        #: what these were expected to use
        self.begun_tokens = self.running_tokens = 0


class Limiter:
    """The limits of one process; see :class:`LimitStore`."""

    def __init__(self) -> None:
        self._uses: dict[str, _Use] = {}
        self._told: dict[str, float] = {}
        self._left: dict[str, Told] = {}
        #: grows in a forked process: calls under way are the parent's
        self._process = 0

    def running(self, deployment_id: str) -> int:
        """Calls under way that hold a place."""
        use = self._uses.get(deployment_id)
        return use.running if use is not None else 0

    def gave(self, place: Place) -> bool:
        """Whether a place was given in this process, not in one that it was forked from."""
        return place.process == self._process

    def take(self, deployment: Deployment, tokens: int, now: float, *, heeding: bool = True) -> Place | Full:
        """A place, or why there is none."""
        limits = deployment.limits
        use = self._uses.get(deployment.id)
        if use is None:
            use = self._uses[deployment.id] = _Use()
        per_minute, tokens_per_minute = limits.get("requests_per_minute"), limits.get("tokens_per_minute")
        why: Why = "told"
        until = self._told.get(deployment.id, now) if heeding and self._told else now
        told = self._left_of(deployment.id, now) if self._left else None
        if told is not None and heeding and told.until > until:
            if told.requests < 1:
                until = told.until
            elif told.tokens < tokens:
                why, until = "short", told.until
        if per_minute is not None and (at := use.requests.room_at(1, per_minute, now)) > until:
            why, until = "requests", at
        if tokens_per_minute is not None and (at := use.tokens.room_at(tokens, tokens_per_minute, now)) > until:
            why, until = "tokens", at
        if until == float("inf"):
            return Full("never", until)
        if until > now:
            return Full(why, until)
        if (concurrent := limits.get("concurrent")) is not None and use.running >= concurrent:
            return Full("concurrent")
        use.running += 1
        use.running_tokens += tokens
        place = Place(deployment.id, tokens, self._process)
        use.begun += 1
        use.begun_tokens += tokens
        place.number, place.begun_tokens = use.begun, use.begun_tokens
        if told is not None:
            told.requests -= 1
            told.tokens -= tokens
            place.told = told
        if per_minute is not None:
            place.request_step = use.requests.add(1, now)
        if tokens_per_minute is not None:
            place.token_step = use.tokens.add(tokens, now)
        return place

    def settle(self, place: Place, requests: int, tokens: int | None) -> None:
        """An attempt has ended."""
        use = self._uses[place.deployment_id]
        if self.gave(place):
            use.running -= 1
            use.running_tokens -= place.tokens
        if place.told is not None:
            if not requests:
                place.told.requests += 1
            if tokens is not None:
                place.told.tokens += place.tokens - tokens
        if place.request_step is not None and requests != 1:
            use.requests.correct(place.request_step, requests - 1)
        if place.token_step is not None and tokens is not None:
            use.tokens.correct(place.token_step, tokens - place.tokens)

    def told_empty(self, deployment_id: str, until: float) -> None:
        """The provider told that it takes nothing more before a time."""
        self._told[deployment_id] = until
        self._left.pop(deployment_id, None)

    def told_left(
        self, deployment_id: str, requests: float, until: float, place: Place | None = None, *, tokens: float = MANY
    ) -> None:
        """The provider told how many requests and tokens it still takes.

        It had counted the call that it answers, but maybe none that began after it or is still under way. Answers overtake one
        another, so what an earlier one told does not count beside it.
        """
        self._told.pop(deployment_id, None)
        told = self._left.get(deployment_id)
        if place is not None:
            use = self._uses[deployment_id]
            requests -= max(use.begun - place.number, use.running - 1)
            tokens -= max(use.begun_tokens - place.begun_tokens, use.running_tokens - place.tokens)
        elif told is not None:  # it began when nothing was counted yet
            requests, tokens = min(requests, told.requests), min(tokens, told.tokens)
        self._left[deployment_id] = Told(requests, tokens, until)

    def renew(self, deployment_id: str) -> None:
        """Another deployment has this id now."""
        self._told.pop(deployment_id, None)
        self._left.pop(deployment_id, None)
        if (use := self._uses.get(deployment_id)) is not None:
            use.requests, use.tokens = Window(), Window()

    def _left_of(self, deployment_id: str, now: float) -> Told | None:
        told = self._left.get(deployment_id)
        if told is not None and told.until <= now:
            del self._left[deployment_id]
            return None
        return told

    def is_told(self, deployment_id: str, now: float) -> bool:
        """Whether what the provider told holds still."""
        return self._left_of(deployment_id, now) is not None or self.emptied(deployment_id, now) is not None

    def emptied(self, deployment_id: str, now: float) -> float | None:
        """Until when nothing more is taken, as the provider told."""
        until, told = self._told.get(deployment_id), self._left_of(deployment_id, now)
        if told is not None and told.requests < 1:
            return told.until
        return until if until is not None and until > now else None

    def after_fork(self) -> None:
        """In the child no call is under way."""
        self._process += 1
        for use in self._uses.values():
            use.running = use.running_tokens = 0
