"""A decision as a sentence, a table, data and a comparison."""

import json
import math
from pathlib import Path
from random import Random
from types import SimpleNamespace

import jsonschema
import pytest
import saved_worlds
from hypothesis import given
from hypothesis import strategies as st
from test_decide import POOL, ask, choose, deployment

from routed_llm.catalog.snapshot import Catalog
from routed_llm.explained.exact import exact, plain, restored
from routed_llm.explained.schema import decision_schema
from routed_llm.policy.decide import decide
from routed_llm.policy.strategies import policy_of
from routed_llm.standing import Standing
from routed_llm.state.memory import LiveState

DOCS = Path(__file__).parents[2] / "docs"

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=3) | st.just("$tuple"), inner, max_size=3),
        st.dictionaries(st.integers() | st.tuples(st.integers()), inner, max_size=2),
        st.sets(st.integers() | st.text(max_size=2), max_size=3),
        st.frozensets(st.integers(), max_size=3),
    ),
    max_leaves=10,
)


@given(values)
def test_values_go_through_json_and_back(value):
    found = restored(json.loads(json.dumps(exact(value), allow_nan=False)))
    assert found == value
    assert repr(type(found)) == repr(type(value))
    json.dumps(plain(value), allow_nan=False)


def test_what_is_no_data_becomes_its_repr():
    class Broken:
        def __repr__(self):
            raise RuntimeError("no")

    class Named:
        def __repr__(self):
            return "<named>"

        def __str__(self):
            return "text"

    found = restored(json.loads(json.dumps(exact({"a": Named(), "b": Broken(), "nan": math.nan, "long": 10**5_000}))))
    assert (repr(found["a"]), str(found["a"])) == ("<named>", "text")
    assert exact(found["a"]) == exact(Named())
    assert "Broken" in repr(found["b"])
    assert math.isnan(found["nan"])
    assert found["long"] == 10**5_000
    assert plain({"a": Named(), "t": (1, {2})}) == {"a": "<named>", "t": [1, [2]]}
    endless = []
    endless.append(endless)
    json.dumps(exact(endless))


def test_the_schema_of_the_docs_is_fresh():
    assert json.loads((DOCS / "decision.schema.json").read_text()) == decision_schema(), "run: python docs/generate.py"


def test_every_decision_keeps_to_the_schema():
    validator = jsonschema.Draft202012Validator(decision_schema())
    made = saved_worlds.decisions(11, 300)
    for decision in made:
        data = json.loads(json.dumps(decision.as_dict(), allow_nan=False))
        assert data == decision.as_dict()
        assert next(validator.iter_errors(data), None) is None
        assert sum(len(ids) for ids in data["rejections"].values()) == len(data["rejected"])
        assert {name: why for why, ids in data["rejections"].items() for name in ids} == data["rejected"]
        assert str(decision).split("\n", 1)[0] == decision.sentence
    told = [decision.as_dict() for decision in made]
    for key in ("rules", "rejections", "cooling", "seed", "max_price_ratio"):
        assert any(each[key] for each in told), key
    assert any(each["seen"]["budgets"] for each in told)
    assert any(each["seen"]["sessions"] for each in told)
    assert any(
        "latency" in candidate["seen"] or "base" in candidate["seen"] for each in told for candidate in each["candidates"]
    )


def test_scores_are_told_as_they_are_normalised_and_weighed():
    policy = policy_of({"scorers": [{"use": "cost", "weight": 3}, {"use": "quality"}]})
    pool = [
        deployment("dear", 0, (10, 40), quality=0.9),
        deployment("cheap", 1, (0.1, 0.4), quality=0.5),
        deployment("unknown", 2, None, quality=0.6),
    ]
    decision = choose(policy, pool)
    told = {each["deployment"]: each for each in decision.as_dict()["candidates"]}
    assert [told[name]["scores"]["cost"]["normalised"] for name in ("dear", "cheap", "unknown")] == [1.0, 0.0, None]
    assert told["dear"]["scores"]["quality"] == {
        "value": 0.9, "unit": "", "lower_is_better": False, "normalised": 0.0, "weight": 1.0,
    }  # fmt: skip
    assert (told["dear"]["total"], told["cheap"]["total"], told["unknown"]["total"]) == (3.0, 1.0, None)
    assert [told[name]["place"] for name in ("cheap", "dear", "unknown")] == [1, 2, 3]
    assert decision.as_dict()["policy_version"] == policy.version


def test_totals_are_those_by_which_was_chosen():
    seen = []

    class Watching:
        name = "watching"

        def order(self, ask, candidates, totals, live, rng):
            seen.append(list(totals))
            return candidates, 1.0, "as it is"

    for scorers in (["cost"], ["quality"], ["cost", "latency", "quality"]):
        for pool in (
            [*POOL, deployment("q", 3, quality=0.7)],
            [deployment(f"d{n}", n, (n, 1), quality=n / 99) for n in range(60)],
        ):
            policy = policy_of({"scorers": scorers, "selector": Watching()})
            decision = choose(policy, pool)
            assert [each["total"] for each in decision.as_dict()["candidates"]] == seen.pop()


def test_rejections_are_grouped_by_reason():
    pool = [deployment(f"far{n}", n, region="us") for n in range(12)] + [deployment("near", 12, region="eu")]
    decision = choose("ordered", pool, ask(region="eu", exclude=["far0"]))
    lines = str(decision).splitlines()
    assert lines[0] == "near (ordered: first in order that is eligible); 0 left to fall back to"
    assert lines[2:] == [
        "   -  far0            excluded by the hint 'far0'",
        "   -  11 deployments  is in region 'us', not in eu: far1, far2, far3, far4, far5, far6, far7, far8 and 3 more",
    ]
    assert "11 deployments" in decision._repr_html_()
    nobody = choose("ordered", pool[:12], ask(region="eu"))
    assert nobody.sentence == (
        "nobody may serve this call now (12 deployments rejected, all because: is in region 'us', not in eu)"
    )


def test_cooling_draws_and_rules_are_told():
    live = LiveState()
    live.cool("dear", 12.5, firm=False)
    live.cool("middle", math.inf, firm=True)
    rule = {"name": "gold", "if": {"tier": "gold"}, "prefer": "cheap", "set": {"temperature": 0}, "notify": "handover"}
    decision = choose([{"rules": [rule]}, "weighted"], POOL, ask(now=10.0, tier="gold"), live)
    text = str(decision)
    assert "   -  dear    cooling down for 2.5 s" in text
    assert "   -  middle  cooling down\n" in text
    assert "  rule 'gold': prefer cheap; set temperature = 0; notify handover (as tier = 'gold')" in text
    data = decision.as_dict()
    assert data["cooling"] == {"dear": 2.5, "middle": None}
    assert data["rules"] == [
        {"rule": "gold", "prefer": ["cheap"], "set": {"temperature": 0}, "notify": ["handover"], "because": "tier = 'gold'"}
    ]
    assert data["params"] == {"temperature": 0}
    drawn = choose("weighted", POOL)
    assert drawn.sentence.endswith("; 2 left to fall back to; picked with probability 0.333")
    assert data["seed"] is not None or decision.seed == 0


def test_what_was_seen_is_told_by_candidate():
    live = LiveState()
    state = live.of("cheap")
    live.started(state)
    live.succeeded("cheap", state, 0.25, None, 0.0)
    live.ledger = SimpleNamespace(standings=lambda ask: (Standing("day", "", (10**9, None, None), (5, 0, 1)),))
    live.watching = True
    data = choose("fastest", POOL, live=live).as_dict()
    seen = {each["deployment"]: each["seen"] for each in data["candidates"]}
    assert seen["cheap"]["base"] == 0.25
    assert "base" not in seen["dear"]
    assert data["seen"]["budgets"][0]["spent"] == [5, 0, 1]


def test_a_comparison_tells_who_what_it_costs_and_who_is_out():
    before = choose("ordered", POOL)
    after = choose("cheapest", POOL, ask(exclude=["dear"]))
    found = after.compare(before)
    assert (found.before, found.after, found.same) == ("dear", "cheap", False)
    assert found.difference == found.cost_after - found.cost_before < 0
    assert found.rejected == {"dear": "excluded by the hint 'dear'"}
    assert str(found) == (
        "cheap instead of dear (cheapest: lowest expected cost of 2); expected to cost $0.01287 (99%) less; "
        "rejected now: dear (excluded by the hint 'dear')"
    )
    assert str(before.compare(after)).endswith("no longer rejected: dear (excluded by the hint 'dear')")
    assert "as before" in str(before.compare(choose("ordered", POOL)))
    assert "expected to cost the same" in str(before.compare(before))
    assert "unknown" in str(choose("ordered", [deployment("dear", 0, None)]).compare(before))


def test_reading_a_decision_does_not_change_it():
    catalog, policy = Catalog(POOL), policy_of("balanced")
    decision = decide(ask(), catalog, policy, LiveState(), Random(1))
    first = decision.as_dict()
    str(decision), decision.scores, decision.stored(), decision._repr_html_()
    assert decision.as_dict() == first
    with pytest.raises(AttributeError):
        decision.id = "another"
