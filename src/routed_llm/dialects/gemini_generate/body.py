"""A request as the body of generateContent."""

from __future__ import annotations

from typing import Any

from routed_llm.dialects.gemini_generate.contents import Writer
from routed_llm.dialects.gemini_generate.params import write_params
from routed_llm.dialects.gemini_generate.tools import write_schema, write_tools
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request

__all__ = ["build_body"]


def build_body(request: Request, wire: Wire) -> dict[str, Any]:
    """The body as plain data; what the model does not take is left out and noted in ``request.losses``.

    The model's name and whether a stream is wanted are told by the address.
    """
    messages = request.hub_messages()  # first: what was lost on the way to it is noted now
    body = Writer(wire, request.losses).write(messages)
    params = {**wire.params, **request.params} if wire.params else request.params
    if params:
        body |= write_params(params, wire, request.losses)
    if request.tools is not None or request.schema is not None:
        write_tools(request, wire, body)
        write_schema(request, wire, body)
    return body
