"""Relay: who takes a medium describes it, another model answers from the words; one decision, one bill, the same filters."""

import asyncio
import base64
import json
from dataclasses import replace

import pytest
from four_modes import MODES, ask
from langchain_core.messages import AIMessage, ToolMessage
from langchain_openai import ChatOpenAI
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from relay_pools import QUESTION, bodies, pool, seen, with_media

from routed_llm import Budget, Model, Policy, RoutedChatModel, RoutedLLM, Router, Rule, replay
from routed_llm.errors import BudgetSpent, CallFailed, ConfigurationError, DeadlineExceeded, NoEligibleModel, UnknownHint
from routed_llm.langchain import get_routing_callback
from routed_llm.policy.selectors.in_order import InOrder
from routed_llm.testing import FaultyProvider, Sandbox, SandboxServer

TEXT = {"model": "text"}


def told(answer):
    return answer.response_metadata["routing"]


def test_it_is_off_unless_somebody_says_so(server):
    model = RoutedChatModel(pool(server))
    with pytest.raises(NoEligibleModel, match="relay=True"):
        model.invoke(with_media("image"), **TEXT)
    with pytest.raises(NoEligibleModel):
        RoutedChatModel(pool(server), relay=True).invoke(with_media("image"), **TEXT, routing={"relay": False})
    assert seen(server) == []


@pytest.mark.parametrize("mode", MODES)
def test_the_words_stand_in_for_the_image_in_one_bill(server, mode):
    router = Router(pool(server), relay=True, budgets=[Budget(usd=1, name="all")])
    with router.track() as spend, get_routing_callback() as costs:
        answer = ask(RoutedChatModel(router=router).bind(**TEXT), mode, with_media("image"))
    assert answer.content == "42"
    assert seen(server) == ["medium", "small"]
    [body] = bodies(server, "small")
    assert body["messages"][0]["content"] == f"{QUESTION}\n\n[Image described by eye: 42]"
    [asked] = bodies(server, "medium")
    assert QUESTION in asked["messages"][0]["content"][0]["text"]
    routing, total = told(answer), server.sandbox.ledger.total_nanousd
    assert routing["relay"] == [{"medium": "image", "model": "eye", "deployment": "eye", "remembered": False}]
    assert routing["losses"] == ["image: described in words by eye"]
    [own] = routing["own_calls"]
    assert own["cost_nanousd"] + routing["answer_cost_nanousd"] == routing["cost_nanousd"] == total
    [record] = router.records()
    assert record.cost_nanousd == spend.total_nanousd == costs.total_nanousd == total
    by = {f"sandbox-{size}": name for size, name in (("small", "text"), ("medium", "eye"))}
    for entry in server.sandbox.ledger:
        assert spend.by_model[by[entry.model]].nanousd == costs.by_model[by[entry.model]].nanousd == entry.cost_nanousd
    [standing] = router.budgets()
    assert (standing.spent[0], standing.spent[2], standing.held) == (total, 2, (0, 0, 0))


def test_a_model_that_takes_it_gets_it_as_it_is(server):
    answer = RoutedChatModel(pool(server), relay=True).invoke(with_media("image"))
    assert (seen(server), "relay" in told(answer)) == (["medium"], False)


def test_always_puts_it_into_words(server):
    model = RoutedChatModel(pool(server), relay={"image": "second", "always": True})
    answer = model.invoke(with_media("image"))
    assert seen(server) == ["large", "small"]
    assert told(answer)["relay"][0]["model"] == "second"


@pytest.mark.parametrize("medium", ["image", "pdf", "audio"])
def test_each_medium(server, medium):
    answer = RoutedChatModel(pool(server), relay=medium).invoke(with_media(medium), **TEXT)
    assert (answer.content, told(answer)["relay"][0]["medium"]) == ("42", medium)
    other = "pdf" if medium != "pdf" else "image"
    with pytest.raises(NoEligibleModel):
        RoutedChatModel(pool(server), relay=other).invoke(with_media(medium), **TEXT)


def test_only_what_nobody_takes_is_described(server):
    """One that hears and does not see is told what the image shows, and hears the recording itself."""
    entries = pool(server, eye={"abilities": {"images": False}})
    RoutedChatModel(entries, relay=True).invoke(with_media("image", "audio"), model="eye")
    [body] = bodies(server, "medium")
    assert [part["type"] for part in body["messages"][0]["content"]] == ["text", "input_audio"]


def test_what_is_sent_again_is_described_once(server):
    model = RoutedChatModel(pool(server), relay=True)
    first = with_media("image", "image")  # the same one twice
    model.invoke(first, **TEXT)
    assert seen(server) == ["medium", "small"]
    again = model.invoke([*first, AIMessage("42"), *with_media(text="And 2 + 3?")], **TEXT)
    assert seen(server) == ["medium", "small", "small"]
    assert [each["remembered"] for each in told(again)["relay"]] == [True, True]
    assert "own_calls" not in told(again)
    model.invoke(with_media("image", text="What is 5 + 6?"), **TEXT)  # another question to it
    assert seen(server)[3:] == ["medium", "small"]


def test_what_was_said_for_one_tenant_is_not_taken_for_another(server):
    model = RoutedChatModel(pool(server), relay=True)
    for tenant, remembered in (("a", False), ("a", True), ("b", False), (None, False)):
        routing = {} if tenant is None else {"tenant": tenant}
        answer = model.invoke(with_media("image"), **TEXT, routing=routing)
        assert told(answer)["relay"][0]["remembered"] is remembered


def test_a_screenshot_that_a_tool_gave(server):
    call = {"id": "c1", "name": "look", "args": {}}
    shot = ToolMessage([{"type": "text", "text": "Here."}, with_media("image")[0].content[1]], tool_call_id="c1")
    messages = [*with_media(), AIMessage("", tool_calls=[call]), shot]
    RoutedChatModel(pool(server), relay=True).invoke(messages, **TEXT)
    result = bodies(server, "small")[0]["messages"][2]
    assert (result["role"], result["tool_call_id"]) == ("tool", "c1")
    assert result["content"].startswith("Here.\n\n[Image described by eye: ")


RULED = Policy("ruled", rules=[Rule("no eyes", deny=["eye", "second"])], selector=InOrder())
WALLS = {
    "exclude": ({}, {"exclude": ["eye", "second"]}, None),
    "region": ({"text": {"region": "eu-west-1"}}, {"region": "eu"}, None),
    "agreements": ({"text": {"agreements": ["baa"]}}, {"agreements": "baa"}, None),
    "private": ({name: {"private": False} for name in ("eye", "second")}, {"private": True}, None),
    "a rule": ({}, {}, RULED),
}


@pytest.mark.parametrize(("changes", "hints", "policy"), WALLS.values(), ids=WALLS)
def test_whoever_may_not_have_the_call_may_not_describe_it(server, changes, hints, policy):
    model = RoutedChatModel(pool(server, **changes), policy, relay=True)
    with pytest.raises(NoEligibleModel, match="relay"):
        model.invoke(with_media("image"), **TEXT, routing=hints)
    assert seen(server) == []


def test_what_was_said_by_somebody_who_may_not_have_this_call_is_not_taken(server):
    model = RoutedChatModel(pool(server), relay=True)
    model.invoke(with_media("image"), **TEXT)
    answer = model.invoke(with_media("image"), **TEXT, routing={"exclude": "eye"})
    assert told(answer)["relay"] == [{"medium": "image", "model": "second", "deployment": "second", "remembered": False}]


def test_money_bounds_both_calls(server):
    model = RoutedChatModel(pool(server), relay=True)
    with pytest.raises(NoEligibleModel):
        model.invoke(with_media("image"), **TEXT, routing={"max_cost": 0.0002})  # enough for the answer alone
    spent = Router(pool(server), relay=True, budgets=[Budget(usd=0.0002, name="tight")])
    with pytest.raises(BudgetSpent):
        RoutedChatModel(router=spent).invoke(with_media("image"), **TEXT)
    assert seen(server) == []


@pytest.mark.parametrize("mode", MODES)
def test_the_next_one_describes_where_one_fails(server, mode):
    server.sandbox.fail(model="sandbox-medium", status=500)
    router = Router(pool(server), relay=True, quiet_fallbacks=True)
    answer = ask(RoutedChatModel(router=router).bind(**TEXT), mode, with_media("image"))
    assert seen(server) == ["medium", "large", "small"]
    assert [call["error"] for call in told(answer)["own_calls"]] == ["server_error", None]
    assert told(answer)["cost_nanousd"] == server.sandbox.ledger.total_nanousd


@pytest.mark.parametrize("mode", MODES)
def test_nobody_is_left_to_describe_it(server, mode):
    for model in ("medium", "large"):
        server.sandbox.fail(model=f"sandbox-{model}", status=500)
    router = Router(pool(server), relay=True, quiet_fallbacks=True)
    with pytest.raises(CallFailed, match="The image of this call was to be described") as caught:
        ask(RoutedChatModel(router=router).bind(**TEXT), mode, with_media("image"))
    assert "small" not in seen(server)
    [record] = router.records()
    assert (record.outcome, record.decision.id) == ("failed", caught.value.decision_id)
    assert {call["feature"] for call in caught.value.own_calls} == {"relay"}


def test_an_answer_that_fails_is_billed_for_the_description(server):
    server.sandbox.fail(model="sandbox-small", status=500)
    router = Router(pool(server), relay=True)
    with pytest.raises(CallFailed) as caught:
        RoutedChatModel(router=router, routing={"relay": True}).invoke(with_media("image"), **TEXT)
    [record] = router.records()
    assert record.cost_nanousd == caught.value.own_calls[0]["cost_nanousd"] == server.sandbox.ledger.total_nanousd > 0


async def test_a_call_that_is_left_while_it_is_described(slow_server):
    router = Router(pool(slow_server), relay=True, budgets=[Budget(usd=1, name="all")])
    task = asyncio.create_task(RoutedChatModel(router=router).ainvoke(with_media("image"), **TEXT))
    while not slow_server.sandbox.requests:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [record] = router.records()
    assert (record.outcome, len(record.own_calls)) == ("abandoned", 1)
    [standing] = router.budgets()
    assert standing.held == (0, 0, 0)


async def test_events_tell_the_answer_alone(server):
    model = RoutedChatModel(pool(server), relay=True)
    events = [event async for event in model.astream_events(with_media("image"), version="v2", **TEXT)]
    chunks = [event["data"]["chunk"].content for event in events if event["event"] == "on_chat_model_stream"]
    assert "".join(chunks) == "42"
    assert [event["event"] for event in events].count("on_chat_model_start") == 1


def test_explaining_asks_nobody_and_tells_who_would(server):
    decision = RoutedChatModel(pool(server), relay=True).explain(with_media("image"), **TEXT)
    assert (decision.chosen.id, seen(server)) == ("text", [])
    assert "image: described in words by eye" in str(decision)


def test_the_decision_is_made_again_from_its_file(server, tmp_path):
    router = Router(pool(server), relay=True)
    RoutedChatModel(router=router).invoke(with_media("image"), **TEXT, routing={"max_cost": 1.0})
    router.save_decisions(tmp_path / "decisions.jsonl")
    [again] = replay(tmp_path / "decisions.jsonl")
    assert again.same, again.difference
    saved = (tmp_path / "decisions.jsonl").read_text()
    assert QUESTION not in saved
    assert json.loads(saved.splitlines()[-1])["decision"]["relayed"][0]["medium"] == "image"


def test_what_the_caller_needs_as_it_is_is_not_put_into_words(server):
    with pytest.raises(NoEligibleModel):
        RoutedChatModel(pool(server), relay=True).invoke(with_media("image"), **TEXT, routing={"needs": "images"})
    assert seen(server) == []


MISTAKES = {
    "a medium": ("imge", "Did you mean 'image'"),
    "in a table": ({"sound": True}, "'sound'"),
    "who": ({"image": 3}, "name of a model"),
    "always": ({"image": True, "always": "audio"}, "leaves out"),
    "a number": (1.5, "must be True"),
    "nobody": ([], "must be True"),
    "a list in a list": ([[]], "must be True"),
}


@pytest.mark.parametrize(("value", "why"), MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_meant_is_refused(value, why):
    with pytest.raises(ConfigurationError, match=why):
        Router("sandbox", relay=value)
    with pytest.raises(ConfigurationError, match=f"^relay.*{why}"):
        RoutedChatModel("sandbox", relay=value)
    with pytest.raises(UnknownHint, match=why):
        RoutedChatModel("sandbox", routing={"relay": value})
    with pytest.raises(ConfigurationError, match=why):
        Router.from_config({"models": ["sandbox"], "relay": value})


def test_a_name_that_is_nobody(server):
    with pytest.raises(ConfigurationError, match="'eyes'"):
        Router(pool(server), relay={"image": "eyes"})
    with pytest.raises(UnknownHint, match="'eyes'"):
        RoutedChatModel(pool(server)).invoke(with_media("image"), routing={"relay": {"image": "eyes"}})


def test_a_file_says_it():
    for text in ('relay = true\nmodels = ["sandbox"]', 'models = ["sandbox"]\n[relay]\nimage = true\nalways = true'):
        assert Router.from_config(text)._core.relay is not None


def blocks():
    image = base64.b64decode(with_media("image")[0].content[1]["base64"])
    return [ChatMessage(role="user", blocks=[TextBlock(text=QUESTION), ImageBlock(image=image, image_mimetype="image/png")])]


async def _streamed(llm):
    return [each async for each in await llm.astream_chat(blocks(), **TEXT)][-1]


WAYS = {
    "chat": lambda llm: llm.chat(blocks(), **TEXT),
    "achat": lambda llm: asyncio.run(llm.achat(blocks(), **TEXT)),
    "stream_chat": lambda llm: list(llm.stream_chat(blocks(), **TEXT))[-1],
    "astream_chat": lambda llm: asyncio.run(_streamed(llm)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_through_llama_index(server, way):
    llm = RoutedLLM(pool(server), relay="image")
    answer = way(llm)
    routing = answer.additional_kwargs["routing"]
    assert (answer.message.content, seen(server)) == ("42", ["medium", "small"])
    assert routing["cost_nanousd"] == server.sandbox.ledger.total_nanousd
    assert routing["relay"][0]["medium"] == "image"


def test_through_the_openai_client(server):
    router = Router(pool(server), relay=True)
    block = with_media("image")[0].content[1]
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{block['base64']}"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": QUESTION}, url]}]
    answer = router.openai().chat.completions.create(model="text", messages=messages)
    assert (answer.choices[0].message.content, seen(server)) == ("42", ["medium", "small"])


@pytest.mark.parametrize("mode", MODES)
def test_frameworks_objects_describe_and_answer(server, mode):
    """Objects see the call as one of another door, and nothing of the description is told as an answer."""
    urls = {"base_url": server.base_url, "api_key": "none", "default_headers": {"Connection": "close"}}
    text = Model(ChatOpenAI(model="sandbox-small", **urls), abilities={"images": False})
    eye = Model(ChatOpenAI(model="sandbox-medium", **urls), abilities={"images": True})
    answer = ask(RoutedChatModel({"text": text, "eye": eye}, relay=True).bind(**TEXT), mode, with_media("image"))
    assert (answer.content, seen(server)) == ("42", ["medium", "small"])
    assert "image_url" not in json.dumps(bodies(server, "small"))


def test_a_deadline_holds_for_both():
    with FaultyProvider() as slow, SandboxServer(Sandbox(speed=0)) as served:
        slow.always("slow_headers")
        eye = replace(slow.model("eye"), abilities={"images": True})
        model = RoutedChatModel({"text": pool(served)["text"], "eye": eye}, relay=True)
        with pytest.raises(DeadlineExceeded):
            model.invoke(with_media("image"), **TEXT, routing={"deadline": 0.3})
        assert seen(served) == []
