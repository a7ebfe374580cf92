"""What features need that ask somebody themselves: requests of their own, a bounded memory, and rests after failures."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar

from routed_llm.catalog.deployments import Deployment
from routed_llm.driver import Driver, Patience
from routed_llm.errors import ProviderError
from routed_llm.policy.shapes import Desk
from routed_llm.prompt.estimate import CHARACTERS_PER_TOKEN, text_tokens
from routed_llm.requests import NO_FACTS, Request
from routed_llm.results import Answer, Usage

__all__ = ["Asking", "OwnTexts", "Remembered", "Rest", "ask_aside", "chat_request", "texts_request"]

V = TypeVar("V")

#: texts whose answers are remembered
KEPT = 256
#: seconds for which whoever failed is left alone: at first, doubling, and at most
FIRST_REST, LONGEST_REST = 5.0, 300.0


class OwnTexts:
    """A look at texts of our own; see :class:`~routed_llm.requests.PromptView`."""

    media: frozenset[str] = frozenset()
    media_counts: Mapping[str, int] = NO_FACTS
    media_tokens = 0
    turns = 1

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self.characters = CHARACTERS_PER_TOKEN * sum(map(text_tokens, texts))

    def user_text(self) -> str:
        """The last text."""
        return self._texts[-1] if self._texts else ""

    def user_texts(self) -> Sequence[str]:
        """The last text alone."""
        return self._texts[-1:]

    def texts(self) -> Iterable[str]:
        """All texts."""
        return self._texts

    def has_tool_results(self) -> bool:
        """Never."""
        return False

    def spoke_before(self) -> None:
        """Nobody."""

    def bound_to(self) -> frozenset[str]:
        """Nobody."""
        return frozenset()

    def kept_files(self) -> Sequence[Any]:
        """None."""
        return ()


def chat_request(system: str, user: str, params: dict[str, Any]) -> Request:
    """A question of our own to a chat model."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return Request("openai.chat", messages, OwnTexts([system, user]), lambda payload, losses: payload, params=params)


def texts_request(texts: list[str], kind: str) -> Request:
    """Texts of our own to embed, each a ``document`` or a ``query``."""
    return Request("embeddings", texts, OwnTexts(texts), _no_chat, facts={"embeds": kind})


def _no_chat(payload: Any, losses: list[str]) -> NoReturn:
    raise TypeError("texts to embed are no chat")


class Asking(NamedTuple):
    """What a feature wants to ask somebody.

    Args:
        feature: its name.
        whom: who is asked.
        request: the question.
        seconds: how long it may take.
        writes: how many tokens the answer has at most.
        beside: whether ``whom`` is not of the pool.
        trusted: whether ``whom`` may see calls that may not go everywhere.
    """

    feature: str
    whom: Deployment
    request: Request
    seconds: float
    writes: int = 0
    beside: bool = False
    trusted: bool = False


async def ask_aside(asking: Asking, request: Request, driver: Driver) -> Answer | None:
    """The answer to a question of a feature about a call; None where it may not be asked. What it used is in the call's bill.

    Raises:
        ProviderError: when there is no answer that can be used.
    """
    desk: Desk | None = request.desk
    own, whom = asking.request, asking.whom
    reads = sum(map(text_tokens, own.view.texts()))
    limits = {"beside": asking.beside, "trusted": asking.trusted}
    call = None if desk is None else desk.begin(asking.feature, whom, (reads, asking.writes), **limits)
    if desk is None or call is None:
        return None
    deadline = request.hints.deadline
    seconds = asking.seconds if deadline is None else min(asking.seconds, deadline)
    until = driver.now() + seconds
    try:
        answer = await driver.call(whom.endpoint, own, Patience(until, until, seconds))
    except ProviderError as error:
        desk.end(call, error=error)
        raise
    except BaseException:
        desk.end(call)
        raise
    usage = answer.usage
    if usage is None and not (asking.beside and whom.price is None):
        usage = Usage(reads, text_tokens(answer.text), estimated=True)
    desk.end(call, usage, answer.fault)
    if answer.fault is not None:
        raise answer.fault
    return answer


class Remembered(Generic[V]):
    """What was found for the last 256 texts, so that the steps of an agent, which all begin with one text, ask once.

    The texts themselves are not kept, only their hashes.
    """

    def __init__(self) -> None:
        self._found: OrderedDict[bytes, V] = OrderedDict()

    def get(self, text: str) -> V | None:
        """What is remembered of a text, or None."""
        return self._found.get(_key(text))

    def keep(self, text: str, value: V) -> None:
        """Remember it; the oldest is forgotten."""
        self._found[_key(text)] = value
        while len(self._found) > KEPT:
            # another thread may have been faster
            try:
                self._found.popitem(last=False)
            except KeyError:
                break


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Rest:
    """Until when a feature does not ask somebody who was no help to it, by the monotonic clock.

    That is for what the breaker of a deployment does not know, or not mind: somebody who is not of the pool, or is late by the
    measure of the feature alone.
    """

    def __init__(self) -> None:
        self._until = 0.0
        self._failures = 0

    def over(self, now: float) -> bool:
        """Whether it may be asked again."""
        return now >= self._until

    def begin(self, now: float) -> bool:
        """It failed; True for the first failure in a row."""
        self._until = now + min(FIRST_REST * 2.0**self._failures, LONGEST_REST)
        self._failures = min(self._failures + 1, 10)
        return self._failures == 1

    def end(self) -> None:
        """It worked."""
        self._until, self._failures = 0.0, 0
