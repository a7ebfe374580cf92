"""Pytest fixtures: a running sandbox, and providers that fail to order. Repeats of one test do not count in the next.

Load them by ``pytest_plugins = ["routed_llm.testing.pytest_plugin"]`` in a ``conftest.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from routed_llm.dispatch.retry_budget import PROCESS
from routed_llm.providers.sandbox import Sandbox, SandboxServer
from routed_llm.testing.faults import FaultyProvider, select
from routed_llm.testing.faults.provider import Answers

__all__ = ["every_fault", "faulty_provider", "faulty_provider_factory", "fresh_retry_budget", "sandbox"]


@pytest.fixture(autouse=True)
def fresh_retry_budget() -> None:
    """Each test may repeat calls as a new process may: the budget of repeats is that of a process."""
    PROCESS.begin()


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A started server of the default models, without waits; ``server.sandbox`` has the ledger and fails on command."""
    with SandboxServer(Sandbox(speed=0)) as server:
        yield server


@pytest.fixture
def faulty_provider() -> Iterator[FaultyProvider]:
    """A started provider that is healthy until told otherwise."""
    with FaultyProvider() as provider:
        yield provider


@pytest.fixture
def faulty_provider_factory() -> Iterator[Callable[..., FaultyProvider]]:
    """Makes started providers, as many as are wanted: ``faulty_provider_factory("What it says.", delay=0.02)``.

    The arguments are those of :class:`FaultyProvider`; all are closed with the test.
    """
    with ExitStack() as stack:

        def make(answer: Answers | None = None, *, delay: float = 0.0, pace: float = 1.0) -> FaultyProvider:
            return stack.enter_context(FaultyProvider(answer, delay=delay, pace=pace))

        yield make


def every_fault(
    *,
    mode: str | None = None,
    reaction: str | None = None,
    strikes: str | None = None,
    stalls: bool | None = None,
    rows: tuple[int, ...] | None = None,
) -> pytest.MarkDecorator:
    """Run a test once for each fault of the catalogue that fits what is said; the test has an argument ``fault``.

    ::

        @every_fault(mode="invoke", reaction="next")
        def test_my_chain_survives(fault, faulty_provider):
            faulty_provider.always(fault)
            ...

    Args:
        mode: ``unary``, ``stream``, or one of ``invoke``, ``ainvoke``, ``stream``, ``astream``.
        reaction: what should come of it, such as ``next`` or ``cut``; see :class:`~routed_llm.testing.faults.Fault`.
        strikes: ``before`` or ``after`` the first content, or ``never`` where the answer is right but odd.
        stalls: whether only a clock notices it.
        rows: rows of the table of faults.
    """
    chosen = select(mode=mode, reaction=reaction, strikes=strikes, stalls=stalls, rows=rows)
    return pytest.mark.parametrize("fault", chosen, ids=[fault.name for fault in chosen])
