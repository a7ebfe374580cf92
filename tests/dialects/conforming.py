"""How well a dialect reads recorded exchanges over loopback: whole, in pieces, ended early, written again."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from recorded import ReplayServer, cut, is_answer, payload, wrong

from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.dispatch.assemble import Assembly
from routed_llm.driver import Patience
from routed_llm.errors import ProviderError
from routed_llm.providers.http_endpoint import HttpEndpoint
from routed_llm.requests import Request

DEEP = 10.0


def request_of(conversation: Any) -> Request:
    """A request of what a body asked for, as a door makes it."""
    return Request(
        "hub",
        conversation.messages,
        None,  # type: ignore[arg-type]  # nobody routes by it here
        lambda payload, losses: [dict(message) for message in payload],
        params=dict(conversation.params),
        tools=conversation.tools,
        schema=conversation.schema,
        stream=conversation.stream,
    )


def plain_request(stream: bool) -> Request:
    """A request whose body does not matter."""
    messages = [{"role": "user", "content": "Hello?"}]
    return Request("hub", messages, None, lambda payload, losses: list(payload), stream=stream)  # type: ignore[arg-type]


def endpoint_of(name: str, base_url: str, wire: Wire) -> HttpEndpoint:
    """A deployment at a replaying server."""
    dialect = dialect_of(name)
    whole, stream = dialect.paths(wire)
    return HttpEndpoint(base_url + whole, wire, None, dialect=dialect, stream_url=base_url + stream)


def ask(endpoint: HttpEndpoint, stream: bool, request: Request | None = None) -> Any:
    """An answer over HTTP, whole or added up from its stream."""
    until = time.monotonic() + DEEP
    patience = Patience(until, until, DEEP)
    request = request or plain_request(stream)
    if not stream:
        return endpoint.call(request, patience)
    source, assembly = endpoint.open(request, patience), Assembly()
    try:
        while (events := source.read(until)) is not None:
            for event in events:
                assembly.add(event)
    finally:
        source.close()
    return assembly.answer()


def misread(name: str, found: Iterable[dict[str, Any]], wire: Callable[[dict[str, Any]], Wire]) -> tuple[int, dict[str, Any]]:
    """How many exchanges with an answer there are, and what was read wrongly of which: each once whole, once cut at random."""
    count, misses = 0, {}
    server = ReplayServer()
    try:
        for exchange in filter(is_answer, found):
            count += 1
            endpoint = endpoint_of(name, server.url, wire(exchange))
            for pieces in (None, cut(payload(exchange), count)):
                server.will_answer(exchange, pieces)
                try:
                    answer = ask(endpoint, exchange["stream"])
                except ProviderError as error:
                    misses[exchange["id"]] = [str(error)]
                    break
                if told := wrong(exchange["expected"], answer):
                    misses[exchange["id"]] = told
            endpoint.close()
    finally:
        server.close()
    return count, misses


def silent(name: str, found: Iterable[dict[str, Any]], wire: Callable[[dict[str, Any]], Wire]) -> tuple[int, list[str]]:
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
            endpoint = endpoint_of(name, server.url, wire(exchange))
            for end in (True, False):
                count += 1
                server.will_answer(exchange, [data[: rng.randrange(1, len(data) * 9 // 10)]], end)
                try:
                    answer = ask(endpoint, True)
                except ProviderError:
                    continue
                if wrong({k: v for k, v in exchange["expected"].items() if k in ("text", "tool_calls", "finish")}, answer):
                    without.append(exchange["id"])
            endpoint.close()
    finally:
        server.close()
    return count, without


def misclassed(
    name: str, found: Iterable[dict[str, Any]], wire: Callable[[dict[str, Any]], Wire]
) -> tuple[int, dict[str, Any]]:
    """How many exchanges with an error there are, and which got another class than the expected ones."""
    count, misses = 0, {}
    server = ReplayServer()
    try:
        for exchange in found:
            expected = exchange["expected"]
            if not expected.get("error_class"):
                continue
            count += 1
            endpoint = endpoint_of(name, server.url, wire(exchange))
            server.will_answer(exchange)
            allowed = {expected["error_class"], *(expected.get("error_alt") or [])}
            try:
                misses[exchange["id"]] = (repr(ask(endpoint, exchange["stream"])), sorted(allowed))
            except ProviderError as error:
                kind = "bad_request" if error.kind == "unsupported_parameter" else error.kind
                if kind not in allowed:
                    misses[exchange["id"]] = (kind, sorted(allowed))
            endpoint.close()
    finally:
        server.close()
    return count, misses


def rewritten(
    name: str,
    found: Iterable[dict[str, Any]],
    wire: Callable[[dict[str, Any]], Wire],
    normal: Callable[[dict[str, Any]], dict[str, Any]],
) -> tuple[int, dict[str, Any]]:
    """How many recorded requests there are, and which were not the same after reading and writing them, both normalised."""
    count, misses = 0, {}
    dialect = dialect_of(name)
    for exchange in found:
        body = exchange["request"]["body"]
        if not isinstance(body, dict) or exchange["expected"].get("error_class"):
            continue
        count += 1
        conversation = dialect.conversation(body)
        again = dialect.body(request_of(conversation), wire(exchange))
        # what has no common name goes back to the same dialect as it came
        again = {**json.loads(json.dumps(again)), **conversation.native}
        if normal(again) != normal(json.loads(json.dumps(body))):
            misses[exchange["id"]] = difference(normal(body), normal(again))
    return count, misses


def difference(one: Any, other: Any, path: str = "") -> str:
    """The first place where two JSON values differ, in words."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}, key=str):
            if key not in one or key not in other:
                where = "second" if key not in one else "first"
                return f"{path}.{key} only in the {where}: {str(one.get(key, other.get(key)))[:120]}"
            if one[key] != other[key]:
                return difference(one[key], other[key], f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{path}: {len(one)} and {len(other)} items: {str(one)[:150]} | {str(other)[:150]}"
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            if a != b:
                return difference(a, b, f"{path}[{number}]")
    return f"{path}: {str(one)[:120]} and {str(other)[:120]}"
