"""How well any reader of recorded exchanges reads them, by replay on loopback: whole, in pieces, ended early, errors.

It knows nothing of who reads, so that other packages can be asked in environments of their own. A reader is a function that
takes an exchange and the server's address, and gives a context: within it, each call asks once and gives an answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from recorded import ReplayServer, cut, is_answer, payload, wrong

Exchange = dict[str, Any]
Reader = Callable[[Exchange, str], AbstractContextManager[Callable[[], Any]]]
Failures = type[BaseException]


def misread(found: Iterable[Exchange], reader: Reader, failures: Failures) -> tuple[int, dict[str, Any]]:
    """How many exchanges with an answer there are, and what was read wrongly of which: each once whole, once cut at random.
    An error that was raised stands there as it is."""
    count, misses = 0, {}
    server = ReplayServer()
    try:
        for exchange in filter(is_answer, found):
            count += 1
            with reader(exchange, server.url) as ask:
                for pieces in (None, cut(payload(exchange), count)):
                    server.will_answer(exchange, pieces)
                    try:
                        answer = ask()
                    except failures as error:
                        misses[exchange["id"]] = [error]
                        break
                    if told := wrong(exchange["expected"], answer):
                        misses[exchange["id"]] = told
            server.forget()
    finally:
        server.close()
    return count, misses


def silent(found: Iterable[Exchange], reader: Reader, failures: Failures) -> tuple[int, list[str]]:
    """How many streams were ended early, in order and by a broken connection, and which gave an answer without an error
    that is not the whole one."""
    count, without = 0, []
    server = ReplayServer()
    rng = random.Random(7)
    try:
        for exchange in filter(is_answer, found):
            if not exchange["stream"]:
                continue
            data = payload(exchange)
            whole = {k: v for k, v in exchange["expected"].items() if k in ("text", "tool_calls", "finish")}
            with reader(exchange, server.url) as ask:
                for end in (True, False):
                    count += 1
                    server.will_answer(exchange, [data[: rng.randrange(1, len(data) * 9 // 10)]], end)
                    try:
                        answer = ask()
                    except failures:
                        continue
                    if wrong(whole, answer):
                        without.append(exchange["id"])
            server.forget()
    finally:
        server.close()
    return count, without


def misclassed(
    found: Iterable[Exchange], reader: Reader, failures: Failures, classes: Callable[[BaseException], set[str]]
) -> tuple[int, dict[str, Any]]:
    """How many exchanges with an error there are, and which got another class than the expected ones; ``classes`` tells those
    for which an error may stand."""
    count, misses = 0, {}
    server = ReplayServer()
    try:
        for exchange in found:
            expected = exchange["expected"]
            if not expected.get("error_class"):
                continue
            count += 1
            allowed = {expected["error_class"], *(expected.get("error_alt") or [])}
            with reader(exchange, server.url) as ask:
                server.will_answer(exchange)
                try:
                    misses[exchange["id"]] = (repr(ask()), sorted(allowed))
                except failures as error:
                    if not (told := classes(error)) & allowed:
                        misses[exchange["id"]] = (sorted(told), sorted(allowed))
            server.forget()
    finally:
        server.close()
    return count, misses
