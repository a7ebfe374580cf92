"""One conversation in OpenAI's two forms, whose every answer comes from a strict server of another language."""

from dataclasses import replace

import pytest

from routed_llm import Router
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries

LARGE = [model for model in DEFAULT_MODELS if model.name == "sandbox-large"]
SPEAKERS = ("anthropic.messages", "openai.responses", "gemini.generate", "openai.chat")
ADD = {
    "name": "add", "description": "Add two numbers.", "strict": False,
    "parameters": {
        "type": "object", "properties": {name: {"type": "integer"} for name in "ab"}, "required": ["a", "b"],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@pytest.fixture
def router(server):
    urls = {"anthropic.messages": server.anthropic_url, "gemini.generate": server.gemini_url}
    entries = {name: sandbox_entries(LARGE, urls.get(name, server.base_url), dialect=name)[0] for name in SPEAKERS}
    server.sandbox.requests.clear()
    return Router([replace(entry, name=name) for name, entry in entries.items()])


def sealed(body):
    """Whether a body holds what the sandbox signed or encrypted."""
    return any(name in str(body) for name in ("'signature':", "'encrypted_content':", "'thoughtSignature':"))


class Responses:
    """A conversation in items of the Responses API."""

    def __init__(self, client, stream):
        self.client, self.stream, self.items = client, stream, []

    def says(self, text):
        self.items.append({"role": "user", "content": text})

    def answer(self, speaker):
        more = {"tools": [{"type": "function", **ADD}], "reasoning": {"effort": "high"}}
        told = self.client.responses.create(model=speaker, input=self.items, stream=self.stream, **more)
        told = list(told)[-1].response if self.stream else told
        self.items += [item.to_dict() for item in told.output]
        calls = [item for item in told.output if item.type == "function_call"]
        self.items += [{"type": "function_call_output", "call_id": call.call_id, "output": "42"} for call in calls]
        return told.output_text, len(calls), told.routing


class Chat:
    """The same in messages of chat completions."""

    def __init__(self, client, stream):
        self.client, self.stream, self.messages = client, stream, []

    def says(self, text):
        self.messages.append({"role": "user", "content": text})

    def answer(self, speaker):
        more = {"tools": [{"type": "function", "function": ADD}], "reasoning_effort": "high"}
        asked = {"model": speaker, "messages": self.messages, **more}
        if self.stream:
            with self.client.chat.completions.stream(**asked) as chunks:
                routing = [
                    event.chunk.routing for event in chunks if event.type == "chunk" and hasattr(event.chunk, "routing")
                ][-1]
                told = chunks.get_final_completion()
        else:
            told = self.client.chat.completions.create(**asked)
            routing = told.routing
        message = told.choices[0].message
        self.messages.append(message.to_dict())
        calls = message.tool_calls or []
        self.messages += [{"role": "tool", "tool_call_id": call.id, "content": "42"} for call in calls]
        return message.content, len(calls), routing


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("form", [Responses, Chat])
@pytest.mark.parametrize("first", range(len(SPEAKERS)))
def test_every_answer_by_another(server, router, form, stream, first):
    speakers = SPEAKERS[first:] + SPEAKERS[:first]
    with router.openai() as client:
        talk, asked = form(client, stream), 0
        for number in range(6):
            talk.says("What is 17 + 25? Use the tool.")
            for step in ("calls", "tells"):
                speaker = speakers[(asked + number) % len(speakers)]
                text, calls, routing = talk.answer(speaker)
                asked += 1
                assert routing["model"] == speaker
                assert len(server.sandbox.requests) == asked  # nobody refused anything
                assert (calls == 1) if step == "calls" else ("42" in text)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("form", [Responses, Chat])
@pytest.mark.parametrize("speaker", SPEAKERS[:3])
def test_what_was_signed_goes_back_to_who_signed_it_and_to_nobody_else(server, router, form, stream, speaker):
    with router.openai() as client:
        talk = form(client, stream)
        talk.says("What is 17 + 25? Use the tool.")
        for asked in (speaker, "openai.chat", speaker):
            talk.answer(asked)
    first, other, again = (request.body for request in server.sandbox.requests)
    assert not sealed(first)
    assert not sealed(other)
    assert sealed(again)
