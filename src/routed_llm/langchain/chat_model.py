"""The LangChain chat model that chooses a model for every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, field_serializer

from routed_llm.catalog.hiding import sealed, shown_address
from routed_llm.decisions import Decision
from routed_llm.dispatch.resilience import Hedging
from routed_llm.door.arguments import (
    check_profile,
    check_relay,
    check_router,
    headers_of,
    kwargs_of,
    refuse_unknown,
    switches,
    typed_fields,
)
from routed_llm.door.pool import Pool, shared_or_new
from routed_llm.door.showing import hidden, shown
from routed_llm.hints import Hints
from routed_llm.langchain.binding import BoundTools
from routed_llm.langchain.bound import BoundModel
from routed_llm.langchain.identity import RoutedIdentity
from routed_llm.langchain.profile import profile_of
from routed_llm.langchain.serialization import register
from routed_llm.langchain.structured import Method, structured
from routed_llm.policy.compose import Policy
from routed_llm.requests import Request
from routed_llm.router import Router
from routed_llm.state.where import state_of

if TYPE_CHECKING:
    from routed_llm.config.reading import Config

__all__ = ["RoutedChatModel"]


class RoutedChatModel(RoutedIdentity):
    """Many models behind one LangChain chat model: it chooses one for every call and falls back when it fails.

    Args:
        models: list (order is preference) or dict of aliases; items are ``"provider:model"`` strings, LangChain chat models,
            ``(openai client, "model")`` pairs or :class:`~routed_llm.Model` entries. Without models: what keys the
            environment has, with the strategy ``auto``.
        strategy: ``ordered``, ``cheapest``, ``fastest``, ``round_robin``, ``weighted``, ``auto``, or a
            :class:`~routed_llm.Policy`.
        router: a router to share with other doors; then models, strategy and connection settings come from it.
        routing: hints for every call of this model; those of a call win.
        temperature, max_tokens, top_p, stop, seed: generation parameters for every call; those of a call win.
        model_kwargs: further generation parameters by their OpenAI names.
        timeout: seconds for one attempt (in streams: to the first content, then between contents).
        max_retries: repeats on one deployment when no other is left; by default 2.
        api_key, credential, base_url, headers, proxy, ca_bundle, client_cert: for string models that do not say otherwise;
            see :class:`~routed_llm.Model`.
        streaming: make ``invoke`` stream inside, as LangChain's own models do.
        max_price_ratio: bounds the expected cost of a fallback as a multiple of the first choice's.
        quiet_fallbacks: do not write a warning when a call falls back.
        routing_seed: makes draws and jitter repeatable.
        on_stream_break: a stream that breaks after its first content raises (``"raise"``, with the partial answer), or starts
            anew with the next model behind a marker (``"restart"``).
        hedge: ask a second model when the first is later than it mostly is: True, or ``Hedge(after, share)``.
        at_most_once: never send a call again once its body has left.
        retry_on: which answers count as failures, so that the next model is asked: ``empty``, ``cut``, ``invalid_json``,
            ``invalid_tool_calls`` (by default these), ``refusal``, ``content_policy``.
        state: where many processes share breakers, limits, budgets and latency, such as ``"redis://host"``.
        health_checks: ask models in the background of which nothing was heard: True, or
            ``HealthChecks(every, how, usd_per_day, timeout)``; by default nobody is asked.
        strict_params: only models that get every parameter of a call as it is; the same as the hint of that name.
        relay: where no model that may answer takes an image, PDF, recording or video, one that does describes it in words for
            the others: True, a medium (``"image"``), a list, or a table of who is asked first; the same as that hint.
        profile: a profile to show instead of the pool's own; ``"guaranteed"`` shows what every model can.

    Raises:
        ConfigurationError: for anything that cannot be meant; the message has the path of the offending key.

    Example:
        >>> from routed_llm import RoutedChatModel
        >>> model = RoutedChatModel("sandbox", strategy="cheapest")
        >>> model.invoke("What is 2 + 3?").response_metadata["routing"]["model"]
        'sandbox:sandbox-small'
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True, protected_namespaces=())

    models: Any = None
    strategy: Any = None
    routing: dict[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: list[str] | str | None = None
    seed: int | None = None
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    timeout: float | None = None
    max_retries: int | None = None
    api_key: Any = Field(default=None, repr=False)
    credential: Any = Field(default=None, repr=False, exclude=True)
    base_url: str | None = None
    headers: dict[str, str] | None = Field(default=None, repr=False, exclude=True)
    proxy: str | None = Field(default=None, repr=False, exclude=True)
    ca_bundle: str | None = None
    client_cert: Any = None
    streaming: bool = False
    max_price_ratio: float | None = None
    quiet_fallbacks: bool = False
    routing_seed: int | None = None
    on_stream_break: str | None = None
    hedge: Any = None
    at_most_once: bool | None = None
    retry_on: Any = None
    state: Any = Field(default=None, exclude=True, repr=False)
    health_checks: Any = None
    router: Any = Field(default=None, exclude=True, repr=False)

    _params: dict[str, Any] = PrivateAttr(default_factory=dict)
    _hints: Hints | None = PrivateAttr(default=None)

    @field_serializer("models", "api_key")
    def _without_secrets(self, value: Any) -> Any:
        return shown(value)

    @sealed
    def __init__(
        self,
        models: Any = None,
        strategy: str | Policy | None = None,
        *,
        router: Router | None = None,
        routing: Mapping[str, Any] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        top_p: float | None = None,
        stop: list[str] | str | None = None,
        seed: int | None = None,
        model_kwargs: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
        api_key: SecretStr | str | Callable[[], Any] | None = None,
        credential: Callable[[], Any] | None = None,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        client_cert: str | tuple[str, str] | None = None,
        max_price_ratio: float | None = None,
        quiet_fallbacks: bool = False,
        routing_seed: int | None = None,
        on_stream_break: Literal["raise", "restart"] | None = None,
        hedge: Hedging = None,
        at_most_once: bool | None = None,
        retry_on: Sequence[str] | None = None,
        state: Any = None,
        health_checks: Any = None,
        strict_params: bool | None = None,
        relay: Any = None,
        profile: ModelProfile | Literal["guaranteed"] | None = None,
        **langchain: Any,
    ) -> None:
        for alias, name in (
            ("model", "models"),
            ("model_name", "models"),
            ("stop_sequences", "stop"),
            ("request_timeout", "timeout"),
        ):
            if alias in langchain:
                given = langchain.pop(alias)
                models = given if name == "models" and models is None else models
                stop = given if name == "stop" and stop is None else stop
                timeout = given if name == "timeout" and timeout is None else timeout
        refuse_unknown(langchain, type(self).model_fields)
        check_profile(profile)
        check_router(router)
        model_kwargs = kwargs_of(model_kwargs) or None
        place = state_of(state)
        pool = Pool(
            models, strategy, hidden(api_key), credential, base_url, headers_of(headers), proxy, ca_bundle, client_cert,
            timeout, max_retries, max_price_ratio, quiet_fallbacks, routing_seed, hedge, at_most_once, place, health_checks,
            on_stream_break, retry_on,
        )  # fmt: skip
        hints = dict(Hints.of(routing, switches(strict_params, relay)).given)
        # before pydantic, which would hide our errors behind its own
        router = shared_or_new(router, pool)
        check_relay(relay, router)
        given = {
            **pool._asdict(), "routing": hints or None, "temperature": temperature,
            "max_tokens": max_tokens, "top_p": top_p, "stop": stop, "seed": seed, "model_kwargs": model_kwargs,
        }  # fmt: skip
        told = {name: value for name, value in given.items() if value is not None and value is not False}
        if isinstance(base_url, str):
            told["base_url"] = shown_address(base_url)
        own: dict[str, Any] = {"router": router, "profile": None if profile == "guaranteed" else profile}
        with typed_fields():
            super().__init__(**told, **own, **langchain)
        if profile == "guaranteed":
            self.profile = profile_of(router.catalog.deployments, "guaranteed")

    @classmethod
    def from_config(cls, config: Config = None, **arguments: Any) -> Self:
        """The chat model of a configuration file; see docs/configuration.md for what one holds.

        Args:
            config: path of a file (TOML, or YAML where it ends with ``.yaml`` or ``.yml``), a text in TOML, or a mapping. None
                takes the file that ``ROUTED_LLM_CONFIG`` names, else ``routed.toml`` in the current directory.
            **arguments: of the constructor, but for those of which the router is made: ``routing``, ``temperature`` ...

        Raises:
            ConfigurationError: for whatever cannot be meant; it names file, key path and line, and what to write instead.
        """
        return cls(router=Router.from_config(config), **arguments)

    def model_post_init(self, context: Any) -> None:
        """What is the same for every call."""
        self._params = {
            name: value
            for name in ("temperature", "max_tokens", "top_p", "stop", "seed")
            if (value := getattr(self, name)) is not None
        } | dict(self.model_kwargs)
        self._identity = {
            "models": list(self.router.catalog.models),
            "strategy": self.router.policy.name,
            "catalog_version": self.router.catalog.version,
            **self._params,
        }
        if self.routing:
            self._identity["routing"] = dict(self.routing)
        self._hints = Hints.of(self.routing) if self.routing else None
        self._traced = self._pool_key = None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy that shares the router, unless the update changes what the router is made of."""
        copied = super().model_copy(update=update, deep=deep)
        if update and (changed := OWN_FIELDS.intersection(update)):
            copied._follow(changed)
        return copied

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in OWN_FIELDS and self.__pydantic_private__ is not None:
            self._follow(frozenset({name}))

    def _follow(self, changed: frozenset[str]) -> None:
        """Make everything that is derived from fields follow them."""
        if changed.intersection(Pool._fields):
            router = shared_or_new(self.router, Pool(**{name: getattr(self, name) for name in Pool._fields}))
            if router is not self.router:
                self.router = router
                if isinstance(self.base_url, str):
                    self.__dict__["base_url"] = shown_address(self.base_url)
                self.profile = profile_of(router.catalog.deployments)
        self.model_post_init(None)

    def _core_router(self) -> Router:
        return self.router  # type: ignore[no-any-return]  # set by __init__

    def _own_params(self) -> dict[str, Any]:
        return self._private["_params"]  # type: ignore[no-any-return]  # set by model_post_init

    def _own_hints(self) -> Hints | None:
        return self._private["_hints"]  # type: ignore[no-any-return]  # set by model_post_init

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy of its own parameters that shares the router, and what the router is made of."""
        memo = {} if memo is None else memo
        memo.update((id(value), value) for name in Pool._fields if (value := getattr(self, name)) is not None)
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[Any, Any]:
        self.router.check_picklable()
        return super().__getstate__()

    # binding ----------------------------------------------------------------------------------------------------------

    def bind(self, **kwargs: Any) -> BoundModel:
        """The model with keywords for every call; its :meth:`explain` reads them too."""
        return BoundModel(bound=self, kwargs=kwargs)

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> BoundModel:
        """The model with a config for every call; its :meth:`explain` reads the hints in it too."""
        return BoundModel(bound=self, config=cast("RunnableConfig", {**(config or {}), **kwargs}))

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: Any = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools; each target gets them in its own format.

        Args:
            tools: LangChain tools, functions, pydantic classes, JSON schemas, OpenAI or Anthropic tool dicts.
            tool_choice: ``auto``, ``none``, ``any`` / ``required`` / True, a tool's name, or a dict.
            strict: whether arguments must follow the schema exactly, where the target can promise that.
            parallel_tool_calls: whether several calls may come at once.
            **kwargs: further keywords for every call.
        """
        bound = {"tools": BoundTools(tools, strict), "tool_choice": tool_choice, "strict": strict}
        bound["parallel_tool_calls"] = parallel_tool_calls
        return self.bind(**{name: value for name, value in bound.items() if value is not None}, **kwargs)

    def with_structured_output(
        self,
        schema: Any = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        tools: list[Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Answers in a schema: a pydantic class (v2 or v1), a TypedDict or a JSON schema.

        A target that cannot give typed answers natively is made to by a forced tool call; the answer looks the same.
        """
        return structured(self, schema, method, include_raw=include_raw, strict=strict, tools=tools, kwargs=kwargs)

    # why --------------------------------------------------------------------------------------------------------------

    def to_json(self) -> Any:
        """For ``dumpd``: a model over somebody's own router cannot be made again from its arguments, and says so."""
        if self.models is None and self.router.made_of is None:
            return self.to_json_not_implemented()
        return super().to_json()

    def explain(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        routing: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Decision:
        """Every candidate for a prompt, why each was rejected or how it scored, and the order; calls nothing.

        ``config`` and ``kwargs`` are those of a call: ``tools``, ``response_format``, ``model``, ``max_tokens`` ... What was
        bound with ``bind_tools``, ``bind`` or ``with_config`` is read as at a call.
        """
        return self.router.explain(self._asked(input, config, routing, kwargs))  # type: ignore[no-any-return]  # a Decision

    async def aexplain(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        routing: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Decision:
        """:meth:`explain` for policies with pieces that wait."""
        request = self._asked(input, config, routing, kwargs)
        return await self.router.aexplain(request)  # type: ignore[no-any-return]  # a Decision

    def _asked(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None,
        routing: Mapping[str, Any] | None,
        kwargs: dict[str, Any],
    ) -> Request:
        _, kwargs = self._read(config, {**kwargs, **({"routing": routing} if routing else {})})
        return self._request(self._convert_input(input).to_messages(), kwargs.pop("stop", None), kwargs, stream=False)


#: fields from which others are derived
OWN_FIELDS = frozenset({*Pool._fields, "routing", "temperature", "max_tokens", "top_p", "stop", "seed", "model_kwargs"})

register()
