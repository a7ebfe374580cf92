"""Typed answers: natively or by a forced tool, whole and growing, by every way that LlamaIndex has."""

import asyncio
from dataclasses import replace

import pytest
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.llms import ChatMessage, ChatResponse
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate
from llama_index.core.types import PydanticProgramMode
from llm_pools import DIALECTS, Sum, answering, bodies, pool, question
from pydantic import BaseModel, Field

from routed_llm import Model, RoutedLLM
from routed_llm.errors import NoEligibleModel
from routed_llm.llama_index.schemas import Partials, parsed
from routed_llm.testing import DEFAULT_MODELS, sandbox_entries

PROMPT = PromptTemplate("What is {a} plus {b}?")
ARGS = {"a": 2, "b": 3}


def whole(llm, **kw):
    return llm.structured_predict(Sum, PROMPT, **kw, **ARGS)


def awhole(llm, **kw):
    return asyncio.run(llm.astructured_predict(Sum, PROMPT, **kw, **ARGS))


def growing(llm, **kw):
    return list(llm.stream_structured_predict(Sum, PROMPT, **kw, **ARGS))[-1]


def agrowing(llm, **kw):
    async def collect():
        return [part async for part in await llm.astream_structured_predict(Sum, PROMPT, **kw, **ARGS)][-1]

    return asyncio.run(collect())


WAYS = (whole, awhole, growing, agrowing)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_four_ways(way, kind, server):
    llm = pool(kind, server, system_prompt="Be exact.")
    found = way(llm, llm_kwargs={"routing": {"user": "u1"}, "temperature": 0.5, "tool_required": True})
    assert found == Sum(result=5)
    record = llm.router.records(1)[0]
    assert record.decision.ask.hints.user == "u1"
    assert record.answered_by.model == f"sandbox:{answering(kind)}"
    body = bodies(server)[-1]
    if kind in DIALECTS:  # so do dialects, whose own tests look at bodies
        assert any(name in body for name in ("output_config", "generationConfig", "text"))
        return
    if not kind.startswith("mixed"):  # objects ask in their own ways
        assert body["response_format"]["json_schema"]["schema"] == Sum.model_json_schema()
        assert body["response_format"]["json_schema"]["description"] == "A sum."
        assert "tools" not in body
    assert body["temperature"] == 0.5
    said = [message["content"] for message in body["messages"] if message["role"] == "user"]
    assert body["messages"][0]["content"] == "Be exact."
    assert said == ["What is 2 plus 3?"]
    assert not {"routing", "tool_required"} & body.keys()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_model_without_typed_answers_is_made_to_by_a_forced_tool(way, server):
    entry = next(entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url) if entry.model == "sandbox-medium")
    abilities = {**entry.abilities, "structured_output": False}
    llm = RoutedLLM([replace(entry, abilities=abilities)])
    server.sandbox.heal()
    server.sandbox.requests.clear()
    assert way(llm) == Sum(result=5)
    body = bodies(server)[-1]
    assert "response_format" not in body
    assert body["tool_choice"] == {"type": "function", "function": {"name": "Sum"}}
    assert body.get("stream", False) == way.__name__.endswith("growing")


def test_a_pool_that_can_do_neither_says_so(server):
    abilities = {"tools": False, "structured_output": False}
    llm = RoutedLLM({"plain": Model("m", abilities=abilities, base_url=server.base_url)})
    with pytest.raises(NoEligibleModel, match="plain can neither give typed answers nor call tools"):
        whole(llm)


@pytest.mark.parametrize("mode", [PydanticProgramMode.FUNCTION, "function"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_explicit_mode_is_llama_indexs_own_program(way, mode, server):
    llm = pool("up", server, pydantic_program_mode=mode)
    with llm.routing(user="u1"):
        assert way(llm) == Sum(result=5)
    assert llm.router.records(1)[0].decision.ask.hints.user == "u1"
    assert "response_format" not in bodies(server)[-1]


def test_hints_of_a_stream_are_those_where_it_was_asked_for(server):
    for mode in ("default", "function"):
        llm = pool("up", server, pydantic_program_mode=mode)
        with llm.routing(user="u1"):
            parts = llm.stream_structured_predict(Sum, PROMPT, **ARGS)
        assert list(parts)[-1] == Sum(result=5)
        assert llm.router.records(1)[0].decision.ask.hints.given == {"user": "u1"}


def test_as_a_structured_llm(kind, server):
    llm = pool(kind, server)
    typed = llm.as_structured_llm(Sum)
    assert typed.llm is llm
    assert typed.chat(question(), routing={"user": "u1"}).raw == Sum(result=5)
    assert llm.router.records(1)[0].decision.ask.hints.user == "u1"
    assert typed.complete("What is 2 plus 3?").text == '{"result":5}'
    assert asyncio.run(typed.achat(question())).raw == Sum(result=5)
    assert list(typed.stream_chat(question()))[-1].raw == Sum(result=5)

    async def collect():
        return [part async for part in await typed.astream_chat(question())][-1]

    assert asyncio.run(collect()).raw == Sum(result=5)
    assert list(typed.stream_complete("What is 2 plus 3?"))[-1].text == '{"result":5}'
    assert list(typed.stream(PromptTemplate("What is 2 plus 3?")))
    last = list(typed.stream_chat(question()))[-1]
    assert last.additional_kwargs["routing"]["model"] == f"sandbox:{answering(kind)}"
    if kind.startswith("mixed") or kind == "responses":  # objects take parameters as they like; this dialect has no ``stop``
        return
    with pytest.raises(ValueError, match="could not be parsed into Trip"):
        llm.as_structured_llm(Trip).chat(question("Give a trip."), response_format=None, stop=["{"])


def test_a_structured_llm_reports_once_and_keeps_the_stage(server):
    llm = pool("up", server)
    typed = llm.as_structured_llm(Sum)
    tokens = TokenCountingHandler(tokenizer=lambda text: text.split() * 1000)
    typed.callback_manager = CallbackManager([tokens])
    prompt = PromptTemplate("What is 2 plus 3?", prompt_type="refine")
    assert typed.predict(prompt) == '{"result":5}'
    list(typed.stream(prompt))
    billed = [entry.usage for entry in server.sandbox.ledger]
    assert tokens.total_llm_token_count == sum(usage.prompt + usage.completion for usage in billed)
    assert [record.decision.ask.facts["stage"] for record in llm.router.records()] == ["refine"] * 2
    assert typed.llm.router is llm.router
    assert llm.callback_manager is not typed.callback_manager


def test_chat_prompts_and_a_class_as_response_format(server):
    llm = pool("up", server)
    prompt = ChatPromptTemplate([ChatMessage(role="system", content="Add."), ChatMessage(content="What is {a} plus {b}?")])
    assert llm.structured_predict(Sum, prompt, **ARGS) == Sum(result=5)
    assert llm.chat(question(), response_format=Sum).message.content == '{"result": 5}'
    json_mode = {"type": "json_object"}
    llm.chat(question("Give the sum of 2 and 3 as JSON."), response_format=json_mode)
    assert bodies(server)[-1]["response_format"] == json_mode
    llm.chat(question(), response_format={"type": "text"})
    assert "response_format" not in bodies(server)[-1]


# reading ---------------------------------------------------------------------------------------------------------------


class Trip(BaseModel):
    """A trip."""

    city: str
    days: int = Field(gt=0)
    stops: list[str] = []


def said(text):
    told = {"routing": {"model": "openai:gpt-5"}}
    return ChatResponse(message=ChatMessage(role="assistant", content=text), additional_kwargs=told)


def test_an_object_grows():
    partials = Partials(Trip)
    seen = []
    for end in ("", "{", '{"city"', '{"city": "Pa', '{"city": "Paris", "da', '{"city": "Paris", "days": 2, "stops": ["Lou'):
        seen.append(partials.of(said(end)))
    assert [getattr(each, "city", None) for each in seen] == [None, None, None, "Pa", "Paris", "Paris"]
    assert isinstance(seen[-1], Trip)
    assert seen[-1].stops == ["Lou"]
    assert partials.of(said("nothing that can be read")) is seen[-1]


def test_what_is_no_object_is_told_with_the_model():
    for text in ("", "Paris, two days", '{"city": "Paris"}', '{"city": "Paris", "days": 0}'):
        with pytest.raises(ValueError, match="answer of openai:gpt-5 could not be parsed into Trip") as caught:
            parsed(said(text), Trip)
        assert repr(text) in str(caught.value)


def test_a_refusal_and_an_answer_that_was_cut_are_told():
    refused = said("")
    refused.message.additional_kwargs["refusal"] = "I cannot help with that."
    with pytest.raises(ValueError, match=r"The model refused: 'I cannot help with that\.'"):
        parsed(refused, Trip)
    cut = said('{"city": "Par')
    cut.raw = {"finish_reason": "length"}
    with pytest.raises(ValueError, match=r"It was cut: .* raise max_tokens"):
        parsed(cut, Trip)


def test_line_breaks_in_strings_are_forgiven():
    assert Partials(Trip).of(said('{"city": "Pa\nris", "days": 1')).city == "Pa\nris"


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"city": "Paris", "days": 2}\n```',
        ' ```\n{"city": "Paris", "days": 2}```\n',
        '```JSON {"city": "Paris", "days": 2} ```',
    ],
)
def test_a_fence_around_the_whole_answer_is_forgiven(text):
    assert parsed(said(text), Trip) == Trip(city="Paris", days=2)
    partials = Partials(Trip)
    grown = [partials.of(said(text[:end])) for end in range(len(text) + 1)]
    assert grown[-1] == Trip(city="Paris", days=2)
    assert "Par" in [getattr(each, "city", None) for each in grown]


def test_two_fences_and_texts_around_one_are_not():
    fenced = '```json\n{"city": "Paris", "days": 2}\n```'
    for text in (f"{fenced}\n{fenced}", f"Here it is: {fenced}", f"{fenced} Good?"):
        with pytest.raises(ValueError, match="could not be parsed into Trip") as caught:
            parsed(said(text), Trip)
        assert repr(text) in str(caught.value)
    assert parsed(said('{"city": "```", "days": 2}'), Trip).city == "```"
