"""Providers that repeat everything secret they were sent, in every place of their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from canaries import basic, canary
from sweeping import KINDS

from routed_llm.testing.faults import Fault
from routed_llm.testing.faults.fault import Asked
from routed_llm.testing.faults.wire import Step, event, reply, streamed

__all__ = ["ECHOES"]

Words = Callable[[Asked], str]


def _words(way: str) -> Words:
    """What is repeated: the authorization with and without its scheme, other headers, passwords."""
    if way in KINDS:
        fixed = [canary("header of an object")] if way != "LlamaIndex" else []
    else:
        pairs = [basic("proxy" if way == "proxy" else "address")] if way in ("proxy", "address") else []
        fixed = [canary("organisation"), canary("header"), *(pair.partition(":")[2] for pair in pairs)]
    return lambda asked: " and ".join([asked.authorization, asked.authorization.partition(" ")[2], *fixed])


def _refusal(way: str, status: int, padding: int = 0) -> Fault:
    def play(asked: Asked) -> Iterable[Step]:
        words = "x" * padding + " " + _words(way)(asked)
        last = words.rpartition(" ")[2]
        body = {"error": {"message": f"Refused: {words}.", "type": last, "param": last, "code": last}}
        # clients of others log the headers of an answer by themselves
        yield reply(body, status, None if way in KINDS else {"x-request-id": last, "x-more": last})

    return _fault(f"echo with {status}", play)


def _plain(way: str) -> Fault:
    return _fault("echo in text", lambda asked: (reply(_words(way)(asked).encode(), 503, {"content-type": "text/plain"}),))


def _inside(way: str) -> Fault:
    def play(asked: Asked) -> Iterable[Step]:
        words = _words(way)(asked)
        yield reply({"error": {"message": words, "type": "server_error", "param": words, "code": "server_error"}})

    return _fault("echo with 200", play)


def _stream(way: str, before: bool) -> Fault:
    begun = {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "The "}}]}

    def play(asked: Asked) -> Iterator[Step]:
        words = _words(way)(asked)
        told = {"error": {"message": words, "type": "server_error", "code": words[:100]}}
        yield from streamed([*([] if before else [event(begun)]), event(told)])

    return _fault("echo before content" if before else "echo midway", play, frozenset({"stream"}))


def _fault(name: str, play: Callable[[Asked], Iterable[Step]], modes: frozenset[str] = frozenset({"unary", "stream"})) -> Fault:
    return Fault(name, "repeats secrets", "NEXT", "next", play, modes=modes)  # type: ignore[arg-type]  # of both words


#: faults by name, made for the way in which the key was given; a padding lets a message be shortened in the midst of a key
ECHOES: dict[str, Callable[[str], Fault]] = {
    "401": lambda way: _refusal(way, 401),
    "400": lambda way: _refusal(way, 400),
    "429": lambda way: _refusal(way, 429),
    "500": lambda way: _refusal(way, 500),
    "shortened": lambda way: _refusal(way, 500, 480),
    "shortened later": lambda way: _refusal(way, 403, 450),
    "plain text": _plain,
    "200": _inside,
    "stream": lambda way: _stream(way, True),
    "stream, midway": lambda way: _stream(way, False),
}
