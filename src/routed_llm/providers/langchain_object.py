"""A LangChain chat model object as an endpoint.

It is asked through the methods that ``BaseChatModel`` itself uses below its callbacks (``_generate_with_cache``,
``_stream`` and their async twins), so the caller's handlers see one run, that of the routed model, and the object's cache,
rate limiter, handlers and ``output_version`` work as ever. It gets the very message objects that the caller gave, but for what
its class cannot read of other makers' answers (see ``langchain_fit``).

Time limits: async calls are cancelled when their time is up. Sync code cannot be interrupted: known classes get what is left
as ``timeout=`` (only where no cache is on, whose key it would change; it bounds each wait for the network), others run on.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping
from contextlib import nullcontext
from copy import copy
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from langchain_core.globals import get_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.outputs import ChatResult

from routed_llm.dialects.hub import plain
from routed_llm.dialects.media import Media, plainly_lost
from routed_llm.driver import AsyncSource, Patience, Source
from routed_llm.errors import ConfigurationError
from routed_llm.providers.blocking import ThreadedSource, Threads, within
from routed_llm.providers.langchain_answers import answer_of
from routed_llm.providers.langchain_binding import Binder
from routed_llm.providers.langchain_chunks import ChunkReader, events_of
from routed_llm.providers.langchain_describe import Described, describe
from routed_llm.providers.langchain_fit import fitted, name_called_tools, thinks_in_vain
from routed_llm.providers.langchain_hub import HubChunks, hub_answer, wired
from routed_llm.providers.langchain_modes import methods_of
from routed_llm.providers.langchain_retries import family, sdk_timeout, tells_finish, without_retries
from routed_llm.providers.langchain_runs import OwnHandlers
from routed_llm.providers.langchain_streams import AsyncChunkSource, ChunkSource
from routed_llm.providers.langchain_unwrap import candidates_of, unwrap
from routed_llm.providers.nesting import inside
from routed_llm.providers.sdk_errors import aguarded, guarded
from routed_llm.providers.secret_texts import Secrets, secrets_in
from routed_llm.providers.whole_source import AsyncWholeSource, WholeSource, hub_events
from routed_llm.requests import Request
from routed_llm.results import Answer, Event

__all__ = ["Described", "LangChainEndpoint", "candidates_of", "describe", "unwrap"]


class _Call(NamedTuple):
    """What the object's method is called with; ``model`` is the object, or a copy that does not think."""

    model: BaseChatModel
    messages: list[BaseMessage]
    stop: list[str] | None
    kwargs: dict[str, Any]
    schema_tool: str | None


class LangChainEndpoint:
    """A chat model, as itself or bound (``.bind``, ``.with_config``, ``init_chat_model``).

    ``modes`` follows from the methods that the object really has (see ``langchain_modes``); ``marks`` are facts to tell in
    decisions: ``inner_retries: unknown`` for a class whose retries we cannot turn off, ``inner_retries: kept``.

    Args:
        model: the chat model. It is never changed; where its retries are turned off, a copy is asked.
        keep_retries: leave its own retries on.
        native_schema: whether it can give typed answers without a tool; by default as its profile says, else tried.

    Raises:
        TypeError: when there is no chat model inside.
    """

    def __init__(self, model: Any, *, keep_retries: bool = False, native_schema: bool | None = None) -> None:
        wrapped = unwrap(model)
        self.model, self.marks = (wrapped.model, ("inner_retries: kept",)) if keep_retries else without_retries(wrapped.model)
        if wrapped.retried:
            self.marks = (*self.marks, "with_retry: left to the router")
        self._bound = dict(wrapped.kwargs)
        self._family = family(self.model)
        self._methods = methods_of(self.model)
        self.modes = self._methods.modes
        if native_schema is None:
            native_schema = describe(model).abilities.get("structured_output") is not False
        self._binder = Binder(self.model, native_schema)
        self._own = OwnHandlers(wrapped, self.model)
        self._threads = Threads()
        self._secrets = _secrets(self.model)
        #: around whatever runs the object: a router behind this one must not be counted beside it
        self._inside = inside if self.model._llm_type == "routed-llm" else nullcontext

    def __repr__(self) -> str:
        return f"<LangChainEndpoint {type(self.model).__name__}>"

    @property
    def fingerprint(self) -> str:
        """What LangChain's own cache tells this object apart by."""
        return f"{type(self.model).__qualname__} {self.model._get_llm_string(**self._bound)}"

    def __deepcopy__(self, memo: dict[int, Any]) -> LangChainEndpoint:
        return self

    def __reduce__(self) -> Any:
        raise ConfigurationError(
            f"a router that holds a {type(self.model).__name__} object cannot be pickled; "
            "let it be made where it is needed: Model(factory=...)."
        )

    # what the object is asked -----------------------------------------------------------------------------------------

    def _prepare(self, request: Request, method: str, seconds: float | None) -> _Call:
        native = request.dialect == "langchain"
        given = request.payload if native else convert_to_messages(plain(request.hub_messages(), request.losses))
        messages = fitted(given, self._family, request.losses)
        tools, schema = (request.tools, request.schema) if native else wired(request)
        bound = self._binder.of(tools, schema, request.losses)
        kwargs = dict(self._bound)
        if request.tools is not None:
            kwargs.pop("tool_choice", None)  # it was meant for the tools that are bound to the object
        kwargs.update(self._params(request, method))
        kwargs.update(bound.kwargs)
        stop = kwargs.pop("stop", None)
        model = self.model
        if self._family == "anthropic":
            name_called_tools(messages, kwargs)
            if thinks_in_vain(model, messages, kwargs, request.losses):
                kwargs.pop("thinking", None)
                model = self._unthinking
        if seconds is not None and "timeout" not in kwargs:
            limit = sdk_timeout(self.model, max(0.001, seconds))
            if limit is not None:
                kwargs["timeout"] = limit
        return _Call(model, messages, [stop] if isinstance(stop, str) else stop, kwargs, bound.schema_tool)

    @cached_property
    def _unthinking(self) -> BaseChatModel:
        return self.model.model_copy(update={"thinking": None})

    def _params(self, request: Request, method: str) -> dict[str, Any]:
        """The parameters that the method takes; what it has no place for is noted as lost."""
        takes = _takes(getattr(type(self.model), method))
        params = {}
        for name, value in request.params.items():
            if value is None:
                continue
            if takes is None or name == "stop" or name in takes:
                params[name] = value
            else:
                request.losses.append(f"{type(self.model).__name__} does not take {name}: left out")
        return params

    def uncarried(self, request: Request, media: Media) -> list[str]:
        """What the object cannot be given of a call's media, in words; what it is given as it is, is its own affair."""
        return [] if request.dialect == "langchain" else plainly_lost(media)

    def untaken(self, request: Request) -> list[str]:
        """What would be lost of a request's parameters, in words."""
        request = copy(request)
        request.losses = []
        self._params(request, "_generate" if self._methods.generate or not self._methods.stream else "_stream")
        return request.losses

    def _seconds(self, patience: Patience, stream: bool) -> float | None:
        """What is left, for a sync call; None where a time in the arguments would spoil the key of a cache."""
        cache = self.model.cache
        cached = cache is not False and not stream and (cache is not None or get_llm_cache() is not None)
        return None if cached else patience.first - time.monotonic()

    # whole answers ----------------------------------------------------------------------------------------------------

    def call(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in sync code."""
        return guarded(lambda: self._whole(request, patience), self._secrets)

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in async code; an object without async methods is asked in a thread."""
        if self._methods.agenerate or not (self._methods.generate or self._methods.stream):
            return await aguarded(self._awhole(request, patience), self._secrets)
        return await aguarded(self._threads.run(patience.first, self._whole, request, patience), self._secrets)

    def _whole(self, request: Request, patience: Patience) -> Answer:
        direct = self._methods.generate or not self._methods.stream
        call = self._prepare(request, "_generate" if direct else "_stream", self._seconds(patience, False))
        kwargs = call.kwargs if direct else {**call.kwargs, "stream": True}
        run = self._own.start(call.messages, call.stop, call.kwargs)
        try:
            with self._inside():
                result = call.model._generate_with_cache(call.messages, stop=call.stop, run_manager=run.manager, **kwargs)
        except BaseException as error:
            run.failed(error)
            raise
        run.ended(result)
        return self._answer(result, request, call)

    async def _awhole(self, request: Request, patience: Patience) -> Answer:
        direct = self._methods.agenerate or not self._methods.astream
        call = self._prepare(request, "_agenerate" if direct else "_astream", None)
        kwargs = call.kwargs if direct else {**call.kwargs, "stream": True}
        run = await self._own.astart(call.messages, call.stop, call.kwargs)
        try:
            with self._inside():
                asked = call.model._agenerate_with_cache(call.messages, stop=call.stop, run_manager=run.manager, **kwargs)
                result = await within(patience.first, asked)
        except BaseException as error:
            await run.afailed(error)
            raise
        await run.aended(result)
        return self._answer(result, request, call)

    def _answer(self, result: ChatResult, request: Request, call: _Call) -> Answer:
        answer = answer_of(result, call.schema_tool)
        return answer if request.dialect == "langchain" else hub_answer(answer)

    # streams ----------------------------------------------------------------------------------------------------------

    def open(self, request: Request, patience: Patience) -> Source:
        """Begin a stream, in sync code."""
        return guarded(lambda: self._open(request, patience), self._secrets)

    async def aopen(self, request: Request, patience: Patience) -> AsyncSource:
        """Begin a stream, in async code; a sync stream is read in threads."""
        if self._methods.astream or not self._methods.stream:
            return await aguarded(self._aopen(request, patience), self._secrets)
        source = await aguarded(self._threads.run(patience.first, self._open, request, patience), self._secrets)
        return ThreadedSource(source, self._threads)

    def _reader(self, request: Request, call: _Call) -> ChunkReader:
        hub = None if request.dialect == "langchain" else HubChunks()
        return ChunkReader(self.model.output_version, call.schema_tool, tells_finish(self.model), hub)

    def _events(self, answer: Answer, request: Request) -> list[Event]:
        return events_of(answer) if request.dialect == "langchain" else hub_events(answer)

    def _open(self, request: Request, patience: Patience) -> Source:
        call = self._prepare(request, "_stream", self._seconds(patience, True))
        if not self._methods.stream or not self.model._should_stream(async_api=False, **{**call.kwargs, "stream": True}):
            return WholeSource(self._events(self._whole(request, patience), request))
        run = self._own.start(call.messages, call.stop, call.kwargs)
        try:
            if self.model.rate_limiter is not None:
                self.model.rate_limiter.acquire(blocking=True)
            chunks = call.model._stream(call.messages, stop=call.stop, **call.kwargs)
        except BaseException as error:
            run.failed(error)
            raise
        return ChunkSource(iter(chunks), self._reader(request, call), run, self._secrets, self._inside)

    async def _aopen(self, request: Request, patience: Patience) -> AsyncSource:
        call = self._prepare(request, "_astream", None)
        if not self._methods.astream or not self.model._should_stream(async_api=True, **{**call.kwargs, "stream": True}):
            return AsyncWholeSource(self._events(await self.acall(request, patience), request))
        run = await self._own.astart(call.messages, call.stop, call.kwargs)
        try:
            if self.model.rate_limiter is not None:
                await within(patience.first, self.model.rate_limiter.aacquire(blocking=True))
            chunks = call.model._astream(call.messages, stop=call.stop, **call.kwargs)
        except BaseException as error:
            await run.afailed(error)
            raise
        return AsyncChunkSource(aiter(chunks), self._reader(request, call), run, self._secrets, self._inside)


@lru_cache(maxsize=1024)
def _takes(method: Any) -> frozenset[str] | None:
    """Names of the arguments that a method takes; None where it takes any."""
    parameters = inspect.signature(method).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return None
    return frozenset(parameters)


def _secrets(model: Any) -> Secrets:
    """The secret values in an object's fields and headers, to keep them out of messages."""
    fields: Mapping[str, Any] = model.__dict__
    found = (value.get_secret_value() for value in fields.values() if hasattr(value, "get_secret_value"))
    headers = fields.get("default_headers") or {}
    addresses = (value for value in fields.values() if isinstance(value, str) and "://" in value)
    return secrets_in((secret for secret in found if isinstance(secret, str)), headers, addresses)
