"""Newer prices while a router works: from where the user says, checked, told, and never in the way of a call."""

import asyncio
import gc
import json
import logging
import os
import pickle
import threading
import time

import pytest
from price_server import served

from routed_llm import Clock, Model, Prices, Router
from routed_llm.errors import ConfigurationError, RefreshFailed
from routed_llm.pricing import settings
from routed_llm.providers import downloads

GPT = "openai:gpt-5"


@pytest.fixture
def server():
    with served() as one:
        one.rows(gpt_5={"input": 1.5, "output": 12})
        yield one


class Time:
    """A clock that is set by hand, and runs besides."""

    def __init__(self):
        self.ahead = 0.0

    def now(self):
        return time.monotonic() + self.ahead

    @property
    def clock(self):
        return Clock(now=self.now, wall=lambda: 1_780_000_000.0 + self.ahead)


def router(prices, models=None, **settings):
    return Router(models or [Model(GPT, api_key="none"), "sandbox:sandbox-small"], "ordered", prices=prices, **settings)


def rates(one, name=GPT):
    return one.catalog.by_id[name].price.rates


def test_newer_prices_are_a_revision_and_an_event(server):
    one = router(server.url)
    before = rates(one)
    heard = []
    with one.subscribe(heard.append, to="notices"):
        revision = one.refresh_prices()
        assert one.bus.flush()
    assert rates(one).input == 1_500_000_000
    assert rates(one).output == 12_000_000_000
    assert rates(one).cache_read == before.cache_read  # of which the list tells nothing
    assert (revision.number, revision.why) == (1, f"prices from {server.url}")
    assert [(each.kind, each.data["number"]) for each in heard] == [("catalog", 1)]
    one.rollback()
    assert rates(one) == before


def test_what_has_not_changed_is_not_sent_again(server):
    server.tag = '"v1"'
    one = router(server.url)
    one.refresh_prices()
    one.rollback()
    assert one.refresh_prices().number == 2  # what was taken back stays so until there is something new
    assert [asked.get("if-none-match") for asked in server.asked] == [None, '"v1"']
    server.tag, server.headers = None, {"last-modified": "Wed, 25 Nov 2026 10:00:00 GMT"}
    server.rows(gpt_5={"input": 2, "output": 12})
    assert one.refresh_prices().number == 3
    one.refresh_prices()
    assert server.asked[-1]["if-modified-since"] == "Wed, 25 Nov 2026 10:00:00 GMT"
    assert len(one.catalog_revisions()) == 4


@pytest.mark.parametrize("how", ["server", "source", "file"])
def test_a_list_that_was_rolled_back_is_skipped_until_there_is_another(server, tmp_path, how):
    file = tmp_path / "prices.json"

    def serve(**usd):
        server.rows(**usd)
        file.write_text(json.dumps(server.content))

    serve(gpt_5={"input": 1.1, "output": 10})
    one = router({"server": server.url, "source": Prices(source=str(file)), "file": file}[how])
    first = one.refresh_prices().number
    serve(gpt_5={"input": 2, "output": 12}, gpt_5_mini={"input": 0.5, "output": 3})
    taken = one.refresh_prices().number
    back = one.rollback()
    assert rates(one).input == 1_100_000_000
    for day in ("2026-11-25", "2026-11-26"):  # the same list, whatever day it is written on
        file.write_text(json.dumps({**server.content, "generated": day}))
        assert one.refresh_prices() is back
    assert [each.kind for each in one.notices()].count("prices") == 1
    assert one.notices()[-1].data["skipped"]
    assert "was rolled back: it is skipped until there is another one" in one.notices()[-1].text
    one.add(Model("openai:gpt-5-mini", api_key="none"))
    assert rates(one, "openai:gpt-5-mini").input == 250_000_000, "who comes later does not have its prices either"
    one.rollback(taken)
    one.rollback(first)
    assert one.refresh_prices().why == f"rollback to {first}"
    assert rates(one).input == 1_100_000_000
    serve(gpt_5={"input": 3, "output": 12})
    one.refresh_prices()
    assert rates(one).input == 3_000_000_000


def test_a_rollback_can_be_taken_back_with_its_list(server):
    one = router(server.url)
    server.rows(gpt_5={"input": 2, "output": 12}, gpt_5_mini={"input": 0.5, "output": 3})
    one.refresh_prices()
    one.rollback()
    one.rollback(1)
    one.refresh_prices()
    assert rates(one).input == 2_000_000_000
    one.add(Model("openai:gpt-5-mini", api_key="none"))
    assert rates(one, "openai:gpt-5-mini").input == 500_000_000
    assert [each.kind for each in one.notices()] == ["catalog"] * 4


def test_a_rollback_of_something_else_leaves_the_list(server):
    one = router(server.url)
    one.refresh_prices()
    one.update(cards={"sandbox:sandbox-small": {"quality": 0.5}})
    one.rollback()
    one.update(prices={GPT: None})
    one.rollback()
    assert rates(one).input == 1_500_000_000
    one.refresh_prices()
    assert [each.kind for each in one.notices()] == ["catalog"] * 5


def test_a_list_that_was_rolled_back_is_not_kept_in_the_file(server, tmp_path):
    file = tmp_path / "prices.json"
    one = router({"source": server.url, "file": file})
    one.refresh_prices()
    one.rollback()
    file.write_text("mine")
    one.refresh_prices()
    assert file.read_text() == "mine"


def test_what_a_user_says_stays(server):
    mine = [
        Model(GPT, api_key="none", price={"input": 7, "output": 7}),
        Model("openai:gpt-5-mini", api_key="none", context=5_000),
    ]
    one = router(server.url, mine)
    server.content = {
        "models": {f"openai:{name}": {"prices": {"input": 10**9}, "context": 9} for name in ("gpt-5", "gpt-5-mini")}
    }
    one.refresh_prices()
    assert rates(one).input == 7_000_000_000
    assert one.catalog.by_id["openai:gpt-5-mini"].context == 5_000
    assert rates(one, "openai:gpt-5-mini").input == 1_000_000_000
    one.update(prices={"openai:gpt-5-mini": {"input": 2, "output": 2}})
    server.content["models"]["openai:gpt-5-mini"]["prices"]["input"] = 3 * 10**9
    one.refresh_prices()
    assert rates(one, "openai:gpt-5-mini").input == 2_000_000_000


def refused(server, how):
    """Make it answer what cannot be taken; gives what is told."""
    if how == "status":
        server.status = 500
        return "HTTP 500"
    if how == "moved":
        server.status, server.headers = 301, {"location": "https://example.com"}
        return "HTTP 301. Name the address"
    if how == "suspicious":
        server.rows(gpt_5={"input": 15.01, "output": 12})
        return "input of openai:gpt-5 goes from .* by more than a factor of 10"
    if how == "free":
        server.rows(gpt_5={"input": 0, "output": 12})
        return r"goes from \$1.25 to \$0.00, by more"
    content = {
        "no json": b"<html>",
        "cut": json.dumps(server.content).encode()[:-3],
        "negative": b'{"models": {"openai:gpt-5": {"prices": {"input": -1}}}}',
        "float": b'{"models": {"openai:gpt-5": {"prices": {"input": 1.5}}}}',
        "NaN": b'{"models": {"openai:gpt-5": {"prices": {"input": NaN}}}}',
        "empty": b'{"models": {}}',
        "another": b"[1, 2]",
    }
    server.content = content[how]
    return "is refused"


HOWS = ["status", "moved", "suspicious", "free", "no json", "cut", "negative", "float", "NaN", "empty", "another"]


@pytest.mark.parametrize("how", HOWS)
def test_what_is_broken_or_suspicious_changes_nothing_and_is_told(server, how, tmp_path):
    one = router({"source": server.url, "file": str(tmp_path / "kept.json")})
    one.refresh_prices()
    good = rates(one), (tmp_path / "kept.json").read_bytes()
    server.rows(gpt_5={"input": 1.25, "output": 12})
    one.refresh_prices()
    good = rates(one), (tmp_path / "kept.json").read_bytes()
    told = refused(server, how)
    for _ in range(2):
        with pytest.raises(RefreshFailed, match=told):
            one.refresh_prices()
    assert (rates(one), (tmp_path / "kept.json").read_bytes()) == good
    assert [each.kind for each in one.notices()] == ["catalog", "catalog", "prices", "prices"]
    assert one.notices()[-1].data["source"] == server.url
    assert os.listdir(tmp_path) == ["kept.json"]


@pytest.mark.parametrize("how", ["source", "file"])
def test_who_comes_later_has_the_prices_of_the_list_too(server, tmp_path, how):
    server.tag = '"1"'  # the same list is not sent again
    server.rows(gpt_5={"input": 1.5, "output": 12}, gpt_5_mini={"input": 0.5, "output": 3})
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(server.content))
    one = router(server.url if how == "source" else file)
    if how == "source":
        one.refresh_prices()
    one.add([Model("openai:gpt-5-mini", api_key="none"), Model("openai:gpt-5-nano", api_key="none")])
    assert rates(one, "openai:gpt-5-mini").input == 500_000_000
    assert rates(one, "openai:gpt-5-nano").input == 50_000_000  # of which the list tells nothing
    one.remove("openai:gpt-5-mini")
    one.add(Model("openai:gpt-5-mini", api_key="none", price={"input": 7, "output": 7}))
    assert rates(one, "openai:gpt-5-mini").input == 7_000_000_000  # what a user says stays
    one.close()


def test_a_large_change_that_is_meant_is_taken(server):
    one = router(server.url)
    server.rows(gpt_5={"input": 150, "output": 12})
    with pytest.raises(RefreshFailed, match=r"yes=True"):
        one.refresh_prices()
    one.refresh_prices(yes=True)
    assert rates(one).input == 150_000_000_000


def test_a_server_that_is_gone_slow_or_endless_is_refused_in_time(server, monkeypatch):
    gone = router("http://127.0.0.1:9/prices.json")
    with pytest.raises(RefreshFailed, match=r"cannot be had: connection"):
        gone.refresh_prices()
    server.hold = threading.Event()
    slow = router(Prices(source=server.url, timeout=0.2))
    with pytest.raises(RefreshFailed, match=r"cannot be had: timeout"):
        slow.refresh_prices()
    server.hold.set()
    monkeypatch.setattr(downloads, "LARGEST", 1_000)
    server.content = b" " * 2_000
    with pytest.raises(RefreshFailed, match=r"cannot be had: too_large"):
        router(server.url).refresh_prices()


def test_the_same_in_async_code(server):
    one = router(server.url)
    assert asyncio.run(one.arefresh_prices()).number == 1
    server.status = 500
    with pytest.raises(RefreshFailed):
        asyncio.run(one.arefresh_prices())


# files -------------------------------------------------------------------------------------------------------------------


def test_the_last_good_list_is_kept_and_used_by_the_next_router(server, tmp_path, monkeypatch):
    file = tmp_path / "below" / "prices.json"
    one = router({"source": server.url, "file": file})
    one.refresh_prices()
    assert rates(router(file)).input == 1_500_000_000
    assert rates(router({"source": "http://127.0.0.1:9/", "file": file})).input == 1_500_000_000
    monkeypatch.setenv(settings.VARIABLE, str(file))
    assert rates(Router([Model(GPT, api_key="none")])).input == 1_500_000_000
    assert (
        rates(Router.from_config({"models": {GPT: {"model": GPT}}, "defaults": {"api_key": "env:HOME"}})).input == 1_500_000_000
    )
    file.write_text('{"models": {"openai:gpt-5": {"prices": {"input": 1}}}}')
    fresh = router(file)
    file.write_text('{"models": {"openai:gpt-5": {"prices": {"input": 2}}}}')
    assert fresh.refresh_prices().changes[0].after["rates"]["input"] == 2


def test_a_list_that_cannot_be_kept_counts_all_the_same(server, tmp_path, caplog):
    (tmp_path / "taken").write_text("")
    one = router({"source": server.url, "file": tmp_path / "taken" / "prices.json"})
    with caplog.at_level(logging.WARNING):
        one.refresh_prices()
    assert rates(one).input == 1_500_000_000
    assert "cannot be kept" in caplog.text
    assert [each.kind for each in one.notices()] == ["catalog", "prices"]


MISTAKES = [
    ({}, "prices: name a file, a source, or both"),
    ({"sources": "x"}, "prices.sources: .*source"),
    ({"source": ""}, "prices.source: must be a path or a URL"),
    ({"source": "ftp://example.com/list.json"}, "prices.source: must be http://.*not ftp://"),
    ({"file": 3}, "prices.file: must be a path"),
    ({"file": "https://example.com/p.json"}, "prices.file: must be a path: a URL is a source"),
    ({"source": "x", "refresh": "hourly"}, "prices.refresh: must be a time such as"),
    ({"source": "x", "refresh": 5}, "prices.refresh: .* at least a minute"),
    ({"source": "x", "refresh": "0.5m"}, "prices.refresh: .* at least a minute"),
    ({"source": "x", "refresh": float("nan")}, "prices.refresh"),
    ({"source": "x", "timeout": 0}, "prices.timeout"),
    ({"file": "x", "refresh": "1h"}, "prices.refresh: needs a source"),
    (5, r"prices: must be Prices\(...\), a table or a path"),
    ("/no/such/file.json", "prices.file: .* cannot be read"),
]


@pytest.mark.parametrize(("given", "told"), MISTAKES)
def test_what_cannot_be_meant_is_refused_when_a_router_is_made(given, told):
    with pytest.raises(ConfigurationError, match=told):
        router(given)


def test_a_file_says_it_too_and_mistakes_are_told_with_their_lines(server, tmp_path):
    text = f'models = ["sandbox"]\n[prices]\nsource = "{server.url}"\nrefresh = "1h"\ntimeout = 3.0\n'
    one = Router.from_config(text)
    assert one._prices == Prices(source=server.url, refresh="1h", timeout=3.0)
    assert one._prices.every == 3_600
    with pytest.raises(ConfigurationError, match=r"prices.refresh \(line 4\): must be a time") as caught:
        Router.from_config(text.replace("1h", "1 hour"))
    assert caught.value.line == 4
    with pytest.raises(ConfigurationError, match=r"prices.file \(line 3\): .*cannot be read"):
        Router.from_config('models = ["sandbox"]\n[prices]\nfile = "/no/such/file.json"\n')
    with pytest.raises(ConfigurationError, match=r"prices.sorce \(line 3\)"):
        Router.from_config('models = ["sandbox"]\n[prices]\nsorce = "x"\n')


def test_no_secret_of_a_source_is_told(server, monkeypatch):
    address = server.url.replace("http://", "http://me:hidden-word@") + "?token=hidden-word"
    one = router(address)
    one.refresh_prices()
    server.status = 403
    with pytest.raises(RefreshFailed) as caught:
        one.refresh_prices()
    assert server.asked[0]["authorization"].startswith("Basic ")
    for told in (repr(one._prices), str(caught.value), repr(one.notices()), repr(one.catalog_revisions()), repr(one)):
        assert "hidden-word" not in told
    with pytest.raises(ConfigurationError, match=r"prices.source: an address with a password"):
        pickle.dumps(router(address, "sandbox"))
    same = pickle.loads(pickle.dumps(router(server.url, "sandbox")))
    assert same._prices.source == server.url
    for each in (address, f"{server.url}?token=hidden-word"):
        with pytest.raises(ConfigurationError, match=r"prices.source: .*env:NAME") as caught:
            Router.from_config({"models": ["sandbox"], "prices": {"source": each}})
        assert "hidden-word" not in str(caught.value)
    monkeypatch.setenv("LIST_AT", address)
    server.status = 200
    one = pickle.loads(pickle.dumps(router({"source": "env:LIST_AT"}, "sandbox")))
    one.refresh_prices()
    assert server.asked[-1]["authorization"].startswith("Basic ")
    assert "hidden-word" not in repr(one._prices)
    with pytest.raises(ConfigurationError, match=r"prices.source: the variable 'NOT_SET' is not set"):
        router({"source": "env:NOT_SET"})


# in the background -------------------------------------------------------------------------------------------------------


def until(holds, seconds=20.0):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()


def test_nobody_is_asked_without_a_source_and_before_the_first_call(server, tmp_path):
    (tmp_path / "p.json").write_text('{"models": {"openai:gpt-5": {"prices": {"input": 1}}}}')
    assert router(tmp_path / "p.json")._refresher is None
    assert Router("sandbox")._refresher is None
    one = router(server.url)
    assert not one._refresher.running
    assert not server.asked
    with pytest.raises(ConfigurationError, match=r"no source of prices"):
        Router("sandbox").refresh_prices()


def test_it_looks_when_it_is_time_and_not_before(server):
    clock = Time()
    one = router(Prices(source=server.url, refresh="1h"), clock=clock.clock)
    look = one._refresher.look
    clock.ahead += 6  # the first list is had soon
    assert look()
    assert not look()
    clock.ahead += 0.85 * 3_600
    assert not look()
    clock.ahead += 0.25 * 3_600
    assert look()
    assert len(server.asked) == 2
    waits = set()
    for _ in range(8):  # each time a little sooner or later
        waits.add(round(one._refresher._due - clock.now()))
        clock.ahead += 1.1 * 3_600
        assert look()
    assert len(waits) > 3
    assert all(3_200 < wait < 4_000 for wait in waits)


def test_failures_in_a_row_are_logged_once_and_tried_again(server, caplog):
    clock = Time()
    one = router(Prices(source=server.url, refresh="1h"), clock=clock.clock)
    with caplog.at_level(logging.INFO, logger="routed_llm"):
        for status in (500, 500, 500, 200, 500):
            server.status = status
            clock.ahead += 4_000
            assert one._refresher.look()
    texts = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(texts) == 2
    assert "still count" in texts[0]
    assert "can be had again" in caplog.text
    assert [each.kind for each in one.notices()] == ["prices"] * 3 + ["catalog", "prices"]
    assert rates(one).input == 1_500_000_000


def test_a_variable_that_is_gone_is_a_failure_like_any_other(server, monkeypatch):
    monkeypatch.setenv("LIST_AT", server.url)
    clock = Time()
    one = router(Prices(source="env:LIST_AT", refresh="1h"), clock=clock.clock)
    monkeypatch.delenv("LIST_AT")
    clock.ahead += 10
    assert one._refresher.look()
    assert "env:LIST_AT" in repr(one._prices)
    (notice,) = one.notices()
    assert (notice.kind, notice.data["source"]) == ("prices", "env:LIST_AT")
    assert "'LIST_AT' is not set" in notice.text
    monkeypatch.setenv("LIST_AT", server.url)
    clock.ahead += 4_000
    assert one._refresher.look()
    assert rates(one).input == 1_500_000_000


def test_calls_do_not_wait_for_it_and_its_end_is_that_of_the_router(server):
    from routed_llm import RoutedChatModel

    clock = Time()
    server.hold = threading.Event()
    one = router(
        Prices(source=server.url, refresh="1h"), ["sandbox:sandbox-small", Model(GPT, api_key="none")], clock=clock.clock
    )
    model = RoutedChatModel(router=one)
    clock.ahead += 10
    assert model.invoke("What is 2 plus 3?").text == "5"
    assert until(lambda: server.asked)
    assert model.invoke("What is 2 plus 3?").text == "5"  # while the list does not come
    assert rates(one).input == 1_250_000_000
    server.hold.set()
    assert until(lambda: rates(one).input == 1_500_000_000)
    thread = one._refresher._thread
    assert thread.daemon
    one.close()
    assert not one._refresher.running
    thread.join(10)
    assert not thread.is_alive()
    model.invoke("What is 2 plus 3?")  # goes on with a later call
    assert one._refresher.running
    one.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_none_until_it_makes_a_call(server):
    one = router(server.url)
    one._ready()
    assert one._refresher.running
    child = os.fork()
    if not child:
        running = one._refresher.running
        one._ready()
        os._exit(0 if not running and one._refresher.running else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    one.close()


def test_a_router_that_nobody_holds_ends_it(server):
    one = router(server.url)
    one._ready()
    thread = one._refresher._thread
    del one
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
