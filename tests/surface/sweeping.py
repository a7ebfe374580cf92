"""One failing call with canaries planted in it: the ways to plant, the doors, and what the call left everywhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from canaries import basic, canary, faces, listed, pickled, report
from hearing import Heard
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms import ChatMessage
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, SecretStr

from routed_llm import Model, RoutedChatModel, RoutedLLM
from routed_llm.testing.faults import TOOL_CALLS, Fault, FaultyProvider, Healthy

__all__ = ["KINDS", "MODES", "WAYS", "Call", "Left", "caught", "examine", "plant", "run"]

MODES = ("invoke", "astream", "ainvoke", "stream")
QUESTION = "What is 17 + 25?"
NAMES = ("A_CANARY_KEY",)
_TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {key: {"type": "string"}}}}}
    for name, key in (("get_weather", "city"), ("get_time", "zone"))
]


class Person(BaseModel):
    """A person."""

    name: str


async def _later() -> str:
    return canary("async function")


#: ways to give a key to a string model, by name: what an entry gets, from a folder for files
WAYS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "text": lambda folder: {"api_key": canary("api_key")},
    "text with a prefix": lambda folder: {"api_key": f"sk-{canary('api_key with sk-')}"},
    "SecretStr": lambda folder: {"api_key": SecretStr(canary("SecretStr"))},
    "list": lambda folder: {"api_key": [canary("first of a list"), canary("second of a list")]},
    "env": lambda folder: {"api_key": f"env:{NAMES[0]}"},
    "file": lambda folder: {"api_key": f"file:{_file(folder)}"},
    "command": lambda folder: {"api_key": f"command:cat {_file(folder)}"},
    "function": lambda folder: {"api_key": lambda: canary("function")},
    "async function": lambda folder: {"credential": _later},
    "address": lambda folder: {"api_key": None},
    "proxy": lambda folder: {"api_key": canary("api_key behind a proxy")},
}


def _file(folder: Path) -> Path:
    path = folder / "key"
    path.write_text(canary("file"))
    return path


def plant(entry: Model, way: str, folder: Path) -> Model:
    """An entry with canaries in its key, its headers, its address and, where the way says so, its proxy."""
    scheme, _, rest = str(entry.base_url).partition("://")
    headers = {"openai-organization": canary("organisation"), "x-team": canary("header")}
    given = WAYS[way](folder)
    if way == "proxy" and scheme == "http":
        proxy = f"http://{basic('proxy')}@{rest.partition('/')[0]}"  # the provider, asked for somebody else
        return replace(entry, headers=headers, base_url="http://upstream.invalid/v1", proxy=proxy, **given)
    return replace(entry, headers=headers, base_url=f"{scheme}://{basic('address')}@{rest}", **given)


def _wrapped(entry: Model, made: Any) -> Model:
    return replace(entry, model=made, api_key=None, base_url=None)


def _given(entry: Model, kind: str) -> dict[str, Any]:
    headers = {"x-team": canary("header of an object")}
    return {"base_url": _with_a_password(entry), "api_key": canary(kind), "default_headers": headers}


def _with_a_password(entry: Model) -> str:
    return str(entry.base_url).replace("://", f"://{basic('address of an object')}@")


def _llama_index(entry: Model) -> Model:
    from li_models import WireLLM

    return _wrapped(entry, WireLLM(model="bad", api_base=_with_a_password(entry), api_key=canary("LlamaIndex")))


#: objects of others as deployments, by name
KINDS: dict[str, Callable[[Model], Model]] = {
    "openai": lambda entry: replace(_wrapped(entry, OpenAI(**_given(entry, "openai"))), served_model="bad"),
    "async openai": lambda entry: replace(_wrapped(entry, AsyncOpenAI(**_given(entry, "async openai"))), served_model="bad"),
    "ChatOpenAI": lambda entry: _wrapped(entry, ChatOpenAI(model="bad", **_given(entry, "ChatOpenAI"))),
    "LlamaIndex": _llama_index,
}


@dataclass(frozen=True)
class Call:
    """A fault, a way to ask, and how the key was given: by a way of a string model, or in a kind of object.

    ``alone``: nobody else may answer. ``heard``: callbacks, tracers and span handlers listen, which closes the short cut.
    """

    fault: Fault
    mode: str
    way: str = "text"
    door: str = "chat model"
    alone: bool = True
    heard: bool = True

    def __str__(self) -> str:
        return f"{self.fault.name}-{self.mode}-{self.way}-{self.door}-{'alone' if self.alone else 'spare'}"


@dataclass
class Left:
    """What a call left: the leaks, how many sinks were looked into, and the class of the error."""

    call: Call
    leaks: list[str] = field(default_factory=list)
    sinks: int = 0
    error: BaseException | None = None

    def look(self, shown: dict[str, str | bytes]) -> None:
        """Look into some sinks."""
        self.sinks += len(shown)
        self.leaks += report(shown, str(self.call))


def run(call: Call, folder: Path, *, rendered: bool = False) -> Left:
    """Make the call on fresh providers and a fresh router, and look everywhere."""
    fault, left = call.fault, Left(call)
    calls = TOOL_CALLS if fault.needs == "tools" else ()
    right = Healthy('{"name": "Ada"}' if fault.needs == "schema" else None if calls else "The answer is 42.", calls)
    more: dict[str, Any] = {"tools": _TOOLS} if calls else {"response_format": Person} if fault.needs == "schema" else {}
    with FaultyProvider(right) as bad, FaultyProvider(right) as good, ExitStack() as stack:
        if fault.address != "plain":
            bad.always(fault)
        first = bad.model("bad", context=8_192, max_output=64)
        planted = KINDS[call.way](first) if call.way in KINDS else plant(first, call.way, folder)
        entries = {"bad": planted}
        if not call.alone:
            entries["good"] = replace(good.model("good"), api_key=canary("key of the spare"))
        heard = stack.enter_context(Heard()) if call.heard else None
        model = _model(call, entries, heard)
        stack.callback(model.close)
        told: list[Any] = []
        subscription = stack.enter_context(model.router.subscribe(told.append))
        if fault.warm:
            caught(model, call.mode, more, heard)
            time.sleep(0.05 if fault.name == "idle_closed" else 0)
        bad.always(fault)
        said, left.error = caught(model, call.mode, more, heard)
        subscription.close()
        if left.error is not None:
            left.look(faces(left.error, rendered=rendered))
        left.look({"answer": repr(said), "answers in JSON": "\n".join(_json(each) for each in said)})
        left.look(examine(model, told))
        if heard is not None:
            left.look(heard.told())
    return left


def _model(call: Call, entries: dict[str, Model], heard: Heard | None) -> Any:
    settings: dict[str, Any] = {"timeout": 0.3, "max_retries": 0}
    if call.door == "llm":
        return RoutedLLM(entries, callback_manager=CallbackManager([] if heard is None else [heard.old]), **settings)
    return RoutedChatModel(entries, **settings)


def caught(model: Any, mode: str, more: dict[str, Any], heard: Heard | None) -> tuple[list[Any], BaseException | None]:
    """Ask; what was said, and the exception. No variable of this frame holds a secret."""
    said: list[Any] = []
    try:
        if isinstance(model, RoutedLLM):
            _ask_llm(model, mode, more, said)
        else:
            config = {"callbacks": [heard.traced, heard.handler]} if heard is not None else None
            _ask(model, mode, more, config, said)
    except Exception as error:  # whatever comes is looked at
        return said, error
    return said, None


def _ask(model: Any, mode: str, more: dict[str, Any], config: Any, said: list[Any]) -> None:
    prompt = [HumanMessage(QUESTION)]
    if mode == "invoke":
        said.append(model.invoke(prompt, config, **more))
    elif mode == "stream":
        said += model.stream(prompt, config, **more)
    elif mode == "ainvoke":
        said.append(asyncio.run(model.ainvoke(prompt, config, **more)))
    else:
        asyncio.run(_read(model.astream(prompt, config, **more), said))


def _ask_llm(llm: Any, mode: str, more: dict[str, Any], said: list[Any]) -> None:
    prompt = [ChatMessage(QUESTION)]

    async def opened() -> None:
        await _read(await llm.astream_chat(prompt, **more), said)

    if mode == "invoke":
        said.append(llm.chat(prompt, **more))
    elif mode == "stream":
        said += llm.stream_chat(prompt, **more)
    elif mode == "ainvoke":
        said.append(asyncio.run(llm.achat(prompt, **more)))
    else:
        asyncio.run(opened())


async def _read(stream: Any, said: list[Any]) -> None:
    async for each in stream:
        said.append(each)


def _json(answer: Any) -> str:
    return str(answer.model_dump_json()) + repr(getattr(answer, "response_metadata", None) or answer)


def examine(model: Any, told: Iterable[Any]) -> dict[str, str | bytes]:
    """What a model, its router, their records and reports show."""
    router = model.router
    told, kept = list(told), router.records()
    things = [model, router, router.catalog, *router.catalog.deployments, *(d.endpoint for d in router.catalog.deployments)]
    health, decisions = router.health(), [record.decision for record in (*told, *kept)]
    attempts = [attempt for record in (*told, *kept) for attempt in record.attempts]
    return {
        "things": "\n".join(f"{thing!r} {thing!s}" for thing in things),
        "model in JSON": str(model.model_dump_json() if isinstance(model, RoutedChatModel) else model.to_json()),
        "vars of the model": listed(model),
        "vars of the router": listed(router),
        "vars of deployments": "\n".join(listed(d) + d.id + repr(d.facts()) for d in router.catalog.deployments),
        "pickle": pickled(model) + pickled(router),
        "records": "\n".join(f"{record!r} {listed(record)} {record.as_dict()!r}" for record in (*told, *kept)),
        "attempts": "\n".join(f"{attempt!r} {listed(attempt)} {attempt.as_dict()!r}" for attempt in attempts),
        "errors of attempts": "\n".join(
            "\n".join(map(str, faces(attempt.error).values())) for attempt in attempts if attempt.error is not None
        ),
        "decisions": "\n".join(f"{d!r} {d!s} {d.as_dict()!r} {d.as_json()}" for d in decisions),
        "health": f"{health!r} {health!s} {health.as_dict()!r} {health._repr_html_()}",
    }
