"""Chunks of a chat model object's own stream as events: each is handed on as it is, and the end is told once.

Where the typed answer comes as a call of the schema's tool, its arguments become the text of new chunks. Text beside that
call (models like to announce their calls) would spoil the JSON, so it is held back, and given only if no such call comes.
"""

from __future__ import annotations

from typing import Any

from langchain_core.language_models._utils import _update_message_content_to_blocks
from langchain_core.language_models.chat_models import _gen_info_and_msg_metadata
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from routed_llm.dialects.service_tiers import billed_tier
from routed_llm.dialects.tool_pieces import PieceWatch
from routed_llm.errors import ProviderError
from routed_llm.providers.langchain_answers import finish_of, served_of, sum_usage, usage_of
from routed_llm.providers.langchain_hub import HubChunks
from routed_llm.providers.langchain_searches import searches_in, searches_told
from routed_llm.providers.nesting import routed_cost
from routed_llm.results import Answer, Event, Finish, Fragment, Usage

__all__ = ["ChunkReader", "events_of"]


class ChunkReader:
    """Reads one stream.

    Args:
        output_version: of the object; ``v1`` stores standard blocks in ``content``, as the object's own ``stream`` does.
        schema_tool: the tool whose arguments are the typed answer, or None.
        strict: whether an end without a finish means that the stream was cut.
        hub: gives the hub's events in the place of the object's own chunks, for requests of another dialect.
    """

    __slots__ = (
        "_answered", "_block", "_calls", "_held", "_hub", "_id", "_metadata", "_schema_tool", "_searches", "_shadow",
        "_strict", "_usages", "_v1", "_watch",
    )  # fmt: skip

    def __init__(self, output_version: str | None, schema_tool: str | None, strict: bool, hub: HubChunks | None = None) -> None:
        self._hub = hub
        self._v1 = output_version == "v1"
        self._schema_tool = schema_tool
        self._strict = strict
        self._block: tuple[int, str] = (-1, "")
        self._shadow: set[Any] = set()
        self._held: list[Event] = []
        self._usages: list[Usage] = []
        self._metadata: dict[str, Any] = {}
        self._calls = self._answered = False
        self._searches = 0
        self._watch = PieceWatch()
        self._id: str | None = None

    def complete(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """What ``BaseChatModel.stream`` does to a chunk before anybody sees it."""
        chunk.message.response_metadata = _gen_info_and_msg_metadata(chunk)
        if self._v1:
            chunk.message = _update_message_content_to_blocks(chunk.message, "v1")
            index, last = self._block
            for block in chunk.message.content:
                if isinstance(block, dict):
                    if block["type"] != last:
                        index, last = index + 1, block["type"]
                    block.setdefault("index", index)
            self._block = (index, last)
        return chunk

    def feed(self, chunk: ChatGenerationChunk) -> list[Event]:
        """The events of a completed chunk."""
        message: Any = chunk.message
        self._metadata.update({k: v for k, v in message.response_metadata.items() if v is not None})
        if message.id is not None:
            self._id = message.id
        used = usage_of(message.usage_metadata, {})
        if used is not None:
            self._usages.append(used)
        if type(message.content) is list:
            self._searches += searches_in(message.content)
        for piece in message.tool_call_chunks:
            self._watch.see(piece.get("index"), piece.get("id"), piece.get("name"), piece.get("args"))
        if self._schema_tool is None:
            self._calls = self._calls or bool(message.tool_call_chunks)
            return self._given([Fragment(message, _shows(message))])
        return self._given(self._typed(message))

    def _given(self, events: list[Event]) -> list[Event]:
        if self._hub is None:
            return events
        return [new for e in events for new in (self._hub.of(e.chunk) if isinstance(e, Fragment) else (e,))]

    def _typed(self, message: AIMessageChunk) -> list[Event]:
        pieces, others = [], []
        for piece in message.tool_call_chunks:
            if piece["name"]:
                (self._shadow.add if piece["name"] == self._schema_tool else self._shadow.discard)(piece["index"])
                self._answered = self._answered or bool(self._shadow)
            if piece["index"] in self._shadow:
                pieces.append(piece["args"] or "")
            else:
                others.append(piece)
        self._calls = self._calls or bool(others)
        changes: dict[str, Any] = {
            "content": "".join(pieces),
            "tool_call_chunks": others,
            "additional_kwargs": {k: v for k, v in message.additional_kwargs.items() if k != "tool_calls"},
        }
        if not pieces and not others and _shows(message):
            self._held.append(Fragment(AIMessageChunk(content=message.content, id=message.id), True))
        bare = AIMessageChunk(
            **changes, response_metadata=message.response_metadata, usage_metadata=message.usage_metadata, id=message.id
        )
        return [Fragment(bare, _shows(bare))]

    def end(self) -> list[Event]:
        """The last events; the stream has ended.

        Raises:
            ProviderError: ``malformed`` when a finish is missing that this object always tells.
        """
        finish = finish_of(self._metadata, self._calls)
        if self._strict and not finish.raw:
            raise ProviderError("malformed", "the stream ended without a finish reason: it is cut", phase="stream")
        if self._answered and not self._calls:
            finish = Finish("stop", finish.raw)
        events = self._given([] if self._answered or self._calls else self._held)
        if self._hub is not None:
            events += self._hub.end()
        events.append(served_of(self._metadata, self._id))
        usage = sum_usage(self._usages) or usage_of(None, self._metadata)
        if usage is not None:
            if usage.cost_nanousd is None:
                usage.cost_nanousd = routed_cost(self._metadata)
            told = searches_told(self._metadata)
            usage.searches = self._searches if told is None else told
            usage.service_tier = billed_tier(self._metadata.get("service_tier"))
            events.append(usage)
        events.append(finish)
        return events


def _shows(message: AIMessageChunk) -> bool:
    """Whether a chunk holds something that a caller would see."""
    content = message.content
    if isinstance(content, list):
        content = [b for b in content if not (isinstance(b, dict) and b.get("type") == "text" and not b.get("text"))]
    return bool(content or message.tool_call_chunks or any(message.additional_kwargs.values()))


def events_of(answer: Answer) -> list[Event]:
    """A whole answer as a stream of one chunk, for objects that do not stream."""
    message = answer.native
    events: list[Event] = []
    if message is not None:
        if not isinstance(message, AIMessageChunk):
            fields = {k: v for k, v in message.__dict__.items() if k in AIMessageChunk.model_fields and k != "type"}
            message = AIMessageChunk(**fields)
        events.append(Fragment(message, _shows(message)))
    events += [e for e in (served_of({"model_name": answer.model}, answer.id), answer.usage) if e is not None]
    events.append(Finish(answer.finish, answer.finish_raw))
    return events
