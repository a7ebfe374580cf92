"""Anthropic's Messages API: who is let in, what a body may hold, and how refusals are worded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from routed_llm.providers.sandbox.anthropic.answers import events, message
from routed_llm.providers.sandbox.anthropic.thinking import thinking_of
from routed_llm.providers.sandbox.anthropic.tools import form_of, tools_of
from routed_llm.providers.sandbox.anthropic.turns import Turns
from routed_llm.providers.sandbox.check_body import parse_body
from routed_llm.providers.sandbox.checks import (
    need,
    need_choice,
    need_count,
    need_list,
    need_number,
    need_object,
    need_text,
    only,
)
from routed_llm.providers.sandbox.completion import Completion
from routed_llm.providers.sandbox.language import Asked, Named, check_key, header
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal, event
from routed_llm.providers.sandbox.seals import Seals

__all__ = ["AnthropicMessages"]

#: versions of the interface (Claude documentation, versions; the last as ``anthropic`` 2.14 sends it)
_VERSIONS = ("2023-01-01", "2023-06-01", "2026-10-21")
_KNOWN = frozenset({
    "cache_control", "max_tokens", "messages", "metadata", "model", "output_config", "service_tier", "stop_sequences", "stream",
    "system", "temperature", "thinking", "tool_choice", "tools", "top_k", "top_p",
})  # fmt: skip
#: type of an error by status (Claude documentation, errors)
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
#: paths of chat completions as they are here
_PATHS = ((".function.parameters", ".input_schema"), (".function", ""), ("response_format.json_schema", "output_config.format"))
_INDEX = re.compile(r"\[(\d+)\]")


class AnthropicMessages:
    """See :class:`~routed_llm.providers.sandbox.language.Language`.

    Args:
        seals: sign thinking.
    """

    prefix = "msg_sim_"
    opening = 3

    def __init__(self, seals: Seals) -> None:
        self._seals = seals

    def admit(self, headers: Mapping[str, str], query: Mapping[str, str], key: str | None) -> None:
        """By ``x-api-key`` or a bearer's key, one of which is needed even where any key will do, and ``anthropic-version``."""
        given = header(headers, "x-api-key") or header(headers, "authorization").removeprefix("Bearer ")
        if not given or not check_key(given, key):
            told = "invalid x-api-key" if given else "x-api-key header is required"
            raise Refusal(told, status=401, code="invalid_api_key", exact=True)
        version = header(headers, "anthropic-version")
        if version not in _VERSIONS:
            told = f'"{version}" is not a valid version' if version else "header is required"
            raise Refusal(f"anthropic-version: {told}", exact=True)

    def named(self, route: str, data: bytes) -> Named:
        """The model stands in the body."""
        body = parse_body(data)
        return Named(body["model"], body)

    def asked(self, named: Named, model: SandboxModel) -> Asked:
        """Every field is known, of its type, and within the model's abilities."""
        body = named.body
        only(body, _KNOWN)
        for name in ("max_tokens", "messages"):
            need(body, name)
        _simple(body, model)
        reasoning, shown = thinking_of(body, model)
        turns = Turns(body, model, self._seals, thinking=reasoning > 0).read()
        told: dict[str, Any] = {
            "model": model.name,
            "messages": turns.messages,
            "max_completion_tokens": body["max_tokens"],
            **({"stop": body["stop_sequences"]} if body.get("stop_sequences") else {}),
        }
        tools = tools_of(body, model, turns.called, thinking=reasoning > 0)
        told |= tools.told | form_of(body, model)
        until = turns.cached_until if turns.cached_until >= 0 or not tools.marked else 0
        return Asked(
            told,
            body,
            stream=bool(body.get("stream")),
            reasoning=reasoning,
            shown=shown,
            cached_until=until,
            cached_long=turns.cached_long if turns.cached_until >= 0 else tools.marked_long,
        )

    def whole(self, asked: Asked, completion: Completion) -> dict[str, Any]:
        """A ``message``."""
        return message(completion, self._seals)

    def events(self, asked: Asked, completion: Completion) -> Iterator[tuple[int, bytes]]:
        """From ``message_start`` to ``message_stop``."""
        return events(completion, self._seals)

    def refused(self, refusal: Refusal) -> dict[str, Any]:
        """An ``error`` with its type, worded as Anthropic's."""
        kind = _TYPES.get(refusal.status, "api_error" if refusal.status >= 500 else "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": _worded(refusal)}, "request_id": "req_sim"}

    def broken(self, refusal: Refusal) -> bytes:
        """The same as an event."""
        return event(self.refused(refusal), "error")

    def headers(self, completion: Completion) -> dict[str, str]:
        """The id of the request."""
        return {"request-id": completion.id.replace("msg_", "req_")}


def _worded(refusal: Refusal) -> str:
    if refusal.exact:
        return refusal.message
    if refusal.counts is not None:
        return f"prompt is too long: {refusal.counts[0]} tokens > {refusal.counts[1]} maximum"
    path = _INDEX.sub(r".\1", refusal.param or "")
    for theirs, ours in _PATHS:
        path = path.replace(theirs, ours)
    if refusal.code == "unknown_parameter":
        return f"{path}: Extra inputs are not permitted"
    if refusal.code == "missing_required_parameter":
        return f"{path}: Field required"
    return f"{path}: {refusal.message}" if path else refusal.message


def _simple(body: dict[str, Any], model: SandboxModel) -> None:
    most = need_count(body["max_tokens"], "max_tokens", 1, 10**9)
    if most > model.max_output:
        raise Refusal(
            f"max_tokens: {most} > {model.max_output}, which is the maximum allowed number of output tokens for {model.name}",
            exact=True,
        )
    for name, high in (("temperature", 1), ("top_p", 1), ("top_k", 10**9)):
        if name in body:
            (need_count if name == "top_k" else need_number)(body[name], name, 0, high)
    if "stream" in body and not isinstance(body["stream"], bool):
        raise Refusal("stream: Input should be a valid boolean", exact=True)
    if "service_tier" in body:
        need_choice(body["service_tier"], "service_tier", ("auto", "standard_only"))
    if "metadata" in body:
        metadata = need_object(body["metadata"], "metadata")
        only(metadata, {"user_id"}, "metadata")
        if metadata.get("user_id") is not None:
            need_text(metadata["user_id"], "metadata.user_id")
    for index, text in enumerate(need_list(body.get("stop_sequences", []), "stop_sequences")):
        if not need_text(text, f"stop_sequences[{index}]").strip():
            raise Refusal(f"stop_sequences.{index}: each stop sequence must contain non-whitespace", exact=True)
