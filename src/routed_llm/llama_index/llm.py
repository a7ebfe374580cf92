"""The LlamaIndex LLM that chooses a model for every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.bridge.pydantic import ConfigDict, SecretStr
from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms.llm import ToolSelection

from routed_llm.catalog.hiding import sealed, shown_address
from routed_llm.decisions import Decision
from routed_llm.dispatch.resilience import Hedging
from routed_llm.door.arguments import check_relay, check_router, headers_of, kwargs_of, refuse_unknown, switches, typed_fields
from routed_llm.door.pool import Pool, shared_or_new
from routed_llm.door.showing import hidden
from routed_llm.hints import NO_HINTS, Hints
from routed_llm.llama_index.calls import Core
from routed_llm.llama_index.given import check_manager
from routed_llm.llama_index.hints import HintScope
from routed_llm.llama_index.identity import RoutedIdentity
from routed_llm.llama_index.markers import keep_markers
from routed_llm.llama_index.profile import Profile, check_overrides, check_sizes
from routed_llm.llama_index.tools import one_call, prepared, selections
from routed_llm.policy.compose import Policy
from routed_llm.requests import Request
from routed_llm.router import Router
from routed_llm.state.where import state_of

if TYPE_CHECKING:
    from routed_llm.config.reading import Config

__all__ = ["RoutedLLM"]

#: spellings that users of LlamaIndex's own classes bring along
_ALIASES = {
    "model": "models",
    "additional_kwargs": "model_kwargs",
    "api_base": "base_url",
    "default_headers": "headers",
    "default_routing": "routing",
}
_PARAMS = ("temperature", "max_tokens", "top_p", "stop", "seed")


class RoutedLLM(RoutedIdentity):
    """Many models behind one LlamaIndex LLM: it chooses one for every call and falls back when it fails.

    Args:
        models: list (order is preference) or dict of aliases; items are ``"provider:model"`` strings, LlamaIndex LLMs,
            LangChain chat models, ``(openai client, "model")`` pairs or :class:`~routed_llm.Model` entries. Without models:
            what keys the environment has, with the strategy ``auto``.
        strategy: ``ordered``, ``cheapest``, ``fastest``, ``round_robin``, ``weighted``, ``auto``, or a
            :class:`~routed_llm.Policy`.
        router: a router to share with other doors; then models, strategy and connection settings come from it.
        routing: hints for every call of this LLM; those of a call or of a ``with`` block win.
        temperature, max_tokens, top_p, stop, seed: generation parameters for every call; those of a call win.
        model_kwargs: further generation parameters by their OpenAI names (also ``additional_kwargs``).
        timeout: seconds for one attempt (in streams: to the first content, then between contents).
        max_retries: repeats on one deployment when no other is left; by default 2.
        api_key, credential, base_url, headers, proxy, ca_bundle, client_cert: for string models that do not say otherwise;
            see :class:`~routed_llm.Model`.
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
        profile: fields of ``LLMMetadata`` to show instead of the pool's own; ``"guaranteed"`` shows what every model can.
        context_window: tokens that engines may fill, instead of the largest window of the pool.
        num_output: tokens that engines leave for an answer; by default ``max_tokens``, else LlamaIndex's 256.
        system_prompt: put before every prompt of ``predict`` and its like, as in every LLM of LlamaIndex.
        callback_manager: for LlamaIndex's older event system.
        llama_index: the other fields of LlamaIndex's ``LLM``, such as ``pydantic_program_mode`` and ``rate_limiter``.

    Raises:
        ConfigurationError: for anything that cannot be meant; the message has the path of the offending key.

    Example:
        >>> from routed_llm import RoutedLLM
        >>> llm = RoutedLLM("sandbox", strategy="cheapest")
        >>> llm.complete("What is 2 + 3?").additional_kwargs["routing"]["model"]
        'sandbox:sandbox-small'
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())

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
        profile: Profile = None,
        context_window: int | None = None,
        num_output: int | None = None,
        system_prompt: str | None = None,
        callback_manager: CallbackManager | None = None,
        **llama_index: Any,
    ) -> None:
        meant = {_ALIASES[alias]: llama_index.pop(alias) for alias in _ALIASES if alias in llama_index}
        refuse_unknown(llama_index, type(self).model_fields)
        check_overrides(profile)
        check_sizes(context_window=context_window, num_output=num_output)
        check_manager(callback_manager)
        check_router(router)
        models = meant.get("models") if models is None else models
        base_url = meant.get("base_url") if base_url is None else base_url
        headers = meant.get("headers") if headers is None else headers
        routing = meant.get("routing") if routing is None else routing
        model_kwargs = meant.get("model_kwargs") if model_kwargs is None else model_kwargs
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
            **pool._asdict(), "default_routing": hints or None, "temperature": temperature,
            "max_tokens": max_tokens, "top_p": top_p, "stop": stop, "seed": seed, "model_kwargs": model_kwargs,
            "profile": profile, "context_window": context_window, "num_output": num_output, "system_prompt": system_prompt,
            "callback_manager": callback_manager,
        }  # fmt: skip
        told = {name: value for name, value in given.items() if value is not None and value is not False}
        if isinstance(base_url, str):
            told["base_url"] = shown_address(base_url)
        with typed_fields():
            super().__init__(router=router, **told, **llama_index)

    @classmethod
    def from_config(cls, config: Config = None, **arguments: Any) -> Self:
        """The LLM of a configuration file; see docs/configuration.md for what one holds.

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
        super().model_post_init(context)
        self._derive()

    def _derive(self) -> None:
        params = {name: value for name in _PARAMS if (value := getattr(self, name)) is not None} | dict(self.model_kwargs)
        hints = Hints.of(self.default_routing) if self.default_routing else NO_HINTS
        self._core = Core(self.router, params, hints)
        self._shown = None
        keep_markers(self.router, hints)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        keep_markers(self.router, self._core.hints)

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
                self.__dict__["router"] = router
                if isinstance(self.base_url, str):
                    self.__dict__["base_url"] = shown_address(self.base_url)
        self._derive()

    # tools ------------------------------------------------------------------------------------------------------------

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[Any],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        return prepared(tools, user_msg, chat_history, allow_parallel_tool_calls, tool_required, kwargs)

    def _validate_chat_with_tools_response(
        self, response: ChatResponse, tools: Sequence[Any], allow_parallel_tool_calls: bool = False, **kwargs: Any
    ) -> ChatResponse:
        return response if allow_parallel_tool_calls else one_call(response)

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """The tool calls of an answer, also of one that is still growing.

        Raises:
            ValueError: where there is none, unless ``error_on_no_tool_call`` is False.
        """
        return selections(response, error_on_no_tool_call)

    # hints ------------------------------------------------------------------------------------------------------------

    def with_routing(self, hints: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """A copy that gives these hints with every call, beside its own; it shares the router.

        Raises:
            UnknownHint: for a hint that does not exist.
        """
        return self.model_copy(update={"default_routing": dict(Hints.of(more, hints, self.default_routing).given) or None})

    def routing(self, hints: Mapping[str, Any] | None = None, /, **more: Any) -> HintScope:
        """A ``with`` block around engines, agents and other code: calls in it carry these hints.

        It holds for every LLM over the same router, and for tasks that are started inside it.

        Raises:
            UnknownHint: for a hint that does not exist.

        Example:
            >>> from routed_llm import RoutedLLM
            >>> llm = RoutedLLM("sandbox")
            >>> with llm.routing(user="u1", max_cost=0.005):
            ...     answer = llm.complete("What is 2 + 3?")
            >>> answer.additional_kwargs["routing"]["user"]
            'u1'
        """
        return HintScope(self.router, Hints.of(more, hints))

    # why --------------------------------------------------------------------------------------------------------------

    def explain(
        self, prompt: str | Sequence[ChatMessage], *, routing: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Decision:
        """Every candidate for a prompt, why each was rejected or how it scored, and the order; calls nothing.

        ``kwargs`` are those of a call: ``tools``, ``response_format``, ``model``, ``max_tokens`` ...
        """
        router, request = self._asked(prompt, routing, kwargs)
        return router.explain(request)

    async def aexplain(
        self, prompt: str | Sequence[ChatMessage], *, routing: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Decision:
        """:meth:`explain` for policies with pieces that wait."""
        router, request = self._asked(prompt, routing, kwargs)
        return await router.aexplain(request)

    def _asked(
        self, prompt: str | Sequence[ChatMessage], routing: Mapping[str, Any] | None, kwargs: Mapping[str, Any]
    ) -> tuple[Router, Request]:
        messages = self._prompt(prompt, False) if isinstance(prompt, str) else prompt
        return self._request(messages, {**kwargs, **({"routing": routing} if routing else {})}, stream=False)


#: fields from which others are derived
OWN_FIELDS = frozenset({*Pool._fields, *_PARAMS, "default_routing", "model_kwargs", "profile", "context_window", "num_output"})
