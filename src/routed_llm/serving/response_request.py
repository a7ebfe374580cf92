"""The body of a call of the Responses API as a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.dialects.hub import Conversation, Message, Part, as_message, parts_of
from routed_llm.dialects.openai_responses.body import NAME
from routed_llm.dialects.openai_responses.conversation import read_body
from routed_llm.errors import InvalidCall
from routed_llm.providers.http_endpoint import HttpEndpoint
from routed_llm.requests import Request
from routed_llm.router import Router
from routed_llm.serving.chat import AUTO, request_of
from routed_llm.serving.kept import is_unchanged, opened

__all__ = ["OURS", "response_request", "speaks_it"]

#: in every id of an item that is made here: no provider knows it
OURS = "_routed_"
#: what only the model knows that keeps the conversation
_KEPT_THERE = ("previous_response_id", "conversation", "prompt")
#: fields whose value says nothing
_SILENT: Mapping[str, Any] = {
    "background": False, "include": [], "stream_options": {"include_usage": True}, "truncation": "disabled",
}  # fmt: skip
_LOGPROBS = "message.output_text.logprobs"
#: what is done anyway: encrypted reasoning is asked for where a model is known to reason, or the call asks for reasoning
_DONE_ANYWAY = frozenset({"reasoning.encrypted_content", _LOGPROBS})


def response_request(router: Router, body: Mapping[str, Any]) -> Request:
    """The request of a body; ``routing`` in it are hints.

    Raises:
        InvalidCall: for a body in another form, and for a conversation that is kept where nobody here can find it.
        UnknownModel: for a kept conversation with a model that the router does not have.
    """
    told = {name: value for name, value in body.items() if name != "routing" and value is not None}
    conversation = read_body(told)
    native, params = dict(conversation.native), dict(conversation.params)
    asked = native.get("include") or []
    if not isinstance(asked, list):
        raise InvalidCall("include: pass a list of names.")
    native["include"] = [each for each in asked if each not in _DONE_ANYWAY]
    if "reasoning" in native:  # the effort has a common name
        native["reasoning"] = {name: value for name, value in native["reasoning"].items() if name != "effort"}
    native = {name: value for name, value in native.items() if _SILENT.get(name) != value}
    if params.get("store") is False:  # nothing is kept unless somebody asks for it
        del params["store"]
    if _LOGPROBS in asked:
        params["logprobs"] = True
    messages = [_asked(message) for message in conversation.messages]
    read = conversation._replace(messages=messages, params=params, native=native)
    _check_keeper(router, read)
    return request_of(NAME, read, body.get("routing"))


def speaks_it(deployment: Deployment) -> bool:
    """Whether a deployment is asked in the Responses API."""
    endpoint = deployment.endpoint
    return isinstance(endpoint, HttpEndpoint) and endpoint.dialect.name == NAME


def _check_keeper(router: Router, conversation: Conversation) -> None:
    """Whoever goes on with a kept conversation must be who keeps it: for all others its beginning would be missing."""
    name = next((each for each in _KEPT_THERE if conversation.native.get(each)), None)
    if name is None:
        return
    model = conversation.model
    if model.lower() in AUTO or not all(map(speaks_it, router.catalog.named(model))):
        raise InvalidCall(
            f"{name}: only the model that keeps it can go on with it. Name that model, which must speak "
            f"{NAME} (Model(..., dialect={NAME!r})), or send the whole conversation as input."
        )


def _asked(message: Message) -> Message:
    """A message as clients send it back: with the parts of an unchanged answer of ours, and without what is made here."""
    if message["role"] != "assistant":
        return message
    kept: list[Part] | None = None
    parts: list[Part] = []
    thoughts: list[str] = []
    for part in parts_of(message):
        data = part.get("data") or {}
        if part["type"] == "reasoning" and OURS in str(data.get("id") or ""):
            kept = opened(data.get("encrypted_content")) or kept
            thoughts.append(part["text"])
        elif part["type"] == "reasoning" and (found := opened(data.get("encrypted_content"))) is not None:
            kept = found  # its id was left out on the way
        else:
            parts.append(_bare(part))
    said = "".join(part["text"] for part in parts if part["type"] == "text")
    if kept is not None and is_unchanged(kept, said, [part["id"] for part in parts if part["type"] == "tool_call"]):
        parts = kept
    told = as_message("assistant", parts)
    if kept is None and (thought := "\n\n".join(filter(None, thoughts))):
        told["reasoning_content"] = thought
    return told


def _bare(part: Part) -> Part:
    """A part without the item that it was here."""
    item = part.get("item")
    if not isinstance(item, Mapping) or OURS not in str(item.get("id") or OURS):
        return part
    return {name: value for name, value in part.items() if name not in ("item", "origin")}
