"""The life of a catalog: every change is a revision, told, and taken back; what cannot be meant changes nothing."""

import json
import pickle
import threading

import pytest

from routed_llm import Budget, Clock, Model, RoutedChatModel, RoutedLLM, Router, load_decisions
from routed_llm.errors import ConfigurationError, NoModels

SMALL, LARGE, MEDIUM = "sandbox:sandbox-small", "sandbox:sandbox-large", "sandbox:sandbox-medium"
CHEAP, DEAR = {"input": 0.01, "output": 0.01}, {"input": 500, "output": 500}


def router(**settings):
    return Router({"a": SMALL, "b": LARGE}, settings.pop("strategy", "cheapest"), **settings)


def asked(one):
    return RoutedChatModel(router=one).invoke("What is 2 plus 3?").response_metadata["routing"]["model"]


def test_new_prices_count_from_the_next_call_on():
    one = router()
    assert asked(one) == "a"
    revision = one.update(prices={"a": DEAR})
    assert asked(one) == "b"
    assert [(each.deployment, each.what) for each in revision.changes] == [("a", "price")]
    assert revision.changes[0].before["rates"]["input"] == 100_000_000
    assert revision.changes[0].after["rates"] == {"input": 500_000_000_000, "output": 500_000_000_000}
    assert revision.version == one.catalog.version != one.catalog_revisions()[0].version


def test_every_revision_is_listed_with_number_time_reason_and_changes():
    wall = iter(range(1_000, 2_000)).__next__
    one = router(clock=Clock(wall=lambda: float(wall())))
    one.update(prices={"a": DEAR}, why="the new list")
    one.add({"c": MEDIUM})
    one.remove("b")
    told = [each.as_dict() for each in one.catalog_revisions()]
    assert json.loads(json.dumps(told)) == told
    assert [(each["number"], each["why"]) for each in told] == [(0, "begin"), (1, "the new list"), (2, "add"), (3, "remove")]
    assert [each["at"] for each in told] == sorted({each["at"] for each in told})
    whats = [[(change["deployment"], change["what"]) for change in each["changes"]] for each in told]
    assert whats == [[], [("a", "price")], [("c", "added")], [("b", "removed")]]


def test_a_change_that_changes_nothing_is_no_revision():
    one = router()
    assert one.update(cards={"a": {"quality": 0.5}}).number == 1
    assert one.update(cards={"a": {"quality": 0.5}}).number == 1
    assert one.update().number == 1
    assert len(one.notices()) == 1


def test_facts_are_said_anew_and_become_unknown():
    one = router()
    facts = {"context": 9_000, "abilities": ["audio"], "tags": "fast", "strengths": {"code": 0.9}, "limits": {"concurrent": 2}}
    one.update(cards={"a": {**facts, "retires": "2999-01-01"}})
    a, before = one.catalog.by_id["a"], one.catalog_revisions()[0].catalog.by_id["a"]
    assert (a.context, a.tags, a.strengths, a.limits, a.retires) == (
        9_000, ("fast",), {"code": 0.9}, {"concurrent": 2}, "2999-01-01"
    )  # fmt: skip
    assert a.abilities == {**before.abilities, "audio": True} != before.abilities
    one.update(cards={"a": {"context": None, "strengths": None, "tags": None, "retires": None}}, prices={"a": None})
    a = one.catalog.by_id["a"]
    assert (a.context, a.strengths, a.tags, a.retires, a.price) == (None, {}, (), None, None)


def test_limits_that_come_later_hold():
    one = router()
    assert not one.live.limited
    one.update(cards={"a": {"limits": {"requests_per_minute": 1}}})
    assert [asked(one), asked(one)] == ["a", "b"]


def test_a_rollback_is_a_revision_too_and_can_itself_be_taken_back():
    one = router()
    first = one.catalog.version
    one.update(prices={"a": DEAR})
    one.add({"c": MEDIUM})
    assert one.rollback().number == 3
    assert one.catalog.models == ("a", "b")
    back = one.rollback(0)
    assert (back.number, back.why, back.version) == (4, "rollback to 0", first)
    assert asked(one) == "a"
    one.rollback(2)
    assert one.catalog.models == ("a", "b", "c")
    assert asked(one) == "c"


@pytest.mark.parametrize("number", [9, -1, True, "1"])
def test_there_is_no_way_back_to_what_was_not(number):
    one = router()
    with pytest.raises(ConfigurationError, match=r"number: there is no revision"):
        one.rollback(number)
    with pytest.raises(ConfigurationError, match=r"number: .*this is the first one"):
        one.rollback()


@pytest.mark.parametrize("last", ["a", 1.5, None, True])
def test_how_many_notices_is_a_whole_number(last):
    one = router()
    one.update(prices={"a": {"input": 1, "output": 1}})
    with pytest.raises(ConfigurationError, match=r"last: must be a whole number"):
        one.notices(last)
    assert len(one.notices(1)) == 1


def test_as_many_revisions_are_kept_as_are_told():
    one = router()
    for n in range(1, 121):
        one.update(prices={"a": {"input": n, "output": n}})
    kept = [each.number for each in one.catalog_revisions()]
    assert kept == list(range(21, 121))
    with pytest.raises(ConfigurationError, match=r"21 to 120 are kept"):
        one.rollback(20)


MISTAKES = [
    ({"remove": ["a", "b"]}, NoModels, "remove: nobody would be left"),
    ({"remove": "c"}, ConfigurationError, "remove: 'c' is no name of a model here"),
    ({"remove": 3}, ConfigurationError, "remove: must be a name"),
    ({"prices": {"a": {"input": -1}}}, ConfigurationError, r"prices\['a'\]: input must be"),
    ({"prices": {"a": {"inptu": 1}}}, ConfigurationError, r"prices\['a'\].inptu: unknown price"),
    ({"prices": {"aa": {"input": 1}}}, ConfigurationError, "prices: 'aa' is no name"),
    ({"prices": [1]}, ConfigurationError, "prices: must be a table"),
    ({"cards": {"a": {"qualty": 1}}}, ConfigurationError, r"cards\['a'\].qualty: .*quality"),
    ({"cards": {"a": {"quality": 2}}}, ConfigurationError, r"cards\['a'\].quality"),
    ({"cards": {"a": {"context": 0}}}, ConfigurationError, r"cards\['a'\].context"),
    ({"cards": {"a": 1}}, ConfigurationError, r"cards\['a'\]: must be a table"),
    ({"cards": 1}, ConfigurationError, "cards: must be a table"),
    ({"add": {"a": MEDIUM}}, ConfigurationError, "two models are named 'a'"),
    ({"add": {"quick": MEDIUM}}, ConfigurationError, "'quick' is an alias"),
    ({"add": ["sandbox:none"]}, ConfigurationError, r"add\[0\]: the sandbox has no model"),
    ({"add": ["opnai:gpt-5"]}, ConfigurationError, r"add\[0\]: unknown provider"),
    ({"add": 5}, ConfigurationError, "add: cannot route to int"),
    ({"why": ""}, ConfigurationError, "why: must be a text"),
]


@pytest.mark.parametrize(("change", "kind", "told"), MISTAKES, ids=[each[2][:30] for each in MISTAKES])
def test_what_cannot_be_meant_changes_nothing(change, kind, told):
    one = router(aliases={"quick": "a"})
    before = one.catalog
    with pytest.raises(kind, match=told):
        one.update(**{"prices": {"b": CHEAP}, **change})
    assert one.catalog is before
    assert len(one.catalog_revisions()) == 1
    assert asked(one) == "a"


@pytest.mark.parametrize("change", [lambda one, new: one.add(new), lambda one, new: one.update(add=new)], ids=["add", "update"])
@pytest.mark.parametrize("more", [{"nonsense": 1}, {"base_url": "http://me:hidden-word@host:port/v1"}], ids=["key", "address"])
def test_a_refusal_shows_no_secret_and_nor_do_its_frames(change, more):
    one = router()
    with pytest.raises(ConfigurationError) as caught:
        change(one, {"c": {"model": "openai:gpt-5", "api_key": "hidden-word", **more}})
    frames, trace = [], caught.value.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    inside = [repr(frame.f_locals) for frame in frames if frame.f_code.co_filename != __file__]
    assert inside
    assert "hidden-word" not in "".join([str(caught.value), *inside])
    assert caught.value.__context__ is None


def test_what_a_policy_a_budget_or_a_feature_names_cannot_go():
    ruled = Router({"a": SMALL, "b": LARGE}, {"rules": [{"name": "r", "if": {"stream": False}, "deny": "b"}]})
    with pytest.raises(ConfigurationError, match=r"names 'b'"):
        ruled.remove("b")
    budgeted = router(budgets=[Budget(usd=1, models=["b"], name="of b")])
    with pytest.raises(ConfigurationError, match=r"the budget 'of b' names 'b'"):
        budgeted.remove("b")
    for one in (ruled, budgeted):
        assert one.catalog.models == ("a", "b")
        one.update(remove="b", add={"b": MEDIUM})  # another one of that name will do
        assert one.catalog.by_id["b"].served_model == "sandbox-medium"


def test_an_alias_is_a_name_of_a_model_that_comes_back():
    one = router(aliases={"quick": "fast", "fast": "a"})
    one.remove("quick")
    assert one.catalog.models == ("b",)
    one.add({"a": MEDIUM})
    assert one.update(prices={"quick": DEAR}).changes[0].deployment == "a"


def test_each_change_is_told_to_those_who_listen():
    one, heard = router(), []
    calls = []
    with one.subscribe(heard.append, to="notices"), one.subscribe(calls.append):
        one.update(prices={"a": DEAR})
        one.remove("a")
        asked(one)
        assert one.bus.flush()
    assert [(each.kind, each.data["number"]) for each in heard] == [("catalog", 1), ("catalog", 2)]
    assert heard == list(one.notices())
    assert "removed: a" in heard[1].text
    assert len(calls) == 1
    assert json.loads(json.dumps([each.as_dict() for each in heard]))[0]["data"]["changes"][0]["what"] == "price"
    with pytest.raises(ConfigurationError, match=r"to: must be 'calls' or 'notices'"):
        one.subscribe(heard.append, to="news")


def test_decisions_name_their_version_and_are_made_again_by_it(tmp_path):
    one = router()
    asked(one)
    one.update(prices={"a": DEAR})
    asked(one)
    one.remove("b")
    old, new = (record.decision for record in one.records())
    versions = [each.version for each in one.catalog_revisions()]
    assert [old.catalog_version, new.catalog_version] == versions[:2]
    for decision in (old, new):
        stored = json.loads(json.dumps(decision.stored()))  # only the version is in it
        assert one.replay(stored).same
        assert one.what_if(stored, without="a").chosen.id == "b"
    one.save_decisions(tmp_path / "kept.jsonl")
    one.save_decisions(tmp_path / "kept.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()]
    assert [line["version"] for line in lines if line.get("kind") == "catalog"] == versions[:2]
    assert all(each.replay().same for each in load_decisions(tmp_path / "kept.jsonl"))


def test_a_pickled_router_takes_its_changes_along():
    one = router(aliases={"quick": "a"})
    one.update(prices={"a": DEAR}, cards={"b": {"quality": 0.9}}, add=[Model(MEDIUM, name="c"), Model(LARGE, name="d")])
    one.update(prices={"c": CHEAP}, remove=["b", "d"])
    for other in (pickle.loads(pickle.dumps(one)), pickle.loads(pickle.dumps(RoutedChatModel(router=one))).router):
        assert other.catalog.version == one.catalog.version
        assert asked(other) == "c"
        other.add({"b": SMALL})
        assert pickle.loads(pickle.dumps(other)).catalog.version == other.catalog.version
    one.rollback(0)
    assert pickle.loads(pickle.dumps(one)).catalog.version == one.catalog_revisions()[0].version
    one.add([Model("openai:gpt-5", api_key="a-key-given-as-text")])
    with pytest.raises(ConfigurationError, match=r"add\[0\].api_key: a secret"):
        pickle.dumps(one)


def test_a_configured_router_takes_its_changes_along():
    one = Router.from_config({"models": {"a": {"model": SMALL}, "b": {"model": LARGE}}, "strategy": "cheapest"})
    one.update(prices={"a": DEAR}, add={"c": MEDIUM})
    assert pickle.loads(pickle.dumps(one)).catalog.version == one.catalog.version


def test_caches_of_doors_follow_the_catalog():
    one = router()
    model, llm = RoutedChatModel(router=one), RoutedLLM(router=one)
    before = model._get_llm_string(), model._identifying_params["catalog_version"]
    one.update(remove="b", add={"c": MEDIUM}, cards={"a": {"context": 50}})
    after = model._get_llm_string(), model._identifying_params["catalog_version"]
    assert before[0] != after[0]
    assert after[1] == one.catalog.version != before[1]
    assert llm.metadata.context_window == 64_000  # the largest of the pool


def test_caches_of_doors_know_a_catalog_that_took_the_place_of_a_forgotten_one():
    model = RoutedChatModel(router=router())
    model.router.add({"c": SMALL})
    seen, kept = model._identifying_params["catalog_version"], id(model.router.catalog)
    for number in range(1_000):  # no more than 100 are kept, so that a later one lies where this one did
        model.router.update(prices={"c": {"input": number + 1, "output": 9}})
        if number >= 100 and id(model.router.catalog) == kept:
            break
    assert model._identifying_params["catalog_version"] == model.router.catalog.version != seen


def test_many_threads_may_change_and_ask_at_once():
    one = router(strategy="ordered")
    wrong = []

    def change(name):
        for n in range(20):
            one.add({f"{name}{n}": MEDIUM})
            one.update(cards={f"{name}{n}": {"quality": 0.4}})
            one.remove(f"{name}{n}")

    def call():
        for _ in range(30):
            if asked(one) != "a":
                wrong.append("not a")

    threads = [threading.Thread(target=change, args=(name,)) for name in "xyz"]
    threads += [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert one.catalog.models == ("a", "b")
    assert one.catalog_revisions()[-1].number == 180
    assert [each.number for each in one.catalog_revisions()] == list(range(81, 181))
