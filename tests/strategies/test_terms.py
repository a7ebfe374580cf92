"""On what terms models may be used: usage policies, and the day from which one is not served any more."""

import asyncio
import json
import logging
from datetime import UTC, datetime

import pytest

from routed_llm import Model, RoutedChatModel, RoutedLLM, Router, replay
from routed_llm.errors import ConfigurationError, NoEligibleModel
from routed_llm.testing import MovableClock, SandboxServer

DAY = 86_400
LEGAL = "Does the liability clause of this tenancy contract violate the statute, and may the landlord sue in court?"


@pytest.fixture(scope="module")
def address():
    with SandboxServer() as server:
        yield server.base_url


def two(address, first, **second):
    return [
        Model("sandbox-small", base_url=address, name="first", price={"input": 1, "output": 1}, **first),
        Model("sandbox-large", base_url=address, name="second", price={"input": 2, "output": 2}, **second),
    ]


def at(day):
    return MovableClock(wall=datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def models_that(door, router):
    """What gives the model that answers, through each door, in sync and async code."""
    chat, llm = RoutedChatModel(router=router), RoutedLLM(router=router)

    def ask(text, **hints):
        if door.startswith("langchain"):
            answer = asyncio.run(chat.ainvoke(text, routing=hints)) if "async" in door else chat.invoke(text, routing=hints)
            return answer.response_metadata["routing"]["model"]
        answer = asyncio.run(llm.acomplete(text, routing=hints)) if "async" in door else llm.complete(text, routing=hints)
        return answer.additional_kwargs["routing"]["model"]

    return ask


DOORS = ["langchain", "langchain, async", "llama_index", "llama_index, async"]


# usage policies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_a_forbidden_domain_is_found_out_and_goes_to_another_model(address, door):
    ask = models_that(door, Router(two(address, {"usage_policy": {"forbids": ["legal"]}})))
    assert ask(LEGAL) == "second"
    assert ask("Write a Python function that reverses a list.") == "first"


def test_hints_say_what_a_call_is():
    model = RoutedChatModel([Model("sandbox:sandbox-small", usage_policy={"forbids": ["legal", "code", "translation"]})])
    for hints in ({"domain": "Legal"}, {"task": "code_debug", "domain": "general"}, {"task": "translation"}):
        decision = model.explain("Hello.", routing=hints)
        assert not decision.order
        assert "has a usage policy that forbids" in decision.rejected["sandbox:sandbox-small"]
    assert model.explain("Hello.", routing={"task": "chat", "domain": "general"}).order


def test_the_error_names_policy_and_word():
    model = RoutedChatModel([Model("sandbox:sandbox-small", usage_policy={"forbids": "medical"})])
    with pytest.raises(NoEligibleModel, match="sandbox:sandbox-small has a usage policy that forbids 'medical'"):
        model.invoke("Hello.", routing={"domain": "medical"})


class Silent:
    """A feature that finds out nothing."""

    name, gives = "silent", ("task", "domain")

    async def read(self, request, driver):
        return {"task": None, "domain": None}


def test_what_is_not_known_of_a_call_counts_as_forbidden():
    router = Router([Model("sandbox:sandbox-small", usage_policy={"forbids": ["legal"]})], features=[Silent()])
    model = RoutedChatModel(router=router)
    rejected = model.explain("Hello.").rejected["sandbox:sandbox-small"]
    assert rejected == "has a usage policy that forbids 'legal', and whether the call is such is not known"
    assert model.explain("Hello.", routing={"domain": "general"}).order, "the task does not matter to a forbidden domain"
    assert not model.explain("Hello.", routing={"task": "chat"}).order


def test_nothing_is_read_where_nobody_forbids_anything():
    class Asked(Silent):
        def __init__(self):
            self.calls = 0

        async def read(self, request, driver):
            self.calls += 1
            return {"task": "chat", "domain": "general"}

    for policy, calls in (({}, 0), ({"requires": ["baa"]}, 0), ({"forbids": ["legal"]}, 1)):
        feature = Asked()
        router = Router([Model("sandbox:sandbox-small", usage_policy=policy, agreements=["baa"])], features=[feature])
        RoutedChatModel(router=router).invoke("Hello.")
        assert feature.calls == calls, policy


@pytest.mark.parametrize("door", DOORS)
def test_an_agreement_that_a_policy_requires_has_to_be_said(address, door):
    needed = {"usage_policy": {"requires": ["BAA", "eula"]}}
    assert models_that(door, Router(two(address, {**needed, "agreements": ["baa", "eula"]})))("Hello.") == "first"
    router = Router(two(address, {**needed, "agreements": ["baa"]}))
    assert models_that(door, router)("Hello.") == "second"
    rejected = RoutedChatModel(router=router).explain("Hello.").rejected["first"]
    assert rejected == "has a usage policy that requires eula, which is not among its agreements"


def test_a_file_says_it(address):
    text = f"""
    [models.first]
    model = "sandbox-small"
    base_url = "{address}"
    usage_policy = {{forbids = ["legal"], requires = ["baa"]}}
    agreements = ["baa"]

    [models.second]
    model = "sandbox-large"
    base_url = "{address}"
    retires = 2026-12-31
    """
    model = RoutedChatModel.from_config(text)
    assert model.router.catalog.by_id["second"].retires == "2026-12-31"
    assert model.explain("Hello.", routing={"domain": "legal"}).chosen.model == "second"


@pytest.mark.parametrize(
    ("said", "path", "problem"),
    [
        ({"usage_policy": {"forbid": ["legal"]}}, "models[0].usage_policy", "'forbids'"),
        ({"usage_policy": {"forbids": ["code_debgu"]}}, "models[0].usage_policy.forbids", "Did you mean 'code_debug'"),
        ({"usage_policy": {"requires": [3]}}, "models[0].usage_policy.requires", "list of non-empty texts"),
        ({"usage_policy": ["legal"]}, "models[0].usage_policy", "must be a dict such as"),
        ({"retires": "soon"}, "models[0].retires", "must be a date such as"),
        ({"retires": "2026-12"}, "models[0].retires", "must be a whole date"),
        ({"retires": True}, "models[0].retires", "must be a date such as"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(said, path, problem):
    with pytest.raises(ConfigurationError) as refused:
        Router([Model("sandbox:sandbox-small", **said)])
    assert refused.value.path.startswith(path)
    assert problem in str(refused.value)


# the last day ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_a_model_is_not_asked_from_its_day_on(address, door):
    clock = at("2026-12-10T23:59:00")
    ask = models_that(door, Router(two(address, {"retires": "2026-12-11"}), clock=clock))
    assert ask("Hello.") == "first"
    clock.move(120)
    assert ask("Hello.") == "second"


def test_the_reason_names_the_day_and_the_way_out():
    router = Router([Model("sandbox:sandbox-small", retires="2026-12-11"), "sandbox:sandbox-large"], clock=at("2026-12-11"))
    rejected = RoutedChatModel(router=router).explain("Hello.").rejected
    assert rejected == {"sandbox:sandbox-small": "is not served any more since 2026-12-11 (retires=False says otherwise)"}


@pytest.mark.parametrize("door", DOORS)
def test_where_nobody_else_may_answer_it_is_asked_all_the_same(address, door):
    router = Router(two(address, {"retires": "2026-12-11"}), clock=at("2026-12-12"))
    assert models_that(door, router)("Hello.") == "second"
    router.remove("second")
    assert models_that(door, router)("Hello.") == "first"


def test_it_is_said_once_a_month_before_and_once_when_the_day_has_come(caplog):
    clock = at("2026-11-10")
    router = Router([Model("sandbox:sandbox-small", retires="2026-12-11"), "sandbox:sandbox-large"], clock=clock)
    model, notices = RoutedChatModel(router=router), []
    with caplog.at_level(logging.WARNING, "routed_llm"), router.subscribe(notices.append, to="notices"):
        for days in (0, 1, 0, 0, 29, 1, 0):
            clock.move(days * DAY)
            model.explain("Hello.")
            model.invoke("Hello.")
        router.bus.flush()
    told = [line for line in caplog.messages if "is not served" in line]
    remedy = " Name another model, or say retires=False where this is wrong."
    others = "others are asked instead, where there are any"
    assert told == [
        f"sandbox:sandbox-small is not served any more from 2026-12-11 on, in 30 days.{remedy}",
        f"sandbox:sandbox-small is not served any more since 2026-12-11: {others}.{remedy}",
    ]
    assert [(each.kind, each.data) for each in notices] == [
        ("retires", {"deployment": "sandbox:sandbox-small", "retires": "2026-12-11", "days": days}) for days in (30, 0)
    ]
    assert [each.text for each in router.notices()] == [line.partition(" Name")[0] for line in told]
    assert json.dumps([each.as_dict() for each in notices])


def test_a_stored_decision_is_made_again_whatever_day_it_is(tmp_path):
    clock = at("2026-12-11")
    router = Router([Model("sandbox:sandbox-small", retires="2026-12-11"), "sandbox:sandbox-large"], clock=clock)
    model = RoutedChatModel(router=router)
    model.invoke("Hello.")
    router.save_decisions(tmp_path / "decisions.jsonl")
    (again,) = replay(tmp_path / "decisions.jsonl")
    assert again.same
    assert [d.model for d in again.decision.order] == ["sandbox:sandbox-large"]
    assert set(again.decision.rejected) == {"sandbox:sandbox-small"}


def test_the_catalogs_day_counts_at_the_providers_own_address_alone(monkeypatch, address):
    monkeypatch.setenv("OPENAI_API_KEY", "k")

    def day(entry, **shared):
        return Router([entry], **shared).catalog.deployments[0].retires

    assert day("openai:gpt-4") == "2026-10-23"
    assert day("openai:gpt-4-0613") == "2026-10-23"
    assert day(Model("openai:gpt-4", base_url="https://eu.api.openai.com/v1")) == "2026-10-23"
    assert day(Model("openai:gpt-4", base_url=address)) is None
    assert day(Model("openai:gpt-4", base_url="https://gateway.example/v1")) is None
    assert day(Model("openai:gpt-4", base_url=address, retires="2027-01-01")) == "2027-01-01"
    assert day(Model("openai:gpt-4", retires=False)) is None
    assert day("openai:gpt-4", common=Model(retires=False)) is None
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    assert day("openai:gpt-4") is None


def test_what_a_provider_promises_holds_at_its_own_address_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert Router(["openai:gpt-5-mini"]).catalog.deployments[0].agreements == ("no_training",)
    elsewhere = Model("openai:gpt-5-mini", base_url="https://gateway.example/v1")
    assert Router([elsewhere]).catalog.deployments[0].agreements == ()


def test_who_says_how_good_a_model_is_has_a_scale_of_their_own(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    both = ["openai:gpt-5-mini", "openai:gpt-5.5"]
    known = Router(both).catalog.deployments
    assert known[1].quality > known[0].quality > 0
    for said in ({"quality": 0.7}, {"strengths": {"code": 0.7}}):
        mine, other = Router([Model(both[0], **said), both[1]]).catalog.deployments
        assert (mine.quality, dict(mine.strengths)) == (said.get("quality"), said.get("strengths", {}))
        assert (other.quality, dict(other.strengths)) == (None, {})
