"""Known LlamaIndex LLMs: their families, and their own retries turned off on a copy; the user's object stays as it is.

What a class needs was found by counting requests. ``OpenAI`` and what is made of it (``OpenAILike``, ``AzureOpenAI``) retry in
a decorator and again in their SDK's client, which may be made already; ``Anthropic`` in its clients alone. ``LiteLLM`` counts
attempts, and its SDK retries beside it. ``GoogleGenAI`` retries in a decorator. ``MistralAI`` and ``Ollama`` ask once: the
number that the first takes is of no effect. A class that is not in the table is marked ``inner_retries: unknown``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from llama_index.core.llms import LLM

from routed_llm.providers.sdk_clients import still

__all__ = ["UNKNOWN_RETRIES", "family", "once", "sdk_timeout", "tells_finish"]

#: what decisions tell of a class that is not in the table
UNKNOWN_RETRIES = "inner_retries: unknown"

#: class -> package under ``llama_index.llms``, family
_KNOWN = {
    "OpenAI": ("openai", "openai"),
    "OpenAIResponses": ("openai", "openai"),
    "Anthropic": ("anthropic", "anthropic"),
    "LiteLLM": ("litellm", "litellm"),
    "MistralAI": ("mistralai", "mistral"),
    "GoogleGenAI": ("google_genai", "google"),
    "Ollama": ("ollama", "ollama"),
}


def family(model: LLM) -> str:
    """``openai``, ``anthropic``, ``litellm``, ``mistral``, ``google`` or ``ollama`` for a known class or one made of it."""
    return _family(type(model))


@lru_cache(maxsize=1024)
def _family(cls: type[LLM]) -> str:
    for base in cls.__mro__:
        package, name = _KNOWN.get(base.__name__, ("", ""))
        if package and f"{base.__module__}.".startswith(f"llama_index.llms.{package}."):
            return name
    return ""


def once(copy: LLM) -> tuple[str, ...]:
    """Make a copy of the user's object ask once; gives the marks to tell in decisions."""
    quieten = _QUIETEN.get(family(copy))
    return () if quieten is not None and quieten(copy) else (UNKNOWN_RETRIES,)


def tells_finish(model: LLM) -> bool:
    """True for classes whose streams always say why they end, so that one without a finish is cut."""
    return type(model).__name__ in ("OpenAI", "AzureOpenAI") and family(model) == "openai"


def sdk_timeout(model: LLM, seconds: float) -> float | None:
    """The ``timeout=`` of one call of a class that takes one: its own, at most ``seconds``; else None."""
    if family(model) not in ("openai", "anthropic"):
        return None
    own = getattr(model, "timeout", None)
    return min(own, seconds) if isinstance(own, (int, float)) else seconds


def _set(copy: Any, **values: Any) -> None:
    """Fields of a copy, set as they are: a validator of the class might refuse or refresh something."""
    copy.__dict__.update(values)


def _openai(copy: Any) -> bool:
    _set(copy, max_retries=0)
    return _clients(copy)


def _anthropic(copy: Any) -> bool:
    _set(copy, max_retries=0)
    return _clients(copy)


def _clients(copy: Any) -> bool:
    """Clients that exist already are replaced; later ones are made with the copy's ``max_retries``."""
    for name in ("_client", "_aclient"):
        client = getattr(copy, name, None)
        if client is None:
            continue
        if not hasattr(client, "with_options"):
            return False  # a client of the user's own kind
        setattr(copy, name, still(client))
    return True


def _litellm(copy: Any) -> bool:
    _set(copy, max_retries=1, additional_kwargs={**copy.additional_kwargs, "num_retries": 0})
    return True


def _google(copy: Any) -> bool:
    _set(copy, max_retries=0)
    return True


def _already(copy: Any) -> bool:
    return True


_QUIETEN: dict[str, Callable[[Any], bool]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "litellm": _litellm,
    "google": _google,
    "mistral": _already,
    "ollama": _already,
}
