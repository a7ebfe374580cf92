"""What a language of the sandbox is: how a request is checked and understood, and how answers and refusals are spelled."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from routed_llm.providers.sandbox.completion import Completion
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["EFFORTS", "Asked", "Language", "Named", "check_key", "effort_of_budget", "header"]

#: reasoning tokens by effort
EFFORTS = {None: 64, "none": 0, "minimal": 16, "low": 32, "medium": 64, "high": 128, "xhigh": 256, "max": 512}
#: an effort for the fewest tokens of a budget that stand for it
_BUDGETS = ((24_576, "high"), (8_192, "medium"), (1, "low"))


@dataclass(frozen=True, slots=True)
class Named:
    """A request of which only the model is known.

    Args:
        model: its name.
        body: the body.
        stream: whether the address asks for a stream.
        behind: the model that answers where none has that name: ``gemini-3-sandbox-large`` is the large one under the rules of
            Gemini 3.
    """

    model: str
    body: dict[str, Any]
    stream: bool = False
    behind: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request.

    Args:
        body: what is asked, in the words of chat completions, whatever the language: solvers and counters read no other.
        given: the body as it came.
        stream: whether the answer is streamed.
        reasoning: tokens of reasoning before each answer.
        shown: whether the reasoning is shown.
        cached_until: how many messages of ``body`` a cache mark covers, for languages with marks: -1 without one; None where
            every prompt is cached.
        cached_long: whether the mark asks for an hour.
    """

    body: dict[str, Any]
    given: Mapping[str, Any]
    stream: bool = False
    reasoning: int = 0
    shown: bool = False
    cached_until: int | None = None
    cached_long: bool = False


class Language(Protocol):
    """One language of the wire. Holds no state but what seals need."""

    #: what the ids of its answers begin with
    prefix: str
    #: events of a stream before the first that holds content
    opening: int

    def admit(self, headers: Mapping[str, str], query: Mapping[str, str], key: str | None) -> None:
        """Refuse who is not let in: without the headers that the language demands, or with another key than ``key``.

        Raises:
            Refusal: as the language does.
        """
        ...

    def named(self, route: str, data: bytes) -> Named:
        """The body and the model that it is for.

        Raises:
            Refusal: for no JSON object, and without a model.
        """
        ...

    def asked(self, named: Named, model: SandboxModel) -> Asked:
        """What is asked of a model.

        Raises:
            Refusal: naming the first thing that is wrong.
        """
        ...

    def whole(self, asked: Asked, completion: Completion) -> dict[str, Any]:
        """An answer as one object."""
        ...

    def events(self, asked: Asked, completion: Completion) -> Iterator[tuple[int, bytes]]:
        """An answer as the events of a stream: (tokens of the event, bytes)."""
        ...

    def refused(self, refusal: Refusal) -> dict[str, Any]:
        """A refusal as an object."""
        ...

    def broken(self, refusal: Refusal) -> bytes:
        """A refusal as an event of a stream."""
        ...

    def headers(self, completion: Completion) -> dict[str, str]:
        """Headers of an answer."""
        ...


def header(headers: Mapping[str, str], name: str) -> str:
    """A header whatever its case; empty where it is not there."""
    return next((value for known, value in headers.items() if known.lower() == name), "")


def check_key(given: str, key: str | None) -> bool:
    """Whether a key is let in."""
    return key is None or hmac.compare_digest(given.encode(), key.encode())


def effort_of_budget(budget: int) -> str:
    """The effort that a budget of tokens stands for."""
    return next((effort for least, effort in _BUDGETS if budget >= least), "none")
