"""``with_structured_output``: what parses the answer, whichever target gave it."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Literal

from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from routed_llm.errors import ConfigurationError
from routed_llm.langchain.binding import BoundSchema

__all__ = ["Method", "structured"]

Method = Literal["json_schema", "function_calling", "json_mode"]


def structured(
    model: Any,
    schema: Any,
    method: Method,
    *,
    include_raw: bool,
    strict: bool | None,
    tools: list[Any] | None,
    kwargs: dict[str, Any],
) -> Runnable[Any, Any]:
    """The model bound to a schema, with its parser.

    Raises:
        ConfigurationError: for an unknown method, or a method that needs a schema without one.
    """
    if method not in ("json_schema", "function_calling", "json_mode"):
        raise ConfigurationError(f"must be json_schema, function_calling or json_mode, not {method!r}.", path="method")
    if schema is None and method != "json_mode":
        raise ConfigurationError(f"is needed by the method {method!r}.", path="schema")
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    traced = {"kwargs": {"method": method, "strict": strict}, "schema": schema and convert_to_openai_tool(schema)}
    if method == "function_calling":
        name = convert_to_openai_tool(schema)["function"]["name"]
        bound = model.bind_tools(
            [schema], tool_choice=name, parallel_tool_calls=False, strict=strict, ls_structured_output_format=traced, **kwargs
        )
        parser: Runnable[Any, Any] = (
            PydanticToolsParser(tools=[schema], first_tool_only=True)
            if is_class
            else JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)
        )
    else:
        form = {"type": "json_object"} if method == "json_mode" else BoundSchema(schema, strict)
        more = {**kwargs, "response_format": form, "ls_structured_output_format": traced}
        bound = model.bind_tools(tools, strict=strict, **more) if tools else model.bind(**more)
        parser = PydanticOutputParser(pydantic_object=schema) if is_class else JsonOutputParser()
    if not include_raw:
        return bound | parser  # type: ignore[no-any-return]  # a RunnableSequence
    assign = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=bound) | assign.with_fallbacks([failed], exception_key="parsing_error")
