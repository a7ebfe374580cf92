"""Whole answers of the Responses API, and what a stream's items add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from routed_llm.dialects.errors import error_of
from routed_llm.dialects.hub import Part
from routed_llm.dialects.openai_chat.calls import word
from routed_llm.dialects.openai_responses.items import ACTIONS, item_parts
from routed_llm.dialects.openai_responses.usage import read_usage
from routed_llm.dialects.parse import ODD, parse
from routed_llm.errors import ProviderError
from routed_llm.results import Answer, FinishReason, ToolCall

__all__ = ["as_typed", "check_status", "extras_of", "finish_of", "malformed", "odd", "parts_of_output", "read_answer"]

#: reasons of an answer that is incomplete in the common words (OpenAI API reference, ``incomplete_details``)
_INCOMPLETE: dict[str, FinishReason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
#: an answer that is still to come: only calls in the background, which are never asked for, are told so
_NOT_YET = frozenset({"queued", "in_progress"})
_ORDER = {"reasoning": 0, "text": 1, "tool_call": 2}


def malformed(what: str, phase: str = "body") -> ProviderError:
    """The error of what cannot be read."""
    return ProviderError("malformed", what, phase=phase)


def odd(error: Exception, data: bytes, phase: str) -> ProviderError:
    """The error of an answer in an unknown form."""
    return malformed(f"an answer in an unknown form ({error}): {data[:80].decode('utf-8', 'replace')!r}", phase)


def read_answer(data: bytes, maker: str, schema_tool: str | None = None) -> Answer:
    """A whole answer.

    Args:
        data: the body.
        maker: who made its reasoning and built-in tools.
        schema_tool: the tool that stands for the typed answer: its arguments are the text.

    Raises:
        ProviderError: for an error object under status 200, and for what is no answer.
    """
    try:
        response = parse(data)
    except ValueError:
        raise malformed(f"not JSON: {data[:80].decode('utf-8', 'replace')!r}") from None
    try:
        if response.get("error") and not isinstance(response.get("output"), list):
            raise error_of(200, {}, data)
        check_status(response, "body")
        return _answer(response, maker, schema_tool)
    except ODD as error:
        raise odd(error, data, "body") from None


def check_status(response: Mapping[str, Any], phase: str) -> None:
    """Refuse what is no answer: a failure, or one that is still to come.

    Raises:
        ProviderError: of the class that the failure tells.
    """
    status = response.get("status")
    if status == "failed" or response.get("error"):
        told = response.get("error") or {"message": "the provider failed to answer, and does not say why"}
        raise error_of(200, {}, orjson.dumps({"error": told}), phase=phase)
    if status in _NOT_YET:
        raise malformed(f"the answer is {status}: the provider gives it later, in the background", phase)
    if not isinstance(response.get("output"), list):
        raise malformed("an answer without output", phase)


def parts_of_output(output: Sequence[Mapping[str, Any]], maker: str) -> list[Part]:
    """The parts of all items, in order."""
    return [part for item in output for part in item_parts(item, maker)]


def _answer(response: Mapping[str, Any], maker: str, schema_tool: str | None) -> Answer:
    parts = as_typed(parts_of_output(response["output"], maker), schema_tool)
    calls = [ToolCall(part["id"], part["name"], part["arguments"]) for part in parts if part["type"] == "tool_call"]
    finish, raw = finish_of(response, bool(calls))
    return Answer(
        "".join(part["text"] for part in parts if part["type"] == "text" and not part.get("refusal")),
        reasoning="\n\n".join(part["text"] for part in parts if part["type"] == "reasoning" and part["text"]),
        tool_calls=calls,
        usage=read_usage(response),
        model=word(response.get("model")),
        id=word(response.get("id")) or None,
        finish=finish,
        finish_raw=raw,
        extras=extras_of(response, response["output"], parts),
    )


def as_typed(parts: list[Part], schema_tool: str | None) -> list[Part]:
    """With the call of the tool that stands for the typed answer as the text, where there is one."""
    if schema_tool is None or not any(_is_call(part, schema_tool) for part in parts):
        return parts
    kept = [part for part in parts if part["type"] != "text"]
    return [{"type": "text", "text": part["arguments"]} if _is_call(part, schema_tool) else part for part in kept]


def _is_call(part: Part, name: str) -> bool:
    return bool(part["type"] == "tool_call" and part["name"] == name)


def finish_of(response: Mapping[str, Any], calls: bool) -> tuple[FinishReason, str]:
    """Why it ended: in the common word, and in the provider's."""
    status = str(response.get("status") or "")
    details = response.get("incomplete_details")
    why = str(details.get("reason") or "") if isinstance(details, Mapping) else ""
    if status == "incomplete":
        return _INCOMPLETE.get(why, "other"), why or status
    if calls:
        return "tool_calls", status
    return "stop" if status == "completed" else "other", status


def extras_of(response: Mapping[str, Any], output: Sequence[Mapping[str, Any]], parts: list[Part]) -> dict[str, Any]:
    """What else an answer holds, by name."""
    extras: dict[str, Any] = {}
    if tier := response.get("service_tier"):
        extras["service_tier"] = tier
    if refused := "".join(part["text"] for part in parts if part.get("refusal")):
        extras["refusal"] = refused
    if cited := [each for part in parts for each in part.get("citations") or ()]:
        extras["citations"] = cited
    if logprobs := [each for item in output if item["type"] == "message" for each in _logprobs(item)]:
        extras["logprobs"] = {"content": logprobs}
    if images := [_image(item) for item in output if item["type"] == "image_generation_call" and item.get("result")]:
        extras["images"] = images
    if actions := [dict(item) for item in output if item["type"] in ACTIONS]:
        extras["actions"] = actions
    if says_more(parts):
        extras["parts"] = parts
    return extras


def _logprobs(message: Mapping[str, Any]) -> list[Any]:
    return [each for part in message.get("content") or () for each in part.get("logprobs") or ()]


def _image(item: Mapping[str, Any]) -> dict[str, Any]:
    kind = item.get("output_format") or "png"
    return {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{item['result']}"}}


def says_more(parts: Sequence[Part]) -> bool:
    """Whether parts say more than text and calls, in this order: ids alone are not worth to be kept."""
    before = 0
    for part in parts:
        place = _ORDER.get(part["type"], -1)
        beside = part.get("item") or {}
        if place < max(before, 1) or part.get("citations") or part.get("refusal") or beside.keys() - {"id", "status"}:
            return True
        before = place
    return False
