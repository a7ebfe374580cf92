"""The Responses API: what a body may hold; refusals are worded as those of chat completions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from routed_llm.providers.sandbox.chat_completions import ChatCompletions
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
from routed_llm.providers.sandbox.language import EFFORTS, Asked, Named
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal, event
from routed_llm.providers.sandbox.responses.answers import Answering
from routed_llm.providers.sandbox.responses.items import Items
from routed_llm.providers.sandbox.responses.tools import text_of_body, tools_of
from routed_llm.providers.sandbox.seals import Seals

__all__ = ["OpenAIResponses"]

_NUMBERS = {"temperature": (0, 2), "top_p": (0, 1)}
_COUNTS = {"max_output_tokens": (16, 10**9), "top_logprobs": (0, 20), "max_tool_calls": (1, 10**6)}
_TEXTS = ("instructions", "prompt_cache_key", "safety_identifier", "user")
_FLAGS = ("background", "parallel_tool_calls", "store", "stream")
_CHOICES = {
    "service_tier": ("auto", "default", "flex", "scale", "priority", "fast"),
    "truncation": ("auto", "disabled"),
    "prompt_cache_retention": ("in_memory", "24h"),
}
_OTHERS = (
    "conversation", "include", "input", "metadata", "model", "previous_response_id", "prompt_cache_options", "reasoning",
    "stream_options", "text", "tool_choice", "tools",
)  # fmt: skip
_KNOWN = frozenset({*_NUMBERS, *_COUNTS, *_TEXTS, *_FLAGS, *_CHOICES, *_OTHERS})
ENCRYPTED = "reasoning.encrypted_content"
_INCLUDES = (
    ENCRYPTED, "code_interpreter_call.outputs", "computer_call_output.output.image_url", "file_search_call.results",
    "message.input_image.image_url", "message.output_text.logprobs", "web_search_call.action.sources",
)  # fmt: skip
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class OpenAIResponses(ChatCompletions):
    """See :class:`~routed_llm.providers.sandbox.language.Language`; keys and errors are those of chat completions.

    Args:
        seals: encrypt reasoning, so to speak: nothing is in it but the proof that it was made here.
    """

    prefix = "resp_sim_"
    opening = 4

    def __init__(self, seals: Seals) -> None:
        self._seals = seals

    def asked(self, named: Named, model: SandboxModel) -> Asked:
        """Every parameter is known, of its type, and within the model's abilities."""
        body = named.body
        only(body, _KNOWN)
        need(body, "input")
        _simple(body, model)
        _stored(body)
        reasoning, shown = _reasoning(body, model)
        told: dict[str, Any] = {"model": model.name, "messages": Items(body, model, self._seals).read()}
        if body.get("max_output_tokens") is not None:
            told["max_completion_tokens"] = body["max_output_tokens"]
        told |= tools_of(body, model) | text_of_body(body, told["messages"], model)
        return Asked(told, body, stream=bool(body.get("stream")), reasoning=reasoning, shown=shown)

    def whole(self, asked: Asked, completion: Completion) -> dict[str, Any]:
        """A ``response``."""
        return self._answering(asked, completion).whole()

    def events(self, asked: Asked, completion: Completion) -> Iterator[tuple[int, bytes]]:
        """From ``response.created`` to ``response.completed``."""
        return self._answering(asked, completion).events()

    def _answering(self, asked: Asked, completion: Completion) -> Answering:
        encrypts = ENCRYPTED in (asked.given.get("include") or ())
        return Answering(asked, completion, self._seals if encrypts else None)

    def broken(self, refusal: Refusal) -> bytes:
        """An ``error`` event."""
        told = {"type": "error", "code": refusal.code, "message": refusal.message, "param": refusal.param, "sequence_number": 9}
        return event({**told, "error": self.refused(refusal)["error"]}, "error")


def _simple(body: dict[str, Any], model: SandboxModel) -> None:
    for key, value in body.items():
        if value is None:
            continue
        if key in _NUMBERS:
            need_number(value, key, *_NUMBERS[key])
        elif key in _COUNTS:
            need_count(value, key, *_COUNTS[key])
        elif key in _TEXTS:
            need_text(value, key)
        elif key in _CHOICES:
            need_choice(value, key, _CHOICES[key])
        elif key in _FLAGS and not isinstance(value, bool):
            raise Refusal(f"Invalid type for '{key}': expected a boolean.", param=key, code="invalid_type")
        elif key in ("metadata", "prompt_cache_options"):
            need_object(value, key)
        elif key == "include":
            for index, name in enumerate(need_list(value, key)):
                need_choice(name, f"include[{index}]", _INCLUDES)
    if (body.get("max_output_tokens") or 0) > model.max_output:
        raise Refusal(
            f"max_output_tokens is too large: {body['max_output_tokens']}. This model supports at most {model.max_output}.",
            param="max_output_tokens",
            code="invalid_value",
        )
    if body.get("top_logprobs") or "message.output_text.logprobs" in (body.get("include") or ()):
        raise Refusal("Log probabilities are not simulated.", param="include", code="unsupported_parameter")
    if body.get("stream_options") is not None:
        if not body.get("stream"):
            raise Refusal("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
        only(need_object(body["stream_options"], "stream_options"), {"include_obfuscation"}, "stream_options")


def _stored(body: dict[str, Any]) -> None:
    """Nothing is stored here."""
    if body.get("previous_response_id") is not None:
        raise Refusal(
            f"Previous response with id '{body['previous_response_id']}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    if body.get("conversation") is not None:
        raise Refusal("Conversation not found.", status=404, param="conversation")
    for key in ("store", "background"):
        if body.get(key):
            raise Refusal(f"'{key}' is not simulated: nothing is kept here.", param=key, code="unsupported_value")


def _reasoning(body: dict[str, Any], model: SandboxModel) -> tuple[int, bool]:
    """Tokens of reasoning, and whether its summary is shown; reasoners reason by themselves."""
    able = "reasoning" in model.abilities
    if ENCRYPTED in (body.get("include") or ()) and not able:
        raise Refusal("Encrypted content is not supported with this model.", param="include")
    if body.get("reasoning") is None:
        return (EFFORTS[None] if model.name.endswith("reasoner") else 0), False
    reasoning = need_object(body["reasoning"], "reasoning")
    only(reasoning, {"effort", "summary", "generate_summary"}, "reasoning")
    if not able:
        message = f"Unsupported parameter: 'reasoning.effort' is not supported with this model ({model.name})."
        raise Refusal(message, param="reasoning.effort", code="unsupported_parameter")
    effort = need_choice(reasoning.get("effort"), "reasoning.effort", (None, *_EFFORTS))
    summary = need_choice(reasoning.get("summary"), "reasoning.summary", (None, "auto", "concise", "detailed"))
    return EFFORTS[effort], summary is not None
