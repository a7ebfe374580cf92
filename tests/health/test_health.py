"""How deployments are, and checks in the background: over HTTP, against a server that fails and recovers."""

import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import time

import pytest
from click.testing import CliRunner

from routed_llm import HealthChecks, Model, RoutedChatModel, RoutedEmbeddings, RoutedLLM, Router
from routed_llm.cli.main import main
from routed_llm.errors import CallFailed, ConfigurationError
from routed_llm.health.checks import Checker, checked
from routed_llm.testing import MovableClock, Sandbox, SandboxServer

FREE = {"input": 0, "output": 0}


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


def pool(server, **settings):
    models = {
        "first": Model("sandbox-large", base_url=server.base_url, price={"input": 2.5, "output": 10}),
        "second": Model("sandbox-small", base_url=server.base_url, price={"input": 0.1, "output": 0.4}),
    }
    return RoutedChatModel(models, quiet_fallbacks=True, **settings)


def paths(server):
    return [arrival.path for arrival in server.sandbox.requests]


def checker(model, now=time.monotonic, **settings):
    core = model.router._core
    return Checker(lambda: core, HealthChecks.of(settings or True), now, lambda: 0.0), core


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


# what it tells ---------------------------------------------------------------------------------------------------------


def test_health_tells_who_takes_calls_and_why_others_do_not(server):
    model = pool(server)
    assert [each.state for each in model.router.health()] == ["unused", "unused"]
    server.sandbox.fail("sandbox-large", status=429, retry_after=30)
    model.invoke("What is 2 + 3?")
    health = model.router.health()
    first, second = health
    assert health.ok
    assert health.of("first") is first
    assert (first.state, second.state) == ("benched", "ready")
    assert 25 < first.seconds <= 30
    assert "rate_limit" in first.why
    assert (second.calls, second.in_flight, second.errors) == (1, 0, 0)
    assert 0 < second.latency < 1
    assert 0 <= second.heard < 5


def test_it_is_data_a_table_and_html(server):
    model = pool(server)
    server.sandbox.fail("sandbox-large", status=401)
    model.invoke("What is 2 + 3?")
    health = model.router.health()
    told = json.loads(json.dumps(health.as_dict(), allow_nan=False))
    assert told["deployments"][0]["seconds"] == "change"
    assert told["ok"] is True
    lines = str(health).splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("first")
    assert "until changed" in lines[1]
    page = health._repr_html_()
    assert page.count("<tr>") == 3
    with pytest.raises(KeyError):
        health.of("nobody")


def test_html_of_hostile_names_is_text(server):
    model = RoutedChatModel({"<script>": Model("sandbox-large", base_url=server.base_url, price=FREE)})
    assert "<script>" not in model.router.health()._repr_html_()


def test_no_deployment_takes_calls_when_all_failed(server):
    model = pool(server, max_retries=0)
    server.sandbox.fail(None, status=401)
    with pytest.raises(CallFailed):
        model.invoke("What is 2 + 3?")
    assert not model.router.health().ok


# checks ----------------------------------------------------------------------------------------------------------------


def test_lists_are_asked_for_and_cost_nothing(server):
    model = pool(server)
    check, core = checker(model)
    assert check.check(core) == ["first", "second"]
    assert paths(server) == ["/v1/models", "/v1/models"]
    assert check.spent == 0
    assert check.check(core) == []  # not again before its time
    assert [each.state for each in model.router.health()] == ["ready", "ready"]


def test_a_token_is_asked_for_where_that_is_wanted_and_paid_for(server):
    model = pool(server)
    check, core = checker(model, how="call", usd_per_day=0.01)
    assert check.check(core) == ["first", "second"]
    assert [arrival.body["max_tokens"] for arrival in server.sandbox.requests] == [1, 1]
    assert check.spent > 0


def test_money_of_a_day_is_not_exceeded_and_an_unknown_price_never_pays(server):
    model = pool(server)
    check, core = checker(model, how="call", usd_per_day=0.000005)
    assert check.check(core) == ["second"]
    unpriced = RoutedChatModel([Model("sandbox-large", base_url=server.base_url)])
    check, core = checker(unpriced, how="call", usd_per_day=1)
    assert check.check(core) == []


def test_a_failed_check_benches_and_a_good_one_frees(server):
    model, later = pool(server), [0.0]

    def now():
        return time.monotonic() + later[0]

    check, core = checker(model, now=now, every=1, how="call", usd_per_day=1, timeout=100)
    server.sandbox.fail("sandbox-large", status=503)
    check.check(core)
    assert core.live.cooling["first"] > now()
    later[0] += 0.5
    assert check.check(core) == []  # nobody is asked before its time
    server.sandbox.heal()
    later[0] += 60
    assert check.check(core) == ["first", "second"]
    assert core.live.cooling.get("first", 0) <= now()
    assert core.live.of("first").in_flight == 0


def test_who_answered_lately_is_not_asked(server):
    model = pool(server)
    model.invoke("What is 2 + 3?")
    check, core = checker(model, now=lambda: time.monotonic() + 1)
    assert check.check(core) == ["second"]


def test_a_server_without_a_list_is_no_fault(server):
    model = RoutedChatModel([Model("sandbox-large", base_url=server.base_url.removesuffix("/v1") + "/elsewhere", price=FREE)])
    endpoint = model.router.catalog.deployments[0].endpoint
    assert endpoint.lists
    endpoint.check(time.monotonic() + 5)  # 404: it has no list, but it answers


def test_checks_go_on_in_the_background_and_end_with_the_router(server):
    model = pool(server, health_checks={"every": 0.05, "timeout": 1})
    until(lambda: len(paths(server)) >= 4)
    names = [thread.name for thread in threading.enumerate()]
    assert "routed-llm-health" in names
    model.close()
    asked = len(paths(server))
    time.sleep(0.2)
    assert len(paths(server)) == asked


def test_a_forgotten_router_asks_nobody(server):
    Router([Model("sandbox-large", base_url=server.base_url, price=FREE)], health_checks=HealthChecks(every=0.05))

    def gone():
        gc.collect()
        return not any(thread.name == "routed-llm-health" for thread in threading.enumerate())

    until(gone)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("yes", "health_checks"),
        ({"evry": 3}, "health_checks"),
        ({"every": 0}, "health_checks"),
        ({"every": -1}, "health_checks.every"),
        ({"usd_per_day": float("nan")}, "health_checks.usd_per_day"),
        ({"how": "shout"}, "health_checks.how"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, path):
    with pytest.raises(ConfigurationError) as caught:
        Router("sandbox", health_checks=given)
    assert caught.value.path == path


def test_a_file_can_ask_for_checks(server):
    router = Router.from_config({"models": ["sandbox"], "health_checks": {"every": 5, "how": "free"}})
    assert router._checker.settings == HealthChecks(every=5, how="free")
    router.close()
    assert Router.from_config({"models": ["sandbox"], "health_checks": False})._checker is None


def test_the_command_asks_once_and_tells(server, tmp_path):
    entry = f'{{ model = "sandbox-large", base_url = "{server.base_url}", price = {{ input = 0, output = 0 }} }}'
    config = f"models = {{ first = {entry} }}"
    runner = CliRunner()
    file = tmp_path / "routed.toml"
    file.write_text(config, encoding="utf-8")
    done = runner.invoke(main, ["health", "-c", str(file), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["deployments"][0]["state"] == "ready"
    server.sandbox.fail(None, status=401)
    done = runner.invoke(main, ["health", "-c", str(file), "--how", "call"])
    assert done.exit_code == 1
    assert "benched" in done.output
    assert checked(pool(server).router, HealthChecks()) == ["first", "second"]


def test_a_check_goes_by_the_clock_of_the_router(server):
    clock = MovableClock()
    clock.move(86_400)
    router = Router([Model("sandbox-large", name="large", base_url=server.base_url, price=FREE)], clock=clock)
    server.sandbox.fail("sandbox-large", status=429, retry_after=30)
    assert checked(router, HealthChecks(how="call")) == ["large"]
    assert checked(router, HealthChecks(how="call")) == []  # left alone
    server.sandbox.heal()
    clock.move(60)
    assert checked(router, HealthChecks(how="call")) == ["large"]
    assert router.health()[0].state != "benched"


# ends ------------------------------------------------------------------------------------------------------------------


def test_doors_close_and_can_be_used_again(server):
    entry = Model("sandbox-large", base_url=server.base_url, price=FREE)
    with RoutedChatModel([entry]) as model:
        model.invoke("What is 2 + 3?")
    assert model.invoke("What is 2 + 3?").text
    model.close()
    with RoutedLLM([entry]) as llm:
        assert llm.complete("What is 2 + 3?").text
    with RoutedEmbeddings("sandbox:sandbox-embedding") as embeddings:
        assert embeddings.embed_query("Where is the cat?")

    async def in_async_code():
        async with RoutedChatModel([entry]) as model:
            await model.ainvoke("What is 2 + 3?")
            return await model.ainvoke("What is 2 + 3?")

    assert asyncio.run(in_async_code()).text


def test_closing_leaves_no_connection_open():
    with SandboxServer(Sandbox(speed=0)) as server:
        model = pool(server)
        model.invoke("What is 2 + 3?")

        async def ask():
            await model.ainvoke("What is 2 + 3?")
            await model.aclose()

        asyncio.run(ask())
        until(lambda: not server._connections)


def test_the_interpreter_ends_without_a_word():
    code = """
import asyncio, sys
from routed_llm import Model, RoutedChatModel
from routed_llm.testing import MovableClock, Sandbox, SandboxServer
server = SandboxServer(Sandbox(speed=0)).start()
model = RoutedChatModel(
    [Model("sandbox-large", base_url=server.base_url, price={"input": 0, "output": 0})], health_checks={"every": 0.01}
)
model.invoke("What is 2 + 3?")
asyncio.run(model.ainvoke("What is 2 + 3?"))
stream = model.stream("What is 2 + 3?")
next(stream)
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", code],
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "routed_llm" not in done.stderr, done.stderr
