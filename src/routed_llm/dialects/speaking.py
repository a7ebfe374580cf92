"""The dialects by name, each loaded when an endpoint that speaks it is made."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from routed_llm.dialects.dialect import Dialect
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest

__all__ = ["DIALECTS", "dialect_names", "dialect_of", "register_dialect"]

_METHODS = ("paths", "headers", "body", "conversation", "answer", "reader", "error", "room")

#: name -> module and class
DIALECTS: dict[str, tuple[str, str]] = {
    "openai.chat": ("routed_llm.dialects.openai_chat.dialect", "OpenAIChat"),
    "openai.responses": ("routed_llm.dialects.openai_responses.dialect", "OpenAIResponses"),
    "anthropic.messages": ("routed_llm.dialects.anthropic_messages.dialect", "AnthropicMessages"),
    "gemini.generate": ("routed_llm.dialects.gemini_generate.dialect", "GeminiGenerate"),
    "bedrock.converse": ("routed_llm.dialects.bedrock_converse.dialect", "BedrockConverse"),
}


_registered: dict[str, type[Dialect]] = {}


def dialect_names() -> list[str]:
    """The built-in dialects, and those of :func:`register_dialect`."""
    return [*DIALECTS, *_registered]


def register_dialect(dialect: type[Dialect]) -> None:
    """Make a class of your own known in this process by its ``name``: ``Model(dialect=...)`` and provider rows may name it.

    The same class may be registered again, as notebooks do; the newest definition counts.

    Raises:
        ConfigurationError: for a class without a name, a method that is missing, and a name that is taken.
    """
    name = getattr(dialect, "name", None)
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"{dialect!r} has no name: set it in the class.", path="name")
    if missing := [each for each in _METHODS if not callable(getattr(dialect, each, None))]:
        raise ConfigurationError(f"{dialect!r} has no method {missing[0]!r}.", path=name)
    before = _registered.get(name)
    taken = before is not None and (before.__module__, before.__qualname__) != (dialect.__module__, dialect.__qualname__)
    if name in DIALECTS or taken:
        raise ConfigurationError(f"{name!r} is taken; choose another name.", path=name)
    _registered[name] = dialect
    dialect_of.cache_clear()


@cache
def dialect_of(name: str, path: str = "dialect") -> Dialect:
    """The dialect of a name.

    Raises:
        ConfigurationError: for a name that no dialect has.
    """
    if (own := _registered.get(name)) is not None:
        return own()
    home = DIALECTS.get(name)
    if home is None:
        raise ConfigurationError(f"unknown dialect {name!r}.{nearest(name, dialect_names())}", path=path)
    found: Dialect = getattr(import_module(home[0]), home[1])()
    return found
