"""How well a dialect reads recorded exchanges over loopback: whole, in pieces, ended early, written again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import judging

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


def reader_of(name: str, wire: Callable[[dict[str, Any]], Wire]) -> judging.Reader:
    """A dialect as a reader of exchanges."""

    @contextmanager
    def reading(exchange: dict[str, Any], url: str) -> Iterator[Callable[[], Any]]:
        endpoint = endpoint_of(name, url, wire(exchange))
        try:
            yield lambda: ask(endpoint, exchange["stream"])
        finally:
            endpoint.close()

    return reading


def misread(name: str, found: Iterable[dict[str, Any]], wire: Callable[[dict[str, Any]], Wire]) -> tuple[int, dict[str, Any]]:
    """How many exchanges with an answer there are, and what a dialect reads wrongly of which."""
    return judging.misread(found, reader_of(name, wire), ProviderError)


def silent(name: str, found: Iterable[dict[str, Any]], wire: Callable[[dict[str, Any]], Wire]) -> tuple[int, list[str]]:
    """How many streams were ended early, and which gave an answer without an error that is not the whole one."""
    return judging.silent(found, reader_of(name, wire), ProviderError)


def misclassed(
    name: str, found: Iterable[dict[str, Any]], wire: Callable[[dict[str, Any]], Wire]
) -> tuple[int, dict[str, Any]]:
    """How many exchanges with an error there are, and which got another class than the expected ones."""

    def classes(error: Any) -> set[str]:
        return {"bad_request" if error.kind == "unsupported_parameter" else error.kind}  # a finer class of the same

    return judging.misclassed(found, reader_of(name, wire), ProviderError, classes)


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
