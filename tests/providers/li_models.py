"""LlamaIndex LLMs of a user's own making: one that speaks OpenAI's wire, and odd ones."""

import asyncio
import json
import threading
import time
from typing import Any

import httpx
from asking import View
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LLMMetadata,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from pydantic import Field, PrivateAttr

from routed_llm.dialects.hub import plain
from routed_llm.llama_index.messages import to_hub
from routed_llm.requests import Request

KEY = "sk-this-must-never-be-shown"


def request(messages, **more):
    """A request as LlamaIndex's door makes it."""
    return Request("llama_index", messages, View(), to_hub, **more)


class Base(FunctionCallingLLM):
    """Completions by chat, as chat models do; what a test does not use raises."""

    @property
    def metadata(self):
        return LLMMetadata(model_name="mine", is_chat_model=True, is_function_calling_model=True, context_window=8000)

    @llm_completion_callback()
    def complete(self, prompt, formatted=False, **kwargs):
        raise NotImplementedError

    @llm_completion_callback()
    def stream_complete(self, prompt, formatted=False, **kwargs):
        raise NotImplementedError

    @llm_completion_callback()
    async def acomplete(self, prompt, formatted=False, **kwargs):
        raise NotImplementedError

    @llm_completion_callback()
    async def astream_complete(self, prompt, formatted=False, **kwargs):
        raise NotImplementedError

    @llm_chat_callback()
    def chat(self, messages, **kwargs):
        raise NotImplementedError

    @llm_chat_callback()
    def stream_chat(self, messages, **kwargs):
        raise NotImplementedError

    @llm_chat_callback()
    async def achat(self, messages, **kwargs):
        raise NotImplementedError

    @llm_chat_callback()
    async def astream_chat(self, messages, **kwargs):
        raise NotImplementedError

    def _prepare_chat_with_tools(
        self, tools, user_msg=None, chat_history=None, verbose=False, allow_parallel_tool_calls=False, tool_required=False,
        **kwargs,
    ):  # fmt: skip
        messages = chat_history if chat_history is not None else []
        # as the peers do: the list that was given is appended to
        messages.append(user_msg if user_msg is not None else ChatMessage(role="system", content="Be brief."))
        return {
            "messages": messages,
            "tools": [tool.metadata.to_openai_tool(skip_length_check=True) for tool in tools],
            "tool_choice": "required" if tool_required else "auto",
            "parallel_tool_calls": allow_parallel_tool_calls,
            **kwargs,
        }


class WireLLM(Base):
    """Speaks OpenAI's wire over httpx, in all four ways; counts its requests."""

    model: str = "sandbox-medium"
    api_base: str
    api_key: str = KEY
    sent: list = Field(default_factory=list)
    usage_in_streams: bool = True
    _sync: Any = PrivateAttr(default=None)

    @property
    def metadata(self):
        return LLMMetadata(model_name=self.model, is_chat_model=True, is_function_calling_model=True)

    def _body(self, messages, kwargs, stream):
        self.sent.append((messages, kwargs))
        body = {"model": self.model, "messages": plain(to_hub(messages, []), []), **kwargs}
        if stream:
            body["stream"] = True
            if self.usage_in_streams:
                body["stream_options"] = {"include_usage": True}
        return body

    def _request(self, messages, kwargs, stream=False):
        url = f"{self.api_base}/chat/completions"
        return {
            "method": "POST", "url": url, "json": self._body(messages, kwargs, stream),
            "headers": {"Authorization": f"Bearer {self.api_key}"}, "timeout": 10,
        }  # fmt: skip

    @llm_chat_callback()
    def chat(self, messages, **kwargs):
        answer = httpx.request(**self._request(messages, kwargs))
        answer.raise_for_status()
        return whole(answer.json())

    @llm_chat_callback()
    async def achat(self, messages, **kwargs):
        async with httpx.AsyncClient() as client:
            answer = await client.request(**self._request(messages, kwargs))
        answer.raise_for_status()
        return whole(answer.json())

    @llm_chat_callback()
    def stream_chat(self, messages, **kwargs):
        def gen():
            reader = Cumulative()
            with httpx.stream(**self._request(messages, kwargs, True)) as answer:
                answer.raise_for_status()
                for line in answer.iter_lines():
                    if (chunk := reader.line(line)) is not None:
                        yield chunk

        return gen()

    @llm_chat_callback()
    async def astream_chat(self, messages, **kwargs):
        async def gen():
            reader = Cumulative()
            async with (
                httpx.AsyncClient() as client,
                client.stream(**self._request(messages, kwargs, True)) as answer,
            ):
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    if (chunk := reader.line(line)) is not None:
                        yield chunk

        return gen()


def whole(raw):
    message = raw["choices"][0]["message"]
    blocks = [TextBlock(text=message["content"])] if message.get("content") else []
    for call in message.get("tool_calls") or ():
        function = call["function"]
        blocks.append(ToolCallBlock(tool_call_id=call["id"], tool_name=function["name"], tool_kwargs=function["arguments"]))
    return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks), raw=raw)


class Cumulative:
    """Server-sent events of OpenAI's wire as cumulative chunks."""

    def __init__(self):
        self.text, self.calls = "", {}

    def line(self, line):
        if not line.startswith("data: ") or line == "data: [DONE]":
            return None
        raw = json.loads(line[6:])
        delta = raw["choices"][0]["delta"] if raw["choices"] else {}
        self.text += delta.get("content") or ""
        for piece in delta.get("tool_calls") or ():
            call = self.calls.setdefault(piece["index"], {"id": None, "name": "", "arguments": ""})
            call["id"] = piece.get("id") or call["id"]
            call["name"] += piece["function"].get("name") or ""
            call["arguments"] += piece["function"].get("arguments") or ""
        blocks = [TextBlock(text=self.text)]
        for call in self.calls.values():
            told = {"tool_call_id": call["id"], "tool_name": call["name"], "tool_kwargs": call["arguments"]}
            blocks.append(ToolCallBlock(**told))
        message = ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)
        return ChatResponse(message=message, delta=delta.get("content") or "", raw=raw)


class Sync(Base):
    """Sync only, and its async endpoints block, as those of many integrations do."""

    seen: list = Field(default_factory=list)
    raises: Any = None
    delay: float = 0.0

    @llm_chat_callback()
    def chat(self, messages, **kwargs):
        self.seen.append((messages, kwargs, threading.current_thread().name))
        time.sleep(self.delay)
        if self.raises is not None:
            raise self.raises
        return ChatResponse(message=ChatMessage(role="assistant", content="hello"))

    @llm_chat_callback()
    def stream_chat(self, messages, **kwargs):
        def gen():
            text = ""
            for piece in ("hel", "lo"):
                self.seen.append((messages, kwargs, threading.current_thread().name))
                text += piece
                yield ChatResponse(message=ChatMessage(role="assistant", content=text), delta=piece)

        return gen()

    @llm_chat_callback()
    async def achat(self, messages, **kwargs):
        return self.chat(messages, **kwargs)

    @llm_chat_callback()
    async def astream_chat(self, messages, **kwargs):
        async def gen():
            for chunk in self.stream_chat(messages, **kwargs):
                yield chunk

        return gen()


class Async(Base):
    """Async only."""

    closed: list = Field(default_factory=list)

    @llm_chat_callback()
    async def achat(self, messages, **kwargs):
        await asyncio.sleep(0)
        return ChatResponse(message=ChatMessage(role="assistant", content="hello"))

    @llm_chat_callback()
    async def astream_chat(self, messages, **kwargs):
        async def gen():
            text = ""
            try:
                for piece in ("hel", "lo"):
                    await asyncio.sleep(0)
                    text += piece
                    yield ChatResponse(message=ChatMessage(role="assistant", content=text), delta=piece)
                await asyncio.sleep(self.__dict__.get("hangs", 0))
            finally:
                self.closed.append(True)

        return gen()


class Hanging(Async):
    """Async only; its streams hang after their last piece."""

    hangs: float = 30.0


class Whole(Base):
    """Gives whole answers in both modes, and no streams; the very response it was made with."""

    answer: Any = None

    @llm_chat_callback()
    def chat(self, messages, **kwargs):
        return self.answer

    @llm_chat_callback()
    async def achat(self, messages, **kwargs):
        await asyncio.sleep(0)
        return self.answer


class Chunked(Base):
    """Streams the chunks it was made with."""

    chunks: Any = None

    @llm_chat_callback()
    def stream_chat(self, messages, **kwargs):
        return (chunk for chunk in self.chunks)


class Echo(Base):
    """Answers with the blocks of the last message."""

    @llm_chat_callback()
    def chat(self, messages, **kwargs):
        message = ChatMessage(role="assistant", blocks=list(messages[-1].blocks))
        return ChatResponse(message=message, raw={"usage": {"prompt_tokens": 3, "completion_tokens": 4}})

    @llm_chat_callback()
    async def achat(self, messages, **kwargs):
        await asyncio.sleep(0)
        return self.chat(messages, **kwargs)


class Completing(CustomLLM):
    """A completion model, sync only."""

    prompts: list = Field(default_factory=list)

    @property
    def metadata(self):
        return LLMMetadata(model_name="completing")

    @llm_completion_callback()
    def complete(self, prompt, formatted=False, **kwargs):
        self.prompts.append((prompt, threading.current_thread().name))
        return CompletionResponse(text="hello")

    @llm_completion_callback()
    def stream_complete(self, prompt, formatted=False, **kwargs):
        def gen():
            self.prompts.append((prompt, threading.current_thread().name))
            yield CompletionResponse(text="hel", delta="hel")
            yield CompletionResponse(text="hello", delta="lo")

        return gen()


class AsyncCompleting(Completing):
    """A completion model with an async completion of its own."""

    @llm_completion_callback()
    async def acomplete(self, prompt, formatted=False, **kwargs):
        await asyncio.sleep(0)
        self.prompts.append((prompt, "async"))
        return CompletionResponse(text="hello")
