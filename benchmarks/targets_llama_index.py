"""LlamaIndex: RoutedLLM beside LlamaIndex's own OpenAI class, which needs openai 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    LLMMetadata,
    TextBlock,
)
from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.llms import LLM
from llama_index.core.llms.callbacks import llm_chat_callback
from targets import CHUNKS, FIRST, KEY, SECOND, Framework, Limit, Measure, Target, check

MESSAGES = [
    ChatMessage(role="system", content="You answer briefly."),
    ChatMessage(role="user", content="Why does a router choose a model for every call?"),
]
METADATA = LLMMetadata(model_name="floor", is_chat_model=True)


def openai(url: str) -> LLM:
    from llama_index.llms.openai import OpenAI

    usage = {"stream_options": {"include_usage": True}}
    return OpenAI(model=FIRST, api_base=url, api_key=KEY, temperature=0.2, additional_kwargs=usage)


def routed(url: str) -> LLM:
    from routed_llm import Model, RoutedLLM

    models = [Model(f"openai:{name}", base_url=url, api_key=KEY) for name in (FIRST, SECOND)]
    return RoutedLLM(models, temperature=0.2)


def _answer(text: str) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role="assistant", blocks=[TextBlock(text=text)]), delta=text)


class Floor(LLM):
    """LlamaIndex's own cost: a model that answers from memory, with its events."""

    @property
    def metadata(self) -> LLMMetadata:
        return METADATA

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return _answer("word")

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return _answer("word")

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        return (_answer("word") for _ in range(CHUNKS))

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        async def chunks() -> ChatResponseAsyncGen:
            for _ in range(CHUNKS):
                yield _answer("word")

        return chunks()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text="word")

    stream_complete = acomplete = astream_complete = complete


class EventHandler(BaseEventHandler):
    """Listens to the dispatcher."""

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        pass


class CallbackHandler(BaseCallbackHandler):
    """Listens to a callback manager."""

    def __init__(self) -> None:
        super().__init__([], [])

    def on_event_start(self, *args: Any, **kwargs: Any) -> str:
        return ""

    def on_event_end(self, *args: Any, **kwargs: Any) -> None:
        pass

    def start_trace(self, trace_id: str | None = None) -> None:
        pass

    def end_trace(self, trace_id: str | None = None, trace_map: dict[str, list[str]] | None = None) -> None:
        pass


def listen(model: LLM, measure: str) -> None:
    """A handler for each of the two systems; the dispatcher is the process's, and each target has one of its own."""
    get_dispatcher().event_handlers = [EventHandler()]
    model.callback_manager = CallbackManager([CallbackHandler()])


def chat(model: LLM) -> None:
    check(model.chat(MESSAGES).message.content, 4)


async def achat(model: LLM) -> None:
    check((await model.achat(MESSAGES)).message.content, 4)


def stream_chat(model: LLM) -> None:
    check("".join(chunk.delta or "" for chunk in model.stream_chat(MESSAGES)), 4 * CHUNKS)


async def astream_chat(model: LLM) -> None:
    check("".join([chunk.delta or "" async for chunk in await model.astream_chat(MESSAGES)]), 4 * CHUNKS)


FRAMEWORK = Framework(
    title="LlamaIndex",
    targets={
        "LlamaIndex OpenAI": Target(openai),
        "LlamaIndex OpenAI, handlers": Target(openai, listen),
        "RoutedLLM": Target(routed),
        "RoutedLLM, handlers": Target(routed, listen),
        "LlamaIndex's floor, no I/O": Target(lambda url: Floor()),
    },
    measures={
        "chat": Measure("`chat`", chat, 40),
        "achat": Measure("`achat`", achat, 40),
        "stream_chat": Measure(f"`stream_chat`, {CHUNKS} chunks", stream_chat, 6, chunks=CHUNKS),
        "astream_chat": Measure(f"`astream_chat`, {CHUNKS} chunks", astream_chat, 6, chunks=CHUNKS),
    },
    limits=tuple(
        Limit(measure, "RoutedLLM", limit)
        for measure, limit in (("chat", 0.25), ("achat", 0.15), ("stream_chat", 0.2), ("astream_chat", 0.2))
    ),
    versions=("llama-index-core", "llama-index-llms-openai", "openai", "httpx", "orjson"),
    about="""\
RoutedLLM routes over two deployments with everything on that is on by default: prices, live state, decisions, records, both
event systems. LlamaIndex sends its events whether or not somebody listens; "handlers" is the same model with a handler on the
dispatcher and another in the callback manager. Every ratio is against the OpenAI class without handlers.""",
)
