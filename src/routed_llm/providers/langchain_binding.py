"""Tools and answer schemas of a call, bound by the chat model object itself.

Every provider formats tools in its own way, so the caller's own tools are given to the object's ``bind_tools`` and the
caller's own schema to its ``with_structured_output``; what these bind is then passed to the call. A model that cannot give a
typed answer natively gets the schema as a tool that it must call. Binding is dear, so the last results are kept.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableSequence
from langchain_core.runnables.base import RunnableBindingBase

from routed_llm.errors import ProviderError
from routed_llm.providers.langchain_retries import family
from routed_llm.requests import SchemaBinding, ToolBinding

__all__ = ["Binder", "Bound"]

#: what LangChain binds for its tracing alone; ``generate`` takes it out before the object's own method is called
_TRACING = ("ls_structured_output_format", "structured_output_format")
_KEPT = 64


class Bound(NamedTuple):
    """Arguments of a call.

    ``schema_tool`` names the tool whose arguments are the typed answer; ``losses`` tell what the object does not take.
    """

    kwargs: dict[str, Any]
    schema_tool: str | None = None
    losses: tuple[str, ...] = ()


class Binder:
    """Binds for one object; ``native`` is False where the model is known to have no structured output of its own."""

    def __init__(self, model: BaseChatModel, native: bool = True) -> None:
        self._model = model
        self._native = native
        self._kept: OrderedDict[Any, tuple[Any, Bound]] = OrderedDict()

    def of(self, tools: ToolBinding | None, schema: SchemaBinding | None, losses: list[str]) -> Bound:
        """The arguments for the tools and the schema of a request; what the object does not take is noted in ``losses``.

        Raises:
            ProviderError: ``unsupported_parameter`` when the object can do neither.
        """
        if tools is not None and not tools.originals:
            tools = None
        if tools is None and schema is None:
            return Bound({})
        key = (_tools_key(tools), _schema_key(schema))
        kept = self._kept.get(key)
        if kept is None:
            # the originals are kept with the result, so that their ids stay theirs
            kept = self._kept[key] = ((tools, schema), self._bind(tools, schema))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        losses.extend(kept[1].losses)
        return kept[1]

    def _bind(self, tools: ToolBinding | None, schema: SchemaBinding | None) -> Bound:
        if schema is None:
            return self._tools(tools) if tools is not None else Bound({})
        native = self._typed(schema) if self._native else None
        if native is None:
            return self._forced(tools, schema)
        if tools is None:
            return native
        if native.schema_tool is not None:
            return self._forced(tools, schema)
        # OpenAI's class has to know of the schema: beside one its tools must be strict
        told = schema.original is not None and _takes(self._model.bind_tools)("response_format")
        bound = self._tools(tools, {"response_format": schema.original} if told else {})
        return Bound({**bound.kwargs, **native.kwargs}, None, bound.losses)

    def _tools(self, tools: ToolBinding, more: dict[str, Any] | None = None) -> Bound:
        takes = _takes(self._model.bind_tools)
        options = dict(more or {})
        losses = []
        for name, value in (("parallel_tool_calls", tools.parallel), ("strict", tools.strict)):
            if value is not None and takes(name):
                options[name] = value
            elif value is not None:
                losses.append(f"{type(self._model).__name__} does not take {name}: left out")
        if tools.choice is not None:
            options["tool_choice"] = _choice(self._model, tools.choice)
        bound = self._model.bind_tools(list(tools.originals), **options)
        return Bound(_bound_kwargs(bound), None, tuple(losses))

    def _typed(self, schema: SchemaBinding) -> Bound | None:
        """What the object's own ``with_structured_output`` binds; None where it cannot."""
        if type(self._model).with_structured_output is BaseChatModel.with_structured_output:
            return None
        takes = _takes(self._model.with_structured_output)
        if schema.method == "json_mode" and not _knows_json_mode(self._model):
            return None
        options: dict[str, Any] = {"method": schema.method} if takes("method", loosely=True) else {}
        if schema.strict is not None and takes("strict"):
            options["strict"] = schema.strict
        try:
            typed = self._model.with_structured_output(schema.original, **options)
        except (ValueError, TypeError, NotImplementedError, KeyError, AttributeError):
            return None
        first = typed.first if isinstance(typed, RunnableSequence) else typed
        if not isinstance(first, RunnableBindingBase):
            return None
        kwargs = _bound_kwargs(first)
        return Bound(kwargs, _tool_name(kwargs, schema) if kwargs.get("tools") else None)

    def _forced(self, tools: ToolBinding | None, schema: SchemaBinding) -> Bound:
        """The schema as a tool that must be called; beside the caller's own tools, one of them all."""
        original = schema.original if schema.original is not None else _any_object(schema)
        others = tools.originals if tools is not None else ()
        options = {"strict": tools.strict} if tools is not None and tools.strict is not None else {}
        if not _takes(self._model.bind_tools)("strict"):
            options = {}
        try:
            bound = self._model.bind_tools([*others, original], tool_choice="any", **options)
        except NotImplementedError:
            name = type(self._model).__name__
            raise ProviderError(
                "unsupported_parameter", f"{name} can neither give typed answers nor call tools", sent=False
            ) from None
        return Bound(_bound_kwargs(bound), schema.name)


def _tools_key(tools: ToolBinding | None) -> Any:
    if tools is None:
        return None
    # a tool given as a dict may be made anew for each call too
    originals = tuple(repr(tool) if type(tool) is dict else id(tool) for tool in tools.originals)
    return (originals, repr(tools.choice), tools.parallel, tools.strict)


def _schema_key(schema: SchemaBinding | None) -> Any:
    if schema is None:
        return None
    # a schema given as a dict may be made anew for each call; its text names it then
    original = id(schema.original) if isinstance(schema.original, type) else repr(schema.original)
    return (original, schema.name, schema.method, schema.strict)


def _takes(method: Callable[..., Any]) -> Callable[..., bool]:
    """Tells which arguments a method names (``loosely``: or takes among any others)."""
    parameters = inspect.signature(method).parameters
    any_other = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    return lambda name, loosely=False: name in parameters or (loosely and any_other)


def _knows_json_mode(model: BaseChatModel) -> bool:
    """False where the annotation of ``method`` lists other methods only."""
    method = inspect.signature(model.with_structured_output).parameters.get("method")
    listed = "" if method is None else str(method.annotation)
    return "json_mode" in listed or "Literal" not in listed


def _choice(model: BaseChatModel, choice: Any) -> Any:
    """``tool_choice`` in the words that LangChain's chat models share."""
    if choice == "required":
        return "any"
    if choice == "none" and family(model) == "anthropic":
        return {"type": "none"}  # as a string it would be taken for a tool's name
    return choice


def _bound_kwargs(bound: Any) -> dict[str, Any]:
    kwargs: dict[str, Any] = {}
    while isinstance(bound, RunnableBindingBase):
        kwargs = {**bound.kwargs, **kwargs}
        bound = bound.bound
    return {name: value for name, value in kwargs.items() if name not in _TRACING}


def _tool_name(kwargs: dict[str, Any], schema: SchemaBinding) -> str:
    tool = kwargs["tools"][0]
    named = tool.get("function", tool) if isinstance(tool, dict) else {}
    return str(named.get("name") or schema.name)


def _any_object(schema: SchemaBinding) -> dict[str, Any]:
    """A tool that takes any JSON object, for JSON mode without a schema."""
    return {
        "type": "function",
        "function": {
            "name": schema.name,
            "description": "Give the answer as a JSON object.",
            "parameters": {"type": "object", "properties": {}, "additionalProperties": True},
        },
    }
