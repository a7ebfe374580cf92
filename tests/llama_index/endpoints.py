"""The eight endpoints as functions of one shape: what they give is a list of responses, the last one whole."""

import asyncio
from typing import Any

from llm_pools import ASKED, question

__all__ = ["CHATS", "COMPLETIONS", "ENDPOINTS", "STREAMS", "ask"]


def chat(llm, given, **kw):
    return [llm.chat(given, **kw)]


async def achat(llm, given, **kw):
    return [await llm.achat(given, **kw)]


def stream_chat(llm, given, **kw):
    return list(llm.stream_chat(given, **kw))


async def astream_chat(llm, given, **kw):
    return [piece async for piece in await llm.astream_chat(given, **kw)]


def complete(llm, given, **kw):
    return [llm.complete(given, **kw)]


async def acomplete(llm, given, **kw):
    return [await llm.acomplete(given, **kw)]


def stream_complete(llm, given, **kw):
    return list(llm.stream_complete(given, **kw))


async def astream_complete(llm, given, **kw):
    return [piece async for piece in await llm.astream_complete(given, **kw)]


CHATS = (chat, achat, stream_chat, astream_chat)
COMPLETIONS = (complete, acomplete, stream_complete, astream_complete)
STREAMS = (stream_chat, astream_chat, stream_complete, astream_complete)
ENDPOINTS = (*CHATS, *COMPLETIONS)


def ask(endpoint: Any, llm: Any, text: str = ASKED, **kw: Any) -> list[Any]:
    """Call an endpoint, sync or async, with a text in the form that it takes."""
    given = question(text) if endpoint in CHATS else text
    result = endpoint(llm, given, **kw)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result
