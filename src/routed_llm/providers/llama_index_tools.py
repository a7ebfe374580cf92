"""Tools and answer schemas of a call, formatted by the LLM's own ``_prepare_chat_with_tools``.

Every integration formats tools in its own way, so LlamaIndex's own requests hand the caller's very tools to it, and those of
other doors tools made of their JSON schemas. A typed answer is asked for as a tool that must be called. Integrations append
to the list of messages they are given: they get a copy of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import LLM
from llama_index.core.tools.types import BaseTool, ToolMetadata, ToolOutput

from routed_llm.errors import ProviderError
from routed_llm.providers.llama_index_modes import written
from routed_llm.providers.llama_index_quiet import quiet
from routed_llm.providers.llama_index_retries import family
from routed_llm.providers.llama_index_text import Prompt
from routed_llm.requests import Request, SchemaBinding, ToolBinding

__all__ = ["Prepared", "WireTool", "chooses", "prepare"]


class Prepared(NamedTuple):
    """What a chat is called with; ``schema_tool`` names the tool whose arguments are the typed answer.

    With ``prompt`` a completion of it is asked for instead.
    """

    messages: list[ChatMessage]
    kwargs: dict[str, Any]
    schema_tool: str | None = None
    prompt: Prompt | None = None


class _WireMetadata(ToolMetadata):
    """A tool's description with a JSON schema instead of a pydantic class."""

    def __init__(self, name: str, description: str, schema: Mapping[str, Any]) -> None:
        super().__init__(description=description, name=name, fn_schema=None)
        self.schema = dict(schema)

    def get_parameters_dict(self) -> dict[str, Any]:
        """The JSON schema."""
        return dict(self.schema)


class WireTool(BaseTool):
    """A tool that another door described; only its description is of use, it is called by the caller."""

    def __init__(self, name: str, description: str, schema: Mapping[str, Any]) -> None:
        self._metadata = _WireMetadata(name, description, schema or {"type": "object", "properties": {}})

    @property
    def metadata(self) -> ToolMetadata:
        """Name, description and schema."""
        return self._metadata

    def __call__(self, input: Any) -> ToolOutput:
        """Never called by an LLM."""
        raise RuntimeError(f"{self._metadata.name} is called by whoever gave it, not by the model.")


def prepare(model: LLM, request: Request, messages: list[ChatMessage]) -> Prepared:
    """The messages and arguments of a call; what the model has no place for is noted in the request's losses.

    Raises:
        ProviderError: ``unsupported_parameter`` when it can take no tools.
    """
    tools, schema = request.tools, request.schema
    given = _given(tools, request) if tools is not None else []
    if schema is None and not given:
        return Prepared(messages, {})
    if not hasattr(model, "_prepare_chat_with_tools"):
        can = "call tools" if schema is None else "give typed answers nor call tools"
        raise ProviderError(
            "unsupported_parameter", f"{type(model).__name__} can {'not' if schema is None else 'neither'} {can}", sent=False
        )
    required = schema is not None
    options: dict[str, Any] = {}
    if schema is not None:
        given.append(_schema_tool(schema))
    elif tools is not None:
        given, required, options = _chosen(model, tools, given, request.losses)
        if not given:
            return Prepared(messages, {})
    if tools is not None and tools.strict is not None:
        _option(model, "strict", tools.strict, options, request.losses)
    if required:
        _option(model, "tool_required", True, options, request.losses)
    parallel = tools.parallel is not False if tools is not None and schema is None else False
    with quiet():  # LlamaIndex makes a span of it, which is no step of the caller's
        prepared = dict(
            model._prepare_chat_with_tools(given, chat_history=list(messages), allow_parallel_tool_calls=parallel, **options)
        )
    asked = prepared.pop("messages", messages)
    return Prepared(list(asked), prepared, schema.name if schema is not None else None)


def _given(tools: ToolBinding, request: Request) -> list[Any]:
    """The caller's own tools, or tools made of what another door told."""
    if request.dialect == "llama_index":
        return list(tools.originals)
    made = []
    for told in tools.wire:
        function = told.get("function")
        if isinstance(function, Mapping):
            made.append(WireTool(function["name"], function.get("description") or "", function.get("parameters") or {}))
        else:
            request.losses.append(f"a provider's own tool: {told.get('type')}")
    return made


def _schema_tool(schema: SchemaBinding) -> WireTool:
    free = {"type": "object", "properties": {}, "additionalProperties": True}
    return WireTool(schema.name, schema.description or "Give the answer by calling this tool.", schema.schema or free)


def _chosen(model: LLM, tools: ToolBinding, given: list[Any], losses: list[str]) -> tuple[list[Any], bool, dict[str, Any]]:
    """The tools to offer, whether one must be called, and more arguments, as the caller's choice says."""
    choice = tools.choice
    if choice in (None, "auto"):
        return given, False, {}
    if choice == "required":
        return given, True, {}
    named = "tool_choice" in _parameters(type(model))
    if choice == "none":
        if named:
            return given, False, {"tool_choice": "none"}
        if family(model) == "anthropic":
            return given, False, {"tool_choice": {"type": "none"}}
        losses.append(f"tools: {type(model).__name__} cannot be told to call none of them")
        return [], False, {}
    if named:
        return given, False, {"tool_choice": choice}
    # to offer one tool alone and demand a call is the same choice
    return [tool for tool in given if tool.metadata.name == choice], True, {}


def _option(model: LLM, name: str, value: Any, options: dict[str, Any], losses: list[str]) -> None:
    if name in _parameters(type(model)) and not (name == "tool_required" and family(model) == "ollama"):
        options[name] = value
    else:
        losses.append(f"{type(model).__name__} does not take {name}: left out")


@lru_cache(maxsize=1024)
def _parameters(cls: type[LLM]) -> frozenset[str]:
    prepares = written(cls._prepare_chat_with_tools)  # type: ignore[attr-defined]  # asked only where there is one
    return frozenset(inspect.signature(prepares, follow_wrapped=False).parameters)


def chooses(model: LLM) -> bool:
    """Whether it can be told that a tool must be called; Ollama's server has no such field."""
    cls = type(model)
    if not hasattr(cls, "_prepare_chat_with_tools") or family(model) == "ollama":
        return False
    return bool(_parameters(cls) & {"tool_required", "tool_choice"})
