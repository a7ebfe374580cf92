"""Models by facts of the call, and calls that need an ability."""

import pytest

from routed_llm import Model, Policy, RoutedChatModel
from routed_llm.errors import ConfigurationError, NoEligibleModel, UnknownHint
from routed_llm.policy.scorers.by_fact import ByFact
from routed_llm.policy.selectors.best import Best
from routed_llm.policy.strategies import by_stage

MODELS = {"cheap": "sandbox:sandbox-small", "strong": "sandbox:sandbox-large"}


class Weekday:
    """A feature that always finds the same day."""

    name = "weekday"

    def __init__(self, day):
        self.day = day

    async def read(self, request, driver):
        return {"weekday": self.day}


@pytest.mark.parametrize(("day", "first"), [("monday", "strong"), ("friday", "cheap"), ("sunday", "cheap")])
def test_a_table_gives_each_fact_its_model(day, first):
    table = ByFact("weekday", {"monday": "strong", "friday": "cheap"}, default="cheap")
    policy = Policy("days", features=[Weekday(day)], scorers={table: 1.0}, selector=Best("named for it", fact="weekday"))
    decision = RoutedChatModel(MODELS, strategy=policy).explain("Hello")
    assert decision.chosen.model == first
    assert [d.model for d in decision.order] == [first, *(m for m in MODELS if m != first)]
    assert day in decision.reason


def test_without_the_fact_the_order_stays():
    assert RoutedChatModel(MODELS, strategy=by_stage({"refine": "strong"})).explain("Hello").chosen.model == "cheap"
    assert (
        RoutedChatModel(MODELS, strategy=by_stage({"refine": "cheap"}, default="strong")).explain("Hi").chosen.model == "strong"
    )


@pytest.mark.parametrize("table", [{}, None, {"refine": 3}, {"refine": ""}])
def test_a_table_that_cannot_be_meant(table):
    with pytest.raises(ConfigurationError, match="stage"):
        by_stage(table)


def test_a_table_that_names_nobody_here():
    with pytest.raises(ConfigurationError, match=r"strategy.*'strnog'.*Did you mean 'strong'"):
        RoutedChatModel(MODELS, strategy=by_stage({"refine": "strnog"}))


def test_tables_are_told_apart_by_caches():
    one, other = by_stage({"refine": "cheap"}), by_stage({"refine": "strong"})
    assert one.version != other.version
    assert one.version == by_stage({"refine": "cheap"}).version


def test_a_call_that_needs_an_ability_goes_where_it_is():
    blind = Model("sandbox:sandbox-small", name="blind", abilities={"images": False, "tools": True})
    model = RoutedChatModel([blind, "sandbox:sandbox-large"])
    assert model.explain("Hello").chosen.model == "blind"
    for needs in ("images", ["image"], ("tools", "image")):
        decision = model.explain("Hello", routing={"needs": needs})
        assert decision.chosen.model == "sandbox:sandbox-large"
        assert decision.rejected == {"blind": "cannot read images"}


def test_blocks_that_the_wire_has_no_place_for_make_a_model_ineligible():
    model = RoutedChatModel(MODELS)
    with pytest.raises(NoEligibleModel, match="takes no thinking of earlier turns"):
        model.invoke("Hello", routing={"needs": "thinking"})
    says_it_can = Model("sandbox:sandbox-small", abilities=["thinking_blocks"])
    assert RoutedChatModel([says_it_can]).explain("Hello", routing={"needs": "thinking"}).chosen is not None


def test_an_unknown_need_names_the_nearest():
    with pytest.raises(UnknownHint, match=r"needs.*'imagse'.*Did you mean 'image'"):
        RoutedChatModel(MODELS).invoke("Hello", routing={"needs": "imagse"})
