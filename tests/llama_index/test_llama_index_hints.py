"""Hints arrive on every way in, in the same form, and never reach a provider; the stage of a call is known untold."""

import asyncio
import inspect
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from llama_index.core import Settings, SummaryIndex, TreeIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.indices.keyword_table import KeywordTableIndex
from llama_index.core.prompts import ChatPromptTemplate, PromptTemplate, PromptType, SelectorPromptTemplate
from llm_pools import ASKED, WEATHER, Sum, bodies, pool, question, weather
from llm_ways_in import AROUND, BY_KEYWORD, DOCUMENTS, _index

from routed_llm import RoutedChatModel, RoutedLLM
from routed_llm.errors import UnknownHint
from routed_llm.llama_index.stage import STAGES, stage_of
from routed_llm.policy.strategies import by_stage

HINTS = {"user": "u-17", "session": "s-4", "tags": ("vip",), "metadata": {"campaign": "c-9"}, "max_cost": 0.5}
#: models by string alone, and an object of LlamaIndex before one of LangChain, the first of which may fail
WRAPPED = ("up", "mixed", "mixed_first_down")
TRACES = ("routing", "u-17", "s-4", "vip", "campaign", "c-9", "max_cost")


def go(way, *args, **kwargs):
    """Runs a way in, sync or async."""
    result = way(*args, **kwargs)
    if inspect.iscoroutine(result):
        asyncio.run(result)


def given(llm):
    return [record.decision.ask.hints.given for record in llm.router.records()]


def check(llm, server, expected=HINTS):
    """Each call has the hints in its record, and no request a trace of them."""
    told = given(llm)
    assert told
    assert told == [expected] * len(told)
    assert len(server.sandbox.requests) >= len(told)
    for arrival in server.sandbox.requests:
        sent = json.dumps([arrival.path, arrival.headers, arrival.body])
        assert not [trace for trace in TRACES if trace in sent]
    for deployment in llm.router.catalog.deployments:
        for _, handed in getattr(getattr(deployment.endpoint, "model", None), "sent", ()):  # to an object of LlamaIndex
            assert not [trace for trace in TRACES if trace in repr(handed)]


@pytest.mark.parametrize("kind", WRAPPED)
@pytest.mark.parametrize("way", BY_KEYWORD, ids=lambda way: way.__name__)
def test_by_keyword(way, kind, server):
    llm = pool(kind, server)
    go(way, llm, routing=HINTS)
    check(llm, server)


@pytest.mark.parametrize("kind", WRAPPED)
@pytest.mark.parametrize("way", [*BY_KEYWORD, *AROUND], ids=lambda way: way.__name__)
def test_by_a_block_around(way, kind, server):
    llm = pool(kind, server)
    with llm.routing(HINTS):
        go(way, llm)
    check(llm, server)
    llm.complete(ASKED)
    assert given(llm)[-1] == {}


@pytest.mark.parametrize("way", [*BY_KEYWORD, *(way for way in AROUND if "door" not in way.__name__)], ids=lambda w: w.__name__)
def test_by_a_copy_and_by_the_constructor(way, server):
    llm = pool("up", server).with_routing(HINTS)
    go(way, llm)
    check(llm, server)
    llm = pool("up", server, routing=HINTS)
    go(way, llm)
    check(llm, server)


def test_a_keyword_wins_over_a_block_and_a_block_over_its_own(server):
    llm = pool("up", server, routing={"user": "own", "tenant": "own", "session": "own"})
    with llm.routing(user="around", tenant="around"):
        llm.complete(ASKED, routing={"user": "said"})
    assert given(llm) == [{"user": "said", "tenant": "around", "session": "own"}]
    assert llm.with_routing(user="copy").default_routing == {"user": "copy", "tenant": "own", "session": "own"}
    assert llm.default_routing["user"] == "own"


def test_blocks_nest_and_are_entered_again(server):
    llm = pool("up", server)
    outer = llm.routing(user="u1", tenant="t1")
    with outer:
        with llm.routing(user="u2"):
            llm.complete(ASKED)
            with outer:
                llm.complete(ASKED)
            llm.complete(ASKED)
        llm.complete(ASKED)
    llm.complete(ASKED)
    first, again = {"user": "u2", "tenant": "t1"}, {"user": "u1", "tenant": "t1"}
    assert given(llm) == [first, again, first, again, {}]
    with pytest.raises(RuntimeError), outer:
        raise RuntimeError
    llm.complete(ASKED)
    assert given(llm)[-1] == {}


def test_a_block_holds_for_its_router_only(server):
    one, other = pool("up", server), pool("up", server)
    with one.routing(user="u1"), other.routing(user="u2"):
        one.complete(ASKED)
        other.complete(ASKED)
        RoutedLLM(router=one.router).complete(ASKED)
    assert given(one) == [{"user": "u1"}] * 2
    assert given(other) == [{"user": "u2"}]
    with one.routing(user="u1"):
        RoutedChatModel(router=one.router).invoke(ASKED)  # the other door has ways of its own
    assert given(one)[-1] == {}


def test_bare_threads_see_nothing(server):
    llm = pool("up", server)
    with llm.routing(user="u1"), ThreadPoolExecutor() as threads:
        threads.submit(llm.complete, ASKED).result()
        thread = threading.Thread(target=llm.complete, args=(ASKED,))
        thread.start()
        thread.join()
    assert given(llm) == [{}, {}]


async def test_tasks_that_run_beside_do_not_mix(server):
    llm = pool("up", server)
    shared = llm.routing(tenant="t")

    async def one(number):
        with shared, llm.routing(user=f"u{number}"):
            await asyncio.sleep(0.001 * (number % 3))
            response = await llm.acomplete(ASKED)
        return response.additional_kwargs["routing"]

    told = await asyncio.gather(*map(one, range(20)))
    assert [(each["user"], each["tenant"]) for each in told] == [(f"u{number}", "t") for number in range(20)]


def test_hints_that_do_not_exist_are_refused_at_once(server):
    llm = pool("up", server)
    for wrong in (
        lambda: llm.routing(usr="u"),
        lambda: llm.with_routing({"usr": "u"}),
        lambda: llm.explain(ASKED, routing={"usr": 1}),
    ):
        with pytest.raises(UnknownHint, match="Did you mean 'user'"):
            wrong()


# the stage -------------------------------------------------------------------------------------------------------------


def stages(llm):
    return [record.decision.ask.facts.get("stage") for record in llm.router.records()]


def test_the_stages_of_engines(server):
    llm = pool("up", server)
    _index().as_query_engine(llm=llm).query("What is the capital of France?")
    assert stages(llm) == ["question_answering"]
    engine = SummaryIndex.from_documents(DOCUMENTS).as_query_engine(llm=llm, response_mode="refine")
    engine.query("What is the capital of France?")
    assert stages(llm)[1:] == ["question_answering", "refine"]
    SummaryIndex.from_documents(DOCUMENTS).as_query_engine(llm=llm, response_mode="tree_summarize").query("Capitals?")
    assert stages(llm)[-1] == "summary"
    KeywordTableIndex.from_documents(DOCUMENTS, llm=llm)
    assert stages(llm)[-1] == "keyword_extraction"
    TreeIndex.from_documents(DOCUMENTS * 2, llm=llm, num_children=2)
    assert stages(llm)[-1] == "summary"


@pytest.mark.parametrize("name", ["predict", "apredict", "stream", "astream"])
@pytest.mark.parametrize("kind", ["text", "chat", "selector"])
def test_the_stage_of_a_prompt(name, kind, server):
    llm = pool("up", server)
    text = PromptTemplate(ASKED, prompt_type=PromptType.REFINE)
    prompt = {
        "text": text,
        "chat": ChatPromptTemplate(question(), prompt_type=PromptType.REFINE),
        "selector": SelectorPromptTemplate(text),
    }[kind]

    async def later():
        result = await getattr(llm, name)(prompt)
        return [token async for token in result] if name == "astream" else result

    list(getattr(llm, name)(prompt)) if name[0] != "a" else asyncio.run(later())
    llm.complete(ASKED)
    assert stages(llm) == ["refine", None]


def test_the_stage_of_typed_answers(server):
    llm = pool("up", server)
    prompt = PromptTemplate(ASKED, prompt_type=PromptType.SUB_QUESTION)
    llm.structured_predict(Sum, prompt)
    asyncio.run(llm.astructured_predict(Sum, prompt))
    list(llm.stream_structured_predict(Sum, prompt))
    assert stages(llm) == ["sub_question"] * 3


def test_every_type_of_prompt_has_a_word_or_says_nothing():
    silent = {PromptType.CUSTOM, PromptType.SIMPLE_INPUT}
    assert {kind.value for kind in PromptType} == {*STAGES, *(kind.value for kind in silent)}
    assert stage_of(PromptTemplate("x", prompt_type="text_qa")) == "question_answering"
    assert stage_of(PromptTemplate("x")) is None
    assert stage_of(object()) is None


def test_a_policy_gives_extraction_to_one_model_and_synthesis_to_another(server):
    llm = pool("up", server)
    llm = RoutedLLM(llm.models, by_stage({"keyword_extraction": "sandbox:sandbox-medium"}, default="sandbox:sandbox-large"))
    index = KeywordTableIndex.from_documents(DOCUMENTS, llm=llm)
    index.as_query_engine(llm=llm, response_mode="compact").query("What is the capital of France?")
    served = [(record.decision.ask.facts.get("stage"), record.answered_by.model) for record in llm.router.records()]
    assert ("keyword_extraction", "sandbox:sandbox-medium") in served
    assert served[-1] in [
        ("question_answering", "sandbox:sandbox-large"),
        ("query_keyword_extraction", "sandbox:sandbox-large"),
    ]
    assert "stage" not in json.dumps(bodies(server))


def test_as_the_llm_of_all(server):
    llm = pool("up", server)
    before = Settings._llm
    try:
        Settings.llm = llm
        with Settings.llm.routing(user="u1", max_cost=0.005):
            _index().as_query_engine().query("What is the capital of France?")
            asyncio.run(_run(FunctionAgent(tools=[weather])))
    finally:
        Settings._llm = before
    assert given(llm) == [{"user": "u1", "max_cost": 0.005}] * 3


async def _run(agent):
    return await agent.run(WEATHER)
