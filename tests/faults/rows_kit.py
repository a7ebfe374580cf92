"""What the tests of single rows share: four modes, a pool of faulty providers, and looks at records."""

import contextlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "dispatch"))

from four_modes import MODES, QUESTION, add_up, ask

from routed_llm import Limits, RoutedChatModel, Router
from routed_llm.testing.faults import FaultyProvider, Healthy

__all__ = [
    "FIRST",
    "MODES",
    "QUESTION",
    "SECOND",
    "add_up",
    "ask",
    "in_flight",
    "only",
    "pool",
    "providers",
    "routing",
    "until",
]

FIRST, SECOND = "The first one answers.", "The second one answers."


@contextlib.contextmanager
def providers(*answers):
    """Two faulty providers, or as many as answers are given."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(FaultyProvider(answer if isinstance(answer, Healthy) else Healthy(answer)))
            for answer in answers or (FIRST, SECOND)
        ]


def pool(*served, strategy="ordered", timeout=10, limits=None, **settings):
    """A chat model over faulty providers, called first, second ...; ``settings`` are those of its router."""
    names = ("first", "second", "third")
    entries = {name: each.model(name, price={"input": 1, "output": 2}) for name, each in zip(names, served, strict=False)}
    settings = {"quiet_fallbacks": True, "limits": limits or Limits(attempt=timeout), **settings}
    return RoutedChatModel(router=Router(entries, strategy, **settings))


def routing(answer):
    return answer.response_metadata["routing"]


def only(model):
    """The only record."""
    [record] = model.router.records(1_000)
    return record


def in_flight(model):
    return sum(each.in_flight for each in model.router.health())


def until(holds, seconds=5.0):
    """Wait until something holds; whether it does."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.002)
    return holds()
