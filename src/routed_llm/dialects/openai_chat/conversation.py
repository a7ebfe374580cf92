"""The body of a chat completion in the hub's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.dialects.hub import Conversation
from routed_llm.errors import InvalidCall
from routed_llm.requests import SchemaBinding, ToolBinding

__all__ = ["read_body", "schema_of", "tools_of"]

#: fields with a place of their own in a :class:`Conversation`
_PLACED = frozenset({
    "model", "messages", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "response_format",
})  # fmt: skip
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


def read_body(body: Mapping[str, Any]) -> Conversation:
    """What a chat completion asks for; messages and parameters as they are.

    Raises:
        InvalidCall: for messages in another form, with the path of the first wrong one.
    """
    messages = body.get("messages")
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise InvalidCall("messages: pass a list of at least one message.")
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping) or message.get("role") not in _ROLES:
            raise InvalidCall(f"messages[{number}]: pass an object with a role, one of {', '.join(sorted(_ROLES))}.")
    params = {name: value for name, value in body.items() if name not in _PLACED and value is not None}
    if "max_completion_tokens" in params:
        params["max_tokens"] = params.pop("max_completion_tokens")
    return Conversation(
        [dict(message) for message in messages],
        params,
        tools_of(body),
        schema_of(body.get("response_format")),
        str(body.get("model") or ""),
        bool(body.get("stream")),
    )


def tools_of(body: Mapping[str, Any]) -> ToolBinding | None:
    """The tools of a body whose tools have OpenAI's form; None where it has none."""
    tools = tuple(body.get("tools") or ())
    if not tools:
        return None
    choice = body.get("tool_choice")
    if choice == "any":  # Mistral's word
        choice = "required"
    function = choice.get("function") if isinstance(choice, Mapping) else None
    if isinstance(function, Mapping) and isinstance(choice, Mapping) and choice.get("type") == "function":
        choice = function.get("name")
    return ToolBinding(tools, tools, choice, body.get("parallel_tool_calls"))


def schema_of(form: Any) -> SchemaBinding | None:
    """A ``response_format`` as a schema; None where there is none, and for plain text."""
    kind = form.get("type") if isinstance(form, Mapping) else None
    if kind == "json_object":
        return SchemaBinding(None, "answer", None, "json_mode")
    if kind != "json_schema":
        return None
    told = form.get("json_schema")
    if not isinstance(told, Mapping):
        raise InvalidCall("response_format.json_schema: pass an object with a name and a schema.")
    schema = told.get("schema")
    return SchemaBinding(
        schema, str(told.get("name") or "answer"), schema, "json_schema", told.get("strict"), told.get("description")
    )
