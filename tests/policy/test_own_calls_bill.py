"""What the router asks for itself is in the bill: all books say what the sandbox's own ledger says, to the nano-dollar."""

import asyncio

import pytest
from books import open_books
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.embeddings import Embeddings
from langchain_core.tools import tool
from langchain_openai import OpenAIEmbeddings
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage
from own_pools import ALIAS, KINDS, LARGE, MEDIUM, SMALL, check, entries_of, own_policy, own_router, sums

from routed_llm import Budget, Model, RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import BudgetSpent
from routed_llm.langchain import get_routing_callback
from routed_llm.policy.features.asked import AskModel
from routed_llm.policy.features.examples import Examples, Task
from routed_llm.testing import Sandbox, SandboxServer

PROMPTS = ["What is 2 plus 3?", "Convert 3 hours to minutes.", "What is 20 plus 3?"]
TASKS = [Task("refund", ["I want my money back", "refund me"]), Task("shipping", ["where is my parcel", "track my package"])]


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as running:
        yield running


@pytest.fixture(params=KINDS)
def router(request, server):
    return own_router(server, request.param)


# langchain ----------------------------------------------------------------------------------------------------------------


def invoke(model):
    for prompt in PROMPTS:
        model.invoke(prompt)


def stream(model):
    for prompt in PROMPTS:
        list(model.stream(prompt))


def agent(model):
    create_agent(model, [add]).invoke({"messages": [("user", PROMPTS[0])]})


def ainvoke(model):
    asyncio.run(_gathered(model.ainvoke(prompt) for prompt in PROMPTS))


def astream(model):
    async def one(prompt):
        return [chunk async for chunk in model.astream(prompt)]

    asyncio.run(_gathered(one(prompt) for prompt in PROMPTS))


async def _gathered(calls):
    await asyncio.gather(*calls)


@pytest.mark.parametrize("work", [invoke, stream, agent, ainvoke, astream], ids=lambda work: work.__name__)
def test_the_books_of_langchain_agree(server, router, work):
    with get_usage_metadata_callback() as usage, get_routing_callback() as costs, router.track() as spend:
        work(RoutedChatModel(router=router))
    ledger = list(server.sandbox.ledger)
    answers = [entry for entry in ledger if entry.model != SMALL]
    check(server, router, (spend, costs), len(answers))
    # whose answers LangChain itself counts tells nothing of the small model
    assert sum(told["input_tokens"] for told in usage.usage_metadata.values()) == sums(answers)["input_tokens"]
    assert SMALL not in usage.usage_metadata


def test_by_user_and_tag(server):
    router = own_router(server)
    with get_routing_callback() as costs, router.track() as spend:
        RoutedChatModel(router=router).invoke(PROMPTS[0], routing={"user": "u1", "tags": ["t1"]})
    total = server.sandbox.ledger.total_nanousd
    for book in (spend, costs):
        assert book.by_user["u1"].nanousd == book.by_tag["t1"].nanousd == total > 0


def test_an_answer_from_the_cache_costs_nothing(server):
    router = own_router(server)
    model = RoutedChatModel(router=router, cache=InMemoryCache())
    with get_routing_callback() as costs, router.track() as spend:
        for _ in range(2):
            assert model.invoke(PROMPTS[0]).response_metadata["routing"]["own_calls"]
    assert (costs.calls, costs.cached_calls, spend.calls) == (2, 1, 1)
    assert costs.total_nanousd == spend.total_nanousd == server.sandbox.ledger.total_nanousd


def test_a_decision_after_own_calls_is_made_again_without_them(server):
    router = own_router(server)
    RoutedChatModel(router=router).invoke(PROMPTS[0])
    asked = len(server.sandbox.requests)
    [record] = router.records()
    assert record.decision.as_dict()["own_calls"][0]["model"] == ALIAS[SMALL]
    for made in (record.decision, record.decision.stored()):
        assert router.replay(made).same
    assert len(server.sandbox.requests) == asked


def test_what_an_answer_tells(server):
    router = own_router(server)
    answer = RoutedChatModel(router=router).invoke(PROMPTS[0])
    small, answered = list(server.sandbox.ledger)
    assert (small.model, answered.model) == (SMALL, MEDIUM)
    assert answer.usage_metadata["input_tokens"] == answered.usage.prompt
    routing = answer.response_metadata["routing"]
    assert routing["model"] == ALIAS[MEDIUM]
    assert len(routing["attempts"]) == 1
    [own] = routing["own_calls"]
    assert (own["feature"], own["model"], own["cost_nanousd"]) == ("ask_model", ALIAS[SMALL], small.cost_nanousd)
    assert own["usage"]["input_tokens"] == small.usage.prompt
    assert own["error"] is None
    assert routing["cost_nanousd"] == small.cost_nanousd + answered.cost_nanousd
    assert routing["answer_cost_nanousd"] == answered.cost_nanousd
    [record] = router.records()
    assert record.usage.input_tokens == answered.usage.prompt
    assert (record.own_calls[0].model, record.own_calls[0].usage.input_tokens) == (ALIAS[SMALL], small.usage.prompt)
    assert record.seconds >= record.own_calls[0].seconds > 0


# llama_index --------------------------------------------------------------------------------------------------------------


def chat(llm):
    for prompt in PROMPTS:
        llm.chat([ChatMessage(prompt)])


def stream_complete(llm):
    for prompt in PROMPTS:
        list(llm.stream_complete(prompt))


def astream_chat(llm):
    async def all_of_them():
        for prompt in PROMPTS:
            _ = [piece async for piece in await llm.astream_chat([ChatMessage(prompt)])]

    asyncio.run(all_of_them())


def function_agent(llm):
    async def run():
        await FunctionAgent(tools=[lambda a, b: a + b], llm=llm).run(PROMPTS[0])

    asyncio.run(run())


@pytest.mark.parametrize("work", [chat, stream_complete, astream_chat, function_agent], ids=lambda work: work.__name__)
def test_the_books_of_llama_index_agree(server, router, work):
    llm = RoutedLLM(router=router)
    with open_books(llm) as books, router.track() as spend:
        work(llm)
    answers = [entry for entry in server.sandbox.ledger if entry.model != SMALL]
    check(server, router, (spend, *books.ours), len(answers))
    assert books.tokens.prompt_llm_token_count == sums(answers)["input_tokens"]


# money --------------------------------------------------------------------------------------------------------------------


def test_an_unknown_price_makes_the_whole_bill_unknown(server):
    own_router(server)
    entries = entries_of(server)
    small = Model(f"openai:{SMALL}", name=ALIAS[SMALL], base_url=server.base_url, api_key="any")
    router = Router([entries[MEDIUM], entries[LARGE], small], own_policy(), features=[AskModel(ALIAS[SMALL], facts="task")])
    with get_routing_callback() as costs, router.track() as spend:
        answer = RoutedChatModel(router=router).invoke(PROMPTS[0])
    routing = answer.response_metadata["routing"]
    assert routing["cost_nanousd"] is None
    _, answered = server.sandbox.ledger
    for book in (spend, costs):
        assert (book.total_nanousd, book.unknown_cost_calls) == (answered.cost_nanousd, 1)
        assert book.by_model[ALIAS[SMALL]].unknown_cost_calls == 1
        assert book.by_model[ALIAS[MEDIUM]].unknown_cost_calls == 0


def test_a_budget_that_is_spent_asks_nobody(server):
    spent = Budget(usd=0.000_000_001, name="nothing", models=[ALIAS[SMALL]])
    router = own_router(server, budgets=[spent])
    answer = RoutedChatModel(router=router).invoke(PROMPTS[0])
    assert "own_calls" not in answer.response_metadata["routing"]
    assert [entry.model for entry in server.sandbox.ledger] == [MEDIUM]
    [(model, why)] = router.records()[0].decision.unasked
    assert model == ALIAS[SMALL]
    assert "nothing" in why
    nothing = own_router(server, budgets=[Budget(usd=0.000_000_001, name="nothing")])
    with pytest.raises(BudgetSpent):
        RoutedChatModel(router=nothing).invoke(PROMPTS[0])
    assert len(server.sandbox.ledger) == 0


def test_blocks_pay_for_it_too(server):
    router = own_router(server)
    with router.budget(usd=1) as budget:
        RoutedChatModel(router=router).invoke(PROMPTS[0])
    assert budget.standing.spent[0] == server.sandbox.ledger.total_nanousd
    assert budget.calls == 2


# embeddings ---------------------------------------------------------------------------------------------------------------


class Nearby(Embeddings):
    """In this process, and free."""

    def embed_documents(self, texts):
        return [[float("money" in text or "refund" in text), float("parcel" in text), 0.1] for text in texts]

    def embed_query(self, text):
        return self.embed_documents([text])[0]


def test_embeddings_are_in_the_bill(server):
    theirs = OpenAIEmbeddings(
        model="sandbox-embedding", base_url=server.base_url, api_key="any", check_embedding_ctx_length=False
    )
    priced = Model(theirs, name="embedder", price={"input": 0.02, "output": 0})
    router = own_router(server, feature=Examples(TASKS, embeddings=priced, unknown=0.0, seconds=20))
    with get_routing_callback() as costs, router.track() as spend:
        answer = RoutedChatModel(router=router).invoke(PROMPTS[0])
    routing = answer.response_metadata["routing"]
    lessons, query = routing["own_calls"]
    assert lessons["usage"]["input_tokens"] > query["usage"]["input_tokens"] > 0
    assert query["cost_nanousd"] == query["usage"]["input_tokens"] * 20
    expected = routing["answer_cost_nanousd"] + lessons["cost_nanousd"] + query["cost_nanousd"]
    assert routing["cost_nanousd"] == expected
    for book in (spend, costs):
        assert book.total_nanousd == expected
        assert book.by_model["embedder"].nanousd == lessons["cost_nanousd"] + query["cost_nanousd"]
    (standing,) = router.budgets()
    assert standing.spent[0] == expected


def test_an_embedder_without_a_price_that_counts_nothing_is_free(server):
    router = own_router(server, feature=Examples(TASKS, embeddings=Nearby(), unknown=0.0))
    answer = RoutedChatModel(router=router).invoke("refund the money please")
    routing = answer.response_metadata["routing"]
    assert routing["cost_nanousd"] == routing["answer_cost_nanousd"] == server.sandbox.ledger.total_nanousd
    assert [own["cost_nanousd"] for own in routing["own_calls"]] == [None, None]
    [record] = router.records()
    assert record.decision.ask.facts["task"] == "refund"
