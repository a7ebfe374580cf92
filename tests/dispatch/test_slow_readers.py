"""Who is slow to take the pieces of a stream is not the stream's silence."""

import asyncio
import time

import pytest
from langchain_openai import ChatOpenAI
from telling import Teller, told

from routed_llm import RoutedChatModel

PAUSE = 1.2  # longer than a pause that the stream may make


def is_last(chunks):
    """Whether the answer's content is there, and the newest piece has none: a sign of life and no more."""
    return "c1" in "".join(chunk.text for chunk in chunks) and not chunks[-1].text


def slowly(model):
    chunks, pauses = [], 0
    for chunk in model.stream("hi"):
        chunks.append(chunk)
        if is_last(chunks) and not pauses:
            pauses += 1
            time.sleep(PAUSE)
    return chunks, pauses


async def slowly_async(model):
    chunks, pauses = [], 0
    async for chunk in model.astream("hi"):
        chunks.append(chunk)
        if is_last(chunks) and not pauses:
            pauses += 1
            await asyncio.sleep(PAUSE)
    return chunks, pauses


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_a_pause_on_a_piece_without_content_is_the_readers_own(mode):
    teller = Teller(told("c0", " c1"))
    try:
        wrapped = ChatOpenAI(model="m", base_url=teller.base_url, api_key="none", max_retries=0)
        model = RoutedChatModel([wrapped], quiet_fallbacks=True, timeout=1)
        chunks, pauses = slowly(model) if mode == "stream" else asyncio.run(slowly_async(model))
    finally:
        teller.close()
    assert pauses == 1
    assert "".join(chunk.text for chunk in chunks) == "c0 c1"
    (record,) = model.router.records()
    assert record.outcome == "answered"
