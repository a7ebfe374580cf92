"""Who a routed chat model is to others: tracers, agents, caches, serialization, token counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import BaseMessage
from pydantic import PrivateAttr

from routed_llm.door.life import Closing
from routed_llm.langchain.calls import RoutedCalls
from routed_llm.langchain.keys import cache_key, pool_key, secret_names
from routed_llm.langchain.profile import profile_of
from routed_llm.langchain.serialization import PATH
from routed_llm.prompt.estimate import text_tokens

__all__ = ["RoutedIdentity"]


class RoutedIdentity(RoutedCalls, Closing):
    """The identity of a routed chat model; see :class:`~routed_llm.langchain.chat_model.RoutedChatModel`."""

    _identity: dict[str, Any] = PrivateAttr(default_factory=dict)
    _traced: LangSmithParams | None = PrivateAttr(default=None)
    _pool_key: str | None = PrivateAttr(default=None)
    _of_catalog: tuple[int, str] | None = PrivateAttr(default=None)

    @property
    def _private(self) -> dict[str, Any]:
        """Private attributes by name, for every call: pydantic's own look-up of one takes microseconds."""
        return self.__pydantic_private__ or {}

    @property
    def model_name(self) -> str:
        """The pool's only model, or ``routed``: what agents and tracers read as this model's name."""
        models = self._core_router().catalog.models
        return self._core_router().catalog.deployments[0].served_model if len(models) == 1 else "routed"

    @property
    def _llm_type(self) -> str:
        return "routed-llm"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self._identity_now()

    def _identity_now(self) -> dict[str, Any]:
        """What is the same for every call, until the router's catalog changes."""
        private, catalog = self._private, self._core_router().catalog
        known = id(catalog), catalog.version  # the id of one that is not kept any more may be that of a new one
        if private["_of_catalog"] != known:
            self.model_post_init(None)
            self._of_catalog = known
        return self._private["_identity"]  # type: ignore[no-any-return]  # set by model_post_init

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Secrets by name: serialised models hold the variable, never the key."""
        return secret_names(self._core_router().catalog.deployments)

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
            traced: LangSmithParams | None = self._private["_traced"]
            if traced is None:
                traced = self._traced = self._traced_params(None, {})
            return traced.copy()
        return self._traced_params(stop, kwargs)

    def _traced_params(self, stop: list[str] | None, kwargs: Mapping[str, Any]) -> LangSmithParams:
        provider = (
            self._core_router().catalog.deployments[0].provider if len(self._core_router().catalog) == 1 else "routed_llm"
        )
        told = LangSmithParams(
            ls_provider=provider, ls_model_name=str(kwargs.get("model") or self.model_name), ls_model_type="chat"
        )
        for name, key in (("temperature", "ls_temperature"), ("max_tokens", "ls_max_tokens")):
            value = kwargs.get(name, self._own_params().get(name))
            if value is not None:
                told[key] = value  # type: ignore[literal-required]  # keys of LangSmithParams
        stop = stop or self._own_params().get("stop")
        if stop:
            told["ls_stop"] = [stop] if isinstance(stop, str) else stop
        return told

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        # what the base class gives, without its search for overrides of a deprecated method
        return {**self._identity_now(), "_type": self._llm_type, "stop": stop, **kwargs}

    def _resolve_model_profile(self) -> ModelProfile | None:
        return profile_of(self._core_router().catalog.deployments)

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        identity = self._identity_now()  # before the key of the pool, which it forgets with another catalog
        if self._pool_key is None:
            self._pool_key = pool_key(self._core_router())
        return cache_key(self._pool_key, identity, stop, kwargs)

    def _combine_llm_outputs(self, _llm_outputs: list[dict[str, Any] | None], /) -> dict[str, Any]:
        usage: dict[str, int] = {}
        for output in _llm_outputs:
            for name, count in ((output or {}).get("token_usage") or {}).items():
                usage[name] = usage.get(name, 0) + count
        names = [output.get("model_name") for output in _llm_outputs if output]
        return {"model_name": names[0] if len(set(names)) == 1 else None, "token_usage": usage}

    def get_token_ids(self, text: str) -> list[int]:
        """Stand-ins for tokens, as many as the offline estimate counts; they name nothing."""
        return list(range(text_tokens(text)))

    def get_num_tokens(self, text: str) -> int:
        """Tokens of a text, estimated offline: four characters each."""
        return text_tokens(text)

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None, **kwargs: Any
    ) -> int:
        """Tokens of messages and tools, estimated offline."""
        request = self._request(messages, None, {"tools": list(tools)} if tools else {}, stream=False)
        return self._core_router().explain(request).ask.input_tokens
