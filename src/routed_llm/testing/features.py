"""Features: what they find in texts that users write, and in those that nobody should."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy, deepcopy
from random import Random
from typing import Any

from routed_llm.catalog.snapshot import Catalog
from routed_llm.dispatch.drivers import AsyncDriver, SyncDriver, drive
from routed_llm.errors import AsyncOnly
from routed_llm.requests import Request
from routed_llm.testing.proof import Proven, Subject, said, shown, timed
from routed_llm.testing.silent import TEXTS, request_of
from routed_llm.testing.stored import check_stored
from routed_llm.testing.worlds import deployments

__all__ = ["check_feature"]

#: characters of the texts by which it is measured
_LENGTHS = (40, 2_000)
#: characters of a fact
_LONGEST = 200


def check_feature(piece: Any, *, texts: Sequence[str] = (), async_only: bool = False, seed: int = 1) -> Proven:
    """Prove a feature: its facts are plain values under the names that it gives.

    What is proved: in sync and in async code it finds the same, and the same again in the same call, whatever the text holds
    (nothing, 240,000 characters, a lone surrogate, brackets without end); the call is not changed; the piece made again of its
    data and of its pickle is the same and finds the same. A method ``read`` that is no coroutine is fine.

    Args:
        piece: the feature.
        texts: more texts, beside those of :data:`routed_llm.testing.silent.TEXTS`.
        async_only: it really waits, so that it works only in async code, and is allowed to.
        seed: another seed makes another pool, for features that ask one of its models.

    Raises:
        AssertionError: says what is wrong.
    """
    subject = Subject("feature", piece, None, {}, (), seed)  # type: ignore[arg-type]  # texts are its worlds
    subject.has_any("read")
    gives = subject.texts("gives")
    again = check_stored(subject)
    for each in (piece, *again):
        if (bind := getattr(each, "bind", None)) is not None:
            bind(Catalog(deployments(Random(seed), 7)))  # it makes examples, it guards nothing
    for number, text in enumerate((*TEXTS, *texts)):
        for request in (request_of([text]), request_of(["Hello", text], loop=number % 2 == 0), request_of([])):
            found = _found(subject, piece, request, text, async_only)
            _check_facts(subject, found, gives, text)
            for other in again:
                told = _found(subject, other, request, text, async_only)
                subject.expect(
                    told == found, f"made again of its data or its pickle it finds {shown(told)}, not {shown(found)}"
                )
    if async_only:
        return said(Proven("feature", subject.name, {}))
    return _proven(subject)


def _found(subject: Subject, piece: Any, request: Request, text: str, async_only: bool) -> Any:
    before = _state(request)
    runs: list[Any] = []
    with subject.told(f"the text {shown(text[:60])}"):
        for mode in ("async", "sync", "async"):
            if async_only and mode == "sync":
                continue
            fresh = copy(request)
            fresh.notes, fresh.own_calls = {}, []
            driver: Any = SyncDriver() if mode == "sync" else AsyncDriver()
            try:
                run = driver.run(piece.read, fresh, driver)
                runs.append(drive(run) if mode == "sync" else _waited(run))
            except AsyncOnly as error:
                raise AssertionError(f"it works only in async code: {error} Say async_only=True where it must be so") from error
            subject.expect(_state(fresh) == before, "it changes the call")
    subject.expect(all(each == runs[0] for each in runs), f"asked again it finds {shown(runs[-1])}, not {shown(runs[0])}")
    return runs[0]


def _waited(run: Coroutine[Any, Any, Any]) -> Any:
    """Run in an event loop of its own, also where this thread has one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run).result()


def _state(request: Request) -> Any:
    return deepcopy((request.payload, request.params, request.hints.given, dict(request.facts), request.model, request.stream))


def _check_facts(subject: Subject, found: Any, gives: Sequence[str], text: str) -> None:
    subject.expect(
        isinstance(found, Mapping), f"read gives {shown(found)}; give a mapping of facts, {{}} where nothing was found"
    )
    strangers = sorted(set(found) - set(gives)) if gives else []
    subject.expect(not strangers, f"it finds {', '.join(map(str, strangers))}, but declares gives = {tuple(gives)}")
    for name, value in found.items():
        subject.expect(isinstance(name, str), f"the name of a fact must be a text, not {name!r}")
        plain = isinstance(value, (str, bool, int, float)) or (
            isinstance(value, tuple) and all(isinstance(each, str) for each in value)
        )
        right = "a text, a number, True or False, or a tuple of texts"
        subject.expect(plain, f"the fact {name!r} must be {right}, not {value!r}; leave it out where it is unknown")
        long = isinstance(value, str) and len(value) > _LONGEST
        subject.expect(not long, f"the fact {name!r} is longer than {_LONGEST} characters: facts hold no text of the prompt")


def _proven(subject: Subject) -> Proven:
    times = {}
    for length in _LENGTHS:
        text = ("Please compare these two plans and tell me which one is better. " * 40)[:length]
        driver = SyncDriver()
        requests = [request_of([text]) for _ in range(10)]

        def read(request: Request, driver: SyncDriver = driver) -> Any:
            return drive(driver.run(subject.piece.read, request, driver))

        times[length] = timed(read, requests)
    return said(Proven("feature", subject.name, times))
