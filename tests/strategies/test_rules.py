"""``rules``: conditions on all that is known of a call, and what follows, at both doors and from a file."""

import asyncio
from datetime import UTC, datetime

import pytest
from kit import DOORS, Pool, ask, fails_when_ordered
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage

from routed_llm import Clock, Model, Policy, RoutedChatModel, RoutedLLM, Router, Rule
from routed_llm.errors import ConfigurationError, NoEligibleModel
from routed_llm.policy.strategies import rules

POOL = {
    "house": {"price": {"input": 5, "output": 5}},
    "cheap": {"price": {"input": 1, "output": 1}, "tags": ["eu"]},
    "strong": {"price": {"input": 9, "output": 9}, "tags": ["eu"]},
}
FURIOUS = "I am FURIOUS: what is 17 + 4?"

POLITE = {
    "strategy": "rules",
    "then": "ordered",
    "patterns": {"angry": "angry|furious", "order": r"order\s+\d+"},
    "rules": [
        {"name": "complaints", "if": {"pattern.angry": True}, "prefer": "strong", "set": {"temperature": 0.25},
         "notify": ["handover", "complaint"]},
        {"name": "free users", "if": {"tier": "free"}, "allow": "cheap"},
        {"name": "europe", "if": {"metadata.customer.country": ["de", "fr"]}, "allow": "eu"},
        {"name": "long answers", "if": {"params.max_tokens": {"above": 1000}}, "deny": "house"},
        {"name": "beta", "if": {"tags": "beta"}, "pin": "strong"},
        {"name": "nights", "if": {"time": {"from": "22:00", "to": "06:00"}}, "policy": "cheapest"},
    ],
}  # fmt: skip
FILE = """
[strategy]
strategy = "rules"
then = "ordered"
patterns = { angry = "angry|furious", order = 'order\\s+\\d+' }

[[strategy.rules]]
name = "complaints"
if = { "pattern.angry" = true }
prefer = "strong"
set = { temperature = 0.25 }
notify = ["handover", "complaint"]

[[strategy.rules]]
name = "free users"
if = { tier = "free" }
allow = "cheap"

[[strategy.rules]]
name = "europe"
if = { "metadata.customer.country" = ["de", "fr"] }
allow = "eu"

[[strategy.rules]]
name = "long answers"
if = { "params.max_tokens" = { above = 1000 } }
deny = "house"

[[strategy.rules]]
name = "beta"
if = { tags = "beta" }
pin = "strong"

[[strategy.rules]]
name = "nights"
if = { time = { from = "22:00", to = "06:00" } }
policy = "cheapest"
"""


def noon():
    return datetime(2026, 5, 29, 12, 0, tzinfo=UTC).timestamp()


def night():
    return datetime(2026, 5, 29, 23, 0, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def served():
    with Pool(POOL) as pool:
        yield pool


@pytest.fixture
def pool(served, monkeypatch):
    monkeypatch.setenv("POOL_KEY", "any")
    served.server.sandbox.heal()
    served.server.sandbox.requests.clear()
    return served


def sent(pool):
    return pool.server.sandbox.requests[-1].body


def keeps_to_the_rules(strategy, pool, door):
    router = pool.router(strategy, clock=Clock(wall=noon))
    assert ask(door, router).model == "house"
    for told, model in [
        ({"routing": {"tier": "free"}}, "cheap"),
        ({"routing": {"metadata": {"customer": {"country": "fr"}}}}, "cheap"),
        ({"routing": {"metadata": {"customer": {"country": "us"}}}}, "house"),
        ({"max_tokens": 1001}, "cheap"),
        ({"max_tokens": 1000}, "house"),
        ({"routing": {"tags": ["alpha", "beta"]}}, "strong"),
        ({"text": FURIOUS}, "strong"),
        ({"text": "Order 17: what is 17 + 4?"}, "house"),
    ]:
        assert ask(door, router, **told).model == model, told
    assert ask(door, pool.router(strategy, clock=Clock(wall=night))).model == "cheap"


@pytest.mark.parametrize("door", DOORS)
def test_each_rule_does_what_it_says(pool, door):
    keeps_to_the_rules(POLITE, pool, door)
    fails_when_ordered(keeps_to_the_rules, pool, door)


@pytest.mark.parametrize("door", DOORS)
def test_a_file_says_the_same(pool, door):
    router = Router.from_config(pool.file(FILE))
    assert router.policy.version == rules(**{k: v for k, v in POLITE.items() if k != "strategy"}).version
    told = ask(door, router, FURIOUS)
    assert told.model == "strong"
    assert told.routing["handover"] == {"rule": "complaints", "because": "pattern.angry = True"}


@pytest.mark.parametrize("door", DOORS)
def test_each_rule_is_named_in_the_reason(pool, door):
    router = pool.router(POLITE, clock=Clock(wall=noon))
    reason = ask(door, router, FURIOUS, {"metadata": {"customer": {"country": "de"}}}).reason
    assert reason == "rule 'complaints', rule 'europe', rules: 'strong' is preferred"


@pytest.mark.parametrize("door", DOORS)
def test_what_a_rule_demands_holds_for_fallbacks(pool, door):
    router = pool.router(POLITE, clock=Clock(wall=noon))
    pool.server.sandbox.fail("cheap", 500)
    told = ask(door, router, routing={"metadata": {"customer": {"country": "de"}}})
    assert told.model == "strong"
    pool.server.sandbox.fail("strong", 500)
    with pytest.raises(Exception, match=r"cooling down|failed"):
        ask(door, pool.router(POLITE, clock=Clock(wall=noon)), routing={"metadata": {"customer": {"country": "de"}}})
    assert "house" not in pool.asked


@pytest.mark.parametrize("door", DOORS)
def test_rules_that_leave_nobody_are_named_in_the_error(pool, door):
    router = pool.router(POLITE, clock=Clock(wall=noon))
    with pytest.raises(
        NoEligibleModel, match=r"not allowed by the rule 'free users'.*'strong', to which the call is pinned by the rule 'beta'"
    ) as caught:
        ask(door, router, routing={"tags": "beta", "tier": "free"})
    assert set(caught.value.rejected) == set(POOL)
    assert not pool.asked


# a human ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_the_answer_and_the_subscribers_are_told(pool, door):
    router = pool.router(POLITE, clock=Clock(wall=noon))
    heard = []
    with router.subscribe(heard.append):
        told = ask(door, router, FURIOUS)
        quiet = ask(door, router)
    assert told.routing["notices"] == ["handover", "complaint"]
    assert told.routing["handover"] == {"rule": "complaints", "because": "pattern.angry = True"}
    assert "notices" not in quiet.routing
    assert "handover" not in quiet.routing
    assert [[each["notice"] for each in record.notices] for record in heard] == [["handover", "complaint"], []]
    assert heard[0].as_dict()["notices"][0] == {
        "notice": "handover",
        "rule": "complaints",
        "because": "pattern.angry = True",
    }


def test_a_stream_tells_with_its_last_piece(pool):
    router = pool.router(POLITE, clock=Clock(wall=noon))
    chunks = list(RoutedChatModel(router=router).stream(FURIOUS))
    assert [c.response_metadata["routing"]["handover"]["rule"] for c in chunks if "routing" in c.response_metadata] == [
        "complaints"
    ]
    *_, last = RoutedLLM(router=router).stream_chat([ChatMessage(content=FURIOUS)])
    assert last.additional_kwargs["routing"]["handover"]["rule"] == "complaints"

    async def later():
        found = [c async for c in RoutedChatModel(router=router).astream(FURIOUS)]
        *_, end = [r async for r in await RoutedLLM(router=router).astream_chat([ChatMessage(content=FURIOUS)])]
        return found[-1].response_metadata["routing"], end.additional_kwargs["routing"]

    assert all(told["notices"] == ["handover", "complaint"] for told in asyncio.run(later()))


def test_a_call_that_fails_is_told_of_too(pool):
    router = pool.router({"strategy": "rules", "rules": [{"name": "all", "pin": "house", "notify": "handover"}]})
    pool.server.sandbox.fail("house", 500)
    heard = []
    with router.subscribe(heard.append), pytest.raises(Exception, match="failed"):
        ask("langchain", router)
    assert [record.notices[0]["rule"] for record in heard] == ["all"]


# parameters ---------------------------------------------------------------------------------------------------------------


def setting(**params):
    return rules(rules=[Rule("exact", {"tags": "exact"}, set=params), Rule("later", set={"temperature": 0.9, "seed": 3})])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("door", DOORS)
def test_parameters_of_a_rule_reach_the_wire_and_win(pool, door, stream):
    router = pool.router(setting(temperature=0.0, max_tokens=77, stop=["END"]))

    def call(**routing):
        told = {"routing": routing, "temperature": 0.7, "max_tokens": 500, "top_p": 0.5}
        if door == "langchain":
            model = RoutedChatModel(router=router, temperature=0.3)
            _ = list(model.stream("Hello", **told)) if stream else model.invoke("Hello", **told)
        else:
            llm, messages = RoutedLLM(router=router, temperature=0.3), [ChatMessage(content="Hello")]
            _ = list(llm.stream_chat(messages, **told)) if stream else llm.chat(messages, **told)
        body = sent(pool)
        body["max_tokens"] = body.get("max_completion_tokens")  # OpenAI's present word for it
        return {name: body.get(name) for name in ("temperature", "max_tokens", "stop", "top_p", "seed")}

    assert call(tags="exact") == {"temperature": 0.0, "max_tokens": 77, "stop": ["END"], "top_p": 0.5, "seed": 3}
    assert call() == {"temperature": 0.9, "max_tokens": 500, "stop": None, "top_p": 0.5, "seed": 3}


@pytest.mark.parametrize("door", DOORS)
def test_none_takes_a_parameter_out(pool, door):
    router = pool.router(rules(rules=[Rule("plain", set={"temperature": None})]))
    ask(door, router, temperature=0.7, top_p=0.5)
    assert "temperature" not in sent(pool)
    assert sent(pool)["top_p"] == 0.5


def test_a_limit_that_a_rule_sets_counts_for_who_can_write_as_much():
    pool = [
        Model("openai:gpt-5", name=name, max_output=limit, api_key="any", retires=False)
        for name, limit in (("short", 100), ("long", None))
    ]
    router = Router(pool, rules(rules=[Rule("essays", {"tags": "essay"}, set={"max_tokens": 500})]))
    model = RoutedChatModel(router=router)
    assert model.explain("Hello").chosen.model == "short"
    decision = model.explain("Hello", routing={"tags": "essay"})
    assert decision.chosen.model == "long"
    assert "max_tokens is 500" in decision.rejected["short"]


# switching policies ---------------------------------------------------------------------------------------------------


class NotStrong:
    """Rejects one model."""

    name = "not_strong"
    static = False

    def reject(self, ask, candidates, live):
        return {d.id: "is strong" for d in candidates if d.model == "strong"}


def test_filters_demands_and_preferences_hold_under_another_policy(pool):
    inner = rules(rules=[Rule("inner", prefer="house", set={"temperature": 1, "top_p": 0.1})], then="cheapest")
    outer = Policy(
        "outer",
        rules=[
            Rule("no cheap", deny="cheap", prefer="strong", set={"temperature": 0}),
            Rule("switch", {"tags": "switch"}, policy=inner),
        ],
        filters=[NotStrong()],
    )
    told = ask("langchain", pool.router(outer), routing={"tags": "switch"})
    assert told.model == "house"
    assert told.reason.startswith("rule 'no cheap', rule 'switch', rule 'inner', outer+rules+cheapest: ")
    assert (sent(pool)["temperature"], sent(pool)["top_p"]) == (0, 0.1)
    decision = RoutedChatModel(router=pool.router(outer)).explain("Hello", routing={"tags": "switch"})
    assert [d.model for d in decision.order] == ["house"]
    assert decision.ask.prefer == ("strong", "house")


# facts that are known of a call's form ---------------------------------------------------------------------------------------


def test_rules_see_the_form_of_a_call(pool):
    def look_up(city: str) -> str:
        """Look up the weather."""
        return city

    loop = [
        HumanMessage("Weather in Rome?"),
        AIMessage("", tool_calls=[{"name": "look_up", "args": {"city": "Rome"}, "id": "1"}]),
        ToolMessage("sunny", tool_call_id="1"),
    ]
    ruled = rules(
        rules=[
            Rule("in a loop", {"tool_loop": True}, prefer="strong"),
            Rule("tools", {"tools": {"at_least": 1}, "tool_loop": False}, prefer="cheap"),
            Rule("talks", {"turns": {"above": 2}}, prefer="strong"),
        ]
    )
    model = RoutedChatModel(router=pool.router(ruled))
    assert model.invoke("Hello").response_metadata["routing"]["model"] == "house"
    assert model.bind_tools([look_up]).invoke("Hello").response_metadata["routing"]["model"] == "cheap"
    assert model.bind_tools([look_up]).invoke(loop).response_metadata["routing"]["model"] == "strong"
    assert model.explain([HumanMessage("a"), AIMessage("b")] * 3).chosen.model == "strong"


@pytest.mark.parametrize(("moment", "model"), [(noon, "strong"), (night, "cheap")])
def test_hour_and_weekday_are_facts(pool, moment, model):
    ruled = rules(
        rules=[Rule("late", {"hour": {"at_least": 20}, "weekday": "friday"}, allow="cheap"), Rule("rest", prefer="strong")]
    )
    assert ask("langchain", pool.router(ruled, clock=Clock(wall=moment))).model == model


# mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "problem"),
    [
        (rules(rules=[Rule("r", {"taks": "chat"}, deny="cheap")]), r"rule 'r' asks for 'taks'.*Did you mean 'task'"),
        (rules(rules=[Rule("r", {"not": {"pattern.x": True}}, deny="cheap")]), r"'pattern.x'.*argument patterns"),
        ({"when": {"teir": "gold"}, "then": "cheapest"}, r"asks for 'teir'.*Did you mean 'tier'"),
        ({"split": {"cheapest": 1}, "sticky_by": "usr"}, r"asks for 'usr'.*Did you mean 'user'"),
        (rules(rules=[Rule("r", deny="cheep")]), r"'cheep'.*Did you mean 'cheap'"),
        (rules(rules=[Rule("r", pin="eu")]), r"rule 'r' pins 'eu', which is no model"),
        (rules(rules=[Rule("r", policy=rules(rules=[Rule("s", {"tsak": "x"}, deny="eu")]))]), r"rule 's' asks for 'tsak'"),
    ],
)
def test_a_name_that_nobody_knows_is_refused_when_the_router_is_made(pool, strategy, problem):
    with pytest.raises(ConfigurationError, match=problem):
        pool.router(strategy)


def test_facts_of_ones_own_features_are_known(pool):
    class Mood:
        name, gives = "mood", ("mood",)

        async def read(self, request, driver):
            return {"mood": "grim"}

    ruled = rules(rules=[Rule("grim", {"mood": "grim"}, pin="strong")])
    assert ask("llama_index", pool.router(ruled, features=[Mood()])).model == "strong"
    with pytest.raises(ConfigurationError, match="'mood'"):
        pool.router(ruled)
