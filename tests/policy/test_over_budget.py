"""What budgets leave: the quick look at a whole pool says the same as a look at each deployment."""

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from test_decide import ask, deployment

from routed_llm.policy.filters.budgets import lacking, over_budget
from routed_llm.policy.later import Part, Pool
from routed_llm.standing import Standing

amounts = st.one_of(st.none(), st.integers(1, 2_000_000))
standings = st.builds(
    lambda usd, tokens, calls, spent, models, margin: Standing(
        "b", "", (usd, tokens and tokens // 1_000, calls), (spent, 0, 1), models=models, margin=margin
    ),
    amounts,
    amounts,
    st.one_of(st.none(), st.integers(1, 2)),
    st.integers(0, 2_000_000),
    st.sampled_from([(), ("m0",), ("m1", "dear")]),
    st.sampled_from([1.0, 1.3, 4.0]),
)


@given(
    prices=st.lists(st.one_of(st.none(), st.integers(0, 5_000)), min_size=1, max_size=6),
    found=st.lists(standings, max_size=4),
    part=st.booleans(),
)
@settings(deadline=None, max_examples=400)
def test_the_quick_look_says_the_same(prices, found, part):
    pool = Pool([deployment(f"m{n}", n, None if price is None else (price, price)) for n, price in enumerate(prices)])
    candidates = Part(pool, list(range(0, len(pool), 2))) if part else pool
    question = ask()
    each = {d.id: short[1] for d in candidates if (short := lacking(found, d, question)) is not None}
    told = over_budget(question, candidates, SimpleNamespace(budgets=lambda ask: tuple(found)))
    assert told.keys() == each.keys()
