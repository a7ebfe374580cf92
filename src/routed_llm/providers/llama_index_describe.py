"""What can be known of a LlamaIndex LLM before it is asked: names, abilities, limits, place, what tells it apart."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from llama_index.core.base.llms.types import LLMMetadata
from llama_index.core.constants import DEFAULT_CONTEXT_WINDOW, DEFAULT_NUM_OUTPUTS
from llama_index.core.llms import LLM

from routed_llm.catalog.hiding import bare
from routed_llm.providers.described import Described
from routed_llm.providers.llama_index_fit import READS
from routed_llm.providers.llama_index_modes import completes, methods_of
from routed_llm.providers.llama_index_retries import UNKNOWN_RETRIES, family
from routed_llm.providers.llama_index_tools import chooses
from routed_llm.providers.rows import find_row
from routed_llm.providers.sdk_clients import provider_at
from routed_llm.providers.secret_texts import Secrets, secrets_in
from routed_llm.providers.strings import is_loopback

__all__ = ["Described", "describe", "fingerprint_of", "secrets_of"]

_PROVIDERS = {"google": "gemini"}
_URLS = ("api_base", "azure_endpoint", "base_url", "endpoint", "api_url")
#: ability -> the type of block that a class must take for it
_BLOCKS = {
    "images": "image", "image_urls": "image", "pdf": "document", "audio": "audio", "video": "video",
    "thinking_blocks": "thinking", "citations": "citable", "cache_points": "cache",
}  # fmt: skip
_SECRET = re.compile(r"key$|(?:^|_)token$|secret|password|credential|header|auth|client", re.IGNORECASE)


def describe(model: LLM) -> Described:
    """Facts of an LLM, from its ``metadata``, its class and its address.

    ``LLMMetadata`` has numbers even where an LLM says nothing: 3,900 and 256 tokens (llama-index-core's constants), and -1
    by custom. These count as unknown, because a filter that believed them would keep long prompts from large models. Known
    classes tell as their output what they are set to give (``max_tokens``), which a call may change: no limit either.

    Raises:
        TypeError: when its metadata cannot be read; LlamaIndex reads them for every call, so none would succeed.
    """
    kind = family(model)
    try:
        metadata = _ollama(model) if kind == "ollama" else model.metadata
    except (ValueError, AttributeError, KeyError, TypeError, NotImplementedError) as error:
        raise TypeError(f"the metadata of this {type(model).__name__} cannot be read: {error}") from None
    url = _address(model)
    provider, name = _names(model, kind, metadata.model_name, url)
    return Described(
        provider,
        name,
        _abilities(model, kind, metadata),
        _limit(metadata.context_window, DEFAULT_CONTEXT_WINDOW),
        None if kind else _limit(metadata.num_output, DEFAULT_NUM_OUTPUTS),
        is_loopback(url),
        () if kind else (UNKNOWN_RETRIES,),
        methods_of(type(model)).modes,
    )


def _ollama(model: Any) -> LLMMetadata:
    """Ollama's metadata without its question to the server how long a prompt may be."""
    return LLMMetadata(
        context_window=model.context_window, model_name=model.model, is_function_calling_model=model.is_function_calling_model
    )


def _names(model: LLM, kind: str, told: str, url: str) -> tuple[str, str]:
    if not told or told == "unknown":
        own = (getattr(model, name, None) for name in ("model", "model_name", "model_id"))
        told = next((name for name in own if isinstance(name, str) and name), model.class_name())
    if kind == "litellm":
        prefix, slash, rest = told.partition("/")
        row = find_row(prefix) if slash else None
        return (row.name, rest) if row is not None else ("openai" if not slash else prefix, told)
    named = _PROVIDERS.get(kind, kind) or type(model).__name__
    if kind == "openai" and hasattr(model, "azure_endpoint"):
        named = "azure_openai"
    elif kind == "openai" and "OpenAILike" in (cls.__name__ for cls in type(model).__mro__):
        named = type(model).__name__  # its server is anybody's
    return provider_at(url, named), told


def _address(model: LLM) -> str:
    more = getattr(model, "additional_kwargs", None) or {}  # where LiteLLM's class keeps it
    told = [getattr(model, name, None) for name in _URLS] + [more.get(name) for name in _URLS]
    return next((url for url in told if isinstance(url, str) and "://" in url), "")


def _limit(value: Any, meaningless: int) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and value > 0 and value != meaningless
    return value if known else None


def _abilities(model: LLM, kind: str, metadata: LLMMetadata) -> dict[str, bool]:
    """Whether it calls tools is known; what it cannot read only where its class tells; typed answers come by a tool."""
    tools = bool(metadata.is_function_calling_model) and hasattr(model, "_prepare_chat_with_tools")
    told = {"tools": tools, "tool_choice": tools and chooses(model), "structured_output": False}
    reads = frozenset({"text"}) if completes(type(model)) else READS.get(kind)
    if reads is not None:
        told.update({ability: False for ability, block in _BLOCKS.items() if block not in reads})
    if kind == "openai":
        told["thinking_blocks"] = False  # its converter leaves them out
    return told


def fingerprint_of(model: LLM, params: Mapping[str, Any]) -> str:
    """Class, model and a digest of the settings that decide answers, without keys, headers and connections."""
    settings = dict(_settings(model))
    digest = hashlib.sha256(json.dumps([settings, _shown(dict(params))], sort_keys=True).encode()).hexdigest()
    named = getattr(model, "model", None)
    return f"{type(model).__qualname__} {named if isinstance(named, str) else ''} {digest[:24]}"


def _settings(model: LLM) -> Iterator[tuple[str, Any]]:
    for name, info in type(model).model_fields.items():
        if info.exclude or _SECRET.search(name):
            continue
        value = _shown(getattr(model, name, None))
        if value is not None:
            yield name, value


def _shown(value: Any) -> Any:
    """A value as plain data; None for what is none."""
    if isinstance(value, str):
        return bare(value) if "://" in value else value
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(k): _shown(v) for k, v in value.items() if not _SECRET.search(str(k))}
    if isinstance(value, (list, tuple)):
        return [_shown(v) for v in value]
    return None


def secrets_of(model: LLM) -> Secrets:
    """The secret values in an object's fields and its clients, to keep them out of messages."""
    addresses = (value for value in model.__dict__.values() if isinstance(value, str) and "://" in value)
    return secrets_in(_secret_texts(model), {}, addresses)


def _secret_texts(model: LLM) -> Iterator[str]:
    private = getattr(model, "__pydantic_private__", None) or {}
    more = getattr(model, "additional_kwargs", None) or {}
    for name, value in [*model.__dict__.items(), *private.items(), *more.items()]:
        if hasattr(value, "get_secret_value"):
            value = value.get_secret_value()
        if _SECRET.search(name):
            if isinstance(value, str) and "://" not in value:
                yield value
            elif isinstance(value, Mapping):
                yield from (v for v in value.values() if isinstance(v, str) and len(v) > 15)
            elif isinstance(key := getattr(value, "api_key", None), str):
                yield key
