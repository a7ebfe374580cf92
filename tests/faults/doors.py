"""The ways in that a cell of the matrix may take, behind one face: make, ask, and what was said."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from llama_index.core.llms import ChatMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM
from routed_llm.testing.faults import Fault
from routed_llm.testing.faults.fault import Reaction

__all__ = ["DOORS", "Door", "Said"]

QUESTION = "What is 17 + 25?"
Ask = Callable[[Any, str, dict[str, Any], str | None], "Said"]


@dataclass
class Said:
    """An answer, whole or added up: its text, its tool calls, and those whose arguments are none."""

    text: str
    calls: list[tuple[str, Any]] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)

    def short(self) -> str:
        """For a message."""
        return f"{self.text[:80]!r} ({len(self.text)} characters), calls {str(self.calls)[:120]}, invalid {len(self.invalid)}"


class Door:
    """A way in."""

    #: whether the faulty one's client is the user's own, who closes its idle connections
    keeps_connections = False
    #: other right ends of a fault, by its name: what a client of others makes of it before anybody sees it
    also: ClassVar[Mapping[str, Reaction]] = {}
    #: faults that cannot be seen from outside such a client, by name with why; and those that cannot be in sync code alone
    hidden: ClassVar[Mapping[str, str]] = {}
    hidden_in_sync: ClassVar[Mapping[str, str]] = {}

    def sees(self, fault: Fault, mode: str) -> bool:
        """Whether anything can be done about a fault in this mode."""
        return fault.name not in self.hidden and (mode.startswith("a") or fault.name not in self.hidden_in_sync)

    def make(self, entries: dict[str, Model]) -> Any:
        """A model over the two deployments, the faulty one first."""
        return RoutedChatModel(entries, quiet_fallbacks=True, timeout=1)

    @contextlib.contextmanager
    def one_loop(self, mode: str) -> Iterator[Ask]:
        """Gives how to ask; in async modes all calls are of one event loop."""
        if not mode.startswith("a"):
            yield self.ask
            return
        with asyncio.Runner() as runner:
            yield lambda model, how, extra, name: runner.run(self.aask(model, how, extra, name))

    def ask(self, model: Any, mode: str, extra: dict[str, Any], name: str | None) -> Said:
        """One call in sync code; ``name`` is the model to ask, None leaves it to the router."""
        given = {**extra, **({} if name is None else {"model": name})}
        question = [HumanMessage(QUESTION)]
        if mode == "invoke":
            return _of_message(model.invoke(question, **given))
        return _of_message(_sum(list(model.stream(question, **given))))

    async def aask(self, model: Any, mode: str, extra: dict[str, Any], name: str | None) -> Said:
        """The same in async code."""
        given = {**extra, **({} if name is None else {"model": name})}
        question = [HumanMessage(QUESTION)]
        if mode == "ainvoke":
            return _of_message(await model.ainvoke(question, **given))
        return _of_message(_sum([chunk async for chunk in model.astream(question, **given)]))


def _sum(chunks: list[Any]) -> Any:
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


def _of_message(message: Any) -> Said:
    calls = [(call["name"], call["args"]) for call in message.tool_calls]
    return Said(message.text, calls, [call["args"] for call in message.invalid_tool_calls])


class Wrapped(Door):
    """The faulty one as a chat model of LangChain, with its own retries as they are by default."""

    keeps_connections = True
    also: ClassVar[dict[str, Reaction]] = {
        # its client has no free repeat: its own retries are off
        **dict.fromkeys(("fin_on_reused", "reset_on_reused", "keep_alive_race", "idle_closed"), "next"),
        "unknown_content_encoding": "take",  # it reads the text as it is, and it is right
        "json_instead_of_sse": "next",  # it sees no event
        "stream_retry_event": "next",  # it takes the event for an empty one
        "usage_strings": "cut",  # its chunk with the usage, the last one, cannot be made
    }
    hidden: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("huge_answer", "gzip_bomb"), "its client reads and unpacks bodies of any size"),
        "tool_calls_repeated": "LangChain's chunks add up repeated names",
        "tool_calls_without_index": "LangChain's chunks are told apart by their index",
    }
    hidden_in_sync: ClassVar[dict[str, str]] = dict.fromkeys(
        ("dripping_headers", "dripping_body", "stream_comments_before_content", "stream_comments_midway"),
        "its client limits each wait for the network, and sync code cannot be interrupted",
    )

    def make(self, entries: dict[str, Model]) -> Any:
        bad = entries["bad"]
        key = {"api_key": bad.api_key, "base_url": bad.base_url}
        held = Model(ChatOpenAI(model="bad", stream_usage=True, **key), name="bad", context=8_192, max_output=512)
        return RoutedChatModel({"bad": held, "good": entries["good"]}, quiet_fallbacks=True, timeout=1)


class Llm(Door):
    """The LLM of LlamaIndex."""

    def make(self, entries: dict[str, Model]) -> Any:
        return RoutedLLM(entries, quiet_fallbacks=True, timeout=1)

    def ask(self, model: Any, mode: str, extra: dict[str, Any], name: str | None) -> Said:
        given = {**extra, **({} if name is None else {"model": name})}
        question = [ChatMessage(QUESTION)]
        if mode == "invoke":
            return _of_response(model, model.chat(question, **given))
        return _of_response(model, _last(list(model.stream_chat(question, **given))))

    async def aask(self, model: Any, mode: str, extra: dict[str, Any], name: str | None) -> Said:
        given = {**extra, **({} if name is None else {"model": name})}
        question = [ChatMessage(QUESTION)]
        if mode == "ainvoke":
            return _of_response(model, await model.achat(question, **given))
        told = [each async for each in await model.astream_chat(question, **given)]
        return _of_response(model, _last(told))


def _last(told: list[Any]) -> Any:
    """The last of a stream, whose message is the whole one; the deltas must add up to it."""
    deltas = "".join(each.delta or "" for each in told)
    assert deltas == (told[-1].message.content or ""), "the deltas are not the message"
    return told[-1]


def _of_response(model: Any, response: Any) -> Said:
    said = Said(response.message.content or "")
    for block in response.message.blocks:
        if getattr(block, "block_type", "") == "tool_call":
            arguments = block.tool_kwargs
            if isinstance(arguments, str):
                try:
                    arguments = json.loads(arguments)
                except (ValueError, RecursionError):
                    said.invalid.append(arguments)
                    continue
            said.calls.append((block.tool_name, arguments))
    return said


DOORS: dict[str, Door] = {"chat model": Door(), "llm": Llm(), "wrapped": Wrapped()}
