"""Plain functions as deployments: they answer what they can, behind both doors and in every way."""

import asyncio
import functools
import threading
import time

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel
from ways import WAYS, ask, paid, run, said

from routed_llm import Budget, CannotAnswer, Model, RoutedChatModel, RoutedLLM, Router, track
from routed_llm.errors import BudgetSpent, CallFailed, ConfigurationError, NoEligibleModel, StreamBroken
from routed_llm.results import Answer, Usage

BUILT = "It was built in 1896."
PRICE = {"request": 0.001, "input": 0, "output": 0}


def knows(text):
    return "lighthouse" in text


def by_text(question: str):
    return BUILT if knows(question) else None


def by_messages(messages):
    return BUILT if knows(messages[-1]["content"]) else ""


def in_pieces(messages):
    if not knows(messages[-1]["content"]):
        raise CannotAnswer("only about the lighthouse")
    yield from ("It was ", "built in ", "1896.")


async def awaited(question: str):
    await asyncio.sleep(0)
    if not knows(question):
        raise CannotAnswer
    return AIMessage(BUILT)


async def awaited_pieces(question: str):
    if knows(question):
        for piece in ("It was ", "built in ", "1896."):
            await asyncio.sleep(0)
            yield piece


class Handbook:
    def __call__(self, question: str):
        return Answer(BUILT, usage=Usage(20, 6)) if knows(question) else Answer()


FUNCTIONS = [by_text, by_messages, in_pieces, awaited, awaited_pieces, Handbook(), functools.partial(by_text)]
NAMES = ["text", "messages", "pieces", "awaited", "awaited_pieces", "object", "partial"]


ASKED = [
    pytest.param(function, door, way, id=f"{name}-{door}-{way}")
    for function, name in zip(FUNCTIONS, NAMES, strict=True)
    for door, way in WAYS
    if way.startswith("a") or not name.startswith("awaited")
]


@pytest.mark.parametrize(("function", "door", "way"), ASKED)
def test_a_function_answers_what_it_can_and_leaves_the_rest_to_the_next(function, door, way, server):
    models = [Model(function, name="handbook", price=PRICE), paid(server)]
    with track() as spend:
        answer, router = ask(door, way, models, "When was the lighthouse built?", quiet_fallbacks=True)
    assert answer.text == BUILT
    assert answer.routing["model"] == "handbook"
    assert answer.routing["cost_nanousd"] == spend.total_nanousd == 1_000_000
    assert spend.calls == 1
    if way.endswith("stream") and "pieces" in getattr(function, "__name__", ""):
        assert answer.pieces == ["It was ", "built in ", "1896."]

    answer, router = ask(door, way, models, "What is 2 + 3?", quiet_fallbacks=True)
    assert answer.text == "5"
    attempts = answer.routing["attempts"]
    assert [(each["model"], each.get("error")) for each in attempts] == [("handbook", "cannot_answer"), ("big", None)]
    assert answer.routing["cost_nanousd"] > 1_000_000  # looking costs what it costs
    assert not router.live.cooling
    assert [each.takes_calls for each in router.health().deployments] == [True, True]


def test_a_function_for_async_code_is_not_asked_in_sync_code(server):
    model = RoutedChatModel([Model(awaited, name="handbook"), paid(server)])
    assert said(model, "whole", "What is 2 + 3 at the lighthouse?").routing["model"] == "big"
    with pytest.raises(NoEligibleModel, match="async"):
        RoutedChatModel([Model(awaited_pieces, name="handbook")]).invoke("the lighthouse?")


@pytest.mark.parametrize(("door", "way"), WAYS)
def test_nobody_who_can_answer_is_an_error_that_says_so(door, way):
    with pytest.raises(CallFailed, match="cannot_answer: only about the lighthouse") as failed:
        ask(door, way, [Model(in_pieces, name="handbook")], "What is 2 + 3?")
    assert failed.value.kind == "cannot_answer"
    assert [error.model for error in failed.value.attempts] == ["handbook"]


@pytest.mark.parametrize(("door", "way"), WAYS)
def test_tools_schemas_and_media_go_to_whoever_declares_them_only(door, way, server):
    class City(BaseModel):
        name: str

    asked = []

    def cities(messages, schema=None, tools=None, temperature=None):
        asked.append((schema, tools, temperature))
        return '{"name": "Vardo"}'

    for abilities, expected in ((None, "big"), (["structured_output"], "cities")):
        pool = (RoutedChatModel if door == "langchain" else RoutedLLM)(
            [Model(cities, name="cities", abilities=abilities), paid(server, abilities=["structured_output", "tools"])],
            temperature=0.25,
        )
        if door == "langchain":
            typed = pool.with_structured_output(City, include_raw=True)
            told = run(typed.ainvoke("x")) if way.startswith("a") else typed.invoke("x")
            answered = told["raw"].response_metadata["routing"]["model"]
        else:
            typed = pool.as_structured_llm(City)
            told = run(typed.acomplete("x")) if way.startswith("a") else typed.complete("x")
            answered = pool.router.records(1)[0].attempts[-1].deployment.model
        assert answered == expected
    [(schema, tools, temperature)] = asked
    assert schema["properties"]["name"]["type"] == "string"
    assert (tools, temperature) == (None, 0.25)


def test_a_function_that_declares_tools_gets_them_and_calls_them(server):
    def caller(messages, tools, tool_choice=None):
        name = tools[0]["function"]["name"]
        return AIMessage("", tool_calls=[{"id": "1", "name": name, "args": {"city": "Vardo"}}])

    def weather(city: str) -> str:
        """The weather."""
        return city

    model = RoutedChatModel([Model(caller, name="caller", abilities=["tools"]), paid(server)]).bind_tools([weather])
    for way in ("whole", "stream", "awhole", "astream"):
        pool = model.bound
        message = {
            "whole": lambda: model.invoke("x"),
            "stream": lambda: functools.reduce(lambda a, b: a + b, model.stream("x")),
            "awhole": lambda: run(model.ainvoke("x")),
            "astream": lambda: run(_sum(model.astream("x"))),
        }[way]()
        assert [(call["name"], call["args"]) for call in message.tool_calls] == [("weather", {"city": "Vardo"})]
        assert pool.router.records(1)[0].attempts[-1].deployment.model == "caller"


async def _sum(stream):
    pieces = [piece async for piece in stream]
    return functools.reduce(lambda a, b: a + b, pieces)


@pytest.mark.parametrize(("door", "way"), WAYS)
def test_what_a_function_raises_is_a_failure_of_its_deployment(door, way, server):
    def broken(messages):
        raise KeyError("shelf")

    answer, router = ask(door, way, [Model(broken, name="handbook"), paid(server)], "What is 2 + 3?", quiet_fallbacks=True)
    assert answer.text == "5"
    error = router.records(1)[0].attempts[0].error
    assert error.kind == "server_error"
    assert "KeyError" in error.message
    assert "test_functions_as_models.py" in error.message


@pytest.mark.parametrize("kind", ["number", "dict", "awaitable"])
def test_an_output_that_is_no_answer_is_named(kind, server):
    outputs = {"number": lambda: 5, "dict": lambda: {"colour": "red"}, "awaitable": lambda: awaited("lighthouse")}
    model = RoutedChatModel([Model(lambda messages: outputs[kind](), name="handbook")])
    with pytest.raises(CallFailed, match={"number": "gave a int", "dict": "under 'answer'", "awaitable": "async def"}[kind]):
        model.invoke("x")


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_program_that_gives_up_in_the_middle_breaks_its_stream(way, server):
    def stops(messages):
        yield "It was "
        raise CannotAnswer

    with pytest.raises(StreamBroken) as broken:
        ask("langchain", way, [Model(stops, name="handbook"), paid(server)], "x")
    assert broken.value.partial.text == "It was "


@pytest.mark.parametrize("kind", ["awaited", "pieces", "blocking"])
@pytest.mark.parametrize(("door", "way"), [each for each in WAYS if each[1].startswith("a")])
def test_a_late_function_ends_with_the_deadline_of_an_async_call(kind, door, way):
    over = threading.Event()

    async def slow(messages):
        await asyncio.sleep(60)
        return "late"

    async def slow_pieces(messages):
        await asyncio.sleep(60)
        yield "late"

    def blocking(messages):
        over.wait(60)
        return "late"

    function = {"awaited": slow, "pieces": slow_pieces, "blocking": blocking}[kind]
    started = time.monotonic()
    pool = (RoutedChatModel if door == "langchain" else RoutedLLM)([Model(function, name="slow")])
    try:
        with pytest.raises(CallFailed) as failed:
            said(pool, way, "x", routing={"deadline": 0.2})
    finally:
        over.set()
    assert failed.value.kind == "timeout"
    assert time.monotonic() - started < 40


@pytest.mark.parametrize("door", ["langchain", "llama_index"])
def test_hints_name_a_program_as_they_name_a_model(door, server):
    pool = (RoutedChatModel if door == "langchain" else RoutedLLM)(
        [paid(server), Model(by_text, name="handbook", tags=["cheap"], price=PRICE)]
    )
    for hints in ({"prefer": ["handbook"]}, {"prefer": ["cheap"]}, {"exclude": ["big"]}, {"prefer": ["program"]}):
        assert said(pool, "whole", "the lighthouse?", routing=hints).routing["model"] == "handbook"
    cheaper = {"max_cost": 0.0008, "prefer": ["handbook"]}
    assert said(pool, "whole", "the lighthouse?", routing=cheaper).routing["model"] == "big"


def test_the_cheapest_and_a_window_count_as_for_any_model(server):
    models = [paid(server), Model(by_text, name="handbook", price={"request": 0.000_001, "input": 0, "output": 0}, context=50)]
    pool = RoutedChatModel(models, strategy="cheapest")
    assert said(pool, "whole", "the lighthouse?").routing["model"] == "handbook"
    assert said(pool, "whole", "the lighthouse? " + "word " * 200).routing["model"] == "big"


def test_the_conversation_that_a_question_alone_leaves_out_is_told(server):
    pool = RoutedChatModel([Model(by_text, name="handbook")])
    messages = [HumanMessage("hello"), AIMessage("hi"), HumanMessage("the lighthouse?")]
    message = pool.invoke(messages, temperature=0.5)
    losses = pool.router.records(1)[0].decision.losses
    assert any("earlier messages" in loss for loss in losses)
    assert any("does not take temperature" in loss for loss in losses)
    assert message.text == BUILT


def test_who_is_strict_about_parameters_is_not_answered_without_them(server):
    pool = RoutedChatModel([Model(by_text, name="handbook"), paid(server)], temperature=0.5)
    assert said(pool, "whole", "the lighthouse?", routing={"strict_params": True}).routing["model"] == "big"


def test_an_input_can_be_made_by_a_function(server):
    seen = []
    program = Model(lambda value: seen.append(value) or BUILT, name="handbook", input=lambda messages: len(messages))
    RoutedChatModel([program]).invoke("x")
    assert seen == [1]


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        (by_text, "needs a name"),
        (Model(by_text), "needs a name"),
        (Model(by_text, name="h", api_key="k" * 30), "string models only"),
        (Model(by_text, name="h", params={"temperature": 1}), "parameters of its own"),
        (Model(by_text, name="h", input="words"), "'text', 'messages' or a function"),
        (Model(lambda: "x", name="h"), "takes no argument"),
        (Model("openai:gpt-5-mini", api_key="k" * 30, input="text"), "for Runnables, engines and functions"),
        (Handbook, "cannot route to type"),
        (7, "cannot route to int"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_path(entry, word):
    with pytest.raises(ConfigurationError, match=word) as refused:
        RoutedChatModel([entry]).router  # noqa: B018  # made when it is first asked for
    assert refused.value.path.startswith("models[0]")


def test_an_alias_is_name_enough_and_a_factory_makes_what_can_be_pickled(server):
    assert said(RoutedChatModel({"handbook": by_text}), "whole", "the lighthouse?").routing["model"] == "handbook"
    made = RoutedChatModel([Model(factory=Handbook, name="handbook")])
    assert said(made, "whole", "the lighthouse?").tokens == 26  # as the program says itself


@pytest.mark.parametrize(("door", "way"), WAYS)
def test_a_budget_holds_for_programs_and_what_they_cost(door, way, server):
    router = Router([Model(by_text, name="handbook", price=PRICE)], budgets=[Budget(usd=0.0015, per="month")])
    pool = (RoutedChatModel if door == "langchain" else RoutedLLM)(router=router)
    assert said(pool, way, "the lighthouse?").text == BUILT
    with pytest.raises(BudgetSpent):
        said(pool, way, "the lighthouse?")


def test_passing_on_is_no_matter_of_what_counts_as_a_failure(server):
    pool = RoutedChatModel([Model(by_text, name="handbook"), paid(server)], retry_on=[])
    assert said(pool, "whole", "What is 2 + 3?").routing["model"] == "big"


def test_no_warning_is_written_where_a_program_passes_a_call_on(server, caplog):
    with caplog.at_level("WARNING"):
        said(RoutedChatModel([Model(by_text, name="handbook"), paid(server)]), "whole", "What is 2 + 3?")
    assert not [line for line in caplog.messages if "handbook" in line]
