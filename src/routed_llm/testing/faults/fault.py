"""What a fault is: a script for the wire, and the words that tell what it does and what should come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from routed_llm.testing.faults.answers import Healthy, chunks, completion, embeddings, model_list
from routed_llm.testing.faults.wire import End, Step, event, reply, streamed

__all__ = ["Address", "Asked", "Custom", "Fault", "Mode", "Play", "Reaction", "Strikes", "http_error", "slow_answer"]

Mode = Literal["unary", "stream"]
#: ``next``: another deployment answers. ``same``: the same one answers on a fresh connection. ``take``: the answer is right as
#: it is. ``raise``: the caller gets a typed error, the deployment is not to blame. ``larger``: only a deployment with a larger
#: window, else as ``raise``. ``cut``: text was out already: a typed error with the partial answer
Reaction = Literal["next", "same", "take", "raise", "larger", "cut"]
Strikes = Literal["before", "after", "never"]
#: what a fault of the address itself does to the port; ``plain`` leaves it as it is
Address = Literal["plain", "refused", "unresolved", "black_hole", "tls_to_plaintext", "untrusted"]


@dataclass(slots=True)
class Asked:
    """A request as a fault's script sees it.

    Args:
        path: of the request.
        body: its JSON object; empty where it has none.
        answer: what a healthy provider would say.
        reused: whether its connection had a request before.
        nth: how many requests met this fault so far, this one included.
        base_url: of the provider.
        elsewhere: gives the base URL of a foreign origin that also notes what arrives.
        authorization: the header of that name.
    """

    path: str
    body: Mapping[str, Any]
    answer: Healthy
    reused: bool = False
    nth: int = 1
    base_url: str = ""
    elsewhere: Callable[[], str] = str
    authorization: str = field(default="", repr=False)
    #: set when a whole, right answer has been handed to the connection
    complete: bool = False

    @property
    def streams(self) -> bool:
        """Whether a stream was asked for."""
        return self.body.get("stream") is True

    def value(self) -> dict[str, Any]:
        """The healthy answer as one object."""
        if self.path.endswith("/embeddings"):
            return embeddings(self.body)
        return model_list() if self.path.endswith("/models") else completion(self.answer, self.body)

    def chunks(self) -> list[dict[str, Any]]:
        """The healthy answer as objects of a stream."""
        return chunks(self.answer, self.body)

    def healthy(self, headers: Mapping[str, str] | None = None) -> Iterator[Step]:
        """The healthy answer, whole or streamed as asked."""
        if self.answer.delay:
            yield self.answer.delay
        if self.streams:
            yield from streamed(self._events(), headers=headers)
        else:
            yield reply(self.value(), headers=headers)
        self.complete = True

    def _events(self) -> Iterator[bytes | float]:
        for told in self.chunks():
            yield event(told)
            if self.answer.gap:
                yield self.answer.gap
        yield event("[DONE]")


Play: TypeAlias = Callable[[Asked], Iterable[Step]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to fail, or to be odd but right.

    Args:
        name: its name in the catalogue.
        does: what it does on the wire.
        expected: what a caller should get, in words.
        reaction: the same as one word.
        play: the script: what is sent for a request.
        rows: rows of the table of faults in the documentation of this package.
        modes: where it applies: whole answers, streams, or both.
        strikes: before or after the first content, or ``never`` where the answer is right.
        stalls: whether only a clock notices it.
        address: what it does to the port; such a fault is of the whole provider, not of single requests.
        reads: False: it strikes while the request arrives, and never reads it to its end.
        wait: the ``retry-after`` that it tells, in seconds.
        warm: a first request is answered right; it strikes later ones (those of a reused connection, where it is about these).
        needs: what a request must ask for, so that the fault means anything: ``tools`` or a ``schema``.
    """

    name: str
    does: str
    expected: str
    reaction: Reaction
    play: Play = field(repr=False)
    rows: tuple[int, ...] = ()
    modes: frozenset[Mode] = frozenset({"unary", "stream"})
    strikes: Strikes = "before"
    stalls: bool = False
    address: Address = "plain"
    reads: bool = True
    wait: float | None = None
    warm: bool = False
    needs: Literal["tools", "schema"] | None = None

    def __post_init__(self) -> None:
        if (self.reaction == "take") != (self.strikes == "never"):
            raise ValueError(f"fault {self.name}: what is taken strikes never, and the other way round")

    @property
    def whole(self) -> bool:
        """Whether its answer is complete and right."""
        return self.reaction == "take"

    def applies_to(self, mode: str) -> bool:
        """Whether it can strike in ``unary`` or ``stream``, or in ``invoke``, ``ainvoke``, ``stream`` or ``astream``."""
        return ("stream" if mode.endswith("stream") else "unary") in self.modes


def Custom(  # noqa: N802  # reads as what it makes
    *steps: bytes | float | End,
    name: str = "custom",
    reaction: Reaction = "next",
    strikes: Strikes | None = None,
    stalls: bool = False,
) -> Fault:
    r"""A fault of your own: raw bytes and pauses in seconds, in turn; ``CLOSE``, ``RESET`` or ``HOLD`` as the last step.

    ::

        Custom(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", 0.5, RESET)

    Args:
        *steps: what is done for each request that meets it.
        name: its name in the journal.
        reaction: what you expect to come of it.
        strikes: by default ``never`` for what is taken, ``after`` for what is cut, else ``before``.
        stalls: whether only a clock notices it.

    Raises:
        TypeError: for a step of another kind.
    """
    for step in steps:
        if not isinstance(step, bytes | int | float | End):
            raise TypeError(f"a step is bytes, a pause in seconds, or CLOSE, RESET, HOLD; not {type(step).__name__}")
    usual: Strikes = {"take": "never", "cut": "after"}.get(reaction, "before")  # type: ignore[assignment]  # both are literals
    return Fault(name, "your own script", reaction, reaction, lambda asked: steps, strikes=strikes or usual, stalls=stalls)


def http_error(
    status: int,
    code: str | None = None,
    message: str = "Simulated failure.",
    headers: Mapping[str, str] | None = None,
    reaction: Reaction = "next",
) -> Fault:
    """An error answer in OpenAI's shape, such as ``http_error(429, headers={"retry-after": "2"})``.

    Raises:
        ValueError: for a status that is no error.
    """
    if not 400 <= status <= 599:
        raise ValueError(f"an error's status is between 400 and 599, not {status}")
    body = {"error": {"message": message, "type": code or "simulated_error", "param": None, "code": code}}
    told = (headers or {}).get("retry-after", "")
    data, wait = reply(body, status, headers), float(told) if told.isdecimal() else None
    name = f"http_{status}" + (f"_{code}" if code else "")
    return Fault(name, f"status {status}", reaction, reaction, lambda asked: (data,), wait=wait)


def slow_answer(seconds: float) -> Fault:
    """A right answer that begins ``seconds`` late."""

    def play(asked: Asked) -> Iterator[Step]:
        yield seconds
        yield from asked.healthy()

    return Fault("slow_answer", f"answers {seconds} s late", "TAKE; slow calls count", "take", play, (62,), strikes="never")
