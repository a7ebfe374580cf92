"""The cells of the fault matrix: one faulty and one healthy deployment, one fault, one way to ask, and what came of it.

A cell is told as data, so that a test asserts it and a table is made of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from doors import DOORS, Door, Said
from pydantic import BaseModel

from routed_llm.errors import AnswerCut, CallFailed, ProviderError, RoutedError, StreamBroken
from routed_llm.testing.faults import FAULTS, TOOL_CALLS, Fault, FaultyProvider, Healthy

__all__ = ["CELLS", "GOOD", "SLOWEST", "TEXT", "Cell", "Outcome", "Person", "cells_of", "run", "run_all"]

TEXT = Healthy().text
GOOD = "The other one answers: forty-two, sûrement 🎈."
PERSON, OTHER = '{"name": "Ada Lovelace"}', '{"name": "Grace Hopper"}'
BAD_KEY, GOOD_KEY = "key-of-the-faulty", "key-of-the-healthy"
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {key: {"type": "string"}}}}}
    for name, key in (("get_weather", "city"), ("get_time", "zone"))
]
#: seconds that a call may lose: to faults that answer, to those that stall, and to an endless stream
SLOWEST = {"answers": 0.05, "stalls": 1.3, "endless": 5.0}
MODES = ("invoke", "ainvoke", "stream", "astream")


class Person(BaseModel):
    """A person."""

    name: str


@dataclass(frozen=True)
class Cell:
    """A fault of the catalogue, through a door, in a mode."""

    fault: Fault
    door: str
    mode: str

    def __str__(self) -> str:
        return f"{self.fault.name}-{self.door}-{self.mode}"

    @property
    def kind(self) -> str:
        """How the fault takes its time."""
        if self.fault.name in ("stream_endless", "huge_stream", "huge_answer"):
            return "endless"
        return "stalls" if self.fault.stalls else "answers"

    @property
    def calls(self) -> int:
        """Requests that the faulty one may see."""
        return 2 if set(self.fault.rows) & {7, 39, 82} or self.fault.reaction == "same" else 1


@dataclass
class Outcome:
    """What came of a cell: the answer or the error, what both providers saw, and the time it took beyond a healthy call."""

    cell: Cell
    said: Said | None = None
    error: Exception | None = None
    lost: float = 0.0
    asked_bad: int = 0
    asked_good: int = 0
    recorded: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)
    foreign: int = 0
    strange_keys: int = 0
    left_open: int = 0
    complete: int = 0
    cooling: bool = False
    wrong: list[str] = field(default_factory=list)

    @property
    def silent(self) -> bool:
        """Whether an answer was given that is not right, without an error."""
        return self.error is None and any(told.startswith("answer:") for told in self.wrong)


def cells_of(door: str, faults: Iterable[Fault] = tuple(FAULTS.values()), modes: Iterable[str] = MODES) -> list[Cell]:
    """All cells of a door."""
    return [Cell(fault, door, mode) for fault in faults for mode in modes if fault.applies_to(mode)]


CELLS = {door: cells_of(door) for door in ("chat model", "llm")}


def run(cell: Cell) -> Outcome:
    """Run a cell on two fresh providers and a fresh router."""
    fault, door, out = cell.fault, DOORS[cell.door], Outcome(cell)
    calls = TOOL_CALLS if fault.needs == "tools" else ()
    schema = fault.needs == "schema"
    right = Healthy(None if calls else PERSON if schema else TEXT, calls)
    other = Healthy(None if calls else OTHER if schema else GOOD, calls)
    extra: dict[str, Any] = {"tools": TOOLS} if calls else {"response_format": Person} if schema else {}
    with FaultyProvider(right, api_key=BAD_KEY) as bad, FaultyProvider(other, api_key=GOOD_KEY) as good:
        if fault.address != "plain":
            bad.always(fault)
        entries = {"bad": bad.model("bad", context=8_192, max_output=512), "good": good.model("good", context=200_000)}
        model = door.make(entries)
        try:
            with door.one_loop(cell.mode) as ask:
                usual = _usual(ask, model, cell, extra)
                if fault.warm:
                    bad.always(fault)
                    ask(model, cell.mode, extra, "bad")
                    if fault.name == "idle_closed":
                        time.sleep(0.1)
                else:
                    bad.always(fault)
                _look(out, ask, model, bad, good, extra, usual)
        finally:
            model.close()
            _afterwards(out, bad, good)
    _judge(out, right, other)
    return out


def _usual(ask: Callable[..., Said], model: Any, cell: Cell, extra: dict[str, Any]) -> float:
    """Seconds of a healthy call, on a connection that is there."""
    ask(model, cell.mode, extra, "good")
    begun = time.monotonic()
    ask(model, cell.mode, extra, "good")
    return time.monotonic() - begun


def _look(out: Outcome, ask: Callable[..., Said], model: Any, bad: Any, good: Any, extra: dict[str, Any], usual: float) -> None:
    before = len(model.router.records()), len(bad.journal), len(good.journal), bad.journal.complete_answers
    begun = time.monotonic()
    try:
        out.said = ask(model, out.cell.mode, extra, None)
    except (RoutedError, ProviderError) as error:
        out.error = error
    out.lost = time.monotonic() - begun - usual
    records = model.router.records()[before[0] :]
    out.records = [record.as_dict() for record in records]
    out.recorded = sum(attempt.sent for record in records for attempt in record.attempts)
    out.cooling = any(d.model == "bad" and d.id in model.router.live.cooling for d in model.router.catalog.deployments)
    bad.journal.wait_until("requests", before[1] + (out.cell.fault.address == "plain" and out.cell.fault.reads), 0.5)
    out.asked_bad, out.asked_good = len(bad.journal) - before[1], len(good.journal) - before[2]
    out.complete = bad.journal.complete_answers + good.journal.complete_answers - before[3] - before[2]


def _afterwards(out: Outcome, bad: Any, good: Any) -> None:
    """Closed by us, before the providers drop everything."""
    until = time.monotonic() + 1.0
    while (open_now := bad.journal.open_connections + good.journal.open_connections) and time.monotonic() < until:
        time.sleep(0.002)
    out.left_open = open_now if out.cell.fault.address != "black_hole" else 0
    out.foreign = len(bad.journal.foreign) + len(good.journal.foreign)
    for provider, key in ((bad, BAD_KEY), (good, GOOD_KEY)):
        out.strange_keys += sum(told.headers.get("authorization") != f"Bearer {key}" for told in provider.journal if told.whole)


# --- what is right -----------------------------------------------------------------------------------------------------------


def _judge(out: Outcome, right: Healthy, other: Healthy) -> None:
    """Note what is wrong; nothing is fine."""
    cell, wrong, reaction = out.cell, out.wrong, out.cell.fault.reaction
    if reaction in ("next", "larger"):
        _whole(out, other)
    elif reaction in ("same", "take"):
        _whole(out, right)
    elif reaction == "raise":
        kinds = ("content_policy",) if 25 in cell.fault.rows else ("bad_request",)
        if not isinstance(out.error, CallFailed) or out.error.kind not in kinds:
            wrong.append(f"answer: {out.said} / {out.error!r} where an error of {kinds} is right")
    else:
        _partial(out, right)
    _bills(out)


def _bills(out: Outcome) -> None:
    cell, wrong, reaction = out.cell, out.wrong, out.cell.fault.reaction
    if len(out.records) != 1:
        wrong.append(f"records: {len(out.records)}")
    seen = out.asked_bad + out.asked_good
    # a connection that dies while the request arrives, or is made anew beneath an attempt, is seen without an attempt
    free = reaction == "same" or cell.fault.address != "plain"
    if seen != out.recorded and not (free and 0 <= seen - out.recorded <= 1):
        wrong.append(f"journal: {seen} requests, {out.recorded} attempts in the records")
    if out.asked_bad > cell.calls:
        wrong.append(f"calls: {out.asked_bad} to the faulty one")
    if out.asked_good > (reaction in ("next", "larger")):
        wrong.append(f"calls: {out.asked_good} to the healthy one")
    if out.complete > 1:
        wrong.append(f"billed twice: {out.complete} complete answers")
    if out.foreign or out.strange_keys:
        wrong.append(f"secrets: {out.foreign} requests at a foreign origin, {out.strange_keys} with another key")
    if out.left_open:
        wrong.append(f"open: {out.left_open} connections")
    for record in out.records:
        cost = record["cost_nanousd"]
        if cost is not None and not 0 <= cost < 10**9:
            wrong.append(f"cost: {cost}")


def _whole(out: Outcome, expected: Healthy) -> None:
    said, name = out.said, out.cell.fault.name
    if said is None:
        out.wrong.append(f"error: {out.error!r}")
        return
    if name.startswith("stream_tool_arguments"):
        if not said.invalid or said.calls:
            out.wrong.append(f"answer: {said.short()} where invalid tool calls are right")
        return
    calls = [(name, dict(arguments)) for name, arguments in expected.tool_calls]
    if name == "tool_arguments_huge" and out.cell.fault.reaction == "take":
        calls = [("get_weather", {"city": "Paris " * 180_000})]
    if (said.text, sorted(said.calls, key=str)) != (expected.text or "", sorted(calls, key=str)) or said.invalid:
        out.wrong.append(f"answer: {said.short()}")


def _partial(out: Outcome, expected: Healthy) -> None:
    error, cut = out.error, out.cell.fault.name == "stream_cut_by_length"
    if not isinstance(error, AnswerCut if cut else StreamBroken):
        shown = out.said.short() if out.said else repr(error)
        out.wrong.append(f"answer: {shown} where a broken stream is right")
        return
    partial = error.partial
    text = "x" if out.cell.fault.name == "huge_stream" else (expected.text or "")[:3]
    if expected.tool_calls:
        if not partial.tool_calls:
            out.wrong.append("partial: no tool call")
    elif not partial.text.startswith(text) or (out.said is not None):
        out.wrong.append(f"partial: {partial.text[:80]!r}")


# --- all of them -------------------------------------------------------------------------------------------------------------


def run_all(cells: Iterable[Cell], side_by_side: int = 24) -> list[Outcome]:
    """Cells in turn; those that wait for a clock side by side."""
    cells = list(cells)
    waiting = [cell for cell in cells if cell.kind == "stalls"]
    with ThreadPoolExecutor(side_by_side) as threads:
        late = list(threads.map(run, waiting))
    return [*map(run, [cell for cell in cells if cell.kind != "stalls"]), *late]


def in_a_loop(work: Any) -> Any:
    """Run a coroutine in a loop of its own."""
    return asyncio.run(work)


_ = Door  # the faces are of that class
