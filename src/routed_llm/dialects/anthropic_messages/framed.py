"""Streams of the Messages API in AWS event streams, as Bedrock's ``invoke-with-response-stream`` sends them."""

from __future__ import annotations

import base64
import binascii

import orjson

from routed_llm.dialects.anthropic_messages.reader import Reader
from routed_llm.dialects.aws_frames import Frames
from routed_llm.dialects.errors import error_of
from routed_llm.errors import ProviderError
from routed_llm.results import Event

__all__ = ["FramedReader"]


class FramedReader(Reader):
    """As the plain reader; each message of the stream holds one event in base64."""

    def __init__(self, maker: str, schema_tool: str | None = None) -> None:
        super().__init__(maker, schema_tool)
        self._frames = Frames()

    def feed(self, data: bytes) -> list[Event]:
        """The events in these bytes."""
        events: list[Event] = []
        for frame in self._frames.feed(data):
            kind = frame.headers.get(":exception-type") or frame.headers.get(":error-code")
            if kind is not None:
                raise error_of(200, {"x-amzn-errortype": kind}, frame.payload, phase="stream")
            try:
                held = orjson.loads(frame.payload).get("bytes")
                payload = b"" if held is None else base64.b64decode(held, validate=True)
            except (ValueError, TypeError, AttributeError, binascii.Error):
                raise ProviderError("malformed", "a message of the stream holds no event", phase="stream") from None
            if payload:
                self.take(payload, events)
        return events
