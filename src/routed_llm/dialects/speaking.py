"""The dialects by name, each loaded when an endpoint that speaks it is made."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from routed_llm.dialects.dialect import Dialect
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest

__all__ = ["DIALECTS", "dialect_of"]

#: name -> module and class
DIALECTS: dict[str, tuple[str, str]] = {
    "openai.chat": ("routed_llm.dialects.openai_chat.dialect", "OpenAIChat"),
    "openai.responses": ("routed_llm.dialects.openai_responses.dialect", "OpenAIResponses"),
    "anthropic.messages": ("routed_llm.dialects.anthropic_messages.dialect", "AnthropicMessages"),
    "gemini.generate": ("routed_llm.dialects.gemini_generate.dialect", "GeminiGenerate"),
    "bedrock.converse": ("routed_llm.dialects.bedrock_converse.dialect", "BedrockConverse"),
}


@cache
def dialect_of(name: str, path: str = "dialect") -> Dialect:
    """The dialect of a name.

    Raises:
        ConfigurationError: for a name that no dialect has.
    """
    home = DIALECTS.get(name)
    if home is None:
        raise ConfigurationError(f"unknown dialect {name!r}.{nearest(name, list(DIALECTS))}", path=path)
    found: Dialect = getattr(import_module(home[0]), home[1])()
    return found
