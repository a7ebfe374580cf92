"""Messages of the hub as ``contents`` and ``systemInstruction``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import orjson

from routed_llm.dialects.arguments import read_arguments
from routed_llm.dialects.gemini_generate.media import MEDIA, write_media
from routed_llm.dialects.gemini_generate.models import generation
from routed_llm.dialects.hub import Message, Part, as_text, is_citable, lost_beside, parts_of
from routed_llm.dialects.pairs import RESULT_ROLES, Call, Pairs
from routed_llm.dialects.wire import Wire

__all__ = ["SKIP", "Writer", "is_wrapped", "response_of"]

#: stands for the signature of a call that no Gemini model made: from Gemini 3 on the first call of a turn must have one
#: (recorded; Vertex AI documentation, thought signatures). In base64, as bytes are.
SKIP = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
_SYSTEM = frozenset({"system", "developer"})
#: what is lost of a part that another made
_LOST = {
    "reasoning": "reasoning of an earlier turn",
    "server_tool": "a tool that the provider ran",
    "opaque": "what only its provider can read",
}
#: digits that a number of Google's, a double, does not keep
_LONG_NUMBER = re.compile(r"\d{16}")


class Writer:
    """Writes one history for one model.

    Args:
        wire: the model.
        losses: what it does not get is noted here.
    """

    def __init__(self, wire: Wire, losses: list[str]) -> None:
        self._wire = wire
        self._losses = losses
        #: from Gemini 3 on calls must be signed, and results may hold media
        self._third = generation(wire.model) >= (3, 0)

    def write(self, messages: Sequence[Message]) -> dict[str, Any]:
        """``contents``, and ``systemInstruction`` where there is one."""
        rest = [message for message in messages if message["role"] not in _SYSTEM]
        system = self._system(messages)
        contents = self._contents(rest)
        if not contents and system:
            self._losses.append("the place of the system prompt: it is sent as the user's")
            return {"contents": [_turn("user", system)]}
        return {"contents": contents, **({"systemInstruction": {"parts": system}} if system else {})}

    def _system(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        written = []
        begun = False
        for message in messages:
            if message["role"] not in _SYSTEM:
                begun = True
                continue
            if begun:
                self._losses.append("the place of a later system message")
            for part in parts_of(message):
                if part["type"] != "text":
                    self._losses.append("what is no text in a system message")
                elif part["text"]:
                    self._beside(part)
                    written.append({"text": part["text"]})
        return written

    def _contents(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        pairs = Pairs(messages)
        self._losses += ["a tool's result without its call"] * pairs.orphans
        contents: list[dict[str, Any]] = []
        made: list[Call] = []  # by the messages of the assistant that stand last, one behind the other
        said_last = len(messages) - sum(1 for _ in takewhile(_is_assistant, reversed(messages)))
        for number, message in enumerate(messages):
            if not _is_assistant(message):
                self._end(made, contents)
                if message["role"] not in RESULT_ROLES:
                    contents.append(_turn("user", self._parts(message) or [{"text": ""}]))
                continue
            calls = pairs.of(number)
            made += (call for call in calls if call.result is not None)
            if parts := self._parts(message, calls, unanswered=number >= said_last):
                contents.append(_turn("model", parts))
        self._end(made, contents)
        if contents and any("functionCall" in part for part in contents[0]["parts"]):
            # calls are taken right behind a turn of the user's only (the API's own words when it refuses them)
            self._losses.append("the beginning of the conversation: a full stop of the user stands for it")
            contents.insert(0, _turn("user", [{"text": "."}]))
        return contents

    def _end(self, made: list[Call], contents: list[dict[str, Any]]) -> None:
        """The results of the calls so far, in one turn."""
        behind: list[dict[str, Any]] = []
        parts = [self._result(call, call.result, behind) for call in made if call.result is not None]
        made.clear()
        if parts:
            contents.append(_turn("user", [*parts, *behind]))

    def _parts(self, message: Message, calls: Sequence[Call] = (), *, unanswered: bool = False) -> list[dict[str, Any]]:
        """What a message says; ``unanswered`` calls stay only at the end of the history."""
        if message.get("name"):
            self._losses.append("the name of who speaks")
        written: list[dict[str, Any]] = []
        following = iter(calls)
        unsigned = self._third
        for part in parts_of(message):
            if part["type"] != "tool_call":
                if (told := self._part(part)) is not None:
                    written.append(told)
                continue
            call = next(following)
            if call.result is None and not unanswered:
                self._losses.append("a tool call without its result")
                continue
            told = self._call(part, call)
            if unsigned:
                told.setdefault("thoughtSignature", SKIP)
            unsigned = False
            written.append(told)
        return written

    def _part(self, part: Part) -> dict[str, Any] | None:
        self._beside(part)
        part = as_text(part) if is_citable(part) else part
        kind = part["type"]
        if kind in _LOST:
            if part.get("origin") != self._wire.maker:
                self._losses.append(_LOST[kind])
                return None
            if kind != "reasoning":
                return dict(part["data"]) if isinstance(part.get("data"), Mapping) else None
            return self._signed({"text": part.get("text") or "", "thought": True}, part)
        if kind == "text":
            told = self._signed({"text": part.get("text") or ""}, part)
            return told if told["text"] or len(told) > 1 else None
        if kind in MEDIA:
            media = write_media(part, self._losses)
            return None if media is None else self._signed(media, part)
        self._losses.append(f"a part of the kind {kind}")
        return None

    def _call(self, part: Part, call: Call) -> dict[str, Any]:
        function: dict[str, Any] = {"name": call.name, "args": self._arguments(part["arguments"])}
        return self._signed({"functionCall": {"id": call.id, **function} if call.id else function}, part)

    def _arguments(self, text: str) -> dict[str, Any]:
        try:
            try:
                found = orjson.loads(text or "{}")
            except orjson.JSONDecodeError:
                found = orjson.loads(json.dumps(read_arguments(text)))  # as models write it, within what JSON allows
        except ValueError:
            found = text
        if isinstance(found, dict):
            return found
        if found is not None:
            self._losses.append("arguments of a tool call that are no object")
        return {}

    def _signed(self, told: dict[str, Any], part: Part) -> dict[str, Any]:
        """With the part's signature, where this model can read it."""
        if signature := part.get("signature"):
            if part.get("origin") == self._wire.maker:
                told["thoughtSignature"] = signature
            else:
                self._losses.append("a signature of an earlier turn")
        return told

    def _beside(self, part: Part) -> None:
        self._losses.extend(lost_beside(part))

    def _result(self, call: Call, message: Message, behind: list[dict[str, Any]]) -> dict[str, Any]:
        """A result; media go into it from Gemini 3 on, and ``behind`` all results before."""
        parts = parts_of(message)
        text = ""
        for part in parts:
            if part["type"] == "text":
                self._beside(part)
                text += part["text"]
        media = [told for part in parts if part["type"] != "text" and (told := self._part(part)) is not None]
        function: dict[str, Any] = {"name": call.name, "response": response_of(text, bool(message.get("is_error")))}
        if media and self._third:
            function["parts"] = media
        elif media:
            self._losses.append("the place of media in a tool's result: they follow it as the user's")
            behind += media
        return {"functionResponse": {"id": call.id, **function} if call.id else function}


def _is_assistant(message: Message) -> bool:
    return bool(message["role"] == "assistant")


def _turn(role: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"role": role, "parts": parts}


def response_of(text: str, is_error: bool) -> dict[str, Any]:
    """A result as an object: what is one stays it, else ``output`` or ``error`` has the text (Gemini API reference)."""
    if is_error:
        return {"error": text}
    if not text:
        return {}
    if text[:1] == "{" and not _LONG_NUMBER.search(text):
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        if isinstance(found, dict) and not is_wrapped(found):
            return found
    return {"output": text}


def is_wrapped(response: Mapping[str, Any]) -> bool:
    """Whether a result is a text in ``output`` or ``error``."""
    return len(response) == 1 and any(isinstance(response.get(name), str) for name in ("output", "error"))
