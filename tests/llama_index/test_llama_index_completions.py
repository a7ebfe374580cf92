"""A completion model gets the very text of a completion, with the caller's word on its form; a chat model gets a message."""

import asyncio
import threading

import pytest
from endpoints import CHATS, COMPLETIONS, ask
from li_models import Sync
from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
from llama_index.core.llms import CustomLLM, MockLLM
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.llms.llm import default_completion_to_prompt
from llm_pools import add
from pydantic import Field

from routed_llm import RoutedChatModel, RoutedLLM
from routed_llm.errors import CallFailed, NoEligibleModel

INSTRUCT = "[INST] hi [/INST]"


class Noting(CustomLLM):
    """Completes by echoing, and notes what it was given."""

    seen: list = Field(default_factory=list)

    @property
    def metadata(self):
        return LLMMetadata(model_name="noting")

    def note(self, prompt, formatted, kwargs):
        self.seen.append((prompt, formatted, kwargs, threading.current_thread().name))
        return prompt if formatted else self.completion_to_prompt(prompt)

    @llm_completion_callback()
    def complete(self, prompt, formatted=False, **kwargs):
        return CompletionResponse(text=self.note(prompt, formatted, kwargs), raw={"id": "x"})

    @llm_completion_callback()
    def stream_complete(self, prompt, formatted=False, **kwargs):
        text = self.note(prompt, formatted, kwargs)
        return (CompletionResponse(text=text[: end + 1], delta=text[end]) for end in range(len(text)))


class AsyncNoting(Noting):
    """The same with async completions of its own."""

    @llm_completion_callback()
    async def acomplete(self, prompt, formatted=False, **kwargs):
        await asyncio.sleep(0)
        return CompletionResponse(text=self.note(prompt, formatted, kwargs))

    @llm_completion_callback()
    async def astream_complete(self, prompt, formatted=False, **kwargs):
        async def gen():
            await asyncio.sleep(0)
            text = self.note(prompt, formatted, kwargs)
            for end in range(len(text)):
                yield CompletionResponse(text=text[: end + 1], delta=text[end])

        return gen()


def wrapped(text):
    return f"[INST] {text} [/INST]"


@pytest.mark.parametrize("cls", [Noting, AsyncNoting])
@pytest.mark.parametrize("endpoint", COMPLETIONS, ids=lambda endpoint: endpoint.__name__)
def test_the_text_and_its_form_arrive_as_given(endpoint, cls):
    model = cls(completion_to_prompt=wrapped)
    llm = RoutedLLM([model])
    pieces = ask(endpoint, llm, INSTRUCT, formatted=True, temperature=0.5)
    assert pieces[-1].text == INSTRUCT
    if "stream" in endpoint.__name__:
        assert "".join(piece.delta or "" for piece in pieces) == INSTRUCT
    assert ask(endpoint, llm, "hi")[-1].text == INSTRUCT  # the model's own form is put around it
    assert [seen[:3] for seen in model.seen] == [(INSTRUCT, True, {"temperature": 0.5}), ("hi", False, {})]
    facts = [record.decision.ask.facts for record in llm.router.records()]
    assert facts == [{"completion": "formatted"}, {"completion": "plain"}]
    in_threads = {name.startswith("routed-llm-object") for *_, name in model.seen}
    assert in_threads == {cls is Noting and endpoint.__name__.startswith("a")}


@pytest.mark.parametrize("endpoint", COMPLETIONS, ids=lambda endpoint: endpoint.__name__)
def test_alone_and_routed_are_the_same(endpoint):
    for formatted in (True, False):
        alone = ask(endpoint, MockLLM(), INSTRUCT, formatted=formatted)[-1].text
        assert ask(endpoint, RoutedLLM([MockLLM()]), INSTRUCT, formatted=formatted)[-1].text == alone == INSTRUCT


def test_a_form_of_the_routed_llm_itself_is_put_around_once():
    model = Noting(completion_to_prompt=wrapped)
    llm = RoutedLLM([model], completion_to_prompt=lambda text: f"<s>{text}")
    assert llm.complete("hi").text == "<s>hi"
    assert llm.complete("<s>hi", formatted=True).text == "<s>hi"
    assert [seen[:2] for seen in model.seen] == [("<s>hi", True)] * 2
    assert RoutedLLM("sandbox").completion_to_prompt is default_completion_to_prompt


@pytest.mark.parametrize("endpoint", CHATS, ids=lambda endpoint: endpoint.__name__)
def test_messages_become_a_transcript_as_ever(endpoint):
    for cls in (Noting, AsyncNoting):
        model = cls()
        assert ask(endpoint, RoutedLLM([model]), "hi")[-1].message.content == "user: hi\nassistant: "
        assert model.seen[0][:2] == ("user: hi\nassistant: ", True)


@pytest.mark.parametrize("endpoint", COMPLETIONS, ids=lambda endpoint: endpoint.__name__)
def test_a_chat_model_gets_the_message(endpoint):
    model = Sync()
    assert ask(endpoint, RoutedLLM([model]), INSTRUCT, formatted=True)[-1].text == "hello"
    assert [message.content for message in model.seen[0][0]] == [INSTRUCT]


def test_other_doors_and_tools_ask_as_before():
    assert RoutedChatModel([Noting()]).invoke("hi").text == "user: hi\nassistant: "
    with pytest.raises((NoEligibleModel, CallFailed)):
        RoutedLLM([Noting()]).complete("hi", tools=[add])
