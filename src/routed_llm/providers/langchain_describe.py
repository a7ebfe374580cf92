"""What can be known of a chat model object before it is asked: names, abilities, limits, place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel

from routed_llm.abilities import PROFILE_KEYS
from routed_llm.providers.described import Described
from routed_llm.providers.langchain_modes import methods_of
from routed_llm.providers.langchain_retries import UNKNOWN_RETRIES, family
from routed_llm.providers.langchain_unwrap import unwrap
from routed_llm.providers.refusals import refuses
from routed_llm.providers.sdk_clients import provider_at
from routed_llm.providers.strings import is_loopback

__all__ = ["Described", "describe"]

_NAMES = ("model_name", "model", "model_id", "deployment_name", "azure_deployment")
_URLS = ("openai_api_base", "anthropic_api_url", "azure_endpoint", "base_url", "endpoint_url", "api_base")


def describe(item: Any) -> Described:
    """Facts of a chat model, as itself or bound.

    Names come from its tracing parameters, abilities and limits from its profile. Without a profile it can call tools if it
    has a ``bind_tools`` of its own. It is private when its address is on this machine.

    Raises:
        TypeError: when there is no chat model inside.
    """
    model, kwargs = unwrap(item)[:2]
    profile = model.profile if isinstance(model.profile, Mapping) else {}
    named = _tracing(model, kwargs)
    url = _address(model)
    provider = str(named.get("ls_provider") or type(model).__name__)
    return Described(
        provider_at(url, provider),
        str(named.get("ls_model_name") or _name(model)),
        _abilities(model, profile),
        _limit(profile.get("max_input_tokens")),
        _limit(profile.get("max_output_tokens")),
        is_loopback(url),
        () if family(model) else (UNKNOWN_RETRIES,),
        methods_of(model).modes,
    )


def _tracing(model: BaseChatModel, kwargs: dict[str, Any]) -> Mapping[str, Any]:
    try:
        return model._get_ls_params(**{k: v for k, v in kwargs.items() if k != "stop"})
    except (TypeError, AttributeError, KeyError, ValueError):  # a user's class: its name will do
        return {}


def _name(model: BaseChatModel) -> str:
    told = (getattr(model, name, None) for name in _NAMES)
    return next((name for name in told if isinstance(name, str) and name), model._llm_type)


def _address(model: BaseChatModel) -> str:
    client = getattr(model, "root_client", None) or getattr(model, "root_async_client", None)
    told = [getattr(client, "base_url", None), *(getattr(model, name, None) for name in _URLS)]
    return next((str(url) for url in told if url is not None and "://" in str(url)), "")


def _limit(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _abilities(model: BaseChatModel, profile: Mapping[str, Any]) -> dict[str, bool]:
    told = {ours: profile[key] for ours, key in PROFILE_KEYS.items() if isinstance(profile.get(key), bool)}
    cls = type(model)
    binds = cls.bind_tools is not BaseChatModel.bind_tools and not refuses(cls.bind_tools)
    types = cls.with_structured_output is not BaseChatModel.with_structured_output
    told.setdefault("tools", binds)
    if not told["tools"] and not types:
        told.setdefault("structured_output", False)
    return told
