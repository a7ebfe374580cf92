"""``sticky``: a conversation stays with its model, and leaves only between turns and for a gain."""

import base64

import pytest
from kit import DOORS, Pool, ask, fails_when_ordered
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.memory import Memory
from llama_index.core.tools import FunctionTool

from routed_llm import Policy, RoutedChatModel, RoutedLLM, Router
from routed_llm.policy.scorers.by_fact import ByFact
from routed_llm.testing import SandboxModel

PRICE = {"price": {"input": 1, "output": 2}}
POOL = {"one": PRICE, "two": PRICE, "three": PRICE}
PNG = b"\x89PNG\r\n\x1a\n"
STICKY = ["sticky", "round_robin"]
STAYS = {"strategy": "sticky", "leave_for": [], "then": "round_robin"}


@pytest.fixture(scope="module")
def served():
    with Pool(POOL) as pool:
        yield pool


@pytest.fixture
def pool(served):
    served.server.sandbox.heal()
    served.server.sandbox.requests.clear()
    return served


def each_with_its_own(strategy, pool, door):
    router = pool.router(strategy)
    homes = {}
    for _ in range(4):
        for session in ("s1", "s2", "s3"):
            homes.setdefault(session, set()).add(ask(door, router, routing={"session": session}).model)
    assert all(len(models) == 1 for models in homes.values())
    assert {model for models in homes.values() for model in models} == {"one", "two", "three"}


@pytest.mark.parametrize("door", DOORS)
def test_each_conversation_stays_with_its_model(pool, door):
    each_with_its_own(STICKY, pool, door)
    each_with_its_own({"strategy": "sticky", "then": "round_robin", "minutes": 5}, pool, door)
    fails_when_ordered(each_with_its_own, pool, door)


@pytest.mark.parametrize("door", DOORS)
def test_sessions_of_two_tenants_are_two(pool, door):
    router = pool.router(STAYS)
    said = [{"session": "s"}, {"session": "s", "tenant": "a"}, {"session": "s", "tenant": "b"}, {"session": "'a'\0s"}]
    assert [ask(door, router, routing=routing).model for routing in said * 2] == ["one", "two", "three", "one"] * 2


@pytest.mark.parametrize("door", DOORS)
def test_from_a_file(pool, door, monkeypatch):
    monkeypatch.setenv("POOL_KEY", "any")
    router = Router.from_config(pool.file('strategy = [{ strategy = "sticky", leave_for = [] }, "round_robin"]'))
    models = [ask(door, router, routing={"session": session}).model for session in ("s1", "s2", "s1", "s2")]
    assert models == ["one", "two", "one", "two"]


@pytest.mark.parametrize("door", DOORS)
def test_it_tells_why(pool, door):
    router = pool.router(STAYS)
    first, then = (ask(door, router, routing={"session": "s"}) for _ in range(2))
    assert first.reason == "sticky+round_robin: turn 1 of 3"
    assert then.reason == "sticky+round_robin: the conversation is with one"


def chatted(door, router, words, told=True):
    """A conversation without a name: who answered each turn. Without ``told``, answers come back without their metadata."""
    models, messages = [], []
    for text in words:
        if door == "langchain":
            messages.append(HumanMessage(text))
            answer = RoutedChatModel(router=router).invoke(messages)
            models.append(answer.response_metadata["routing"]["model"])
            messages.append(answer if told else AIMessage(answer.text))
        else:
            messages.append(ChatMessage(content=text))
            answer = RoutedLLM(router=router).chat(messages)
            models.append(answer.additional_kwargs["routing"]["model"])
            # LlamaIndex keeps the message and not what is told beside it, unless the application puts it there
            beside = {"routing": answer.additional_kwargs["routing"]} if told else {}
            messages.append(ChatMessage(role="assistant", content=answer.message.content, additional_kwargs=beside))
    return models, messages


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("told", [True, False])
def test_a_conversation_without_a_name_is_known_by_how_it_begins(pool, door, told):
    router = pool.router(STAYS)
    words = ["What is 2 + 3?", "And 3 + 4?", "And 4 + 5?"]
    # the same first words of another conversation do not bring it to the same model
    begun = [chatted(door, router, words, told)[0] for _ in range(3)]
    assert [set(models) for models in begun] == [{"one"}, {"two"}, {"three"}]


@pytest.mark.parametrize("door", DOORS)
def test_a_new_process_finds_the_home_by_the_transcript(pool, door):
    before = pool.router(STAYS)
    ask(door, before, routing={"session": "other"})
    models, messages = chatted(door, before, ["What is 2 + 3?"])
    assert models == ["two"]
    after = pool.router(STAYS)
    if door == "langchain":
        RoutedChatModel(router=after).invoke([*messages, HumanMessage("And 3 + 4?")], routing={"session": "s"})
    else:
        RoutedLLM(router=after).chat([*messages, ChatMessage(content="And 3 + 4?")], routing={"session": "s"})
    record = after.records(1)[0]
    assert record.answered_by.model == "two"
    assert "the conversation is with two" in record.decision.reason
    assert ask(door, after, routing={"session": "s"}).model == "two"


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


def test_a_langgraph_agent_stays_by_its_thread_and_within_its_tool_loops(pool):
    router = pool.router(STAYS)
    agent = create_agent(RoutedChatModel(router=router), [weather], checkpointer=InMemorySaver())
    homes = []
    for thread in ("t1", "t2", "t3", "t1"):
        state = agent.invoke({"messages": [("user", "What is the weather in Paris?")]}, {"configurable": {"thread_id": thread}})
        spoken = [m.response_metadata["routing"] for m in state["messages"] if isinstance(m, AIMessage)]
        assert len(spoken) >= 2  # a call of the tool, and what was made of its result
        homes.append({told["model"] for told in spoken})
    assert homes == [{"one"}, {"two"}, {"three"}, {"one"}]
    assert any("within a tool loop" in record.decision.reason for record in router.records())
    assert router.records()[-1].decision.ask.session == "t1"


async def test_a_llama_index_agent_stays_within_its_tool_loops_and_with_its_memory(pool):
    router = pool.router(STAYS)
    agent = FunctionAgent(tools=[FunctionTool.from_defaults(weather.func, name="weather")], llm=RoutedLLM(router=router))
    homes = []
    for number in range(3):
        memory = Memory.from_defaults(session_id=f"m{number}", token_limit=4_000)
        before = len(router.records(1_000))
        for city in ("Paris", "Rome"):
            await agent.run(f"What is the weather in {city}?", memory=memory)
        records = router.records(1_000)[before:]
        assert len(records) >= 4
        homes.append({record.answered_by.model for record in records})
    assert all(len(models) == 1 for models in homes)
    assert len({model for models in homes for model in models}) == 3


@pytest.mark.parametrize("door", DOORS)
def test_a_detour_gives_control_back(door):
    plain, seer = {"abilities": {"images": False}, **PRICE}, {"abilities": {"images": True}, **PRICE}
    with Pool({"home": plain, "other": plain, "seer": seer}) as pool:
        pool.server.sandbox.models["seer"] = SandboxModel("seer", abilities=frozenset({"tools", "images"}))
        router = pool.router({"strategy": "sticky", "leave_for": []})
        said = {"session": "s"}
        assert ask(door, router, routing=said).model == "home"
        for _ in range(2):
            look(door, router, said)
            assert router.records(1)[0].answered_by.model == "seer"
        back = ask(door, router, routing=said)
        assert (back.model, back.reason) == ("home", "sticky: back with home")
        assert ask(door, router, routing=said).reason == "sticky: the conversation is with home"


def look(door, router, said):
    if door == "langchain":
        url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
        blocks = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
        RoutedChatModel(router=router).invoke([HumanMessage(blocks)], routing=said)
    else:
        blocks = [TextBlock(text="What is this?"), ImageBlock(image=PNG, image_mimetype="image/png")]
        RoutedLLM(router=router).chat([ChatMessage(blocks=blocks)], routing=said)


@pytest.mark.parametrize("door", DOORS)
def test_when_the_home_fails_the_conversation_moves_and_stays_where_it_came(pool, door):
    router = pool.router({"strategy": "sticky", "leave_for": []})
    said = {"session": "s"}
    assert ask(door, router, routing=said).model == "one"
    pool.server.sandbox.fail("one", status=503)
    assert ask(door, router, routing=said).model == "two"
    assert ask(door, router, routing=said).model == "two"
    pool.server.sandbox.heal()
    router.live.forget("one")
    assert ask(door, router, routing=said).model == "two"  # its cache has the transcript now
    assert ask(door, router, routing={"session": "new"}).model == "one"


LAW = Policy("law", scorers={ByFact("domain", {"legal": "lawyer"}, "plain"): 1.0})


def shifted(strategy, pool, door, text="What is 17 + 4?"):
    """Who answers legal questions in a conversation that was about something else before and is again afterwards."""
    router = pool.router([strategy, LAW] if strategy != "ordered" else strategy)
    domains = ("general", "general", "legal", "legal", "general")
    answers = [ask(door, router, text, routing={"session": "s", "domain": domain}) for domain in domains]
    return [answer.model for answer in answers], answers[2].reason


def leaves(strategy, pool, door):
    models, reason = shifted(strategy, pool, door)
    assert models == ["plain", "plain", "lawyer", "lawyer", "plain"]
    assert "left plain because domain shifted from general to legal" in reason


@pytest.mark.parametrize("door", DOORS)
def test_it_leaves_between_turns_when_a_shift_gains_more_than_it_loses(door):
    with Pool({"plain": {"price": {"input": 10, "output": 20}}, "lawyer": {"price": {"input": 30, "output": 60}}}) as pool:
        leaves("sticky", pool, door)
        fails_when_ordered(leaves, pool, door)


@pytest.mark.parametrize("door", DOORS)
def test_it_stays_when_the_lost_cache_is_worth_more_than_the_gain(door):
    dear, cheap = {"input": 30, "output": 60, "cache_read": 3}, {"input": 10, "output": 20}
    with Pool({"plain": {"price": dear}, "lawyer": {"price": cheap}}) as pool:
        once = {"strategy": "sticky", "calls": 1}
        assert shifted(once, pool, door)[0][2] == "lawyer"  # a short transcript is soon read again
        assert set(shifted(once, pool, door, "What is 17 + 4? " + "This is background. " * 1_000)[0]) == {"plain"}
        assert shifted("sticky", pool, door, "What is 17 + 4? " + "This is background. " * 1_000)[0][2] == "lawyer"


@pytest.mark.parametrize("door", DOORS)
def test_it_stays_where_there_is_no_shift_although_another_is_better(pool, door):
    router = pool.router(["sticky", Policy("by tier", scorers={ByFact("tier", {"gold": "two"}, "one"): 1.0})])
    models = [ask(door, router, routing={"session": "s", "tier": tier}).model for tier in ("free", "gold", "gold")]
    assert models == ["one", "one", "one"]


def test_calls_of_one_graph_stay_by_stage(pool):
    router = pool.router(STAYS)
    said = [{"session": "s", "stage": stage} for stage in ("plan", "write", "plan", "write")]
    assert [ask("langchain", router, routing=each).model for each in said] == ["one", "two", "one", "two"]


def test_a_system_message_and_the_user_tell_conversations_apart(pool):
    router = pool.router(STAYS)
    model = RoutedChatModel(router=router)

    def turns(system, user):
        messages = [SystemMessage(system), HumanMessage("Hello"), AIMessage("Hello!"), HumanMessage("What is 2 + 3?")]
        return model.invoke(messages, routing={"user": user}).response_metadata["routing"]["model"]

    assert [turns("Be brief.", "u1"), turns("Be kind.", "u1"), turns("Be brief.", "u2")] == ["one", "two", "three"]
    assert [turns("Be brief.", "u1"), turns("Be kind.", "u1"), turns("Be brief.", "u2")] == ["one", "two", "three"]
