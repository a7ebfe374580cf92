"""Gemini's generateContent: who is let in, what a body may hold, and how refusals are worded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from routed_llm.providers.sandbox.check_body import parse_object
from routed_llm.providers.sandbox.completion import Completion
from routed_llm.providers.sandbox.gemini.answers import events, response
from routed_llm.providers.sandbox.gemini.config import config_of
from routed_llm.providers.sandbox.gemini.contents import Contents
from routed_llm.providers.sandbox.gemini.spelling import fields, refuse
from routed_llm.providers.sandbox.gemini.tools import tools_of
from routed_llm.providers.sandbox.language import Asked, Named, check_key, header
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal, event
from routed_llm.providers.sandbox.seals import Seals

__all__ = ["ROUTE", "GeminiGenerate"]

#: the model and the method stand in the address
ROUTE = re.compile(r"/v1(?:beta)?/models/(?P<model>[^/]+):(?P<method>generateContent|streamGenerateContent)")
#: a version of Gemini before a model's name: the model is held to the rules of that version
VERSIONED = re.compile(r"gemini-(?P<major>\d+)(?:\.\d+)?-")
_KNOWN = frozenset({
    "cachedContent", "contents", "generationConfig", "model", "safetySettings", "serviceTier", "systemInstruction",
    "toolConfig", "tools",
})  # fmt: skip
#: ``status`` of an error by status (google.rpc.Code)
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class GeminiGenerate:
    """See :class:`~routed_llm.providers.sandbox.language.Language`.

    Args:
        seals: sign thoughts.
    """

    prefix = "sim-"
    opening = 0

    def __init__(self, seals: Seals) -> None:
        self._seals = seals

    def admit(self, headers: Mapping[str, str], query: Mapping[str, str], key: str | None) -> None:
        """By ``x-goog-api-key`` or ``key`` in the address, one of which is needed even where any key will do."""
        given = header(headers, "x-goog-api-key") or query.get("key", "")
        if not given:
            raise Refusal(
                "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
                "form of API consumer identity to call this API.",
                status=403,
                exact=True,
            )
        if not check_key(given, key):
            raise Refusal("API key not valid. Please pass a valid API key.", status=400, code="API_KEY_INVALID", exact=True)
        if "alt" in query and query["alt"] not in ("sse", "json"):
            raise refuse(f"Invalid value at 'alt': {query['alt']}")

    def named(self, route: str, data: bytes) -> Named:
        """The model stands in the address."""
        found = ROUTE.fullmatch(route)
        if found is None:
            raise Refusal(f"Invalid URL ({route})", status=404)
        name = unquote(found["model"])
        versioned = VERSIONED.match(name)
        behind = None if versioned is None else name[versioned.end() :]
        return Named(name, parse_object(data), found["method"] == "streamGenerateContent", behind)

    def asked(self, named: Named, model: SandboxModel) -> Asked:
        """Every field is known, of its type, and within the model's abilities."""
        body = fields(named.body, "", _KNOWN)
        if "cachedContent" in body:
            raise Refusal("CachedContent not found (or permission denied)", status=403, exact=True)
        if body.get("serviceTier", "standard") not in ("standard", "flex", "priority"):
            raise refuse(f"Invalid value at 'service_tier': {body['serviceTier']!r}")
        _safety(body)
        config = config_of(body.get("generationConfig", {}), model)
        versioned = VERSIONED.match(named.model)
        version = 0 if versioned is None else int(versioned["major"])
        messages = Contents(body, model, self._seals, signed=version >= 3).read()
        told = {"model": named.model, "messages": messages, **config.told, **tools_of(body, model)}
        if told.get("tools") and "response_format" in told and 0 < version < 3:
            raise refuse("Function calling with a response mime type: 'application/json' is unsupported")
        return Asked(told, named.body, stream=named.stream, reasoning=config.reasoning, shown=config.shown)

    def whole(self, asked: Asked, completion: Completion) -> dict[str, Any]:
        """A ``GenerateContentResponse``."""
        return response(completion, asked.body["model"], self._seals)

    def events(self, asked: Asked, completion: Completion) -> Iterator[tuple[int, bytes]]:
        """Responses, each with a piece."""
        return events(completion, asked.body["model"], self._seals)

    def refused(self, refusal: Refusal) -> dict[str, Any]:
        """An ``error`` of google.rpc.Status."""
        default = "INTERNAL" if refusal.status >= 500 else "INVALID_ARGUMENT"
        error: dict[str, Any] = {
            "code": refusal.status,
            "message": _worded(refusal),
            "status": _STATUSES.get(refusal.status, default),
        }
        if refusal.exact and refusal.code:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            error["details"] = [{"@type": kind, "reason": refusal.code, "domain": "googleapis.com"}]
        return {"error": error}

    def broken(self, refusal: Refusal) -> bytes:
        """The same as an event."""
        return event(self.refused(refusal))

    def headers(self, completion: Completion) -> dict[str, str]:
        """None; the id stands in the answer."""
        return {}


def _worded(refusal: Refusal) -> str:
    if refusal.counts is not None:
        return (
            f"The input token count ({refusal.counts[0]}) exceeds the maximum number of tokens allowed ({refusal.counts[1]})."
        )
    if refusal.code == "model_not_found":
        return (
            f"{refusal.message} Call ModelService.ListModels to see the list of available models and their supported methods."
        )
    return refusal.message


def _safety(body: Mapping[str, Any]) -> None:
    settings = body.get("safetySettings", [])
    if not isinstance(settings, list):
        raise refuse("Invalid value at 'safety_settings'")
    for index, setting in enumerate(settings):
        told = fields(setting, f"safety_settings[{index}]", ("category", "threshold", "method"))
        if not str(told.get("category")).startswith("HARM_CATEGORY_"):
            raise refuse(f"Invalid value at 'safety_settings[{index}].category'")
