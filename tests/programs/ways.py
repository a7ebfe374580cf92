"""Both doors and the four ways through each, as one function that gives what a caller sees."""

import asyncio
import contextvars
from typing import NamedTuple

from llama_index.core.llms import ChatMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM

WAYS = [(door, way) for door in ("langchain", "llama_index") for way in ("whole", "stream", "awhole", "astream")]


#: one event loop for all: the async clients of objects keep connections of theirs
_runner = asyncio.Runner()


def run(work):
    """Wait for async work, in the one loop of the tests of this folder."""
    return _runner.run(work, context=contextvars.copy_context())


class Said(NamedTuple):
    """An answer: its text, its pieces, the facts of routing, the tokens, and the frameworks' own object."""

    text: str
    pieces: list
    routing: dict
    tokens: int
    native: object


def paid(server, name="big", **more):
    """A model of the sandbox that answers everything."""
    return Model("sandbox-large", base_url=server.base_url, name=name, price={"input": 1, "output": 2}, **more)


async def _all(stream):
    return [piece async for piece in stream]


async def _all_of(asked):
    return await _all(await asked)


def ask(door, way, models, question, **settings):
    """Ask a pool, and give what came together with its router."""
    pool = (RoutedChatModel if door == "langchain" else RoutedLLM)(models, **settings)
    return said(pool, way, question), pool.router


def said(pool, way, question, **beside):
    if isinstance(pool, RoutedChatModel):
        return _langchain(pool, way, question, beside)
    return _llama_index(pool, way, question, beside)


def _langchain(pool, way, question, beside):
    if way == "whole":
        pieces = [pool.invoke(question, **beside)]
    elif way == "stream":
        pieces = list(pool.stream(question, **beside))
    elif way == "awhole":
        pieces = [run(pool.ainvoke(question, **beside))]
    else:
        pieces = run(_all(pool.astream(question, **beside)))
    message = sum(pieces[1:], pieces[0])
    told = message.usage_metadata["total_tokens"]
    return Said(str(message.text), [p.text for p in pieces if p.text], message.response_metadata["routing"], told, message)


def _llama_index(pool, way, question, beside):
    messages = [ChatMessage(content=question)] if isinstance(question, str) else question
    if way == "whole":
        pieces = [pool.chat(messages, **beside)]
    elif way == "stream":
        pieces = list(pool.stream_chat(messages, **beside))
    elif way == "awhole":
        pieces = [run(pool.achat(messages, **beside))]
    else:
        pieces = run(_all_of(pool.astream_chat(messages, **beside)))
    last = pieces[-1]
    shown = [p.delta for p in pieces if p.delta] if way.endswith("stream") else [last.message.content]
    told = last.additional_kwargs
    return Said(last.message.content, shown, told["routing"], told["total_tokens"], last)
