"""Messages of wrapped objects: their facts stay what they were, and our estimates do not pass for their counts."""

import asyncio

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from routed_llm import RoutedChatModel


class Kept(BaseChatModel):
    """Hands out the same message again and again, as a cache does."""

    message: AIMessage

    @property
    def _llm_type(self):
        return "kept"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=self.message)])


def test_facts_of_earlier_answers_do_not_change():
    content = [{"type": "text", "text": "hi"}]
    message = AIMessage(content, response_metadata={"model_name": "theirs", "more": {"a": 1}})
    model = RoutedChatModel([Kept(message=message)])
    first, second = model.invoke("q"), model.invoke("q")
    told = [answer.response_metadata["routing"]["decision_id"] for answer in (first, second)]
    assert told[0] != told[1]
    assert message.response_metadata == {"model_name": "theirs", "more": {"a": 1}}
    assert first.content is second.content is message.content
    assert first.response_metadata["model_name"] == "theirs"


def test_facts_of_answers_from_the_cache_of_an_object():
    object_ = FakeListChatModel(responses=["hi"], cache=InMemoryCache())
    model = RoutedChatModel([object_])
    answers = [model.invoke("q") for _ in range(3)]
    assert len({answer.response_metadata["routing"]["decision_id"] for answer in answers}) == 3
    assert "routing" not in object_.invoke("q").response_metadata


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("metadata", [{}, {"token_usage": {"prompt_tokens": 3, "completion_tokens": 4}}], ids=["none", "told"])
def test_only_counts_that_the_object_told_are_told(mode, metadata):
    def whole():
        return Kept(message=AIMessage("hi there", response_metadata=metadata))

    model = RoutedChatModel([whole() if metadata or "invoke" in mode else GenericFakeChatModel(messages=iter(["hi there"]))])
    answer = ask(model, mode)
    assert answer.text == "hi there"
    usage = answer.usage_metadata
    assert (usage and usage["total_tokens"]) == (7 if metadata else None)
    assert answer.response_metadata["routing"].get("usage_estimated", False) is not bool(metadata)
    record = model.router.records(1)[0]
    assert record.usage.output_tokens > 0  # the books have the estimate


def ask(model, mode):
    async def collect():
        return [chunk async for chunk in model.astream("q")]

    if mode == "invoke":
        return model.invoke("q")
    if mode == "ainvoke":
        return asyncio.run(model.ainvoke("q"))
    chunks = list(model.stream("q")) if mode == "stream" else asyncio.run(collect())
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total
