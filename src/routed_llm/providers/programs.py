"""Which objects are programs that serve as models, and their deployments."""

from __future__ import annotations

import sys
from typing import Any

from routed_llm.abilities import ABILITIES
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.models import Model
from routed_llm.errors import ConfigurationError
from routed_llm.providers.objects import is_embedder, is_langchain_model, is_llama_index_model, refuse_connection
from routed_llm.providers.program import Program
from routed_llm.providers.program_endpoint import ProgramEndpoint
from routed_llm.providers.strings import About, assemble

__all__ = ["is_program", "resolve_program"]

#: how the provider of a program is named
PROVIDER = "program"
INPUTS = ("text", "messages")


def is_program(item: Any) -> bool:
    """True for a Runnable without a chat model to unwrap, a LlamaIndex query or chat engine, and any other function."""
    if is_langchain_model(item):
        from routed_llm.providers.langchain_unwrap import is_model

        return not is_model(item)
    if _engine(item) is not None:
        return True
    return callable(item) and not isinstance(item, type) and not is_embedder(item) and not is_llama_index_model(item)


def _engine(item: Any) -> str | None:
    """``query`` or ``chat`` for an engine of LlamaIndex; one can only be there when llama-index-core was imported."""
    for kind, module, name in (
        ("query", "llama_index.core.base.base_query_engine", "BaseQueryEngine"),
        ("chat", "llama_index.core.chat_engine.types", "BaseChatEngine"),
    ):
        base = getattr(sys.modules.get(module), name, None)
        if base is not None and isinstance(item, base):
            return kind
    return None


def resolve_program(entry: Model, path: str) -> Deployment:
    """The deployment of a program: without any ability that the entry does not declare.

    Raises:
        ConfigurationError: without a name, and for an input that cannot be made.
    """
    refuse_connection(entry, path)
    for name in ("params", "reasoning"):
        if getattr(entry, name):
            raise ConfigurationError("counts for models only; a program has parameters of its own.", path=f"{path}.{name}")
    if not entry.name:
        raise ConfigurationError(
            f"a {type(entry.model).__name__} that serves as a model needs a name: Model(..., name='handbook').", path=path
        )
    if entry.input is not None and entry.input not in INPUTS and not callable(entry.input):
        told = f"must be 'text', 'messages' or a function of the messages, not {entry.input!r}."
        raise ConfigurationError(told, path=f"{path}.input")
    try:
        program = _program(entry.model, entry.input)
    except TypeError as error:
        raise ConfigurationError(str(error), path=path) from None
    endpoint = ProgramEndpoint(program, entry.name)
    abilities = {**dict.fromkeys(ABILITIES, False), **entry.parsed_abilities(path)}
    known = About(entry.name, PROVIDER, entry.name, None, abilities, False, marks=endpoint.marks)
    return assemble(entry, path, endpoint, known)


def _program(item: Any, form: Any) -> Program:
    if is_langchain_model(item):
        from routed_llm.providers.langchain_runnable import runnable_program

        return runnable_program(item, form)
    kind = _engine(item)
    if kind is None:
        from routed_llm.providers.program_function import function_program

        return function_program(item, form)
    from routed_llm.providers.llama_index_engine import chat_program, query_program

    return query_program(item, form) if kind == "query" else chat_program(item, form)
