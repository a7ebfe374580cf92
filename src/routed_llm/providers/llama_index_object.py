"""A LlamaIndex LLM as an endpoint.

A copy of it is asked through its own ``chat``, ``stream_chat`` and their async twins, with the very message objects that the
caller gave; a completion model gets a completion's text itself (see ``llama_index_text``). The copy has no handlers and tells
LlamaIndex's dispatchers nothing (see ``llama_index_quiet``), because the door reports each call once; its rate limiter is the
object's own. Its retries are off.

Time limits: async calls are cancelled when their time is up. Sync code cannot be interrupted: OpenAI's and Anthropic's classes
get what is left as ``timeout=`` (it bounds each wait for the network), others run on.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any

from llama_index.core.base.llms.generic_utils import messages_to_prompt
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms import LLM

from routed_llm.dialects.hub import plain
from routed_llm.dialects.media import Media, plainly_lost
from routed_llm.driver import AsyncSource, Patience, Source
from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.providers.blocking import ThreadedSource, Threads, within
from routed_llm.providers.llama_index_answers import answer_of
from routed_llm.providers.llama_index_chunks import ChunkReader, events_of
from routed_llm.providers.llama_index_describe import Described, describe, fingerprint_of, secrets_of
from routed_llm.providers.llama_index_fit import fitted
from routed_llm.providers.llama_index_messages import from_hub
from routed_llm.providers.llama_index_modes import Methods, completions_of, methods_of, takes
from routed_llm.providers.llama_index_quiet import quiet, silenced, teach_quiet
from routed_llm.providers.llama_index_retries import family, once, sdk_timeout, tells_finish
from routed_llm.providers.llama_index_streams import AsyncChunkSource, ChunkSource
from routed_llm.providers.llama_index_text import Prompt, completed, text_of
from routed_llm.providers.llama_index_tools import Prepared, prepare
from routed_llm.providers.llama_index_usage import stream_usage
from routed_llm.providers.nesting import inside
from routed_llm.providers.sdk_errors import aguarded, guarded
from routed_llm.providers.whole_source import AsyncWholeSource, WholeSource
from routed_llm.requests import Request
from routed_llm.results import Answer

__all__ = ["Described", "LlamaIndexEndpoint", "describe"]

#: families whose chat ignores all arguments of a call but these, and those that have other names for some
_TAKES = {"ollama": frozenset({"think", "format"})}
_NAMES = {"anthropic": {"stop": "stop_sequences"}}


class LlamaIndexEndpoint:
    """An LLM of any class: function-calling or not, sync-only, async-only, a completion model.

    ``modes`` follows from the methods that the object really has (see ``llama_index_modes``); ``marks`` are facts to tell in
    decisions: ``inner_retries: unknown`` for a class whose retries we cannot turn off, ``inner_retries: kept``.

    Args:
        model: the LLM. It is never changed; a copy is asked.
        keep_retries: leave its own retries on.
        params: generation parameters for every call that does not say otherwise.

    Raises:
        TypeError: when it is no LlamaIndex LLM.
    """

    def __init__(self, model: Any, *, keep_retries: bool = False, params: Mapping[str, Any] | None = None) -> None:
        if not isinstance(model, LLM):
            raise TypeError(f"this {type(model).__name__} is no LlamaIndex LLM.")
        teach_quiet()
        self.model = silenced(model)
        self.marks = ("inner_retries: kept",) if keep_retries else once(self.model)
        self._params = dict(params or {})
        self._methods = methods_of(type(model))
        self._completions = completions_of(type(model))
        self.modes = self._methods.modes
        self._family = family(model)
        self._threads = Threads()
        self._secrets = secrets_of(self.model)
        self._routed = any(cls.__module__.startswith("routed_llm.") for cls in type(model).__mro__)

    def __repr__(self) -> str:
        return f"<LlamaIndexEndpoint {type(self.model).__name__}>"

    @property
    def fingerprint(self) -> str:
        """Class, model, and a digest of the settings that decide its answers."""
        return fingerprint_of(self.model, self._params)

    def __deepcopy__(self, memo: dict[int, Any]) -> LlamaIndexEndpoint:
        return self

    def __reduce__(self) -> Any:
        raise ConfigurationError(
            f"a router that holds a {type(self.model).__name__} object cannot be pickled; "
            "let it be made where it is needed: Model(factory=...)."
        )

    # what the object is asked -----------------------------------------------------------------------------------------

    @contextmanager
    def _around(self) -> Iterator[None]:
        """What the object's code runs in: untold, and, if it is a router, not counted beside this one."""
        with quiet():
            if self._routed:
                with inside():
                    yield
            else:
                yield

    def _prepare(self, request: Request, method: str, seconds: float | None) -> Prepared:
        native = request.dialect == "llama_index"
        messages = request.payload if native else from_hub(plain(request.hub_messages(), request.losses), request.losses)
        prepared = prepare(self.model, request, fitted(messages, self._family, request.losses))
        kwargs = {**self._given(request, method), **prepared.kwargs}
        if seconds is not None and "timeout" not in kwargs:
            limit = sdk_timeout(self.model, max(0.001, seconds))
            if limit is not None:
                kwargs["timeout"] = limit
        if method in ("stream_chat", "astream_chat"):
            kwargs.update(stream_usage(self.model, kwargs))
        return prepared._replace(kwargs=kwargs, prompt=self._prompt(request, method, prepared.messages))

    def _methods_for(self, request: Request) -> Methods:
        """What serves the request: a completion model's completions, if it is for a text."""
        return self._methods if self._completions is None or text_of(request) is None else self._completions

    def _prompt(self, request: Request, method: str, messages: list[ChatMessage]) -> Prompt | None:
        """The text that a completion model gets; None where its chat is asked."""
        if self._completions is None:
            return None
        text = text_of(request)
        if text is None and self._methods.completes_for(method):
            return Prompt((self.model.messages_to_prompt or messages_to_prompt)(messages), True)
        return text

    def _ask(self, method: str, call: Prepared) -> Any:
        """What the method gives, or the completion in its place."""
        if call.prompt is not None:
            return completed(self.model, method, call.prompt, call.kwargs)
        return getattr(self.model, method)(call.messages, **call.kwargs)

    def _given(self, request: Request, method: str) -> dict[str, Any]:
        """The parameters that the method takes; what it has no place for is noted as lost."""
        names = _NAMES.get(self._family, {})
        taken = _TAKES[self._family] if self._family in _TAKES else takes(type(self.model), method)
        given = {}
        for name, value in {**self._params, **request.params}.items():
            if value is None:
                continue
            known = names.get(name, name)
            if taken is None or known in taken:
                given[known] = [value] if known == "stop_sequences" and isinstance(value, str) else value
            else:
                request.losses.append(f"{type(self.model).__name__} does not take {name}: left out")
        if self._family == "openai" and "max_tokens" in given and getattr(self.model, "max_tokens", None) is not None:
            del given["max_tokens"]
            request.losses.append("max_tokens: the object's own counts")
        return given

    def uncarried(self, request: Request, media: Media) -> list[str]:
        """What the object cannot be given of a call's media, in words; what it is given as it is, is its own affair."""
        return [] if request.dialect == "llama_index" else plainly_lost(media)

    def untaken(self, request: Request) -> list[str]:
        """What would be lost of a request's parameters, in words."""
        request = copy(request)
        request.losses = []
        self._given(request, "chat")
        return request.losses

    # whole answers ----------------------------------------------------------------------------------------------------

    def call(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in sync code."""
        return guarded(lambda: self._whole(request, patience), self._secrets)

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in async code; an object without async methods of its own is asked in a thread."""
        methods = self._methods_for(request)
        if methods.achat or methods.acomplete or not (methods.chat or methods.stream_chat):
            return await aguarded(self._awhole(request, patience), self._secrets)
        return await aguarded(self._threads.run(patience.first, self._whole, request, patience), self._secrets)

    def _whole(self, request: Request, patience: Patience) -> Answer:
        methods = self._methods_for(request)
        method = "chat" if methods.chat or not methods.stream_chat else "stream_chat"
        call = self._prepare(request, method, patience.first - time.monotonic())
        with self._around():
            response: Any = self._ask(method, call)
            if method == "stream_chat":
                response = _last(list(response))
        return self._answer(response, request, call)

    async def _awhole(self, request: Request, patience: Patience) -> Answer:
        call = self._prepare(request, "achat", None)
        with self._around():
            response = await within(patience.first, self._ask("achat", call))
        return self._answer(response, request, call)

    def _answer(self, response: ChatResponse, request: Request, call: Prepared) -> Answer:
        return answer_of(response, request.dialect == "llama_index", call.schema_tool)

    # streams ----------------------------------------------------------------------------------------------------------

    def open(self, request: Request, patience: Patience) -> Source:
        """Begin a stream, in sync code."""
        return guarded(lambda: self._open(request, patience), self._secrets)

    async def aopen(self, request: Request, patience: Patience) -> AsyncSource:
        """Begin a stream, in async code; a sync stream is read in threads."""
        methods = self._methods_for(request)
        if methods.astream_chat or methods.astream_complete or not methods.stream_chat:
            return await aguarded(self._aopen(request, patience), self._secrets)
        source = await aguarded(self._threads.run(patience.first, self._open, request, patience), self._secrets)
        return ThreadedSource(source, self._threads)

    def _reader(self, request: Request, call: Prepared) -> ChunkReader:
        return ChunkReader(request.dialect == "llama_index", call.schema_tool, tells_finish(self.model))

    def _open(self, request: Request, patience: Patience) -> Source:
        if not self._methods_for(request).stream_chat:
            return WholeSource(events_of(self._whole(request, patience), request.dialect == "llama_index"))
        call = self._prepare(request, "stream_chat", patience.first - time.monotonic())
        with self._around():
            chunks = self._ask("stream_chat", call)
        return ChunkSource(iter(chunks), self._reader(request, call), self._secrets, self._around)

    async def _aopen(self, request: Request, patience: Patience) -> AsyncSource:
        methods = self._methods_for(request)
        if not (methods.astream_chat or methods.astream_complete):
            return AsyncWholeSource(events_of(await self.acall(request, patience), request.dialect == "llama_index"))
        call = self._prepare(request, "astream_chat", None)
        with self._around():
            chunks = self._ask("astream_chat", call)
            if inspect.isawaitable(chunks):
                chunks = await within(patience.first, chunks)
        return AsyncChunkSource(aiter(chunks), self._reader(request, call), self._secrets, self._around)


def _last(chunks: list[ChatResponse]) -> ChatResponse:
    """The last chunk of a stream, which holds the whole message.

    Raises:
        ProviderError: ``empty`` when there is none.
    """
    if not chunks:
        raise ProviderError("empty", "the object gave no chunk")
    return chunks[-1]
