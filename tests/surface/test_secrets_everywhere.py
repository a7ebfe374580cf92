"""No secret is anywhere: every fault of the kit, with canaries wherever a secret may be given, and every sink looked into."""

import logging
import re
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "providers"))  # the LlamaIndex object that its tests made

from canaries import Logged, canary, report
from echoing_faults import ECHOES
from sweeping import KINDS, MODES, NAMES, WAYS, Call, run

from routed_llm.errors import RoutedError
from routed_llm.testing.faults import FAULTS

#: faults that clients of others meet in their own ways: refused with the key, an error, no answer, half a stream
HANDFUL = ("unauthorized_401", "internal_error_500", "reset_before_headers", "stalled_body", "stream_error_midway")
ASYNC = ("ainvoke", "astream")
#: ways and kinds that only async code can use
ONLY_ASYNC = ("async function", "async openai")
#: answers that take their time, and are as many events for those who listen
LONG = ("stream_endless", "huge_stream", "tool_arguments_huge", "gzip_bomb", "huge_answer")


@pytest.fixture(autouse=True)
def _key_in_the_environment(monkeypatch):
    monkeypatch.setenv(NAMES[0], canary("env"))


def can(way, mode):
    return mode in ASYNC or way not in ONLY_ASYNC


def ways_in_turn(modes):
    """Each fault, each time with another way to give the key; alone, and in one mode with a spare where something fails."""
    ways = list(WAYS)
    for number, fault in enumerate(FAULTS.values()):
        for turn, mode in enumerate(mode for mode in modes if fault.applies_to(mode)):
            way = next(way for way in (*ways[(number + turn) % len(ways) :], *ways) if can(way, mode))
            for alone in (True,) if fault.whole or turn == number % 2 else (True, False):
                yield Call(fault, mode, way, "chat model", alone, heard=fault.name not in LONG)


def every_one():
    """The full product, except of what is long in itself."""
    for fault in FAULTS.values():
        for mode in MODES:
            for way in WAYS:
                if fault.applies_to(mode) and can(way, mode) and (fault.name not in LONG or way == "text"):
                    for alone in (True, False):
                        yield Call(fault, mode, way, "chat model", alone, heard=fault.name not in LONG)


def sweep(calls, folder, capsys, *, threads=8):
    """Make all calls, those that wait for a clock side by side; what leaks, anywhere.

    An HTTP client of the user's own logs the addresses that it was given, and nobody can hinder it.
    """
    calls = list(calls)
    with Logged() as logged, warnings.catch_warnings(record=True) as warned, ThreadPoolExecutor(threads) as pool:
        warnings.simplefilter("always")
        left = list(pool.map(lambda call: run(call, folder), (call for call in calls if call.fault.stalls)))
        left += [run(call, folder) for call in calls if not call.fault.stalls]
    written = capsys.readouterr()
    shown = {
        "log": "\n".join(re.sub(r"http://user:\w+@", "", line) if line.startswith("httpx") else line for line in logged.seen),
        "warnings": "\n".join(f"{each.message!r} {each}" for each in warned),
        "stdout": written.out,
        "stderr": written.err,
    }
    found = [leak for each in left for leak in each.leaks]
    found += report(shown, "all calls")
    with capsys.disabled():
        sinks = sum(each.sinks for each in left)
        print(f"\n{len(left)} calls, {sinks} sinks, {len(logged.seen)} log records", end=" ")  # noqa: T201
    return left, logged, sorted(set(found))


def test_the_sweep_sees_what_leaks(tmp_path, capsys, monkeypatch):
    """A fault that shows the key, and an answer that holds it: were the sweep blind, the others would prove nothing."""
    from routed_llm.providers.secret_texts import Secrets

    monkeypatch.setattr(Secrets, "out_of_error", lambda self, error: error)
    monkeypatch.setattr(Secrets, "out_of_body", lambda self, body: body)
    calls = [Call(ECHOES["500"]("text"), mode) for mode in ("invoke", "astream")]
    left, logged, found = sweep(calls, tmp_path, capsys)
    sinks = {leak.split(": ")[1] for leak in found}
    assert sinks >= {"str", "repr", "args", "vars", "graph", "traceback", "locals", "rich locals", "pickle", "JSON", "orjson"}
    assert sinks >= {"attempts", "errors of attempts", "LangChain's tracer", "LangChain's callbacks"}
    assert {each.error.attempts[0].kind for each in left} == {"server_error"}
    logging.getLogger("httpx").debug("nobody listens any more")
    assert "httpx" not in logged.names


def test_every_fault(tmp_path, capsys):
    left, logged, found = sweep(ways_in_turn(("invoke", "astream")), tmp_path, capsys)
    assert found == []
    assert {each.call.fault.name for each in left} == set(FAULTS)
    assert {each.call.way for each in left} == set(WAYS)
    assert "routed_llm" in logged.names
    errors = [each.error for each in left if each.error is not None]
    assert all(isinstance(error, RoutedError) for error in errors)
    assert {type(error).__name__ for error in errors} >= {"CallFailed", "StreamBroken", "ContextOverflow", "AnswerCut"}
    assert len(errors) > 130


@pytest.mark.parametrize("way", [*WAYS, *KINDS])
def test_providers_that_repeat_what_they_were_sent(way, tmp_path, capsys):
    modes = ASYNC if way in ONLY_ASYNC else ("invoke", "astream")
    calls = [Call(fault, mode, way) for make in ECHOES.values() for mode in modes if (fault := make(way)).applies_to(mode)]
    left, _, found = sweep(calls, tmp_path, capsys)
    assert found == []
    assert sum(each.error is not None for each in left) >= len(left) - 1  # an object may read an error with 200 as an answer


@pytest.mark.parametrize("way", KINDS)
def test_objects_of_others(way, tmp_path, capsys):
    calls = [
        Call(FAULTS[name], mode, way, alone=number % 3 != 2)
        for number, (name, mode) in enumerate(product(HANDFUL, ASYNC if way in ONLY_ASYNC else ("invoke", "astream")))
        if FAULTS[name].applies_to(mode)
    ]
    _, logged, found = sweep(calls, tmp_path, capsys)
    assert found == []
    assert any(name.startswith("httpx") for name in logged.names)


def test_the_llm_of_llama_index(tmp_path, capsys):
    ways = ("text", "proxy", "address", "LlamaIndex", "ChatOpenAI")
    calls = [
        Call(FAULTS[name], mode, ways[number % len(ways)], "llm")
        for number, (name, mode) in enumerate(product(HANDFUL, MODES))
        if FAULTS[name].applies_to(mode)
    ]
    left, _, found = sweep(calls, tmp_path, capsys)
    assert found == []
    assert {each.call.way for each in left} == set(ways)


def test_reports_drawn_by_rich(tmp_path):
    for mode, name in zip(MODES, ("unauthorized_401", "connection_refused", "stream_reset_midway", "empty_body"), strict=True):
        left = run(Call(FAULTS[name], mode, "address"), tmp_path, rendered=True)
        assert left.leaks == [], mode
        assert left.error is not None


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", WAYS)
def test_every_fault_in_every_mode_with_every_way(way, tmp_path, capsys):
    _, _, found = sweep((call for call in every_one() if call.way == way), tmp_path, capsys)
    assert found == []


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", KINDS)
def test_every_fault_at_objects_of_others(way, tmp_path, capsys):
    calls = [
        Call(fault, mode, way, door)
        for fault in FAULTS.values()
        for door, mode in (("chat model", "invoke"), ("chat model", "astream"), ("llm", "ainvoke"), ("llm", "stream"))
        if fault.applies_to(mode) and can(way, mode) and fault.name not in LONG
    ]
    _, _, found = sweep(calls, tmp_path, capsys)
    assert found == []
