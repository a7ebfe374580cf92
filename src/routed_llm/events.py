"""What the router tells of its work: records of calls and notices, published on the event bus."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from routed_llm.decisions import Decision
from routed_llm.errors import ProviderError
from routed_llm.instances import share_names
from routed_llm.results import Usage

if TYPE_CHECKING:
    from routed_llm.catalog.deployments import Deployment

__all__ = ["Attempt", "CallRecord", "Notice", "Outcome", "OwnCall"]

#: ``checked``: no call at all, but a health check that asked for tokens
Outcome = Literal["answered", "failed", "broken", "abandoned", "checked"]


class Attempt:
    """One call to one deployment: ``seconds`` it took, ``first_content`` seconds to the first piece, ``error`` or None."""

    # What is not known yet stands here, so that making one does not set it. There are no slots for that reason.

    seconds = 0.0
    first_content: float | None = None
    error: ProviderError | None = None
    usage: Usage | None = None
    cost_nanousd: int | None = None
    #: tokens that the prompt was expected to have
    expected: int | None = None
    #: what is wrong with an answer that was given for want of a better one: its kind, and in words
    warning: str | None = None
    #: whether the provider may have seen it; False: nothing was sent
    sent = True
    #: requests more that the provider may have seen: a kept connection was dead, and was replaced beneath the attempt
    resent = 0
    #: whether nobody saw its end: ``usage`` is then what it is expected to have used
    unseen = False
    #: whether something of its answer had been given out when it failed
    shown = False
    #: whom it was asked beside, and after how many seconds: that one was late
    beside: tuple[str, float] | None = None
    #: whether another one answered first
    lost = False
    #: what it holds of budgets until it ends; opaque here
    hold: Any = None
    #: what it holds of its deployment's limits until it ends; opaque here
    place: Any = None

    def __init__(self, deployment: Deployment, started: float) -> None:
        self.deployment = deployment
        self.started = started

    def sent_again(self) -> None:
        """Its request leaves once more, on a new connection, since the kept one was dead."""
        self.resent += 1

    def as_dict(self) -> dict[str, Any]:
        """The attempt as plain data."""
        told: dict[str, Any] = {
            "model": self.deployment.model,
            "deployment": self.deployment.id,
            "seconds": round(self.seconds, 6),
        }
        error = self.error
        if error is not None:
            told["error"] = error.kind
            told["status"] = error.status
            # what was refused, or never sent, costs nothing
            told["cost_nanousd"] = 0 if self.usage is None and self.is_free else self.cost_nanousd
        if not self.sent:
            told["sent"] = False
        if self.resent:
            told["resent"] = self.resent
        if self.beside is not None:
            told["hedged"] = True
        if self.lost:
            told["lost"] = True
            told["cost_nanousd"] = 0 if self.usage is None and self.is_free else self.cost_nanousd
        if self.usage is not None and self.usage.estimated and (error is not None or self.lost):
            told["estimated"] = True
        if self.warning is not None:
            told["warning"] = self.warning
        return told

    @property
    def is_free(self) -> bool:
        """Whether nothing can be billed for it: nothing was sent, or the provider refused it by an HTTP status."""
        error = self.error
        return not self.sent or (error is not None and (not error.sent or error.status is not None))


share_names(
    Attempt,
    *("deployment", "started", "seconds", "first_content", "error", "usage", "cost_nanousd", "expected"),
    *("warning", "sent", "resent", "unseen", "shown", "beside", "lost", "hold", "place"),
)


class OwnCall(Attempt):
    """A call that the router made for itself: a feature asked somebody what a call is, or a check whether somebody works.

    ``feature`` is the feature's name, or ``health_check``. ``usage`` is None where nothing came back, and where an embedder
    without a price tells no tokens: then it is not in the bill. ``cost_nanousd`` is None where the price is unknown: then the
    whole bill is.
    """

    feature = ""
    #: whether the breaker of its deployment let it in, and is to be told how it ended
    entered = False

    @property
    def model(self) -> str:
        """The model that was asked, as users name it."""
        return self.deployment.model

    def as_dict(self) -> dict[str, Any]:
        """The call as plain data."""
        return {
            "feature": self.feature,
            "model": self.deployment.model,
            "deployment": self.deployment.id,
            "usage": None if self.usage is None else self.usage.as_dict(),
            "cost_nanousd": self.cost_nanousd,
            "seconds": round(self.seconds, 6),
            "error": None if self.error is None else self.error.kind,
        }


class Notice(NamedTuple):
    """Something that happened to a router beside its calls.

    Args:
        kind: ``catalog``: the catalog changed; ``prices``: new prices could not be had, or were refused; ``retires``: a
            deployment is soon not served any more, or this day has come.
        at: when, in seconds since 1970 (UTC).
        text: what, in a sentence.
        data: the same as plain data.
    """

    kind: Literal["catalog", "prices", "retires"]
    at: float
    text: str
    data: dict[str, Any]

    def copy(self) -> Notice:
        """A notice with data of its own."""
        return self._replace(data=deepcopy(self.data))

    def as_dict(self) -> dict[str, Any]:
        """The notice as plain data."""
        return self.copy()._asdict()


class CallRecord:
    """One finished call, whichever way it ended.

    ``cost_nanousd`` is exact where a price or the provider's own figure is known, else None. It includes ``own_calls``: what
    features asked for this call. ``usage`` is that of the answer alone. Attempts that may be billed although nobody saw their
    end (broken, late, or left by the caller) are in the cost with estimated tokens: ``is_estimated`` tells so.
    """

    __slots__ = ("attempts", "cost_nanousd", "decision", "outcome", "own_calls", "seconds", "usage")

    def __init__(
        self,
        decision: Decision,
        attempts: Sequence[Attempt],
        outcome: Outcome,
        usage: Usage | None,
        cost_nanousd: int | None,
        seconds: float,
        own_calls: Sequence[OwnCall] = (),
    ) -> None:
        self.decision = decision
        self.attempts = attempts
        self.outcome = outcome
        self.usage = usage
        self.cost_nanousd = cost_nanousd
        self.seconds = seconds
        self.own_calls = own_calls

    def copy(self) -> CallRecord:
        """A record of its own with attempts of its own; the decision, which nobody changes any more, is the same."""
        attempts, own = [copy(each) for each in self.attempts], [copy(each) for each in self.own_calls]
        return CallRecord(self.decision, attempts, self.outcome, self.usage, self.cost_nanousd, self.seconds, own)

    @property
    def notices(self) -> list[dict[str, str]]:
        """What rules told: the ``notice``, the ``rule``, and ``because`` of what it held; each notice of a rule once.

        Selectors tell, too, when whoever answered is less than the call needs; the ``rule`` is then the selector's name.
        """
        told = [
            {"notice": notice, "rule": rule, "because": effects.because}
            for rule, effects in self.decision.effects
            for notice in effects.notify
        ]
        if self.decision.noticing and (answered := self.answered_by) is not None:
            for piece in self.decision.noticing:
                if (found := piece.notice(self.decision.ask, answered)) is not None:
                    told.append({"notice": found[0], "rule": piece.name, "because": found[1]})
        return told

    @property
    def answer_cost_nanousd(self) -> int | None:
        """The cost without ``own_calls``: that of the attempts that were billed; None where one of them is unknown."""
        costs = [attempt.cost_nanousd for attempt in self.attempts if attempt.usage is not None]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def is_estimated(self) -> bool:
        """Whether a part of the cost is reckoned from tokens that were estimated."""
        return any(attempt.usage is not None and attempt.usage.estimated for attempt in self.attempts)

    @property
    def is_hedged(self) -> bool:
        """Whether a deployment was asked beside another one that was late."""
        return any(attempt.beside is not None for attempt in self.attempts)

    @property
    def answered_by(self) -> Deployment | None:
        """The deployment that answered; None when none did."""
        last = self.attempts[-1] if self.attempts else None
        return last.deployment if last is not None and self.outcome != "failed" else None

    def as_dict(self) -> dict[str, Any]:
        """The record as plain data."""
        by = self.answered_by
        return {
            "decision_id": self.decision.id,
            "outcome": self.outcome,
            "model": by.model if by else None,
            "deployment": by.id if by else None,
            "attempts": [attempt.as_dict() for attempt in self.attempts],
            "passed_over": dict(self.decision.passed_over),
            "own_calls": [call.as_dict() for call in self.own_calls],
            "usage": self.usage.as_dict() if self.usage else None,
            "cost_nanousd": self.cost_nanousd,
            "estimated": self.is_estimated,
            "hedged": self.is_hedged,
            "seconds": self.seconds,
            "hints": dict(self.decision.ask.hints.given),
            "notices": self.notices,
        }
