"""The cells of the fault matrix: one faulty and one healthy deployment, one fault, one way to ask, and what came of it.

A cell is told as data, so that a test asserts it and a table is made of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from doors import DOORS, Said
from pydantic import BaseModel

from routed_llm.errors import AnswerCut, CallFailed, ProviderError, RoutedError, StreamBroken
from routed_llm.testing.faults import FAULTS, TOOL_CALLS, Fault, FaultyProvider, Healthy
from routed_llm.testing.faults.answers import pieces
from routed_llm.testing.faults.fault import Reaction

__all__ = ["MODES", "SLOWEST", "Cell", "Outcome", "cells_of", "in_time", "run", "side_by_side"]

TEXT = Healthy().text
GOOD = "The other one answers: forty-two, sûrement 🎈."
PERSON, OTHER = '{"name": "Ada Lovelace"}', '{"name": "Grace Hopper"}'
BAD_KEY, GOOD_KEY = "key-of-the-faulty", "key-of-the-healthy"
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {key: {"type": "string"}}}}}
    for name, key in (("get_weather", "city"), ("get_time", "zone"))
]
#: seconds that a call may lose: to faults that answer, to those that stall, to answers without end, and to right ones that
#: take their time
SLOWEST = {"answers": 0.05, "stalls": 1.3, "endless": 5.0, "long": 1.0}
#: right answers that take their time: a pause after each CR, and a MiB of which LangChain reads the sum at each piece
LONG = ("split_line_ends", "tool_arguments_huge")
#: what answers without end repeat
ENDLESS = {"stream_endless": pieces(TEXT)[0], "huge_stream": "x"}
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
        if self.fault.name in ENDLESS:
            return "endless"
        if self.fault.name in LONG:
            return "long"
        return "stalls" if self.fault.stalls else "answers"

    @property
    def waits(self) -> bool:
        """Whether it does little but wait."""
        return self.kind == "stalls" or self.fault.name == "stream_endless"

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
    slowness: float = 1.0
    asked_bad: int = 0
    asked_good: int = 0
    recorded: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)
    foreign: int = 0
    strange_keys: int = 0
    left_open: int = 0
    complete: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def silent(self) -> bool:
        """Whether an answer was given that is not right, without an error."""
        return self.error is None and any(told.startswith("answer:") for told in self.wrong)

    @property
    def late(self) -> bool:
        """Whether it lost more time than its kind of fault may cost, on this machine at that time."""
        return self.lost > SLOWEST[self.cell.kind] * self.slowness


def cells_of(door: str, faults: Iterable[Fault] = tuple(FAULTS.values()), modes: Iterable[str] = MODES) -> list[Cell]:
    """The cells of a door where the fault applies, and can be seen."""
    sees = DOORS[door].sees
    return [Cell(fault, door, mode) for fault in faults for mode in modes if fault.applies_to(mode) and sees(fault, mode)]


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


def in_time(cell: Cell, tries: int = 5) -> Outcome:
    """Run a cell; again where it is late, as on a machine that others use as well, where even a right answer may time out."""
    out = run(cell)
    while out.late and (tries := tries - 1):
        again, slow = run(cell), max(out.slowness, slowness())
        out = min(out, again, key=lambda each: each.lost)
        out.slowness = slow
    return out


def slowness() -> float:
    """How many times as long as on a quiet machine work takes now: the wall clock's time over the thread's own."""
    began, own = time.monotonic(), time.thread_time()
    while (used := time.thread_time() - own) < 0.05:
        pass
    return max(1.0, (time.monotonic() - began) / used)


def side_by_side(cells: Iterable[Cell], threads: int = 24) -> list[Outcome]:
    """Run cells that wait for a clock, so many at once."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, cells))


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
    out.recorded = sum(attempt.sent + attempt.resent for record in records for attempt in record.attempts)
    bad.journal.wait_until("requests", before[1] + (out.cell.fault.address == "plain" and out.cell.fault.reads), 0.5)
    out.asked_bad, out.asked_good = len(bad.journal) - before[1], len(good.journal) - before[2]
    out.complete = bad.journal.complete_answers + good.journal.complete_answers - before[3] - before[2]


def _afterwards(out: Outcome, bad: Any, good: Any) -> None:
    """Closed by us, before the providers drop everything."""
    kept = DOORS[out.cell.door].keeps_connections
    until = time.monotonic() + 1.0
    while (open_now := _open(bad.journal, kept) + _open(good.journal, False)) and time.monotonic() < until:
        time.sleep(0.002)
    out.left_open = open_now if out.cell.fault.address != "black_hole" else 0
    out.foreign = len(bad.journal.foreign) + len(good.journal.foreign)
    for provider, key in ((bad, BAD_KEY), (good, GOOD_KEY)):
        out.strange_keys += sum(told.headers.get("authorization") != f"Bearer {key}" for told in provider.journal if told.whole)


def _open(journal: Any, kept: bool) -> int:
    """Connections that are open; of a client that keeps them, those with an answer that did not end."""
    return sum(not told.done for told in journal.all_requests) if kept else journal.open_connections


# --- what is right -----------------------------------------------------------------------------------------------------------


def _judge(out: Outcome, right: Healthy, other: Healthy) -> None:
    """Note what is wrong; nothing is fine."""
    fault = out.cell.fault
    _judge_as(out, fault.reaction, right, other)
    if out.wrong and (also := DOORS[out.cell.door].also.get(fault.name)) is not None:
        out.wrong.clear()
        _judge_as(out, also, right, other)


def _judge_as(out: Outcome, reaction: Reaction, right: Healthy, other: Healthy) -> None:
    if reaction in ("next", "larger"):
        _whole(out, other)
    elif reaction in ("same", "take"):
        _whole(out, right)
    elif reaction == "raise":
        kind = "content_policy" if 25 in out.cell.fault.rows else "bad_request"
        if not isinstance(out.error, CallFailed) or out.error.kind != kind:
            out.wrong.append(f"answer: {out.said} / {out.error!r} where an error of the kind {kind} is right")
    else:
        _partial(out, right)
    _bills(out, reaction)


def _bills(out: Outcome, reaction: Reaction) -> None:
    cell, wrong = out.cell, out.wrong
    if len(out.records) != 1:
        wrong.append(f"records: {len(out.records)}")
    seen = out.asked_bad + out.asked_good
    # an address that is no provider's may see a part of a request
    free = cell.fault.address != "plain"
    # an object that is cancelled while it connects does not tell whether it had sent
    unsure = cell.fault.address == "black_hole" and DOORS[cell.door].keeps_connections
    if seen != out.recorded and not (free and -unsure <= seen - out.recorded <= 1):
        wrong.append(f"journal: {seen} requests, {out.recorded} attempts in the records")
    if out.asked_bad > cell.calls:
        wrong.append(f"calls: {out.asked_bad} to the faulty one")
    if out.asked_good > (reaction in ("next", "larger")):
        wrong.append(f"calls: {out.asked_good} to the healthy one")
    if out.complete > 1 and out.cell.fault.whole == (reaction == "take"):  # a client that cannot read a right answer pays twice
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
    partial, piece = error.partial, ENDLESS.get(out.cell.fault.name)
    if expected.tool_calls:
        # the pieces of a framework's own object are not looked into
        if not partial.tool_calls and not DOORS[out.cell.door].keeps_connections:
            out.wrong.append("partial: no tool call")
        return
    begins = not partial.text.replace(piece, "") if piece else (expected.text or "").startswith(partial.text)
    if not partial.text or not begins:
        out.wrong.append(f"partial: {partial.text[:80]!r}")
