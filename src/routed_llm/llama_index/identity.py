"""Who a routed LLM is to others: metadata, events, dumps, copies and pickles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self

from llama_index.core.base.llms.generic_utils import messages_to_prompt
from llama_index.core.base.llms.types import LLMMetadata
from llama_index.core.bridge.pydantic import BaseModel, Field, PrivateAttr, field_serializer
from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms.llm import default_completion_to_prompt

from routed_llm.catalog.snapshot import Catalog
from routed_llm.door.life import Closing
from routed_llm.door.pool import Pool
from routed_llm.door.showing import shown
from routed_llm.llama_index.dumps import dumped, kept, pickled_state, plain
from routed_llm.llama_index.profile import metadata_of
from routed_llm.llama_index.restored import restored
from routed_llm.llama_index.structured import RoutedStructured

__all__ = ["RoutedIdentity"]


class RoutedIdentity(RoutedStructured, Closing):
    """The fields and the identity of a routed LLM; see :class:`~routed_llm.llama_index.llm.RoutedLLM`."""

    models: Any = None
    strategy: Any = None
    #: what the constructor calls ``routing``; here that name is a method
    default_routing: dict[str, Any] | None = None
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
    max_price_ratio: float | None = None
    quiet_fallbacks: bool = False
    routing_seed: int | None = None
    on_stream_break: str | None = None
    hedge: Any = None
    at_most_once: bool | None = None
    retry_on: Any = None
    state: Any = Field(default=None, exclude=True, repr=False)
    health_checks: Any = None
    profile: Any = None
    context_window: int | None = None
    num_output: int | None = None
    router: Any = Field(default=None, exclude=True, repr=False)

    _shown: tuple[Catalog, LLMMetadata, dict[str, Any]] | None = PrivateAttr(default=None)

    @classmethod
    def class_name(cls) -> str:
        """The name in dumps and events."""
        return "RoutedLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """What the pool can do; the same object as long as the pool is the same."""
        return self._seen()[1]

    def to_payload(self) -> dict[str, Any]:
        """What events show of this LLM: name and metadata."""
        return dict(self._seen()[2])

    def _seen(self) -> tuple[Catalog, LLMMetadata, dict[str, Any]]:
        found = self._shown
        catalog = self.router.catalog
        if found is None or found[0] is not catalog:
            told = {"context_window": self.context_window, "num_output": self.num_output or self.max_tokens}
            metadata = metadata_of(catalog.deployments, self.profile, told)
            found = self._shown = (catalog, metadata, {"class_name": self.class_name(), **metadata.model_dump()})
        return found

    # dumps ------------------------------------------------------------------------------------------------------------

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """The LLM that a dump was made of; ``kwargs`` win over the dump.

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
        router = self.__dict__.get("router")
        if router is not None:
            yield "models", list(router.catalog.models)
            yield "strategy", router.policy.name

    # copies -----------------------------------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy of its own parameters that shares the router, and what the router is made of."""
        memo = {} if memo is None else memo
        memo.update((id(value), value) for name in Pool._fields if (value := getattr(self, name)) is not None)
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[str, Any]:
        self.router.check_picklable()
        return pickled_state(self, _REPLACED)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # not by the constructor, as LlamaIndex does: the router is in the state already
        for name, default in _REPLACED.items():
            state["__dict__"].setdefault(name, default())
        BaseModel.__setstate__(self, state)


#: what a pickle leaves out where it cannot be pickled, and what makes another in its place
_REPLACED: dict[str, Callable[[], Any]] = {
    "callback_manager": CallbackManager,
    "messages_to_prompt": lambda: messages_to_prompt,
    "completion_to_prompt": lambda: default_completion_to_prompt,
    "output_parser": lambda: None,
    "rate_limiter": lambda: None,
}
