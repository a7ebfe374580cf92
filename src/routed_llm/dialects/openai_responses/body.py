"""A request as the body of the Responses API."""

from __future__ import annotations

from typing import Any

from routed_llm.dialects.openai_responses.history import History
from routed_llm.dialects.openai_responses.params import add_params
from routed_llm.dialects.openai_responses.tools import add_schema, add_tools, custom_names
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request

__all__ = ["NAME", "build_body"]

#: the dialect's name
NAME = "openai.responses"


def build_body(request: Request, wire: Wire) -> dict[str, Any]:
    """The body as plain data; what the model does not take is left out and noted in ``request.losses``.

    ``wire.quirks``: ``reasoning`` (whether the model reasons; not there where that is unknown).
    """
    losses = request.losses
    params = {**wire.params, **request.params}
    if request.dialect == NAME:
        params |= request.native
    stored = bool(params.get("previous_response_id") or params.get("conversation"))
    history = History(
        wire,
        losses,
        custom=custom_names(request.tools),
        stored=stored,
        looks_up=stored or params.get("store") is True,
    )
    history.write(request.hub_messages(NAME))
    body: dict[str, Any] = {"model": wire.model, "input": history.items}
    if history.instructions:
        body["instructions"] = history.instructions
    if not history.items and history.instructions and not stored and not params.get("prompt"):
        losses.append("the place of the system prompt: it is sent as the user's")
        body["input"] = [{"role": "user", "content": body.pop("instructions")}]
    add_params(body, params, wire, losses)
    add_tools(body, request, wire)
    add_schema(body, request, wire)
    if request.stream:
        body["stream"] = True
    return body
