"""A LlamaIndex LLM that answers from memory with what it is told to; what it gives out must come back unchanged."""

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, LLMMetadata, TextBlock
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from pydantic import PrivateAttr

__all__ = ["Echo", "spoken"]


def spoken(text: str, **more: Any) -> ChatResponse:
    """A response of nothing but text."""
    return ChatResponse(message=ChatMessage(role="assistant", blocks=[TextBlock(text=text)]), **more)


class Echo(FunctionCallingLLM):
    """Gives the responses it was made with, all of them in a stream and the last one as a whole answer."""

    api_key: str = "k-echo"
    _responses: list[ChatResponse] = PrivateAttr()
    _seen: list[Any] = PrivateAttr(default_factory=list)

    def __init__(self, *responses: ChatResponse) -> None:
        super().__init__()
        self._responses = list(responses)

    @property
    def seen(self) -> list[Any]:
        return self._seen

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=50_000, is_chat_model=True, is_function_calling_model=True, model_name="echo")

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        self._seen.append((list(messages), kwargs))
        return self._responses[-1]

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        self._seen.append((list(messages), kwargs))
        return self._responses[-1]

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
        self._seen.append((list(messages), kwargs))
        return (response for response in self._responses)

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Any:
        self._seen.append((list(messages), kwargs))

        async def pieces() -> Any:
            for response in self._responses:
                yield response

        return pieces()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise NotImplementedError

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise NotImplementedError

    @llm_completion_callback()
    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[Any],
        user_msg: Any = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = chat_history if chat_history is not None else []
        if user_msg:
            messages.append(user_msg)  # into the caller's own list, as LlamaIndex's own classes do
        return {"messages": messages, "tools": [tool.metadata.name for tool in tools], **kwargs}
