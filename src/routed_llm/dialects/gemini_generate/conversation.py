"""The body of generateContent in the hub's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.gemini_generate.params import EFFORTS_OF_BUDGETS, RENAMED
from routed_llm.dialects.gemini_generate.schemas import read_openapi
from routed_llm.dialects.gemini_generate.spelling import fields_of
from routed_llm.dialects.gemini_generate.turns import Turns, read_system
from routed_llm.dialects.hub import Conversation
from routed_llm.dialects.parse import ODD
from routed_llm.errors import InvalidCall
from routed_llm.requests import SchemaBinding, ToolBinding

__all__ = ["read_body"]

#: fields with a place of their own in a :class:`Conversation`
_PLACED = frozenset({"contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "model", "serviceTier"})
_NAMES = {own: name for name, own in RENAMED.items()}
_EFFORTS = frozenset({"minimal", "low", "medium", "high"})
_CHOICES = {"AUTO": "auto", "NONE": "none", "ANY": "required"}


def read_body(body: Mapping[str, Any]) -> Conversation:
    """What a request asks for. What has no common name is ``native``: whole fields, in Google's spelling.

    Raises:
        InvalidCall: for a body in another form.
    """
    try:
        return _read(body)
    except InvalidCall:
        raise
    except ODD as error:
        raise InvalidCall(f"a body in an unknown form ({type(error).__name__}: {error}).") from None


def _read(body: Mapping[str, Any]) -> Conversation:
    fields = fields_of(body)
    messages = [*read_system(fields.get("systemInstruction")), *Turns().read(fields.get("contents"))]
    native = {name: value for name, value in fields.items() if name not in _PLACED and value is not None}
    config = fields_of(fields.get("generationConfig"))
    params, schema, rest = _read_config(config)
    if rest:
        native["generationConfig"] = config
    if fields.get("serviceTier"):
        params["service_tier"] = fields["serviceTier"]
    tool_config = fields_of(fields.get("toolConfig"))
    tools = _read_tools(fields.get("tools"), fields_of(tool_config.get("functionCallingConfig")))
    if tool_config and (tools is None or set(tool_config) != {"functionCallingConfig"}):
        native["toolConfig"] = tool_config
    model = str(fields.get("model") or "").removeprefix("models/")
    return Conversation(messages, params, tools, schema, model, native=native)


def _read_config(config: Mapping[str, Any]) -> tuple[dict[str, Any], SchemaBinding | None, dict[str, Any]]:
    """Parameters, the schema of the answer, and what has no common name."""
    params: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for own, value in config.items():
        name = _NAMES.get(own)
        if name == "modalities":
            params[name] = [str(each).lower() for each in value]
        elif name is not None:
            params[name] = value
        elif own == "thinkingConfig" and (effort := _effort(fields_of(value))) is not None:
            params["reasoning_effort"] = effort
        elif own == "speechConfig" and (voice := _voice(fields_of(value))) is not None:
            params["audio"] = {"voice": voice}
        else:
            rest[own] = value
    return params, _take_schema(rest), rest


def _take_schema(rest: dict[str, Any]) -> SchemaBinding | None:
    if rest.get("responseMimeType") != "application/json":
        return None
    del rest["responseMimeType"]
    schema = rest.pop("responseJsonSchema", None)
    older = rest.pop("responseSchema", None)
    if schema is None and older is not None:
        schema = read_openapi(older)
    if not isinstance(schema, Mapping):
        return SchemaBinding(None, "answer", None, "json_mode")
    return SchemaBinding(schema, str(schema.get("title") or "answer"), dict(schema), "json_schema")


def _effort(thinking: Mapping[str, Any]) -> str | None:
    """The word for a ``thinkingConfig`` that is written again as it was; None for another one."""
    level = str(thinking.get("thinkingLevel") or "").lower()
    budget = thinking.get("thinkingBudget")
    known = level if level in _EFFORTS else EFFORTS_OF_BUDGETS.get(budget) if type(budget) is int else None
    shown = thinking.get("includeThoughts") is True
    return known if shown != (known == "none") and not (level and budget is not None) else None


def _voice(speech: Mapping[str, Any]) -> str | None:
    """The voice of a ``speechConfig`` that tells nothing else."""
    voice = fields_of(fields_of(speech.get("voiceConfig")).get("prebuiltVoiceConfig")).get("voiceName")
    return voice if isinstance(voice, str) and set(speech) == {"voiceConfig"} else None


def _read_tools(told: Any, calling: Mapping[str, Any]) -> ToolBinding | None:
    tools: list[dict[str, Any]] = []
    for entry in told if isinstance(told, list) else ():
        for name, value in fields_of(entry).items():
            if name == "functionDeclarations":
                tools += (_function(fields_of(each)) for each in value or ())
            else:
                tools.append({name: value})
    if not tools:
        return None
    mode = str(calling.get("mode") or "").upper()
    names = list(calling.get("allowedFunctionNames") or ())
    choice: Any = _CHOICES.get(mode)
    if mode == "ANY" and len(names) == 1:
        choice = names[0]
    elif names:
        listed = [{"type": "function", "function": {"name": name}} for name in names]
        allowed = {"mode": "required" if mode == "ANY" else "auto", "tools": listed}
        choice = {"type": "allowed_tools", "allowed_tools": allowed}
    strict = True if mode == "VALIDATED" and not names else None
    return ToolBinding(tuple(tools), tuple(tools), choice, None, strict)


def _function(declared: Mapping[str, Any]) -> dict[str, Any]:
    function: dict[str, Any] = {"name": str(declared.get("name") or "")}
    if declared.get("description") is not None:
        function["description"] = declared["description"]
    if declared.get("parametersJsonSchema") is not None:
        function["parameters"] = declared["parametersJsonSchema"]
    elif declared.get("parameters") is not None:
        function["parameters"] = read_openapi(declared["parameters"])
    return {"type": "function", "function": function}
