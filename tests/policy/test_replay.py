"""Decisions are saved, and made again bit for bit: in this process, and in a fresh one without the prompt."""

import json
import subprocess
import sys
from random import Random

import pytest
import saved_worlds
from test_decide import POOL, ask, choose, deployment

from routed_llm import Model, RoutedChatModel, Router
from routed_llm.catalog.snapshot import Catalog
from routed_llm.errors import ConfigurationError
from routed_llm.policy.compose import Policy
from routed_llm.policy.decide import decide
from routed_llm.policy.registry import BUILT_IN
from routed_llm.policy.strategies import policy_of
from routed_llm.saved import DecisionFile, load_decisions, replay
from routed_llm.saved.replaying import again
from routed_llm.state.memory import LiveState

FRESH = """
import json, sys
from routed_llm.saved import replay
told = replay(sys.argv[1])
loaded = [name for name in ("langchain_core", "llama_index", "aiohttp", "httpcore") if name in sys.modules]
print(json.dumps([len(told), [each.difference for each in told if not each.same], loaded, [each.decision.id for each in told]]))
"""


def test_a_thousand_decisions_are_identical_in_a_fresh_process(tmp_path):
    path = tmp_path / "decisions.jsonl"
    made = saved_worlds.decisions(7, 1_000)
    assert {policy.name for policy in {d.policy for d in made}} > set(BUILT_IN["strategies"]) - {"budget", "sticky", "nearest"}
    assert sum(d.seed != 0 for d in made) > 100
    assert sum(bool(d.effects) for d in made) > 50
    assert sum(not d.order for d in made) > 20
    assert DecisionFile(path).add(made) == 1_000
    done = subprocess.run([sys.executable, "-c", FRESH, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, differences, loaded, ids = json.loads(done.stdout)
    assert (count, differences, loaded) == (1_000, [], [])
    assert ids == [decision.id for decision in made]


def test_each_catalog_and_policy_is_written_once(tmp_path):
    path = tmp_path / "decisions.jsonl"
    catalog, policies = Catalog(POOL), [policy_of("cheapest"), policy_of("weighted"), policy_of("cheapest")]
    made = [decide(ask(), catalog, policies[n % 3], LiveState(), Random(n)) for n in range(9)]
    assert DecisionFile(path).add(made[:5]) == 5
    assert DecisionFile(path).add(made) == 4
    kinds = [json.loads(line)["kind"] for line in path.read_text().splitlines()]
    assert sorted(kinds) == ["catalog", *["decision"] * 9, *["policy"] * 2]
    assert [str(each) for each in load_decisions(path)] == [str(each) for each in made]


@pytest.mark.parametrize("strategy", ["ordered", "cheapest", "fastest", "weighted", "round_robin", "auto"])
def test_a_router_saves_and_replays_its_calls(strategy, tmp_path):
    model = RoutedChatModel("sandbox", strategy=strategy)
    for number in range(4):
        model.invoke(f"What is {number} + 1? My name is Heinrich.", routing={"user": "u1", "metadata": {"n": (number,)}})
    router, path = model.router, tmp_path / "decisions.jsonl"
    assert router.save_decisions(path, last=3) == 3
    assert router.save_decisions(path) == 1
    assert "Heinrich" not in path.read_text()
    for record in router.records():
        decision = router.decision(record.decision.id)
        for form in (decision, decision.stored(), load_decisions(path).find(decision.id)):
            found = router.replay(form)
            assert (found.same, found.difference, found.decision.id) == (True, "", decision.id)
    assert len(replay(path)) == 4
    assert replay(path, router.records()[0].decision.id)[0].same
    assert router.live.rounds == (4 if strategy == "round_robin" else 0)  # replaying uses up no turn


def test_the_first_difference_is_named():
    decision = choose("cheapest", POOL)
    stored = json.loads(json.dumps(decision.stored()))
    stored["decision"]["candidates"][1]["scores"]["cost"]["value"] += 1e-9
    found = again(stored, decision.catalog, decision.policy)
    assert not found.same
    assert found.difference.startswith("candidates[1].scores.cost.value: was ")
    assert "differs in candidates[1]" in str(found)
    found = again(decision.stored(), decision.catalog, policy_of("ordered"))
    assert found.difference == 'strategy: was "cheapest", is "ordered"'


def test_a_decision_without_a_draw_may_be_followed_by_one_with():
    decision = choose("cheapest", POOL)
    assert decision.as_dict()["seed"] is None
    made = [again(decision.stored(), decision.catalog, policy_of("weighted")).decision.order[0].id for _ in range(2)]
    assert made[0] == made[1]


class Stranger:
    """A selector of which nobody knows the name."""

    name = "stranger"

    def order(self, ask, candidates, totals, live, rng):
        return list(reversed(candidates)), 1.0, "the last one"


def test_pieces_without_a_name_are_replayed_where_they_are_known(tmp_path):
    router = Router("sandbox", Policy("mine", selector=Stranger()))
    model = RoutedChatModel(router=router)
    model.invoke("hi")
    decision, path = router.records()[0].decision, tmp_path / "decisions.jsonl"
    assert router.replay(decision).same
    router.save_decisions(path)
    assert router.replay(load_decisions(path)[0]).same
    assert "the last one" in str(load_decisions(path)[0])
    with pytest.raises(ConfigurationError, match="Stranger, which has no name"):
        replay(path)


def test_words_that_look_like_classes_are_words(tmp_path):
    conditions = {"metadata.class": "a.B", "class": "<a.b>", "user": {"matches": "<a.b>"}}
    policy = policy_of({"when": conditions, "then": "cheapest", "otherwise": "weighted"})
    DecisionFile(tmp_path / "d.jsonl").add([choose(policy, POOL)])
    assert replay(tmp_path / "d.jsonl")[0].same


def test_what_cannot_be_replayed_says_why(tmp_path):
    decision, router = choose("cheapest", POOL), Router("sandbox")
    with pytest.raises(ConfigurationError, match=r"names the catalog .*save_decisions"):
        router.replay(decision.stored())
    with pytest.raises(ConfigurationError, match="must be a Decision"):
        router.replay("decision")
    changed = {**decision.stored(), "form": 99}
    with pytest.raises(ConfigurationError, match="reads form 1"):
        again(changed, decision.catalog, decision.policy)
    broken = decision.stored()
    del broken["made_of"]["asked"]["now"]
    with pytest.raises(ConfigurationError, match="no stored decision: KeyError"):
        again(broken, decision.catalog, decision.policy)
    path = tmp_path / "one.json"
    path.write_text(decision.as_json())
    assert str(load_decisions(path)[0]) == str(decision)
    with pytest.raises(ConfigurationError, match="for reading only"):
        load_decisions(path)[0].replay()
    path.write_text(json.dumps(decision.stored()))
    with pytest.raises(ConfigurationError, match="holds no catalog of the version"):
        replay(path)
    with pytest.raises(ConfigurationError, match="holds no decision 'x'"):
        replay(path, "x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "entry 1 is no decision"),
        ("[1]", "entry 1 is no decision"),
        ('{"kind": "decision"}\n{"kind": "x"}', "entry 1"),
        ('{"kind": "policy", "version": "v", "policy": {}}\nno json', "line 2 is no JSON"),
        ('{"kind": "decision", "decision": {"decision_id": "x"}}', "entry 1"),
    ],
)
def test_files_of_something_else_are_refused(text, words, tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        load_decisions(path)
    before = path.read_text()
    with pytest.raises(ConfigurationError, match=words):
        DecisionFile(path)
    assert path.read_text() == before


def test_a_file_is_only_added_to_line_by_line(tmp_path):
    path, made = tmp_path / "one.json", [choose("cheapest", POOL) for _ in range(2)]
    path.write_text(json.dumps(made[0].stored()))  # no end of line
    assert DecisionFile(path).add(made) == 1
    assert [each.id for each in load_decisions(path)] == [each.id for each in made]
    path.write_text(json.dumps([made[0].stored()], indent=1))
    assert len(load_decisions(path)) == 1
    with pytest.raises(ConfigurationError, match="line 1 is no JSON"):
        DecisionFile(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_decisions(path)


def test_a_changed_catalog_is_refused(tmp_path):
    path = tmp_path / "decisions.jsonl"
    decision = choose("cheapest", [deployment("a", 0), deployment("b", 1)])
    DecisionFile(path).add([decision])
    path.write_text(path.read_text().replace('"provider": "p"', '"provider": "q"', 1))
    with pytest.raises(ConfigurationError, match=r"catalog\.version"):
        replay(path)


def test_no_key_is_written(tmp_path):
    pool = [Model("openai:gpt-5-mini", api_key="sk-very-secret", base_url="http://127.0.0.1:9/v1", name="a")]
    router = Router(pool, "cheapest")
    decision = RoutedChatModel(router=router).explain("hi")
    DecisionFile(tmp_path / "d.jsonl").add([decision])
    assert "secret" not in (tmp_path / "d.jsonl").read_text()
