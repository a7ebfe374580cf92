"""The matrix: every fault of the kit, in every mode where it applies, through both doors and in front of a framework's object.

Each cell has one faulty deployment and a healthy one, and ``timeout=1``. Right is the whole answer or, where the fault's row
says so, the typed error with what had come; besides, what both providers saw must be what the records tell.
"""

import functools

import pytest
from cells import MODES, SLOWEST, cells_of, in_time, side_by_side
from doors import DOORS

from routed_llm.testing.faults import FAULTS

#: in the ordinary run, and with the marker `long`
BOTH_DOORS = [*cells_of("chat model"), *cells_of("llm")]
WRAPPED = cells_of("wrapped")


class Outcomes:
    """What came of the cells, each of which is run once: those that wait for a clock side by side."""

    def __init__(self, cells):
        self.cells, self.known = cells, {}

    def of(self, cell):
        if cell not in self.known:
            self._wait_for_clocks()
        if cell not in self.known or self.known[cell].late:
            self.known[cell] = in_time(cell)
        return self.known[cell]

    @functools.cache  # noqa: B019  # there are two of these
    def _wait_for_clocks(self):
        self.known |= {out.cell: out for out in side_by_side([cell for cell in self.cells if cell.waits])}


@pytest.fixture(scope="module")
def both_doors():
    return Outcomes(BOTH_DOORS)


@pytest.fixture(scope="module")
def wrapped():
    return Outcomes(WRAPPED)


def check(outcomes, name):
    for cell in outcomes.cells:
        if cell.fault.name == name:
            out = outcomes.of(cell)
            assert out.wrong == [], str(cell)
            assert not out.late, f"{cell}: {out.lost:.3f} s lost, {SLOWEST[cell.kind]} may be"


def check_all(outcomes):
    """The sums over all cells; what they are is printed."""
    outs = [outcomes.of(cell) for cell in outcomes.cells]
    right, silent = sum(not out.wrong for out in outs), sum(out.silent for out in outs)
    calls = [out.asked_bad for out in outs]
    told = [
        f"{len(outs)} cells: {right} right, {silent} wrong in silence",
        f"calls to the faulty one: {sum(calls) / len(calls):.2f} on average, {max(calls)} at most",
    ]
    for kind, most in SLOWEST.items():
        lost = sorted(out.lost for out in outs if out.cell.kind == kind)
        told.append(f"{kind}: {len(lost)} cells, {lost[len(lost) // 2]:.3f} s lost (median), {lost[-1]:.3f} at most, of {most}")
    print("\n".join(told))  # noqa: T201  # shown with -rP
    assert (right, silent) == (len(outs), 0)
    assert all(out.asked_bad <= out.cell.calls for out in outs)
    assert not any(out.foreign or out.strange_keys or out.left_open for out in outs)


def test_it_has_every_fault_in_every_mode_and_both_doors():
    assert {row for cell in BOTH_DOORS for row in cell.fault.rows} == {*range(1, 52), 82}
    for door in ("chat model", "llm"):
        run = {(cell.fault.name, cell.mode) for cell in BOTH_DOORS if cell.door == door}
        assert run == {(name, mode) for name, fault in FAULTS.items() for mode in MODES if fault.applies_to(mode)}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(fault, both_doors):
    check(both_doors, fault)


def test_all_cells_are_right_and_none_is_wrong_in_silence(both_doors):
    check_all(both_doors)


@pytest.mark.long
@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in DOORS["wrapped"].hidden])
def test_fault_of_a_frameworks_object(fault, wrapped):
    check(wrapped, fault)


@pytest.mark.long
def test_all_cells_of_a_frameworks_object_are_right_and_none_is_wrong_in_silence(wrapped):
    check_all(wrapped)
