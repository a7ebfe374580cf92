"""What the candidates of one answer say, whole or chunk by chunk."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.gemini_generate.citations import citations_of, searches_of
from routed_llm.dialects.gemini_generate.media import read_media
from routed_llm.dialects.gemini_generate.models import generation
from routed_llm.dialects.gemini_generate.turns import SERVER_PARTS, arguments_of
from routed_llm.dialects.gemini_generate.usage import Counting
from routed_llm.dialects.hub import Part
from routed_llm.errors import ProviderError
from routed_llm.results import Event, FinishReason, Reasoning, Text, ToolCallDelta, Usage

__all__ = ["FINISHES", "Gathering"]

#: Google's words in the common ones (Gemini API and Vertex AI references, FinishReason); all others are ``other``
FINISHES: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
#: fields of a candidate that are handed on as they are, by their name among the extras
_RAW = {
    "groundingMetadata": "grounding_metadata",
    "urlContextMetadata": "url_context_metadata",
    "safetyRatings": "safety_ratings",
    "finishMessage": "finish_message",
}
#: order of the plain kinds of parts; parts in it say no more than text, reasoning and calls
_RANKS = {"reasoning": 0, "text": 1, "tool_call": 2}


class Gathering:
    """Collects one answer.

    Args:
        maker: whose signatures these are.
        schema_tool: the tool that stands for the typed answer: its arguments become the text.
    """

    __slots__ = (
        "_ids", "_logprobs", "_pieces", "_schema_tool", "_sounds", "blocked", "calls", "candidate", "counting", "finish_raw",
        "id", "maker", "model", "parts", "reasoning", "texts",
    )  # fmt: skip

    def __init__(self, maker: str, schema_tool: str | None) -> None:
        self.maker = maker
        self._schema_tool = schema_tool
        self.model = self.id = self.finish_raw = ""
        #: whether the prompt was blocked: there are no candidates, and what was counted is billed
        self.blocked = False
        self.texts: list[str] = []
        self.reasoning: list[str] = []
        self.calls: list[tuple[str, str, str]] = []  # id, name, arguments
        self.parts: list[Part] = []
        #: the fields of the candidate beside its content, as last told
        self.candidate: dict[str, Any] = {}
        self.counting = Counting()
        self._logprobs: list[dict[str, Any]] = []
        self._sounds: list[tuple[str, bytes]] = []
        self._ids: set[str] = set()
        self._pieces: list[str] = []  # of the last part, while it is a text that may go on

    def take(self, chunk: Mapping[str, Any], events: list[Event]) -> None:
        """Read one response: all of a whole answer, or one chunk of a stream."""
        if not self.id and chunk.get("responseId"):
            self.id = str(chunk["responseId"])
        if not self.model and chunk.get("modelVersion"):
            self.model = str(chunk["modelVersion"])
        if (usage := chunk.get("usageMetadata")) is not None:
            self.counting.see(usage)
        if candidates := chunk.get("candidates"):
            candidate = candidates[0]
            if candidate.get("index"):  # further ones of candidateCount > 1 must not mix with the first
                candidate = next((each for each in candidates if not each.get("index")), None)
            if candidate is not None:
                self._take(candidate, events)
        elif (feedback := chunk.get("promptFeedback")) is not None and (reason := feedback.get("blockReason")):
            self.blocked, self.finish_raw = True, str(reason)
            self.candidate["finishMessage"] = feedback.get("blockReasonMessage") or "the prompt was blocked"

    def _take(self, candidate: Mapping[str, Any], events: list[Event]) -> None:
        content = candidate.get("content")
        if content is not None:
            for part in content.get("parts") or ():
                self._part(part, events)
        if candidate.get("finishReason"):
            self.finish_raw = str(candidate["finishReason"])
        if len(candidate) > 1:
            for name, value in candidate.items():
                if name == "logprobsResult":  # of this chunk's tokens
                    self._logprobs += _logprobs(value)
                elif name != "content":
                    self.candidate[name] = value

    def _part(self, part: Mapping[str, Any], events: list[Event]) -> None:
        signature = part.get("thoughtSignature")
        text = part.get("text")
        if text is not None:
            if type(text) is not str:
                raise TypeError("a text is none")
            if part.get("thought"):
                self._said("reasoning", text, signature)
                if text:
                    self.reasoning.append(text)
                    events.append(Reasoning(text))
            else:
                self._said("text", text, signature)
                if text:
                    self.texts.append(text)
                    events.append(Text(text))
        elif (call := part.get("functionCall")) is not None:
            self._call(call, signature, events)
        elif (media := read_media(part)) is not None:
            if part.get("thought"):  # a draft of a picture
                self._add({"type": "opaque", "origin": self.maker, "data": dict(part)})
                return
            self._hear(media)
            self._add(self._signed(media, signature))
        elif part:
            kind = "opaque" if SERVER_PARTS.isdisjoint(part) else "server_tool"
            self._add({"type": kind, "origin": self.maker, "data": dict(part)})

    def _said(self, kind: str, text: str, signature: Any) -> None:
        """Pieces of one text belong together; a signed part stays as it is."""
        if self._pieces and not signature and self.parts[-1]["type"] == kind:
            self._pieces.append(text)
            return
        if signature or text:
            part: Part = {"type": kind, "text": text}
            if kind == "reasoning":
                part["origin"] = self.maker
            self._add(self._signed(part, signature))
            if not signature:
                self._pieces.append(text)

    def _add(self, part: Part) -> None:
        """A part begins; the text before it is whole."""
        if self._pieces:
            self.parts[-1]["text"] = "".join(self._pieces)
            self._pieces = []
        self.parts.append(part)

    def _signed(self, part: Part, signature: Any) -> Part:
        return {**part, "signature": signature, "origin": self.maker} if signature else part

    def _call(self, call: Mapping[str, Any], signature: Any, events: list[Event]) -> None:
        if call.get("partialArgs") or call.get("willContinue"):
            raise ProviderError("malformed", "arguments of a tool call in pieces, which nobody asked for", phase="stream")
        name = call.get("name") or ""
        if not isinstance(name, str):
            raise TypeError("the name of a tool call is no text")
        if not name:
            return
        arguments = arguments_of(call.get("args"))
        if name == self._schema_tool:
            self._said("text", arguments, None)
            self.texts.append(arguments)
            events.append(Text(arguments))
            return
        number = len(self.calls)
        told = call.get("id")
        call_id = told if isinstance(told, str) and told and told not in self._ids else self._new_id(number)
        self._ids.add(call_id)
        self.calls.append((call_id, name, arguments))
        self._add(self._signed({"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}, signature))
        events.append(ToolCallDelta(number, call_id, name, arguments))

    def _new_id(self, number: int) -> str:
        """An id for a call without one; no other call of the conversation has it, as the answer's own id is in it."""
        return f"call_{self.id}_{number}" if self.id else f"call_{number}"

    def _hear(self, media: Part) -> None:
        if media["type"] == "input_audio":
            mime = media.get("media_type") or media["input_audio"]["format"]
            self._sounds.append((mime, base64.b64decode(media["input_audio"]["data"])))

    @property
    def finish(self) -> FinishReason:
        """Why it ended, in the common words; a stop behind calls is one for them."""
        reason = "content_filter" if self.blocked else FINISHES.get(self.finish_raw, "other")
        return "tool_calls" if reason == "stop" and self.calls else reason

    def usage(self) -> Usage | None:
        """Its usage, with the searches that are billed."""
        usage = self.counting.usage()
        if usage is not None and (grounding := self.candidate.get("groundingMetadata")):
            usage.searches = searches_of(grounding, each=generation(self.model) >= (3, 0))
        return usage

    def extras(self) -> dict[str, Any]:
        """What else it holds, by name."""
        extras: dict[str, Any] = {}
        candidate = self.candidate
        if len(candidate) > 2 or candidate.keys() - {"finishReason", "index"}:
            extras = {told: candidate[name] for name, told in _RAW.items() if candidate.get(name)}
            if citations := citations_of(candidate, "".join(self.texts)):
                extras["citations"] = citations
        if self._logprobs:
            extras["logprobs"] = {"content": self._logprobs}
        if self._sounds:
            sound = base64.b64encode(b"".join(data for _, data in self._sounds)).decode()
            extras["audio"] = {"id": self.id or None, "data": sound, "format": self._sounds[0][0]}
        if self._pieces:
            self.parts[-1]["text"] = "".join(self._pieces)
        if self._is_rich():
            if images := [part for part in self.parts if part["type"] == "image_url"]:
                extras["images"] = [{"type": "image_url", "image_url": part["image_url"]} for part in images]
            extras["parts"] = self.parts
        return extras

    def _is_rich(self) -> bool:
        """Whether its parts say more than text, reasoning and calls."""
        rank = 0
        for part in self.parts:
            own = _RANKS.get(part["type"], -1)
            if own < rank or "signature" in part:
                return True
            rank = own
        return False


def _logprobs(result: Any) -> list[dict[str, Any]]:
    """Log probabilities of tokens, in OpenAI's form."""
    if not isinstance(result, Mapping):
        return []
    tops = result.get("topCandidates") or ()
    told = []
    for number, token in enumerate(result.get("chosenCandidates") or ()):
        others = tops[number].get("candidates") or () if number < len(tops) else ()
        told.append({**_logprob(token), "top_logprobs": [_logprob(other) for other in others]})
    return told


def _logprob(token: Mapping[str, Any]) -> dict[str, Any]:
    return {"token": token.get("token") or "", "logprob": token.get("logProbability"), "bytes": None}
