"""The body of a Converse call in the hub's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from routed_llm.dialects.bedrock_converse.content import parts_of_blocks
from routed_llm.dialects.bedrock_converse.params import OWN_FIELDS
from routed_llm.dialects.hub import Conversation, Message, as_message
from routed_llm.errors import InvalidCall
from routed_llm.requests import SchemaBinding, ToolBinding

__all__ = ["read_body"]

_MAKER = "bedrock"
_INFERENCE = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}


def read_body(body: Mapping[str, Any]) -> Conversation:
    """What a Converse call asks for.

    Raises:
        InvalidCall: for messages in another form, with the path of the first wrong one.
    """
    given = body.get("messages")
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InvalidCall("messages: pass a list.")
    messages: list[Message] = []
    if system := body.get("system"):
        messages.append(as_message("system", parts_of_blocks(system, _MAKER)))
    for number, message in enumerate(given):
        if not isinstance(message, Mapping) or message.get("role") not in ("user", "assistant"):
            raise InvalidCall(f"messages[{number}].role: must be 'user' or 'assistant'.")
        content = message.get("content")
        if not isinstance(content, Sequence) or isinstance(content, str):
            raise InvalidCall(f"messages[{number}].content: pass a list of blocks.")
        messages += _assistant(content) if message["role"] == "assistant" else _user(content)
    inference = body.get("inferenceConfig") or {}
    params = {_INFERENCE[name]: value for name, value in inference.items() if name in _INFERENCE}
    native = {name: body[name] for name in OWN_FIELDS if name in body}
    schema = _schema(native)
    return Conversation(messages, params, _tools(body.get("toolConfig")), schema, native=native)


def _assistant(content: Sequence[Mapping[str, Any]]) -> list[Message]:
    return [as_message("assistant", parts_of_blocks(content, _MAKER))]


def _user(content: Sequence[Mapping[str, Any]]) -> list[Message]:
    """A user's turn: results of tools first, as messages of their own, then what the user says."""
    messages: list[Message] = []
    said: list[Mapping[str, Any]] = []
    for block in content:
        result = block.get("toolResult")
        if result is not None:
            more = {"is_error": result["status"] == "error"} if result.get("status") else {}
            parts = parts_of_blocks(result.get("content") or (), _MAKER)
            messages.append(as_message("tool", parts, tool_call_id=str(result.get("toolUseId") or ""), **more))
        elif "cachePoint" in block and messages and not said and messages[-1]["role"] == "tool":
            _mark(messages[-1])
        else:
            said.append(block)
    if said:
        messages.append(as_message("user", parts_of_blocks(said, _MAKER)))
    return messages


def _mark(message: Message) -> None:
    parts = message.get("parts") or [{"type": "text", "text": message["content"]}]
    message["parts"] = [*parts[:-1], {**parts[-1], "cache_control": {"type": "ephemeral"}}]


def _tools(config: Any) -> ToolBinding | None:
    if not isinstance(config, Mapping) or not config.get("tools"):
        return None
    tools: list[dict[str, Any]] = []
    for tool in config["tools"]:
        spec = tool.get("toolSpec")
        if isinstance(spec, Mapping):
            function = {"name": spec.get("name"), "parameters": (spec.get("inputSchema") or {}).get("json")}
            function |= {name: spec[name] for name in ("description", "strict") if name in spec}
            tools.append({"type": "function", "function": function})
        elif "cachePoint" in tool and tools:
            tools[-1]["cache_control"] = {"type": "ephemeral"}
        else:
            tools.append({"type": "system_tool", **tool})
    choice: Any = config.get("toolChoice")
    if isinstance(choice, Mapping):
        named = choice.get("tool")
        choice = "auto" if "auto" in choice else "required" if "any" in choice else named.get("name") if named else None
    return ToolBinding(tuple(tools), tuple(tools), choice)


def _schema(native: dict[str, Any]) -> SchemaBinding | None:
    """The answer's schema, taken out of the native fields."""
    output = native.get("outputConfig")
    form = output.get("textFormat") if isinstance(output, Mapping) else None
    told = (form.get("structure") or {}).get("jsonSchema") if isinstance(form, Mapping) else None
    if not isinstance(told, Mapping):
        return None
    try:
        schema = orjson.loads(told.get("schema") or "{}")
    except orjson.JSONDecodeError as error:
        raise InvalidCall(f"outputConfig.textFormat.structure.jsonSchema.schema: no JSON: {error}") from None
    rest = {name: value for name, value in output.items() if name != "textFormat"} if isinstance(output, Mapping) else {}
    native.pop("outputConfig")
    if rest:
        native["outputConfig"] = rest
    return SchemaBinding(schema, str(told.get("name") or "answer"), schema, "json_schema", None, told.get("description"))
