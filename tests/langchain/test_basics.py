"""RoutedChatModel as a LangChain object: answers, parameters, typed answers, tools, histories, explanations."""

import copy
import json

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from routed_llm import Model, RoutedChatModel
from routed_llm.providers.sandbox import DEFAULT_MODELS
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import Sandbox, SandboxServer

ASK = [HumanMessage("What is 17 + 25?")]


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@pytest.fixture
def entries(server):
    return {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}


@pytest.fixture
def model(entries):
    return RoutedChatModel([entries["sandbox-large"], entries["sandbox-medium"]])


def bodies(server):
    return [arrival.body for arrival in server.sandbox.requests]


def test_a_chain_is_a_chain(model):
    chain = (
        ChatPromptTemplate.from_messages([("system", "Be short."), ("user", "What is {a} + {b}?")]) | model | StrOutputParser()
    )
    assert chain.invoke({"a": 2, "b": 3}) == "5"
    assert "".join(chain.stream({"a": 2, "b": 3})) == "5"
    assert chain.batch([{"a": 1, "b": 1}, {"a": 2, "b": 2}]) == ["2", "4"]


def test_the_answer_says_what_happened(model):
    answer = model.invoke(ASK)
    told = answer.response_metadata
    assert told["model_name"] == "sandbox-large"
    assert told["model_provider"] == "custom"
    assert told["finish_reason"] == "stop"
    routing = told["routing"]
    assert set(routing) >= {"decision_id", "model", "deployment", "reason", "attempts", "cost_nanousd", "cost_usd"}
    assert routing["cost_nanousd"] == round(routing["cost_usd"] * 1e9)
    assert json.loads(json.dumps(answer.model_dump()))["response_metadata"]["routing"] == routing
    assert model.router.decision(routing["decision_id"]).chosen.id == "sandbox:sandbox-large"


def test_usage_and_routing_are_on_one_chunk_and_the_sum_is_the_whole_answer(model):
    chunks = list(model.stream(ASK))
    assert sum("routing" in c.response_metadata for c in chunks) == 1
    assert sum(c.usage_metadata is not None for c in chunks) == 1
    assert len({c.id for c in chunks}) == 1
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    whole = model.invoke(ASK)
    assert total.text == whole.text
    assert total.usage_metadata == whole.usage_metadata
    assert total.response_metadata["routing"]["cost_nanousd"] == whole.response_metadata["routing"]["cost_nanousd"]
    assert total.chunk_position == "last"


def test_a_model_is_pinned_by_keyword_binding_and_alias(entries, server):
    model = RoutedChatModel({"strong": entries["sandbox-large"], "quick": entries["sandbox-small"]})
    assert model.invoke(ASK, model="quick").response_metadata["routing"]["model"] == "quick"
    assert model.bind(model="sandbox-small").invoke(ASK).response_metadata["model_name"] == "sandbox-small"
    assert [b["model"] for b in bodies(server)] == ["sandbox-small", "sandbox-small"]


def test_parameters_of_model_entry_and_call(server, entries):
    entry = Model(
        **{**{f: getattr(entries["sandbox-large"], f) for f in ("model", "base_url", "price")}, "params": {"top_p": 0.5}}
    )
    model = RoutedChatModel([entry], temperature=0.1, max_tokens=50, stop=["!"], model_kwargs={"seed": 3})
    model.invoke(ASK)
    model.invoke(ASK, temperature=0.9, stop=["?"], max_completion_tokens=60)
    first, second = bodies(server)
    assert {k: first[k] for k in ("temperature", "top_p", "max_tokens", "seed", "stop")} == {
        "temperature": 0.1, "top_p": 0.5, "max_tokens": 50, "seed": 3, "stop": ["!"],
    }  # fmt: skip
    assert (second["temperature"], second["stop"], second["max_tokens"]) == (0.9, ["?"], 60)


def test_the_same_model_at_two_efforts_is_two_candidates(server):
    pool = [Model("sandbox-reasoner", name=f"r-{e}", base_url=server.base_url, reasoning=e) for e in ("low", "high")]
    model = RoutedChatModel(pool)
    model.invoke(ASK, model="r-high")
    model.invoke(ASK, model="r-low")
    assert [b["reasoning_effort"] for b in bodies(server)] == ["high", "low"]


def test_several_deployments_serve_one_model(server):
    entry = Model("sandbox-large", name="large", deployments=[Model(base_url=server.base_url, region=r) for r in ("eu", "us")])
    model = RoutedChatModel([entry])
    assert [d.id for d in model.router.catalog.deployments] == ["large#1", "large#2"]
    assert model.invoke(ASK, routing={"region": "us"}).response_metadata["routing"]["deployment"] == "large#2"
    assert model.invoke(ASK, model="large").response_metadata["routing"]["model"] == "large"


def test_reasoning_comes_back(entries):
    answer = RoutedChatModel([entries["sandbox-reasoner"]]).invoke(ASK)
    assert answer.additional_kwargs["reasoning_content"]
    assert answer.usage_metadata["output_token_details"]["reasoning"] > 0
    assert any(block["type"] == "reasoning" for block in answer.content_blocks)


class Person(BaseModel):
    """A person."""

    name: str = Field(description="the person's name")
    age: int = Field(description="age in years")


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_typed_answers(model, method):
    schema = json.dumps(Person.model_json_schema())
    said = [SystemMessage(f"Answer in JSON by this schema: {schema}"), HumanMessage("Anna is 31 years old.")]
    assert model.with_structured_output(Person, method=method).invoke(said) == Person(name="Anna", age=31)
    raw = model.with_structured_output(Person, method=method, include_raw=True).invoke(said)
    assert raw["parsed"] == Person(name="Anna", age=31)
    assert raw["parsing_error"] is None
    assert "routing" in raw["raw"].response_metadata


def test_a_model_without_typed_answers_gives_them_by_a_tool(server):
    entry = Model("sandbox-medium", base_url=server.base_url, abilities={"structured_output": False, "tools": True})
    model = RoutedChatModel([entry])
    said = "Anna is 31 years old."
    assert model.with_structured_output(Person).invoke(said) == Person(name="Anna", age=31)
    assert list(model.with_structured_output(Person).stream(said))[-1] == Person(name="Anna", age=31)
    for body in bodies(server):
        assert "response_format" not in body
        assert body["tool_choice"] == {"type": "function", "function": {"name": "Person"}}


def test_a_typed_call_never_goes_to_a_model_that_can_do_neither(entries, server):
    model = RoutedChatModel([entries["sandbox-small"], entries["sandbox-medium"]])
    model.with_structured_output(Person).invoke("Anna is 31 years old.")
    assert [b["model"] for b in bodies(server)] == ["sandbox-medium"]


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def test_tools_are_called_and_answered(model):
    bound = model.bind_tools([add])
    called = bound.invoke("Use the tool to add 17 and 25.")
    assert called.tool_calls[0]["name"] == "add"
    result = ToolMessage(str(add.invoke(called.tool_calls[0]["args"])), tool_call_id=called.tool_calls[0]["id"])
    final = bound.invoke([HumanMessage("Use the tool to add 17 and 25."), called, result])
    assert "42" in final.text


@pytest.mark.parametrize("choice", ["any", "required", True, "add", {"type": "function", "function": {"name": "add"}}])
def test_a_forced_tool_is_called(model, choice):
    assert model.bind_tools([add], tool_choice=choice).invoke("17 and 25").tool_calls


def test_history_of_other_makers_is_taken(model, server):
    history = [
        HumanMessage("What is 2 + 2?", name="anna"),
        AIMessage(
            [
                {"type": "thinking", "thinking": "easy", "signature": "abc"},
                {"type": "text", "text": "4"},
            ]
        ),
        HumanMessage([{"type": "text", "text": "What is 17 + 25?", "cache_control": {"type": "ephemeral"}}]),
    ]
    answer = model.invoke(history)
    assert answer.text == "42"
    assert "reasoning of an earlier turn" in answer.response_metadata["routing"]["losses"]
    assert history[1].content[0]["signature"] == "abc"
    sent = bodies(server)[0]["messages"]
    assert sent[0]["name"] == "anna"
    assert sent[1] == {"role": "assistant", "content": "4"}


def test_explain_calls_nobody(model, server):
    decision = model.explain("What is 1 + 1?", routing={"prefer": ["sandbox-medium"]})
    assert decision.chosen.served_model == "sandbox-medium"
    assert "1 left to fall back to" in str(decision)
    assert not bodies(server)


def test_copies_and_assignments_follow_what_they_change(entries, server):
    model = RoutedChatModel([entries["sandbox-large"]], temperature=0.1)
    warm = model.model_copy(update={"temperature": 0.9, "routing": {"user": "u1"}})
    warm.invoke(ASK)
    assert warm.router is model.router
    assert bodies(server)[-1]["temperature"] == 0.9
    assert warm.router.records(1)[0].decision.ask.hints.user == "u1"
    model.invoke(ASK)
    assert bodies(server)[-1]["temperature"] == 0.1
    model.temperature = 0.7
    model.invoke(ASK)
    assert bodies(server)[-1]["temperature"] == 0.7
    other = model.model_copy(update={"models": [entries["sandbox-medium"]]})
    assert other.invoke(ASK).response_metadata["model_name"] == "sandbox-medium"
    assert copy.deepcopy(model).router is model.router


def test_the_cache_tells_pools_tools_and_policies_apart(server):
    def key(**kwargs):
        call = kwargs.pop("call", {})
        return RoutedChatModel(**kwargs)._get_llm_string(**call)

    def entry(**more):
        return {"models": {"x": Model("sandbox-medium", **{"base_url": server.base_url, **more})}}

    def one(a: int) -> int:
        """One."""
        return a

    def two(a: int) -> int:
        """Two."""
        return a

    keys = [
        key(**entry()),
        key(**entry(params={"temperature": 0})),
        key(**entry(params={"temperature": 1})),
        key(**entry(reasoning="low")),
        key(**entry(reasoning="high")),
        key(**entry(base_url="http://127.0.0.1:9/v1")),
        key(**entry(), strategy="cheapest"),
        key(**entry(), max_price_ratio=3),
        key(**entry(), temperature=0.5),
        key(**entry(), call={"tools": [one]}),
        key(**entry(), call={"tools": [two]}),
        key(**entry(), call={"tools": [add]}),
        key(**entry(), call={"response_format": Person}),
    ]
    assert len(set(keys)) == len(keys)
    assert key(**entry()) == key(**entry())
    assert key(**entry(), strategy="auto") == key(**entry(), strategy="auto")


def test_a_call_that_allows_more_than_a_model_writes_goes_to_another(server):
    small = Model("sandbox-medium", name="small", base_url=server.base_url, max_output=100)
    large = Model("sandbox-large", name="large", base_url=server.base_url, max_output=8000)
    model = RoutedChatModel([small, large])
    assert model.invoke(ASK, max_tokens=5000).response_metadata["routing"]["model"] == "large"
    assert "writes at most 100 tokens" in str(model.explain("hi", max_tokens=5000))


def test_losses_are_those_of_the_model_that_answered(entries, server):
    server.sandbox.fail("sandbox-large", status=500)
    fussy = Model("openai:gpt-5-mini", name="fussy", base_url=server.base_url, api_key="k")  # no such model there: 404
    model = RoutedChatModel([fussy, entries["sandbox-medium"]], temperature=0.3, quiet_fallbacks=True)
    answer = model.invoke(ASK)
    assert answer.response_metadata["model_name"] == "sandbox-medium"
    assert "losses" not in answer.response_metadata["routing"]
    assert bodies(server)[-1]["temperature"] == 0.3


def test_text_beyond_ascii_is_not_taken_for_short(model):
    assert model.get_num_tokens("你好世界" * 10) == 40
    assert 5 <= model.get_num_tokens("Привет, мир") <= 8
    assert len(model.get_token_ids("x" * 40)) == 10


def test_explain_tells_costs_fallbacks_and_what_is_unknown(entries):
    pool = {
        "cheap": Model("m", base_url="http://127.0.0.1:9/v1", price={"input": 1, "output": 1}),
        "dear": Model("m", base_url="http://127.0.0.1:9/v1", price={"input": 100, "output": 100}),
    }
    decision = RoutedChatModel(pool, max_price_ratio=2).explain("hi", tools=[add])
    assert decision.fallbacks == 0
    assert "100 x the first choice, max_price_ratio is 2" in decision.rejected["dear"].replace("1e+02", "100")
    assert "tools unknown" in str(decision)
    assert "cost $" in str(decision)
    many = {f"m{i}": Model("m", base_url="http://127.0.0.1:9/v1") for i in range(8)}
    assert RoutedChatModel(many).explain("hi").fallbacks == 4


async def test_explain_in_async_code(entries):
    model = RoutedChatModel([entries["sandbox-large"]])
    assert (await model.aexplain("hi")).chosen.served_model == "sandbox-large"


def test_reasoning_effort_in_either_spelling(entries, server):
    model = RoutedChatModel([entries["sandbox-reasoner"]])
    model.invoke(ASK, reasoning={"effort": "low"})
    model.invoke(ASK, reasoning="high")
    assert [b["reasoning_effort"] for b in bodies(server)] == ["low", "high"]
