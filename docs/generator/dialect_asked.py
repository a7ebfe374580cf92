"""What each dialect can be asked for, found out by asking it: a body is written and read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from generator.markdown import table
from routed_llm.dialects.hub import Conversation, Message, Part, as_message, parts_of
from routed_llm.dialects.speaking import DIALECTS, dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request, SchemaBinding, ToolBinding

__all__ = ["ASKED", "MEDIA_ASKED", "USER", "WIRES", "cell", "dialects_asked", "request_of", "written"]

#: a current model of each that reasons and is no exception; chat completions as OpenRouter speaks them, which say the most
WIRES = {
    "openai.chat": Wire("openai/gpt-5.4", maker="openrouter", quirks={"details": True, "server_tools": ("openrouter:*",)}),
    "openai.responses": Wire("gpt-5.4", maker="openai", quirks={"reasoning": True}),
    "anthropic.messages": Wire("claude-sonnet-4-5", maker="anthropic"),
    "gemini.generate": Wire("gemini-3-flash-preview", maker="gemini"),
    "bedrock.converse": Wire("us.anthropic.claude-sonnet-4-5-20250929-v1:0", maker="bedrock"),
}
#: a tool that the provider runs, in the words of each
_OWN_TOOLS: dict[str, dict[str, Any]] = {
    "openai.chat": {"type": "openrouter:web_search"},
    "openai.responses": {"type": "web_search"},
    "anthropic.messages": {"type": "web_search_20250305", "name": "web_search"},
    "gemini.generate": {"google_search": {}},
    "bedrock.converse": {"systemTool": {"name": "nova_grounding"}},
}
_PIXEL = "iVBORw0KGgo="
_OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
_TOOL = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": _OBJECT}}
_STRICT = {"type": "function", "function": {**_TOOL["function"], "strict": True}}  # type: ignore[dict-item]

Seen = Callable[[Conversation], bool]


class Asked(NamedTuple):
    """Something that a caller may ask for.

    ``seen`` finds it in what a body asks for (None for what shows in the body alone), ``elsewhere`` in another place.
    """

    name: str
    seen: Seen | None
    messages: Sequence[Message] = ()
    params: Mapping[str, Any] = {}
    tools: ToolBinding | None = None
    schema: SchemaBinding | None = None
    elsewhere: Seen | None = None


def _said(*parts: Part, role: str = "user", **more: Any) -> Message:
    return as_message(role, parts, **more)


def _text(text: str, **more: Any) -> Part:
    return {"type": "text", "text": text, **more}


def _call(number: int) -> Part:
    return {"type": "tool_call", "id": f"call_{number}", "name": "add", "arguments": '{"a":1}'}


def _result(number: int, *parts: Part, **more: Any) -> Message:
    return _said(*(parts or (_text("2"),)), role="tool", tool_call_id=f"call_{number}", **more)


def _tools(*wire: Mapping[str, Any], **more: Any) -> ToolBinding:
    return ToolBinding((), tuple(dict(each) for each in wire), **more)


def _has_part(kind: str, role: str = "user", within: str = "") -> Seen:
    def seen(told: Conversation) -> bool:
        parts = [part for message in told.messages if message["role"] == role for part in parts_of(message)]
        return any(part["type"] == kind and within in json.dumps(part) for part in parts)

    return seen


def _media(name: str, part: Part) -> Asked:
    return Asked(name, _has_part(part["type"]), (_said(_text("Look."), part),))


USER = _said(_text("Hello?"))
_IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PIXEL}"}}
_PAPER = {"type": "file", "file": {"filename": "paper", "file_data": "data:application/pdf;base64,JVBERi0="}}
_CALLED = (USER, _said(_call(1), role="assistant"))


def _roles(*wanted: str) -> Seen:
    def seen(told: Conversation) -> bool:
        roles = ["system" if message["role"] == "developer" else message["role"] for message in told.messages]
        return roles == list(wanted)

    return seen


def _calls(count: int) -> Seen:
    return lambda told: any(len(message.get("tool_calls") or ()) == count for message in told.messages)


def _chosen(choice: str) -> Seen:
    def seen(told: Conversation) -> bool:
        if told.tools is None:
            return choice == "none"  # without tools nothing is called
        return choice in (told.tools.choice if isinstance(told.tools.choice, str) else json.dumps(told.tools.choice))

    return seen


def _in_tools(told: Conversation, name: str) -> bool:
    return told.tools is not None and name in json.dumps([told.tools.wire, {"strict": 1} if told.tools.strict else {}])


def _system_first(told: Conversation) -> bool:
    return told.messages[0]["role"] == "system" and "brief" in str(told.messages[0]["content"])


def _flagged(told: Conversation) -> bool:
    return any(message.get("is_error") for message in told.messages)


def _one_at_a_time(told: Conversation) -> bool:
    return told.tools is not None and told.tools.parallel is False


_LATE = (USER, _said(_text("Hi."), role="assistant"), _said(_text("Be brief."), role="system"), USER)
_MARKED = (_said(_text("Long.", cache_control={"type": "ephemeral"})),)
_TWICE = (USER, _said(_call(1), _call(2), role="assistant"), _result(1), _result(2))
_SHOWN = (*_CALLED, _result(1, _text("Here."), _IMAGE))
_FAILED = (*_CALLED, _result(1, is_error=True))
_SUM = SchemaBinding(None, "sum", _OBJECT, "json_schema")
_ANY = SchemaBinding(None, "any", None, "json_mode")

#: media in the forms in which they are given
MEDIA_ASKED = (
    _media("images by data", _IMAGE),
    _media("images by URL", {"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}),
    _media("PDF by data", _PAPER),
    _media("PDF by URL", {"type": "file", "file": {"filename": "paper", "file_url": "https://papers.example/a.pdf"}}),
    _media("audio by data", {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}),
    _media("audio by URL", {"type": "file", "file": {"file_url": "https://sounds.example/a.mp3"}, "media_type": "audio/mpeg"}),
    _media("video by data", {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}}),
    _media("video by URL", {"type": "video_url", "video_url": {"url": "https://films.example/a.mp4"}}),
)

#: all that is asked for, by the name of its row
ASKED = (
    Asked("system messages", _roles("system", "user"), (_said(_text("Be brief."), role="system"), USER)),
    Asked("system messages later on", _roles("user", "assistant", "system", "user"), _LATE, elsewhere=_system_first),
    Asked("names of speakers", lambda told: told.messages[0].get("name") == "Ann", (_said(_text("Hello?"), name="Ann"),)),
    *MEDIA_ASKED,
    Asked("cache points", _has_part("text", within="cache_control"), _MARKED),
    Asked("tools", lambda told: _in_tools(told, "add"), tools=_tools(_TOOL)),
    Asked("several calls in a turn", _calls(2), _TWICE, tools=_tools(_TOOL)),
    Asked("one call at a time (`parallel_tool_calls`)", _one_at_a_time, tools=_tools(_TOOL, parallel=False)),
    Asked("tool choice: none", _chosen("none"), tools=_tools(_TOOL, choice="none")),
    Asked("tool choice: any", _chosen("required"), tools=_tools(_TOOL, choice="required")),
    Asked("tool choice: one by name", _chosen("add"), tools=_tools(_TOOL, choice="add")),
    Asked("strict tools", lambda told: _in_tools(told, "strict"), tools=_tools(_STRICT, strict=True)),
    Asked("media in a tool's result", _has_part("image_url", role="tool"), _SHOWN, elsewhere=_has_part("image_url")),
    Asked("the error flag of a tool's result", _flagged, _FAILED, tools=_tools(_TOOL)),
    Asked("tools that the provider runs", lambda told: told.tools is not None and bool(told.tools.wire)),
    Asked("typed answers by a schema", lambda told: bool(told.schema and told.schema.schema), schema=_SUM),
    Asked("any JSON", lambda told: told.schema is not None, schema=_ANY),
    *(
        Asked(f"`{name}`", None, params={name: value})
        for name, value in {
            "max_tokens": 99, "temperature": 0.5, "top_p": 0.5, "top_k": 5, "stop": ["END"], "seed": 7, "n": 2,
            "presence_penalty": 0.5, "frequency_penalty": 0.5, "logit_bias": {"5": 1}, "logprobs": True,
            "reasoning_effort": "low", "user": "u1", "metadata": {"user_id": "u1"},
        }.items()
    ),
    Asked('`service_tier="priority"`', None, params={"service_tier": "priority"}),
)  # fmt: skip


def request_of(messages: Sequence[Message], **more: Any) -> Request:
    """A request as a door makes it."""
    given = [dict(each) for each in messages]
    return Request("hub", given, None, lambda payload, losses: list(payload), **more)  # type: ignore[arg-type]  # not routed


def written(name: str, messages: Sequence[Message], asked: Asked | None = None) -> tuple[dict[str, Any], list[str]]:
    """A body, and what was told as lost."""
    tools = asked.tools if asked else None
    if asked is not None and asked.name == "tools that the provider runs":
        tools = _tools(_OWN_TOOLS[name])
    more = {"params": dict(asked.params), "schema": asked.schema} if asked else {}
    request = request_of(messages, tools=tools, **more)
    body = json.loads(json.dumps(dialect_of(name).body(request, WIRES[name])))
    return body, request.losses


def cell(name: str, asked: Asked) -> str:
    """Whether it is sent: what is read back from the body, beside what is told as lost.

    Raises:
        AssertionError: for what is lost, and not told.
    """
    body, losses = written(name, asked.messages or (USER,), asked)
    changed = body != written(name, (USER,))[0]
    told = dialect_of(name).conversation(body)
    if changed if asked.seen is None else asked.seen(told):
        return "in part" if losses else "yes"
    if losses:
        return "in part" if asked.elsewhere is not None and asked.elsewhere(told) else "no"
    if asked.messages or not changed:
        raise AssertionError(f"{name} loses {asked.name} and does not say so: {body}")
    return "another way"


def dialects_asked() -> str:
    """A row for each thing that can be asked for, a column for each dialect."""
    models = [f"`{WIRES[name].model}`" for name in DIALECTS]
    rows = [[asked.name, *(cell(name, asked) for name in DIALECTS)] for asked in ASKED]
    return table(("", *(f"`{name}`" for name in DIALECTS)), [["asked as", *models], *rows])
