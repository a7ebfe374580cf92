"""What checks cost is in the books: budgets pay for it, sums and subscribers are told, and no call is counted."""

import pytest

from routed_llm import Budget, HealthChecks, Model, Router
from routed_llm.health.checks import checked
from routed_llm.testing import Sandbox, SandboxServer

CALLS = HealthChecks(how="call")


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


def router_of(server, **settings):
    model = Model("sandbox-large", name="large", base_url=server.base_url, price={"input": 2.5, "output": 10}, **settings)
    return Router([model], budgets=[Budget(usd=0.01, tokens=1_000, name="all")])


def test_every_cent_is_counted(server):
    router, heard = router_of(server), []
    subscription = router.subscribe(heard.append)
    with router.track() as spend:
        assert checked(router, CALLS) == ["large"]
    subscription.close()
    cost = server.sandbox.ledger.total_nanousd
    assert cost > 0
    (standing,) = router.budgets()
    (record,) = heard
    (own,) = record.own_calls
    assert {standing.spent[0], spend.total_nanousd, record.cost_nanousd, own.cost_nanousd} == {cost}
    assert (standing.spent[2], standing.held) == (1, (0, 0, 0))
    assert (spend.calls, spend.failed_calls, spend.by_model["large"].nanousd) == (0, 0, cost)
    assert (record.outcome, own.feature, record.answered_by, record.decision.reason) == (
        "checked", "health_check", None, "a health check",
    )  # fmt: skip
    assert record.as_dict()["own_calls"][0]["model"] == "large"
    assert not router.records()  # it is no call


def test_a_list_costs_nothing_and_is_told_to_nobody(server):
    router, heard = router_of(server), []
    subscription = router.subscribe(heard.append)
    assert checked(router, HealthChecks(how="models")) == ["large"]
    subscription.close()
    assert not heard
    assert router.budgets()[0].spent == (0, 0, 0)


def test_a_check_that_fails_is_told_and_costs_nothing(server):
    router, heard = router_of(server), []
    subscription = router.subscribe(heard.append)
    server.sandbox.fail("sandbox-large", status=429, retry_after=30)
    assert checked(router, CALLS) == ["large"]
    subscription.close()
    assert router.health()[0].state == "benched"
    assert [(record.outcome, record.cost_nanousd, record.own_calls[0].error.kind) for record in heard] == [
        ("checked", 0, "rate_limit"),
    ]  # fmt: skip
    assert router.budgets()[0].spent == (0, 0, 1)  # a refusal is a call


def test_what_no_budget_pays_for_and_no_limit_lets_in_is_not_asked(server):
    router = router_of(server, limits={"requests_per_minute": 1})
    assert checked(router, CALLS) == ["large"]
    assert checked(router, CALLS) == []  # within the minute
    with Router([Model("sandbox-large", name="large", base_url=server.base_url, price={"input": 2.5, "output": 10})],
                budgets=[Budget(usd=1e-9)]) as poor:  # fmt: skip
        assert checked(poor, CALLS) == []
        assert poor.health()[0].in_flight == 0
    assert len(server.sandbox.requests) == 1
