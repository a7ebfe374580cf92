"""Failures on command: which model fails how, how many times."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from routed_llm.providers.sandbox.language import Language
from routed_llm.providers.sandbox.replies import Refusal, Reply, json_reply, to_json

__all__ = ["Failure", "FailureMode", "Failures", "failed_reply", "spoil"]

FailureMode = Literal["status", "refuse", "reset", "hang", "cut_stream", "error_in_stream", "empty", "malformed"]
#: modes that need no answer to spoil
_BEFORE = ("status", "refuse", "hang")
# type and code of OpenAI's error bodies by status
_ERRORS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "permission_denied"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """How a model fails.

    Args:
        mode: ``status`` an error answer; ``refuse`` a reset without a byte; ``reset`` a reset in the middle; ``hang`` no
            answer at all; ``cut_stream`` the answer ends early but in order; ``error_in_stream`` an error after the first
            events (under status 200 for plain answers); ``empty`` an answer without content; ``malformed`` no JSON.
        status: HTTP status for mode ``status``.
        code: the error's code; None for the usual one.
        retry_after: the header, in seconds (or any text).
    """

    mode: FailureMode = "status"
    status: int = 500
    code: str | None = None
    retry_after: float | str | None = None

    def __post_init__(self) -> None:
        if self.mode not in get_args(FailureMode):
            raise ValueError(f"unknown failure mode {self.mode!r}; there are {', '.join(get_args(FailureMode))}")
        if not 400 <= self.status <= 599:
            raise ValueError(f"a failure's status is between 400 and 599, not {self.status}")


class Failures:
    """The failures in force, by model; None stands for all models. May be used from many threads."""

    def __init__(self) -> None:
        self._by_model: dict[str | None, tuple[Failure, int | None]] = {}
        self._lock = threading.Lock()

    def set(self, model: str | None, failure: Failure, times: int | None) -> None:
        """The model fails so for the next ``times`` calls, or until healed."""
        if times is not None and times < 1:
            raise ValueError("times is a positive number, or None for until healed")
        with self._lock:
            self._by_model[model] = (failure, times)

    def heal(self, model: str | None) -> None:
        """The model works again; None heals all."""
        with self._lock:
            if model is None:
                self._by_model.clear()
            else:
                self._by_model.pop(model, None)

    def take(self, model: str) -> Failure | None:
        """The failure that hits a call to the model now, counted."""
        with self._lock:
            for key in (model, None):
                if key in self._by_model:
                    failure, times = self._by_model[key]
                    if times == 1:
                        del self._by_model[key]
                    elif times is not None:
                        self._by_model[key] = (failure, times - 1)
                    return failure
        return None


def _error(failure: Failure) -> Refusal:
    kind, code = _ERRORS.get(failure.status, ("server_error", None))
    return Refusal("Simulated failure.", status=failure.status, kind=kind, code=failure.code or code)


def failed_reply(failure: Failure, language: Language) -> Reply | None:
    """The reply of a failure that comes before any answer; None for one that spoils the answer."""
    if failure.mode not in _BEFORE:
        return None
    if failure.mode == "status":
        head = {} if failure.retry_after is None else {"retry-after": f"{failure.retry_after}"}
        return json_reply(language.refused(_error(failure)), status=failure.status, headers=head)
    return Reply(0, {}, (), "reset" if failure.mode == "refuse" else "hang")


def spoil(reply: Reply, failure: Failure, language: Language) -> Reply:
    """The answer as the failure leaves it. Nothing of it is booked."""
    if failure.mode == "empty":
        return reply
    parts = list(reply.parts)
    middle = _middle(parts, language.opening)
    if failure.mode == "malformed":
        broken = b'data: {"id": "simulated\n\n' if reply.streamed else b"<html>simulated bad gateway</html>"
        return Reply(200, reply.headers, [*parts[:2], (0.0, broken)] if reply.streamed else [(parts[0][0], broken)])
    if failure.mode == "error_in_stream":
        error = _error(failure)
        if reply.streamed:
            return Reply(200, reply.headers, [*parts[:middle], (0.0, language.broken(error))])
        return Reply(200, reply.headers, [(parts[0][0], to_json(language.refused(error)))])
    if reply.streamed:
        return Reply(200, reply.headers, parts[:middle], "complete" if failure.mode == "cut_stream" else "reset")
    return Reply(200, reply.headers, list(_halved(parts)), "short" if failure.mode == "cut_stream" else "reset")


def _middle(parts: list[tuple[float, bytes]], opening: int) -> int:
    """After the first events of content, well before the finish."""
    return max(1, min(opening + 2, len(parts) - 3))


def _halved(parts: list[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    wait, body = parts[0]
    yield wait, body[: len(body) // 2]
