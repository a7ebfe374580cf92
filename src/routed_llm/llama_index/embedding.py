"""A LlamaIndex embedding over several deployments of one embedding model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, field_serializer
from llama_index.core.callbacks import CallbackManager

from routed_llm.catalog.hiding import sealed, shown_address
from routed_llm.decisions import Decision
from routed_llm.dispatch.resilience import Hedging
from routed_llm.door.arguments import headers_of, kwargs_of, refuse_unknown, typed_fields
from routed_llm.door.embedding import BATCH_SIZE, CONCURRENCY, EmbeddingSettings, TextEmbedder
from routed_llm.door.life import Closing
from routed_llm.door.pool import Pool
from routed_llm.door.showing import hidden, shown
from routed_llm.hints import Hints
from routed_llm.llama_index.dumps import dumped, kept, pickled_state, plain
from routed_llm.llama_index.given import check_manager
from routed_llm.llama_index.hints import HintScope, hints_around
from routed_llm.llama_index.restored import restored
from routed_llm.policy.compose import Policy
from routed_llm.router import Router
from routed_llm.state.where import state_of

if TYPE_CHECKING:
    from routed_llm.config.reading import Config

__all__ = ["RoutedEmbedding"]

#: spellings that users of LlamaIndex's own classes bring along
_ALIASES = {
    "model": "models",
    "embed_batch_size": "batch_size",
    "additional_kwargs": "model_kwargs",
    "api_base": "base_url",
    "default_headers": "headers",
    "default_routing": "routing",
}


class RoutedEmbedding(BaseEmbedding, Closing):
    """Several deployments of one embedding model behind one LlamaIndex embedding: load is shared, failures are survived.

    All of them must make vectors of one model in one length, because others cannot be compared with them: that is checked when
    this is made, and again with every answer.

    Args:
        models: list (order is preference) of ``"provider:model"`` strings, LlamaIndex ``BaseEmbedding``, LangChain
            ``Embeddings`` or :class:`~routed_llm.Model` entries. Deployments under different names are one model when you say
            so: ``Model(name="embed", deployments=[...])``.
        strategy: ``ordered``, ``cheapest``, ``fastest``, ``round_robin``, ``weighted``, or a :class:`~routed_llm.Policy`.
        router: a ``Router(..., purpose="embeddings")`` to share; then models, strategy and connection settings come from it.
        routing: hints for every call; those of a ``with`` block win.
        dimensions: length of the vectors, for models that can be told; None for the model's own.
        batch_size: texts of one request at most, up to 2,048 (also ``embed_batch_size``); long texts make smaller batches.
        max_concurrency: requests at once in async code.
        model_kwargs: further parameters of the request by their OpenAI names (also ``additional_kwargs``).
        timeout: seconds for one attempt.
        max_retries: repeats on one deployment when no other is left; by default 2.
        api_key, credential, base_url, headers, proxy, ca_bundle, client_cert: for string models that do not say otherwise; see
            :class:`~routed_llm.Model`.
        max_price_ratio: bounds the expected cost of a fallback as a multiple of the first choice's.
        quiet_fallbacks: do not write a warning when a call falls back.
        routing_seed: makes draws and jitter repeatable.
        hedge: ask a second deployment when the first is later than it mostly is: True, or ``Hedge(after, share)``.
        at_most_once: never send a call again once its body has left.
        state: where many processes share breakers, limits, budgets and latency, such as ``"redis://host"``.
        health_checks: ask models in the background of which nothing was heard: True, or
            ``HealthChecks(every, how, usd_per_day, timeout)``; by default nobody is asked.
        callback_manager: for LlamaIndex's older event system.
        llama_index: the other fields of LlamaIndex's ``BaseEmbedding``, such as ``embeddings_cache`` and ``rate_limiter``.

    Raises:
        ConfigurationError: for anything that cannot be meant, chat models and mixed models among it; the message has the path
            of the offending key.

    Example:
        >>> from routed_llm import RoutedEmbedding
        >>> embedding = RoutedEmbedding("sandbox:sandbox-embedding", dimensions=64)
        >>> len(embedding.get_query_embedding("Where is the cat?"))
        64
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())

    models: Any = None
    strategy: Any = None
    #: what the constructor calls ``routing``; here that name is a method
    default_routing: dict[str, Any] | None = None
    dimensions: int | None = None
    max_concurrency: int = CONCURRENCY
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    timeout: float | None = None
    max_retries: int | None = None
    api_key: Any = Field(default=None, repr=False)
    base_url: str | None = None
    ca_bundle: str | None = None
    client_cert: Any = None
    max_price_ratio: float | None = None
    quiet_fallbacks: bool = False
    routing_seed: int | None = None
    hedge: Any = None
    at_most_once: bool | None = None
    state: Any = Field(default=None, exclude=True, repr=False)
    health_checks: Any = None

    _embedder: TextEmbedder = PrivateAttr()

    @sealed
    def __init__(
        self,
        models: Any = None,
        strategy: str | Policy | None = None,
        *,
        router: Router | None = None,
        routing: Mapping[str, Any] | None = None,
        dimensions: int | None = None,
        batch_size: int | None = None,
        max_concurrency: int = CONCURRENCY,
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
        hedge: Hedging = None,
        at_most_once: bool | None = None,
        state: Any = None,
        health_checks: Any = None,
        callback_manager: CallbackManager | None = None,
        **llama_index: Any,
    ) -> None:
        meant = {_ALIASES[alias]: llama_index.pop(alias) for alias in _ALIASES if alias in llama_index}
        refuse_unknown(llama_index, type(self).model_fields)
        check_manager(callback_manager)
        named = llama_index.pop("model_name", None)
        if models is None and router is None:  # a dump names its model twice
            models = meant.get("models", named)
        base_url = meant.get("base_url") if base_url is None else base_url
        headers = meant.get("headers") if headers is None else headers
        routing = meant.get("routing") if routing is None else routing
        model_kwargs = kwargs_of(meant.get("model_kwargs") if model_kwargs is None else model_kwargs)
        batch_size = meant.get("batch_size", BATCH_SIZE) if batch_size is None else batch_size
        place = state_of(state)
        pool = Pool(
            models, strategy, hidden(api_key), credential, base_url, headers_of(headers), proxy, ca_bundle, client_cert,
            timeout, max_retries, max_price_ratio, quiet_fallbacks, routing_seed, hedge, at_most_once, place, health_checks,
        )  # fmt: skip
        # before pydantic, which would hide our errors behind its own
        embedder = TextEmbedder(router, pool, EmbeddingSettings(routing, dimensions, batch_size, max_concurrency, model_kwargs))
        given = {
            **pool._asdict(), "default_routing": dict(embedder.hints.given) or None, "dimensions": dimensions,
            "embed_batch_size": batch_size, "max_concurrency": max_concurrency, "model_kwargs": model_kwargs,
            "callback_manager": callback_manager, "model_name": embedder.model,
        }  # fmt: skip
        # headers, proxies and functions that give keys are the router's alone
        known = {name: value for name, value in given.items() if name in type(self).model_fields}
        told = {name: value for name, value in known.items() if value is not None and value is not False and value != {}}
        if isinstance(base_url, str):
            told["base_url"] = shown_address(base_url)
        with typed_fields():
            super().__init__(**told, **llama_index)
        self._embedder = embedder

    @classmethod
    def from_config(cls, config: Config = None, **arguments: Any) -> Self:
        """The embedding of a configuration file with ``purpose = "embeddings"``; see docs/configuration.md.

        Args:
            config: path of a file (TOML, or YAML where it ends with ``.yaml`` or ``.yml``), a text in TOML, or a mapping. None
                takes the file that ``ROUTED_LLM_CONFIG`` names, else ``routed.toml`` in the current directory.
            **arguments: of the constructor, but for those of which the router is made: ``routing``, ``batch_size`` ...

        Raises:
            ConfigurationError: for whatever cannot be meant; it names file, key path and line, and what to write instead.
        """
        return cls(router=Router.from_config(config), **arguments)

    @classmethod
    def class_name(cls) -> str:
        """The name in dumps and events."""
        return "RoutedEmbedding"

    @property
    def router(self) -> Router:
        """The router: ``router.track()`` sums money and tokens, ``router.records()`` has a record of each request."""
        return self._embedder.router

    # BaseEmbedding's methods ------------------------------------------------------------------------------------------

    def _ask(self, texts: list[str], kind: str) -> list[list[float]]:
        return self._embedder.embed(texts, kind, hints_around(self.router))

    async def _aask(self, texts: list[str], kind: str) -> list[list[float]]:
        return await self._embedder.aembed(texts, kind, hints_around(self.router))

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._ask([query], "query")[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return (await self._aask([query], "query"))[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._ask([text], "document")[0]

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await self._aask([text], "document"))[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._ask(texts, "document")

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await self._aask(texts, "document")

    # hints and why ----------------------------------------------------------------------------------------------------

    def with_routing(self, hints: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """A copy that gives these hints with every call, beside its own; it shares the router.

        Raises:
            UnknownHint: for a hint that does not exist.
        """
        embedder = self._embedder.with_hints(Hints.of(more, hints).given)
        copy = self.model_copy(update={"default_routing": dict(embedder.hints.given) or None})
        copy._embedder = embedder
        return copy

    def routing(self, hints: Mapping[str, Any] | None = None, /, **more: Any) -> HintScope:
        """A ``with`` block around indexes, engines and other code: embeddings in it carry these hints.

        It holds for every embedding over the same router, and for tasks that are started inside it.

        Raises:
            UnknownHint: for a hint that does not exist.
        """
        return HintScope(self.router, Hints.of(more, hints))

    def explain(self, texts: Sequence[str]) -> Decision:
        """Every deployment for these texts, why each was rejected, and the order; calls nothing."""
        return self._embedder.explain(texts)

    # dumps and copies -------------------------------------------------------------------------------------------------

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """The embedding that a dump was made of; ``kwargs`` win over the dump.

        Raises:
            ConfigurationError: for a dump of objects, or of keys given as text, unless ``kwargs`` give them again.
        """
        return super().from_dict(restored({**data, **kwargs}))

    @field_serializer("models")
    def _entries(self, value: Any) -> Any:
        return dumped(value)

    @field_serializer("strategy", "client_cert")
    def _plain(self, value: Any) -> Any:
        return plain(shown(value))

    @field_serializer("api_key")
    def _reference(self, value: Any) -> Any:
        return kept(value)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        private = self.__pydantic_private__
        if private and "_embedder" in private:
            yield "models", list(self.router.catalog.models)
            yield "strategy", self.router.policy.name
            yield "dimensions", self.dimensions

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy of its own fields that shares the router, and what the router is made of."""
        memo = {} if memo is None else memo
        memo.update((id(value), value) for name in Pool._fields if (value := getattr(self, name, None)) is not None)
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[str, Any]:
        self.router.check_picklable()
        made_of = self.router.made_of
        held = {**(made_of._asdict() if made_of is not None else {}), "router": self.router}
        return pickled_state(self, _REPLACED, held)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # not by the constructor, as LlamaIndex does: the router is in the state already
        for name, default in _REPLACED.items():
            state["__dict__"].setdefault(name, default())
        BaseModel.__setstate__(self, state)


#: what a pickle leaves out where it cannot be pickled, and what makes another in its place
_REPLACED: dict[str, Callable[[], Any]] = {
    "callback_manager": lambda: CallbackManager([]),
    "embeddings_cache": lambda: None,
    "rate_limiter": lambda: None,
}
