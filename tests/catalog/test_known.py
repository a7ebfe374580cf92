"""What users say of models for choosing: checked early, inherited, and part of the catalog's version."""

import copy
import pickle
from datetime import date

import pytest

from routed_llm import Model, Router
from routed_llm.catalog.cards import ModelCard
from routed_llm.catalog.strengths import strength_names
from routed_llm.errors import ConfigurationError
from routed_llm.providers.strings import About, assemble

SAID = {
    "quality": 0.8,
    "strengths": {"code": 0.9, "language:DE": 0.7, "my_own_task": 1},
    "knowledge": "2026-03",
    "factuality": 0.95,
    "agreements": ["BAA", "dpa", "baa"],
    "residency": "EU",
    "place": "on_premises",
    "languages": ("en", "DE"),
    "traits": {"tone": "concise"},
    "network": 0.02,
    "prepaid": {"tokens_per_minute": 1000},
    "latency": {"first_content": 0.4, "tokens_per_second": 80},
    "limits": {"requests_per_minute": 60, "concurrent": 4},
}
MEANT = {
    "quality": 0.8,
    "strengths": {"code": 0.9, "language:de": 0.7, "my_own_task": 1.0},
    "knowledge": "2026-03-01",
    "factuality": 0.95,
    "agreements": ("baa", "dpa"),
    "residency": ("eu",),
    "place": "on_premises",
    "languages": ("en", "de"),
    "traits": {"tone": "concise"},
    "network": 0.02,
    "prepaid": {"tokens_per_minute": 1000.0},
    "latency": {"first_content": 0.4, "tokens_per_second": 80.0},
    "limits": {"requests_per_minute": 60, "concurrent": 4},
}


def deployments(*models):
    return Router(list(models)).catalog.deployments


def told(deployment):
    return {name: getattr(deployment, name) for name in MEANT}


def test_what_is_said_arrives_at_the_deployment():
    (deployment,) = deployments(Model("sandbox:sandbox-small", **SAID))
    assert told(deployment) == MEANT


def test_what_is_not_said_is_unknown():
    (deployment,) = deployments(Model("x", base_url="http://models.example/v1"))
    assert not any(told(deployment).values())
    assert deployment.quality is None
    assert deployment.place is None
    assert deployment.strength("code_debug", "legal", "de") is None


def test_deployments_inherit_what_they_do_not_say():
    one, other = deployments(
        Model("sandbox:sandbox-small", name="m", deployments=[Model(), Model(quality=0.1, agreements="soc2")], **SAID)
    )
    assert told(one) == MEANT
    assert told(other) == {**MEANT, "quality": 0.1, "agreements": ("soc2",)}


@pytest.mark.parametrize("field", SAID)
def test_everything_said_is_part_of_the_version(field):
    versions = {Router([Model("sandbox:sandbox-small", **said)]).catalog.version for said in ({}, {field: SAID[field]}, SAID)}
    assert len(versions) == 3


def test_an_entry_with_all_of_it_is_shown_copied_and_pickled():
    entry = Model("x:y", **SAID)
    assert "agreements=['BAA', 'dpa', 'baa']" in repr(entry)
    assert copy.deepcopy(entry) == entry == pickle.loads(pickle.dumps(entry))


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        ({"quality": 1.1}, "quality", "a number from 0 to 1, not 1.1"),
        ({"quality": True}, "quality", "a number from 0 to 1"),
        ({"quality": "high"}, "quality", "a number from 0 to 1, not 'high'"),
        ({"factuality": float("nan")}, "factuality", "a number from 0 to 1"),
        ({"strengths": {"sumarising": 0.5}}, "strengths.sumarising", "Did you mean 'summarising'?"),
        ({"strengths": {"lang:de": 0.5}}, "strengths.lang:de", "language:de"),
        ({"strengths": {"code": 7}}, "strengths.code", "a number from 0 to 1, not 7"),
        ({"strengths": ["code"]}, "strengths", "must be a dict such as"),
        ({"strengths": {1: 0.5}}, "strengths", "non-empty text"),
        ({"knowledge": "spring"}, "knowledge", "a date such as '2026-03-31'"),
        ({"knowledge": 2026}, "knowledge", "a date such as"),
        ({"agreements": ["baa", ""]}, "agreements", "non-empty texts"),
        ({"agreements": {"baa": True}}, "agreements", "non-empty texts"),
        ({"residency": 3}, "residency", "non-empty texts"),
        ({"place": "on-premises"}, "place", "Did you mean 'on_premises'?"),
        ({"place": ["cloud"]}, "place", "must be one of"),
        ({"languages": "german"}, "languages", "codes of ISO 639"),
        ({"traits": {"tone": ["dry"]}}, "traits.tone", "a text, a number, True or False"),
        ({"network": -1}, "network", "seconds of at least zero"),
        ({"network": float("inf")}, "network", "seconds"),
        ({"prepaid": {"tokens": 5}}, "prepaid.tokens", "Did you mean 'tokens_per_minute'?"),
        ({"prepaid": {"tokens_per_minute": 0}}, "prepaid.tokens_per_minute", "above zero"),
        ({"latency": {"first": 1}}, "latency.first", "Did you mean 'first_content'?"),
        ({"latency": {"first_content": "fast"}}, "latency.first_content", "above zero"),
        ({"limits": {"requests_per_second": 1}}, "limits.requests_per_second", "Did you mean 'requests_per_minute'?"),
        ({"limits": {"concurrent": 1.5}}, "limits.concurrent", "a whole number above zero"),
        ({"limits": 5}, "limits", "must be a dict such as"),
        ({"abilities": ["serch"]}, "abilities", "Did you mean 'search'?"),
        ({"price": {"imge": 1}}, "price.imge", "Did you mean 'image'?"),
        ({"price": {"hours": "night"}}, "price.hours", "must be a list such as"),
        ({"price": {"hours": [5]}}, "price.hours[0]", "must be a dict such as"),
        ({"price": {"hours": [{"from": "1:00", "until": "2:00"}]}}, "price.hours[0].until", "unknown key"),
        ({"price": {"hours": [{"from": "25:00", "to": "2:00", "input": 1}]}}, "price.hours[0].from", "'25:00'"),
        ({"price": {"hours": [{"from": "1:00", "input": 1}]}}, "price.hours[0].to", "a time of day such as '16:30'"),
        ({"price": {"hours": [{"from": "1:00", "to": "1:00", "input": 1}]}}, "price.hours[0]", "the whole day"),
        ({"price": {"hours": [{"from": "1:00", "to": "2:00"}]}}, "price.hours[0]", "says no price"),
        ({"price": {"hours": [{"from": "1:00", "to": "2:00", "input": -1}]}}, "price.hours[0]", "input must be"),
        (
            {"price": {"hours": [{"from": "22:00", "to": "4:00", "input": 1}, {"from": "3:00", "to": "5:00", "input": 1}]}},
            "price.hours[1]",
            "share some time",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(said, path, words):
    with pytest.raises(ConfigurationError) as caught:
        Router(["sandbox:sandbox-large", Model("sandbox:sandbox-small", **said)])
    assert caught.value.path == f"models[1].{path}"
    assert words in str(caught.value)


def test_days_can_be_dates():
    (deployment,) = deployments(Model("sandbox:sandbox-small", knowledge=date(2026, 1, 2)))
    assert deployment.knowledge == "2026-01-02"


def test_a_strength_is_the_most_specific_that_is_known():
    strengths = {"code": 0.6, "code_debug": 0.9, "code:python": 0.95, "legal": 0.3, "language:de": 0.4}
    (deployment,) = deployments(Model("sandbox:sandbox-small", quality=0.5, strengths=strengths))
    assert deployment.strength() == 0.5
    assert deployment.strength("code_debug") == 0.9
    assert deployment.strength("code_design") == 0.6
    assert deployment.strength("chat") == 0.5
    assert deployment.strength("chat", "legal", "de") == 0.3
    assert deployment.strength(language="de-CH") == 0.4
    assert deployment.strength("code_design", "legal", "de") == 0.6
    assert deployment.strength_at(strength_names("code_debug", programming_language="Python")) == 0.95
    assert deployment.strength_at(strength_names("chat", programming_language="python")) == 0.5


def test_what_the_user_says_goes_before_the_card_and_single_strengths_are_joined():
    card = ModelCard("p", "m", quality=0.5, strengths={"chat": 0.5, "code": 0.4}, agreements=("soc2",), knowledge="2025-01-01")
    entry = Model("p:m", strengths={"code": 0.9}, agreements=["baa"])
    deployment = assemble(entry, "models[0]", None, About("p:m", "p", "m", card, {}, False))
    assert (deployment.quality, deployment.knowledge, deployment.agreements) == (0.5, "2025-01-01", ("baa",))
    assert deployment.strengths == {"chat": 0.5, "code": 0.9}


@pytest.mark.parametrize(
    ("entry", "place", "private"),
    [
        (Model("x", base_url="http://127.0.0.1:9/v1"), "device", True),
        (Model("x", base_url="http://127.0.0.1:9/v1", place="cloud"), "cloud", False),  # a gateway on this machine
        (Model("x", base_url="http://127.0.0.1:9/v1", private=False), "device", False),
        (Model("x", base_url="http://models.example/v1"), None, False),
        (Model("x", base_url="http://models.example/v1", place="on_premises"), "on_premises", False),
        (Model("x", base_url="http://models.example/v1", place="on_premises", private=True), "on_premises", True),
        (Model("x", base_url="http://models.example/v1", place="device"), "device", True),
        (Model("sandbox:sandbox-small"), "device", True),
    ],
)
def test_the_place_is_this_machine_on_loopback_unless_told_otherwise(entry, place, private):
    (deployment,) = deployments(entry)
    assert (deployment.place, deployment.private) == (place, private)


def test_search_is_known_of_models_that_search_by_themselves_only():
    sonar, mini = deployments(Model("perplexity:sonar", api_key="k"), Model("openai:gpt-5-mini", api_key="k"))
    assert sonar.can("search") is True
    assert mini.can("search") is None
