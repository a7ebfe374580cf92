"""The LangChain chat model that chooses a model for every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr

from routed_llm.decisions import Decision
from routed_llm.errors import ConfigurationError
from routed_llm.hints import Hints
from routed_llm.langchain.binding import BoundTools
from routed_llm.langchain.calls import RoutedCalls
from routed_llm.langchain.keys import cache_key, secret_names
from routed_llm.langchain.pool import Pool, shared_or_new
from routed_llm.langchain.profile import profile_of
from routed_llm.langchain.serialization import PATH, register
from routed_llm.langchain.structured import Method, structured
from routed_llm.policy.compose import Policy
from routed_llm.prompt.estimate import text_tokens
from routed_llm.router import Router

__all__ = ["RoutedChatModel"]


class RoutedChatModel(RoutedCalls):
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
    headers: dict[str, str] | None = Field(default=None, repr=False)
    proxy: str | None = Field(default=None, repr=False)
    ca_bundle: str | None = None
    client_cert: Any = None
    streaming: bool = False
    max_price_ratio: float | None = None
    quiet_fallbacks: bool = False
    routing_seed: int | None = None
    router: Any = Field(default=None, exclude=True, repr=False)

    _params: dict[str, Any] = PrivateAttr(default_factory=dict)
    _hints: Hints | None = PrivateAttr(default=None)
    _identity: dict[str, Any] = PrivateAttr(default_factory=dict)
    _traced: LangSmithParams | None = PrivateAttr(default=None)

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
        unknown = [name for name in langchain if name not in type(self).model_fields]
        if unknown:
            raise ConfigurationError(_unknown(unknown[0], list(type(self).model_fields)), path=unknown[0])
        if router is not None and not isinstance(router, Router):
            raise ConfigurationError(f"must be a Router, not {type(router).__name__}.", path="router")
        key = SecretStr(api_key) if isinstance(api_key, str) else api_key
        pool = Pool(
            models, strategy, key, credential, base_url, dict(headers or {}) or None, proxy, ca_bundle, client_cert,
            timeout, max_retries, max_price_ratio, quiet_fallbacks, routing_seed,
        )  # fmt: skip
        given = {
            **pool._asdict(), "routing": routing and dict(routing), "temperature": temperature, "max_tokens": max_tokens,
            "top_p": top_p, "stop": stop, "seed": seed, "model_kwargs": dict(model_kwargs or {}),
        }  # fmt: skip
        told = {name: value for name, value in given.items() if value is not None and value is not False and value != {}}
        # before pydantic, which would hide our errors behind its own
        hints = Hints(routing) if routing else None
        router = shared_or_new(router, pool)
        own: dict[str, Any] = {"router": router, "profile": None if profile == "guaranteed" else profile}
        super().__init__(**told, **own, **langchain)
        self._hints = hints
        if profile == "guaranteed":
            self.profile = profile_of(router.catalog.deployments, "guaranteed")

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

    def _core_router(self) -> Router:
        return self.router  # type: ignore[no-any-return]  # set by __init__

    def _own_params(self) -> dict[str, Any]:
        return self._params

    def _own_hints(self) -> Hints | None:
        return self._hints

    def __getstate__(self) -> dict[Any, Any]:
        self.router.check_picklable()
        return super().__getstate__()

    # identity ---------------------------------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """The pool's only model, or ``routed``: what agents and tracers read as this model's name."""
        models = self.router.catalog.models
        return self.router.catalog.deployments[0].served_model if len(models) == 1 else "routed"

    @property
    def _llm_type(self) -> str:
        return "routed-llm"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self._identity

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Secrets by name: serialised models hold the variable, never the key."""
        return secret_names(self.router.catalog.deployments)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """True: a model of strings can be written with ``dumpd`` and read with ``load``."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Where ``load`` finds this class."""
        return list(PATH[:-1])

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        if stop is None and not kwargs:
            if self._traced is None:
                self._traced = self._traced_params(None, {})
            return self._traced.copy()
        return self._traced_params(stop, kwargs)

    def _traced_params(self, stop: list[str] | None, kwargs: Mapping[str, Any]) -> LangSmithParams:
        provider = self.router.catalog.deployments[0].provider if len(self.router.catalog) == 1 else "routed_llm"
        told = LangSmithParams(
            ls_provider=provider, ls_model_name=str(kwargs.get("model") or self.model_name), ls_model_type="chat"
        )
        for name, key in (("temperature", "ls_temperature"), ("max_tokens", "ls_max_tokens")):
            value = kwargs.get(name, self._params.get(name))
            if value is not None:
                told[key] = value  # type: ignore[literal-required]  # keys of LangSmithParams
        stop = stop or self._params.get("stop")
        if stop:
            told["ls_stop"] = [stop] if isinstance(stop, str) else stop
        return told

    def _resolve_model_profile(self) -> ModelProfile | None:
        return profile_of(self.router.catalog.deployments)

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        return cache_key(self._identity, stop, kwargs)

    def _combine_llm_outputs(self, _llm_outputs: list[dict[str, Any] | None], /) -> dict[str, Any]:
        usage: dict[str, int] = {}
        for output in _llm_outputs:
            for name, count in ((output or {}).get("token_usage") or {}).items():
                usage[name] = usage.get(name, 0) + count
        names = [output.get("model_name") for output in _llm_outputs if output]
        return {"model_name": names[0] if len(set(names)) == 1 else None, "token_usage": usage}

    def get_num_tokens(self, text: str) -> int:
        """Tokens of a text, estimated offline: four characters each."""
        return text_tokens(text)

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None, **kwargs: Any
    ) -> int:
        """Tokens of messages and tools, estimated offline."""
        request = self._request(messages, None, {"tools": list(tools)} if tools else {}, stream=False)
        return self.router.explain(request).ask.input_tokens  # type: ignore[no-any-return]  # an int

    # binding ----------------------------------------------------------------------------------------------------------

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

    def explain(self, input: LanguageModelInput, *, routing: Mapping[str, Any] | None = None, **kwargs: Any) -> Decision:
        """Every candidate for a prompt, why each was rejected or how it scored, and the order; calls nothing.

        ``kwargs`` are those of a call: ``tools``, ``response_format``, ``model``, ``max_tokens`` ...
        """
        messages = self._convert_input(input).to_messages()
        request = self._request(
            messages, kwargs.pop("stop", None), {**kwargs, **({"routing": routing} if routing else {})}, False
        )
        return self.router.explain(request)  # type: ignore[no-any-return]  # a Decision


register()


def _unknown(name: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"unknown argument{f'; did you mean {near[0]!r}?' if near else '.'} Provider parameters go into model_kwargs."
