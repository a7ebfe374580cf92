"""A text goes to no classifier and no embedder to which the call itself may not go: their server receives nothing."""

import asyncio
import itertools
import logging

import pytest
from labelling import Labeller
from langchain_core.embeddings import Embeddings
from langchain_core.messages import HumanMessage

from routed_llm import First, Model, Policy, Router, Rule, Split, When
from routed_llm.hints import Hints
from routed_llm.langchain.view import MessagesView
from routed_llm.policy.combine import combined
from routed_llm.policy.data import policy_from
from routed_llm.policy.features.asked import AskModel
from routed_llm.policy.features.examples import Examples, Task
from routed_llm.policy.scorers.by_fact import ByFact
from routed_llm.policy.selectors.best import Best
from routed_llm.policy.shapes import Demands, Effects
from routed_llm.requests import Request

TEXT = "Blue lanterns over the harbour."
TASKS = [Task("refund", ["I want my money back", "refund me"]), Task("shipping", ["where is my parcel", "track my package"])]
numbers = itertools.count()
OPEN = {"private": False}
KEPT = {"private": True, "region": "eu-west-1", "agreements": ["baa", "dpa"]}


@pytest.fixture
def labeller():
    made = Labeller()
    yield made
    made.close()


def base(*rules):
    return Policy("mine", rules=rules, scorers={ByFact("task", {"translation": "expert"}): 1.0}, selector=Best("named for it"))


def router(labeller, policy, small=OPEN, features=None):
    """Models that may have everything, and a small one of which that is said or not."""
    shared = {"base_url": labeller.url, "api_key": "any"}
    models = {name: Model(f"openai:{name}", **shared, **KEPT) for name in ("plain", "expert")}
    models["labeller"] = Model("openai:labeller", **shared, **small)
    return Router(models, policy, features=features or [AskModel("labeller", facts=["task", "domain"])], quiet_fallbacks=True)


def request(text=TEXT, model=None, **hints):
    messages = [HumanMessage(text)]
    hub = [{"role": "user", "content": text}]
    return Request(
        "langchain", messages, MessagesView(messages), lambda payload, losses: hub, hints=Hints.of(hints), model=model
    )


def asked(labeller, chosen, text=TEXT, model=None, **hints):
    """How many texts the small model was told, by a call in sync and by one in async code; both are answered."""
    before, text = len(labeller.asked), f"{text} ({next(numbers)})"  # what was asked once is remembered
    assert chosen.complete(request(text, model, **hints)).answer.text.startswith("I am ")
    assert asyncio.run(chosen.acomplete(request(f"{text} Please.", model, **hints))).answer.text.startswith("I am ")
    return len(labeller.asked) - before


def test_nothing_stands_against_it(labeller):
    assert asked(labeller, router(labeller, base())) == 2


@pytest.mark.parametrize("hint", [{"private": True}, {"region": "eu"}, {"agreements": "baa"}, {"exclude": "labeller"}])
def test_hints(labeller, hint):
    assert asked(labeller, router(labeller, base()), **hint) == 0
    if "exclude" not in hint:
        assert asked(labeller, router(labeller, base(), KEPT), **hint) == 2


def test_a_pinned_model_alone_sees_the_call(labeller):
    assert asked(labeller, router(labeller, base()), model="plain") == 0


DEMANDS = [{"private": True}, {"region": "eu"}, {"agreements": "baa"}, {"allow": ["plain", "expert"]}, {"deny": "labeller"}]


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: next(iter(demand)))
def test_rules_that_hold(labeller, demand):
    chosen = router(labeller, base(Rule("gold", {"tier": "gold"}, **demand)))
    assert asked(labeller, chosen, tier="gold") == 0
    [(model, why)] = chosen.records()[-1].decision.unasked
    assert model == "labeller"
    assert "by the rule 'gold'" in why
    assert asked(labeller, chosen, tier="free") == 2
    assert asked(labeller, chosen) == 2
    if not {"allow", "deny"} & set(demand):
        assert asked(labeller, router(labeller, base(Rule("gold", {"tier": "gold"}, **demand)), KEPT), tier="gold") == 2


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: next(iter(demand)))
def test_rules_that_read_what_is_to_be_found_out(labeller, demand, caplog):
    """Nobody knows yet whether they hold, so they do."""
    chosen = router(labeller, base(Rule("legal", {"domain": "legal"}, **demand)))
    with caplog.at_level(logging.WARNING, "routed_llm"):
        assert asked(labeller, chosen) == 0
    assert [r.getMessage() for r in caplog.records if "labeller is not asked" in r.message and "'legal'" in r.message]
    assert len([r for r in caplog.records if "not asked" in r.message]) == 1
    # where the caller says it, it is known
    assert asked(labeller, chosen, domain="travel") == 2
    assert asked(labeller, chosen, domain="legal") == 0


def test_rules_that_demand_nothing_are_no_wall(labeller):
    rules = [
        Rule("prefers", {"domain": "legal"}, prefer="expert"),
        Rule("pins", {"domain": "legal"}, pin="expert"),
        Rule("sets", {"task": "translation"}, set={"temperature": 0}),
        Rule("tells", {"domain": "medical"}, notify="handover"),
        Rule("switches", {"domain": "travel"}, policy="cheapest"),
    ]
    assert asked(labeller, router(labeller, base(*rules))) == 2


def test_other_rules_are_decided_on_what_built_in_features_tell(labeller):
    """Features that send text run after all others, so that these rules are known to hold or not."""
    rule = Rule("german stays", {"language": "de"}, private=True)
    chosen = router(labeller, base(rule))
    assert asked(labeller, chosen, "Bitte schreibe mir einen freundlichen Brief an den Vermieter der Wohnung.") == 0
    assert asked(labeller, chosen, "Please write a friendly letter to the owner of the flat.") == 2


class Nameless:
    """A rule of the user's own that does not tell what it would do."""

    name, reads = "nameless", ("domain",)

    def apply(self, ask):
        return Effects(Demands(private=True)) if ask.value("domain") == "legal" else None


def test_a_rule_that_does_not_say_what_it_would_demand(labeller):
    assert asked(labeller, router(labeller, base(Nameless()), KEPT)) == 0
    assert asked(labeller, router(labeller, base(Nameless()), KEPT), domain="legal") == 2


# strategies ---------------------------------------------------------------------------------------------------------------


def test_private(labeller):
    """The detectors see the call first."""
    chosen = router(labeller, combined([policy_from("private"), base()]))
    assert asked(labeller, chosen, "My card is 4111 1111 1111 1111, please book the trip.") == 0
    assert asked(labeller, chosen, TEXT) == 2
    assert asked(labeller, chosen, TEXT, sensitivity="health") == 0
    signed = router(labeller, combined([policy_from("private"), base()]), {"private": False, "agreements": ["baa"]})
    assert asked(labeller, signed, TEXT, sensitivity="health") == 2
    assert asked(labeller, signed, TEXT, sensitivity="finance") == 0


def test_nearest(labeller):
    residency = policy_from({"strategy": "nearest", "residency": {"eu": ["eu"]}})
    mine = Policy("by task", rules=residency.rules, scorers={ByFact("task", {"translation": "expert"}): 1.0})
    chosen = router(labeller, mine, {"private": False, "region": "us-east-1"})
    assert asked(labeller, chosen, location="eu-west-1") == 0
    assert asked(labeller, chosen) == 0  # from nobody knows where
    assert asked(labeller, chosen, location="us-east-1") == 2


WALLED = Policy("walled", rules=[Rule("always", private=True)], scorers={ByFact("task", {"translation": "expert"}): 1.0})
BRANCHES = {
    "first": lambda: First(WALLED, base()),
    "second": lambda: First(base(), WALLED),
    "then": lambda: When({"domain": "legal"}, WALLED, base()),
    "otherwise": lambda: When({"domain": "legal"}, base(), WALLED),
    "split": lambda: Split([(base(), 99), (WALLED, 1)]),
    "switched": lambda: base(Rule("to", {"tokens": {"above": 0}}, policy=WALLED)),
    "perhaps": lambda: base(Rule("to", {"domain": "legal"}, policy=WALLED)),
    "set before": lambda: base(
        Rule("to", {"tokens": {"above": 0}}, set={"temperature": 0.5}, policy=When({"params.temperature": 0.5}, WALLED, base()))
    ),
}


@pytest.mark.parametrize("make", BRANCHES.values(), ids=BRANCHES)
def test_every_part_that_could_decide(labeller, make):
    assert asked(labeller, router(labeller, make())) == 0
    assert asked(labeller, router(labeller, make(), KEPT)) == 2


def test_a_part_that_cannot_decide_is_no_wall(labeller):
    chosen = router(labeller, When({"tier": "gold"}, WALLED, base()))
    assert asked(labeller, chosen, tier="free") == 2
    assert asked(labeller, chosen, tier="gold") == 0


# embedders ----------------------------------------------------------------------------------------------------------------


class Noting(Embeddings):
    def __init__(self):
        self.texts = []

    def embed_documents(self, texts):
        self.texts.extend(texts)
        return [[float("refund" in text or "money" in text), float("parcel" in text), 0.1] for text in texts]

    def embed_query(self, text):
        return self.embed_documents([text])[0]


def embedding(labeller, given, *rules, **settings):
    chosen = router(labeller, base(*rules), features=[Examples(TASKS, embeddings=given, **settings)])
    return lambda text, **hints: chosen.complete(request(text, **hints))


@pytest.mark.parametrize(
    ("rule", "hints"),
    [
        (Rule("gold", {"tier": "gold"}, private=True), {"tier": "gold"}),
        (Rule("refunds stay", {"task": "refund"}, region="eu"), {}),
        (Rule("unrelated", {"tier": "gold"}, prefer="plain"), {"private": True}),
        (Rule("unrelated", {"tier": "gold"}, prefer="plain"), {"region": "eu"}),
    ],
)
def test_embedders(labeller, rule, hints):
    noting = Noting()
    embedding(labeller, noting, rule)("reimburse the money", **hints)
    assert noting.texts == []
    embedding(labeller, Model(noting, private=True, region="eu-west-1"), rule)("reimburse the money", **hints)
    assert "reimburse the money" in noting.texts
    trusted = Noting()
    embedding(labeller, trusted, rule, private=True)("reimburse the money", **hints)
    assert "reimburse the money" in trusted.texts


def test_an_excluded_embedder_is_not_asked_even_when_it_is_trusted(labeller):
    noting = Noting()
    feature = Examples(TASKS, embeddings=Model(noting, name="mine", tags=["far"]), private=True)
    chosen = router(labeller, base(), {**OPEN, "tags": ["far"]}, features=[feature])
    chosen.complete(request("the money", exclude="far"))
    assert noting.texts == []
    chosen.complete(request("the money", private=True))
    assert "the money" in noting.texts


# features of the user's own -----------------------------------------------------------------------------------------------


class Elsewhere:
    """A feature that would send the text to somebody of whom the router knows nothing."""

    name, gives, sends = "elsewhere", ("task",), True

    def __init__(self):
        self.sent = []

    async def read(self, request, driver):
        if request.desk.objection() is not None:
            return {}
        self.sent.append(request.view.user_text())
        return {"task": "translation"}


def test_features_of_the_users_own(labeller):
    mine = Elsewhere()
    chosen = router(labeller, base(Rule("gold", {"tier": "gold"}, private=True)), features=[mine])
    assert chosen.complete(request()).answer.text == "I am expert"
    for hints in ({"tier": "gold"}, {"private": True}, {"agreements": "baa"}):
        assert chosen.complete(request(**hints)).answer.text == "I am plain"
    chosen.explain(request())
    assert mine.sent == [TEXT]


# decisions that nobody carries out ----------------------------------------------------------------------------------------


def test_explaining_asks_nobody(labeller):
    chosen = router(labeller, base())
    for explained in (chosen.explain(request()), asyncio.run(chosen.aexplain(request()))):
        assert "classified without asking labeller" in str(explained)
        assert explained.as_dict()["unasked"][0]["model"] == "labeller"
        assert explained.own_calls == ()
        assert explained.ask.facts["task"] != "translation"  # what is built in guesses something else
    assert labeller.asked == []
    assert chosen.records() == []
    assert chosen.complete(request()).answer.text == "I am expert"
    # what was found out once is known
    assert chosen.explain(request()).chosen.model == "expert"
    assert "without asking" not in str(chosen.explain(request()))
    assert len(labeller.asked) == 1


def test_explaining_asks_no_embedder(labeller):
    noting = Noting()
    chosen = router(labeller, base(), features=[Examples(TASKS, embeddings=noting)])
    assert "classified without asking" in str(chosen.explain(request("reimburse the money")))
    assert noting.texts == []


def test_a_file_is_under_the_same_rules(labeller, tmp_path, monkeypatch):
    monkeypatch.setenv("POOL_KEY", "any")
    models = "".join(
        f'[models.{name}]\nmodel = "openai:{name}"\nbase_url = "{labeller.url}"\napi_key = "env:POOL_KEY"\n'
        f"private = {'false' if name == 'labeller' else 'true'}\n"
        for name in ("plain", "labeller")
    )
    file = tmp_path / "routed.toml"
    file.write_text(
        'strategy = "ordered"\n'
        '[[rules]]\nname = "gold"\nif = { tier = "gold" }\nprivate = true\n'
        '[[rules]]\nname = "legal"\nif = { task = "translation" }\nprefer = "plain"\n'
        '[features]\ntask = { use = "ask_model", model = "labeller" }\n' + models
    )
    chosen = Router.from_config(file)
    assert asked(labeller, chosen) == 2
    assert asked(labeller, chosen, "another text", tier="gold") == 0
