"""Every error a caller can meet, as one tree.

::

    RoutedError
    ├── ConfigurationError        found while a router is built          (also ValueError)
    │   ├── UnknownProvider       ├── MissingKey        ├── NoModels
    ├── InvalidCall               found before anything is sent          (also ValueError)
    │   ├── UnknownHint           ├── UnknownModel      ├── NoEligibleModel
    │   ├── BudgetSpent           what is left of a budget does not pay for the call
    │   └── AsyncOnly             a piece that only works in async code
    ├── CallFailed                every attempt failed; carries all of them
    │   ├── AllDeploymentsDown    nothing was tried, everything is cooling down
    │   ├── StreamBroken          text had been given out already; carries the partial answer
    │   ├── AnswerCut             no room for the rest of a typed answer; carries the partial answer
    │   ├── ContextOverflow       the prompt is longer than every window
    │   └── DeadlineExceeded      the call budget ran out
    ├── ProviderError             one attempt failed; ``kind`` names the class of the error
    └── CannotAnswer              yours to raise: a program that answers what it can has no answer to this

What each ``kind`` means for the next step is one table: :mod:`routed_llm.dispatch.reactions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from routed_llm.results import Answer

__all__ = [
    "AllDeploymentsDown",
    "AnswerCut",
    "AsyncOnly",
    "BudgetSpent",
    "CallFailed",
    "CannotAnswer",
    "ConfigurationError",
    "ContextOverflow",
    "DeadlineExceeded",
    "DiscoveryFailed",
    "ErrorKind",
    "InvalidCall",
    "MissingKey",
    "NoEligibleModel",
    "NoModels",
    "ProviderError",
    "RefreshFailed",
    "RoutedError",
    "StreamBroken",
    "UnknownHint",
    "UnknownModel",
    "UnknownProvider",
]

ErrorKind = Literal[
    "auth",
    "permission",
    "not_found",
    "rate_limit",
    "quota",
    "context_length",
    "content_policy",
    "bad_request",
    "unsupported_parameter",
    "timeout",
    "overloaded",
    "server_error",
    "connection",
    "malformed",
    "empty",
    "too_large",
    "cut",
    "invalid_json",
    "invalid_tool_calls",
    "refusal",
    "cannot_answer",
]


class RoutedError(Exception):
    """Base of every error of this package.

    ``own_calls`` tells, as plain data, what features asked for the call that failed: it is billed all the same.
    """

    own_calls: Sequence[dict[str, Any]] = ()


class ConfigurationError(RoutedError, ValueError):
    """A router cannot be built from what was given.

    ``path`` names the offending argument or key, such as ``models[1].price.input``; of a file with its name before it, such as
    ``routed.toml: models.fast.price.input``, and then ``line`` is the line where it stands, if that is known. ``problem`` says
    what is wrong and what to write instead.
    """

    def __init__(self, message: str, *, path: str | None = None, line: int | None = None) -> None:
        where = path if path is None or line is None else f"{path} (line {line})"
        super().__init__(f"{where}: {message}" if where else message)
        self.path = path
        self.line = line
        self.problem = message

    def below(self, path: str) -> ConfigurationError:
        """The same mistake, found at a place below ``path``."""
        return type(self)(self.problem, path=f"{path}.{self.path}" if self.path else path)


class UnknownProvider(ConfigurationError):
    """No provider of that name; the message names the nearest known one."""


class MissingKey(ConfigurationError):
    """A provider needs a key that is nowhere to be found; the message names the variable to set."""


class NoModels(ConfigurationError):
    """There is no model to route to."""


class RefreshFailed(RoutedError):
    """New prices could not be had, or were refused; those that were known still count."""


class DiscoveryFailed(RoutedError):
    """The list of a server's models could not be had, or is none."""


class InvalidCall(RoutedError, ValueError):
    """A call that cannot be made as asked; nothing was sent."""


class UnknownHint(InvalidCall):
    """A key or a value of ``routing={...}`` that does not exist; the message names the nearest one."""


class UnknownModel(InvalidCall):
    """``model=`` names no model or alias of this router."""


class NoEligibleModel(InvalidCall):
    """No model of the pool may serve this call.

    ``rejected`` maps each deployment's id to the reason it was rejected.
    """

    def __init__(self, message: str, rejected: dict[str, str]) -> None:
        super().__init__(message)
        self.rejected = rejected

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (NoEligibleModel, self.args, dict(self.__dict__)))


class BudgetSpent(InvalidCall):
    """What is left of a budget does not pay for the call at any model that may serve it; nothing was sent.

    ``budget`` is its name, ``of`` whose account it is (such as ``user 'u1'``; empty where it is everybody's), ``limit``,
    ``spent`` and ``held`` (by calls under way) are amounts by unit: ``usd``, ``tokens``, ``calls``; ``limit`` holds only
    what is limited. ``renews_at`` is when it is renewed, in seconds since 1970 (UTC), and ``retry_after`` how many seconds
    that is from now; both are None for a budget that is for good. ``rejected`` maps each deployment's id to why it was not
    asked.
    """

    #: the class of errors to which it belongs where errors are told by class
    kind: ErrorKind = "quota"

    def __init__(
        self,
        message: str,
        *,
        budget: str,
        of: str = "",
        limit: dict[str, float] | None = None,
        spent: dict[str, float] | None = None,
        held: dict[str, float] | None = None,
        renews_at: float | None = None,
        retry_after: float | None = None,
        rejected: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.budget = budget
        self.of = of
        self.limit = limit or {}
        self.spent = spent or {}
        self.held = held or {}
        self.renews_at = renews_at
        self.retry_after = retry_after
        self.rejected = rejected or {}

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (BudgetSpent, self.args, dict(self.__dict__)))


class AsyncOnly(InvalidCall):
    """A piece that can only work in async code was used in a sync call; the message names it."""


class ProviderError(RoutedError):
    """One attempt at one deployment failed.

    Args:
        kind: class of the error, by body first, then message, then status.
        message: the provider's own words, shortened, with secrets removed.
        model: the model that was asked, as the user names it.
        deployment: id of the deployment that was asked.
        status: HTTP status, None where there was no answer.
        code: the provider's own code or type.
        retry_after: seconds the provider asked to wait, already clamped; None where it did not say.
        request_id: the provider's id of the request.
        phase: where it broke: connect, headers, body, stream ...; ``pool`` where this program had no connection or thread free
        sent: whether the provider may have seen the request.
        param: the request parameter the provider complained of.
        again_at_once: what failed is out of the way (a refused key with another one left, a connection of an event loop
            that is gone), so the deployment is tried again at once and not blamed.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        model: str = "",
        deployment: str = "",
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        phase: str = "answer",
        sent: bool = True,
        param: str | None = None,
        again_at_once: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.message = message
        self.model = model
        self.deployment = deployment
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.request_id = request_id
        self.phase = phase
        self.sent = sent
        self.param = param
        self.again_at_once = again_at_once

    def __str__(self) -> str:
        where = f"{self.model}: " if self.model else ""
        status = f" (HTTP {self.status})" if self.status else ""
        return f"{where}{self.kind}{status}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (ProviderError, (self.kind, self.message), dict(self.__dict__)))


class CannotAnswer(RoutedError):
    """Raised by a program of yours that serves as a model, when it has no answer to this: the next deployment is asked.

    Nothing is held against the program. Giving None, or a text without a word, means the same; the message, if there is one,
    is told in the attempts of the call.
    """


def _restore(cls: type[RoutedError], args: tuple[Any, ...], state: dict[str, Any]) -> RoutedError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class CallFailed(RoutedError):
    """Every attempt of a call failed.

    ``attempts`` holds each attempt's :class:`ProviderError` in order, ``kind`` the class of the last one, ``decision_id``
    the decision that was being carried out, ``retry_after`` the seconds until something may work again, if known.
    """

    def __init__(
        self,
        message: str,
        *,
        attempts: Sequence[ProviderError] = (),
        kind: ErrorKind | None = None,
        decision_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.attempts = tuple(attempts)
        self.kind: ErrorKind = kind or (self.attempts[-1].kind if self.attempts else "server_error")
        self.decision_id = decision_id
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        plain = next(c for c in type(self).__mro__ if c.__module__ == __name__)
        return (_restore, (plain, self.args, dict(self.__dict__)))

    @property
    def status_code(self) -> int | None:
        """HTTP status of the last attempt, None where there was no answer."""
        return self.attempts[-1].status if self.attempts else None

    @property
    def request_id(self) -> str | None:
        """The provider's id of the last request, where it gave one."""
        return self.attempts[-1].request_id if self.attempts else None


class AllDeploymentsDown(CallFailed):
    """Every eligible deployment is cooling down; ``retry_after`` tells in how many seconds the first is tried again."""


class ContextOverflow(CallFailed):
    """The prompt is longer than the window of every model that may serve the call: nobody is blamed."""


class DeadlineExceeded(CallFailed):
    """The call's time ran out before any model had answered."""


class StreamBroken(CallFailed):
    """A stream broke after text had been given out, so no other model may go on silently.

    ``partial`` is what had been given out.
    """

    def __init__(self, message: str, *, partial: Answer, attempts: Sequence[ProviderError], decision_id: str = "") -> None:
        super().__init__(message, attempts=attempts, decision_id=decision_id)
        self.partial = partial


class AnswerCut(CallFailed):
    """A typed answer was cut by its length, and nobody else had a whole one: raise ``max_tokens``.

    ``partial`` is what had come. In a stream it had been given out.
    """

    def __init__(self, message: str, *, partial: Answer, attempts: Sequence[ProviderError], decision_id: str = "") -> None:
        super().__init__(message, attempts=attempts, kind="cut", decision_id=decision_id)
        self.partial = partial
