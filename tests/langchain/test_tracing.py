"""The short way to know whether somebody traces says what LangChain says, in every combination of its switches."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import product

import langsmith
import pytest
from langchain_core.tracers import context as tracers
from langchain_core.tracers.langchain import LangChainTracer
from langsmith import run_helpers, utils
from langsmith.run_trees import RunTree
from recording import Client

from routed_llm.langchain import tracing
from routed_llm.langchain.followed import followed

SWITCHES = list(
    product(
        [None, True, False, "local"], [False, True], [None, True, False], ["", "true", "false"], ["", "true"], [False, True]
    )
)


def test_this_process_has_the_code_that_is_followed():
    assert followed(tracers._tracing_v2_is_enabled, tracing._ENABLED)
    assert followed(utils.tracing_is_enabled, tracing._LANGSMITH)
    assert followed(run_helpers.get_tracing_context, tracing._SETTINGS)


def test_it_says_what_langchain_says(monkeypatch):
    is_on, said = tracing.tracing_switch(), set()
    parent = RunTree(name="parent", ls_client=Client())
    for enabled, inside, everywhere, newer, older, tracer in SWITCHES:
        with monkeypatch.context() as patch, ExitStack() as stack:
            patch.setattr(run_helpers._context, "_GLOBAL_TRACING_ENABLED", everywhere)
            patch.setenv("LANGSMITH_TRACING_V2", newer)
            patch.setenv("LANGCHAIN_TRACING", older)
            utils.get_env_var.cache_clear()
            stack.enter_context(langsmith.tracing_context(enabled=enabled, parent=parent if inside else None))
            if tracer:
                token = tracers.tracing_v2_callback_var.set(LangChainTracer(client=Client()))
                stack.callback(tracers.tracing_v2_callback_var.reset, token)
            assert is_on() is bool(tracers._tracing_v2_is_enabled()), (enabled, inside, everywhere, newer, older, tracer)
            said.add(is_on())
    utils.get_env_var.cache_clear()
    assert said == {True, False}


@pytest.mark.parametrize("place", [(utils, "tracing_is_enabled"), (tracers, "_tracing_v2_is_enabled")], ids=lambda p: p[1])
def test_what_somebody_put_in_its_place_is_asked(place, monkeypatch):
    is_on = tracing.tracing_switch()
    assert not is_on()
    monkeypatch.setattr(*place, lambda: True)
    assert is_on()
