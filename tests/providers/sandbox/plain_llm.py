"""A bare LlamaIndex model over OpenAI's wire format: engines and agents speak to the sandbox with nothing of ours between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, LLMMetadata, ToolCallBlock
from llama_index.core.llms import LLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from sandbox_client import ask

from routed_llm.testing import SandboxServer

__all__ = ["PlainLLM"]


def _wire(message: ChatMessage) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role.value, "content": message.content or ""}
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if calls:
        body["tool_calls"] = [
            {
                "id": c.tool_call_id,
                "type": "function",
                "function": {"name": c.tool_name, "arguments": json.dumps(c.tool_kwargs)},
            }
            for c in calls
        ]
    if message.role.value == "tool":
        body["tool_call_id"] = message.additional_kwargs["tool_call_id"]
    return body


class PlainLLM(FunctionCallingLLM):
    """Chats without streaming on the wire; its streams are one chunk."""

    server: Any
    model: str = "sandbox-reasoner"
    tools: bool = True

    def __init__(self, server: SandboxServer, model: str = "sandbox-reasoner", *, tools: bool = True) -> None:
        super().__init__(server=server, model=model, tools=tools)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(
            model_name=self.model, context_window=16_000, is_chat_model=True, is_function_calling_model=self.tools
        )

    def chat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        got = ask(self.server, {"model": self.model, "messages": [_wire(m) for m in messages], **kwargs})
        assert got.status == 200, got.body
        said = got.json["choices"][0]["message"]
        answer = ChatMessage(role="assistant", content=said["content"] or "")
        for call in said.get("tool_calls") or ():
            given = json.loads(call["function"]["arguments"])
            answer.blocks.append(ToolCallBlock(tool_call_id=call["id"], tool_name=call["function"]["name"], tool_kwargs=given))
        return ChatResponse(message=answer, raw=got.json)

    async def achat(self, messages: Any, **kwargs: Any) -> ChatResponse:
        return await asyncio.to_thread(self.chat, messages, **kwargs)

    def stream_chat(self, messages: Any, **kwargs: Any) -> Any:
        def chunks() -> Iterator[ChatResponse]:
            whole = self.chat(messages, **kwargs)
            yield whole.model_copy(update={"delta": whole.message.content})

        return chunks()

    async def astream_chat(self, messages: Any, **kwargs: Any) -> Any:
        async def chunks() -> AsyncIterator[ChatResponse]:
            whole = await self.achat(messages, **kwargs)
            yield whole.model_copy(update={"delta": whole.message.content})

        return chunks()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        said = self.chat([ChatMessage(content=prompt)], **kwargs)
        return CompletionResponse(text=said.message.content or "", raw=said.raw)

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return await asyncio.to_thread(self.complete, prompt, formatted, **kwargs)

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        return iter([self.complete(prompt, **kwargs)])

    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise AssertionError("no engine of these tests completes in a stream")

    def _prepare_chat_with_tools(
        self,
        tools: Any,
        user_msg: Any = None,
        chat_history: Any = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = list(chat_history or [])
        if user_msg is not None:
            messages.append(ChatMessage(role="user", content=user_msg) if isinstance(user_msg, str) else user_msg)
        made: dict[str, Any] = {"messages": messages, **kwargs}
        if tools:
            choice = "required" if tool_required else "auto"
            made.update(
                tools=[tool.metadata.to_openai_tool() for tool in tools],
                tool_choice=choice,
                parallel_tool_calls=allow_parallel_tool_calls,
            )
        return made

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        calls = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        if not calls and error_on_no_tool_call:
            raise ValueError("no tool was called")
        return [
            ToolSelection(tool_id=c.tool_call_id or "", tool_name=c.tool_name, tool_kwargs=dict(c.tool_kwargs)) for c in calls
        ]

    # Structured answers as of any model without an own way: by a tool where it calls tools, else by reading JSON.
    structured_predict = LLM.structured_predict
