"""LangChain embeddings over several deployments of one embedding model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from langchain_core.embeddings import Embeddings
from langchain_core.runnables import ensure_config
from langchain_core.runnables.config import var_child_runnable_config
from pydantic import SecretStr

from routed_llm.catalog.hiding import sealed
from routed_llm.decisions import Decision
from routed_llm.dispatch.resilience import Hedging
from routed_llm.door.arguments import headers_of, kwargs_of, refuse_unknown
from routed_llm.door.embedding import BATCH_SIZE, CONCURRENCY, Done, EmbeddingSettings, TextEmbedder, inherited
from routed_llm.door.life import Closing
from routed_llm.door.pool import Pool
from routed_llm.door.showing import hidden
from routed_llm.errors import CallFailed
from routed_llm.hints import Hints
from routed_llm.langchain.errors import at_the_door
from routed_llm.policy.compose import Policy
from routed_llm.router import Router
from routed_llm.state.where import state_of

if TYPE_CHECKING:
    from routed_llm.config.reading import Config

__all__ = ["RoutedEmbeddings"]

#: spellings that users of LangChain's own classes bring along
_ALIASES = {"model": "models", "model_name": "models", "chunk_size": "batch_size", "request_timeout": "timeout"}


class RoutedEmbeddings(Embeddings, Closing):
    """Several deployments of one embedding model behind one LangChain ``Embeddings``: load is shared, failures are survived.

    All of them must make vectors of one model in one length, because others cannot be compared with them: that is checked when
    this is made, and again with every answer.

    Args:
        models: list (order is preference) of ``"provider:model"`` strings, LangChain ``Embeddings``, LlamaIndex
            ``BaseEmbedding`` or :class:`~routed_llm.Model` entries. Deployments under different names are one model when you
            say so: ``Model(name="embed", deployments=[...])``.
        strategy: ``ordered``, ``cheapest``, ``fastest``, ``round_robin``, ``weighted``, or a :class:`~routed_llm.Policy`.
        router: a ``Router(..., purpose="embeddings")`` to share; then models, strategy and connection settings come from it.
        routing: hints for every call; those of a call win.
        dimensions: length of the vectors, for models that can be told; None for the model's own.
        batch_size: texts of one request at most, up to 2,048; long texts make smaller batches.
        max_concurrency: requests at once in async code.
        model_kwargs: further parameters of the request by their OpenAI names, such as ``user``.
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
        show_progress_bar: show a bar of tqdm over many texts.
        langchain: other spellings of these: ``model``, ``chunk_size``, ``request_timeout``.

    Raises:
        ConfigurationError: for anything that cannot be meant, chat models and mixed models among it; the message has the path
            of the offending key.

    Example:
        >>> from routed_llm import RoutedEmbeddings
        >>> embeddings = RoutedEmbeddings("sandbox:sandbox-embedding", dimensions=64)
        >>> len(embeddings.embed_query("Where is the cat?"))
        64
    """

    @sealed
    def __init__(
        self,
        models: Any = None,
        strategy: str | Policy | None = None,
        *,
        router: Router | None = None,
        routing: Mapping[str, Any] | None = None,
        dimensions: int | None = None,
        batch_size: int = BATCH_SIZE,
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
        show_progress_bar: bool = False,
        **langchain: Any,
    ) -> None:
        meant = {_ALIASES[alias]: langchain.pop(alias) for alias in _ALIASES if alias in langchain}
        refuse_unknown(langchain, _ARGUMENTS)
        place = state_of(state)
        pool = Pool(
            meant.get("models") if models is None else models, strategy, hidden(api_key), credential, base_url,
            headers_of(headers), proxy, ca_bundle, client_cert, meant.get("timeout") if timeout is None else timeout,
            max_retries, max_price_ratio, quiet_fallbacks, routing_seed, hedge, at_most_once, place, health_checks,
        )  # fmt: skip
        settings = EmbeddingSettings(
            routing, dimensions, meant.get("batch_size", batch_size), max_concurrency, kwargs_of(model_kwargs)
        )
        self._embedder = TextEmbedder(router, pool, settings)
        self.dimensions = dimensions
        self.show_progress_bar = show_progress_bar

    @classmethod
    def from_config(cls, config: Config = None, **arguments: Any) -> Self:
        """The embeddings of a configuration file with ``purpose = "embeddings"``; see docs/configuration.md.

        Args:
            config: path of a file (TOML, or YAML where it ends with ``.yaml`` or ``.yml``), a text in TOML, or a mapping. None
                takes the file that ``ROUTED_LLM_CONFIG`` names, else ``routed.toml`` in the current directory.
            **arguments: of the constructor, but for those of which the router is made: ``routing``, ``batch_size`` ...

        Raises:
            ConfigurationError: for whatever cannot be meant; it names file, key path and line, and what to write instead.
        """
        return cls(router=Router.from_config(config), **arguments)

    def __repr__(self) -> str:
        router = self.router
        told = f"{list(router.catalog.models)}, strategy={router.policy.name!r}, dimensions={self.dimensions}"
        return f"RoutedEmbeddings({told})"

    def __getstate__(self) -> dict[str, Any]:
        self.router.check_picklable()
        return dict(self.__dict__)

    @property
    def router(self) -> Router:
        """The router: ``router.track()`` sums money and tokens, ``router.records()`` has a record of each batch."""
        return self._embedder.router

    @property
    def model(self) -> str:
        """The name of the model whose vectors these are, as its provider names it."""
        return self._embedder.model

    @property
    def batch_size(self) -> int:
        """Texts of one request at most."""
        return self._embedder.batch_size

    # LangChain's methods ----------------------------------------------------------------------------------------------

    def embed_documents(self, texts: list[str], *, routing: Mapping[str, Any] | None = None) -> list[list[float]]:
        """A vector for each text, in order; no text asks nobody.

        Args:
            texts: what is embedded.
            routing: hints of this call.

        Raises:
            InvalidCall: for what cannot be embedded; nothing was sent.
            CallFailed: when a batch failed at every deployment; also an instance of langchain-core's matching class.
        """
        with self._progress(texts) as done, _doors_errors():
            return self._embedder.embed(texts, "document", self._hints(routing), done)

    def embed_query(self, text: str, *, routing: Mapping[str, Any] | None = None) -> list[float]:
        """The vector of a question; see :meth:`embed_documents`."""
        with _doors_errors():
            return self._embedder.embed([text], "query", self._hints(routing))[0]

    async def aembed_documents(self, texts: list[str], *, routing: Mapping[str, Any] | None = None) -> list[list[float]]:
        """A vector for each text, in order, batches at once; see :meth:`embed_documents`."""
        with self._progress(texts) as done, _doors_errors():
            return await self._embedder.aembed(texts, "document", self._hints(routing), done)

    async def aembed_query(self, text: str, *, routing: Mapping[str, Any] | None = None) -> list[float]:
        """The vector of a question, in async code."""
        with _doors_errors():
            return (await self._embedder.aembed([text], "query", self._hints(routing)))[0]

    # hints ------------------------------------------------------------------------------------------------------------

    def with_routing(self, hints: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """A copy that gives these hints with every call, beside its own; it shares the router.

        Raises:
            UnknownHint: for a hint that does not exist.
        """
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._embedder = self._embedder.with_hints(Hints.of(more, hints).given)
        return copy

    def _hints(self, routing: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Hints of this call, before those of the chain around it that mean something here."""
        if var_child_runnable_config.get() is None:
            return routing
        config = ensure_config()
        configured, noted = (config.get("configurable") or {}).get("routing"), (config.get("metadata") or {}).get("routing")
        around = Hints.of(configured, noted if isinstance(noted, dict) else None)
        return Hints.of(routing, inherited(around, self.router.catalog)).given if around.given else routing

    # why --------------------------------------------------------------------------------------------------------------

    def explain(self, texts: Sequence[str]) -> Decision:
        """Every deployment for the first batch of these texts, why each was rejected, and the order; calls nothing."""
        return self._embedder.explain(texts)

    @contextmanager
    def _progress(self, texts: Sequence[str]) -> Iterator[Done | None]:
        if not self.show_progress_bar or isinstance(texts, str):
            yield None
            return
        from tqdm.auto import tqdm  # type: ignore[import-untyped]  # it has no types; loaded here because most show no bar

        with tqdm(total=len(texts), desc="Embedding", unit="text") as bar:
            yield bar.update


@contextmanager
def _doors_errors() -> Iterator[None]:
    try:
        yield
    except CallFailed as error:
        raised = at_the_door(error)
    else:
        return
    raise raised from None


_ARGUMENTS = frozenset({*EmbeddingSettings._fields, *Pool._fields, "router", "show_progress_bar", *_ALIASES})
