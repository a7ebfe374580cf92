"""What is measured of each deployment: the columns of the live state, and how a measurement changes them."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping
from math import ceil, nan

from routed_llm.results import Usage
from routed_llm.state.breaker import Breaker
from routed_llm.state.pace import Pace

__all__ = ["ALL_ANSWERS", "BEARS", "COLUMNS", "EWMA_WEIGHT", "NEVER", "DeploymentState"]

#: weight of the newest value in moving averages: about the last ten calls count
EWMA_WEIGHT = 0.2
#: answers as which the usual length of all counts in a deployment's own average, since one odd answer proves little; and those
#: that count at most in the average of one, and of all. More than of times, because lengths differ far more from call to call.
DOUBT, OWN_ANSWERS, ALL_ANSWERS = 5, 20, 200
#: durations from which percentiles are taken, and how many make the 95th more than the longest one (1 / (1 - 0.95))
WINDOW, ENOUGH = 100, 20
#: seconds after its newest duration for which a percentile counts. A choice: whoever was slow is tried again once a minute, a
#: small share of the calls where there are many.
LASTS = 60.0
#: a prompt's tokens are taken to be misjudged by no more than this factor either way: an odd call proves little of the next one
MISJUDGED = 4.0

#: a call is never late before, and always late behind, so many times the median duration: a choice; of answers whose lengths
#: differ as usual, the 95th percentile is two to three times the median
LATE = 1.5, 3.0
#: seconds before which no call is late: asking somebody else would take as long
SOONEST = 0.01

#: calls at once with which one waits twice as long, where nothing is known: a guess, which only has to keep all calls from
#: running to one deployment
BEARS = 32.0
#: the time of what never happened: later than any; and two times that differ by less are the same
NEVER, SAME = 1e300, 1e-6
#: the share of failed calls that counts at most: a deployment of which all fail still has a finite wait
MOST_ERRORS = 0.9

#: column -> its value before anything was measured; times in seconds, NaN is unknown.
#: ``latency``, ``first_content``, ``per_token`` (seconds for each token after the first content), ``errors`` (share of calls),
#: ``output`` (tokens of an answer, from what is usual on: see :data:`DOUBT`) and ``ratio`` (observed tokens of a prompt to
#: expected ones) are moving averages;
#: ``network`` seconds there and back, by the connections that were made; ``p95`` and ``p95_first``
#: percentiles of whole answers and first contents, and ``p95_until`` and ``p95_first_until`` the monotonic times until which
#: these count; ``at`` the monotonic time of the last answer;
#: ``room_...`` what the provider said that it still takes, until a time; ``minute_...`` the tokens of one monotonic minute.
#: Worked out of these for those who choose: ``start``, the expected wait for the first content; ``base`` and ``slope``, of
#: which a whole answer's wait is ``base + tokens * slope``; all three with the calls that have to be made again after a
#: failure, and so many times as long as the calls under way make it (``1 + load``). ``trust`` is how many calls at
#: once a deployment has shown that it can bear: one more than it answered since it failed last; and ``load`` the calls under
#: way divided by that, or by :data:`BEARS` where that is less.
COLUMNS: dict[str, float] = {
    "calls": 0.0,
    "in_flight": 0.0,
    "latency": nan,
    "first_content": nan,
    "per_token": nan,
    "errors": 0.0,
    "p95": nan,
    "p95_first": nan,
    "p95_until": nan,
    "p95_first_until": nan,
    "at": NEVER,
    "output": nan,
    "ratio": 1.0,
    "room_requests": nan,
    "room_tokens": nan,
    "room_until": nan,
    "network": nan,
    "minute": nan,
    "minute_tokens": 0.0,
    "start": nan,
    "base": nan,
    "slope": 0.0,
    "trust": 1.0,
    "load": 0.0,
}


class _Number:
    """A column's value of one deployment, as an attribute; None where it is unknown."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, state: DeploymentState, owner: type) -> float | None:
        value = state.columns[self.name][state.slot]
        return None if value != value else value


class _Count:
    """A column's value of one deployment that is a whole number."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, state: DeploymentState, owner: type) -> int:
        return int(state.columns[self.name][state.slot])

    def __set__(self, state: DeploymentState, value: int) -> None:
        state.columns[self.name][state.slot] = value


class _Percentile:
    """The 95th percentile (nearest rank) of the last :data:`WINDOW` durations.

    After a silence they begin anew (:meth:`renew`), because what was before may be over. Until there are enough again, the
    percentile is the old one, or the longest of the new ones where that is less: so one quick answer ends what an outage left
    behind, and one slow answer says nothing against whoever was quick.
    """

    __slots__ = ("_before", "_ranked", "_recent")

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._ranked: list[float] = []
        #: the durations before the last silence
        self._before: list[float] = []

    def renew(self) -> None:
        """Nothing was heard for long: begin anew."""
        if len(self._ranked) >= ENOUGH:
            self._before = self._ranked
        self._recent, self._ranked = deque(), []

    def add(self, seconds: float) -> float:
        """Note a duration; gives the percentile, NaN while there are too few."""
        ranked = self._ranked
        if len(ranked) >= WINDOW:
            del ranked[bisect_left(ranked, self._recent.popleft())]
        self._recent.append(seconds)
        insort(ranked, seconds)
        if len(ranked) >= ENOUGH:
            return _at(ranked, 0.95)
        return min(_at(self._before, 0.95), ranked[-1]) if self._before else nan

    @property
    def usual(self) -> tuple[float, float] | None:
        """The median and the 95th percentile of those that are enough, the old ones included; None while there are too few."""
        ranked = self._ranked if len(self._ranked) >= ENOUGH else self._before
        return (ranked[len(ranked) // 2], _at(ranked, 0.95)) if ranked else None


def _at(ranked: list[float], share: float) -> float:
    return ranked[ceil(share * len(ranked)) - 1]


class DeploymentState:
    """Live numbers of one deployment: its place in the columns, and what only dispatch looks at. The lock is the caller's."""

    __slots__ = (
        "_alone", "_answers", "_counted", "_firsts", "_wholes", "breaker", "columns", "failures_in_a_row", "id", "pace",
        "since", "slot",
    )  # fmt: skip

    calls = _Count()
    latency = _Number()
    first_content = _Number()
    per_token = _Number()
    errors = _Number()
    p95 = _Number()
    p95_first = _Number()
    output = _Number()
    ratio = _Number()

    def __init__(self, slot: int, columns: Mapping[str, array[float]], id: str = "") -> None:
        self.slot = slot
        self.columns = columns
        self.id = id
        self.failures_in_a_row = 0
        #: calls that began before this monotonic time say nothing of it: its name was another one's
        self.since = -NEVER
        self.breaker, self.pace = Breaker(), Pace()
        self._wholes, self._firsts = _Percentile(), _Percentile()
        #: ``start``, ``base`` and ``slope`` without the calls under way
        self._alone = nan, nan, 0.0
        #: whether ``ratio`` was measured
        self._counted = False
        #: answers in the average of their lengths
        self._answers = 0

    def renewed(self, now: float) -> DeploymentState:
        """A fresh one in its place, for another deployment of its name; calls under way are counted until they end."""
        for name, start in COLUMNS.items():
            if name not in ("in_flight", "calls"):
                self.columns[name][self.slot] = start
        fresh = DeploymentState(self.slot, self.columns, self.id)
        fresh.since = now - SAME
        fresh._wait()
        return fresh

    @property
    def firm_until(self) -> float:
        """Before this time not even a probe: the provider told when, or it cannot recover by itself."""
        return self.breaker.firm

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return int(self.columns["in_flight"][self.slot])

    @in_flight.setter
    def in_flight(self, calls: int) -> None:
        columns, slot = self.columns, self.slot
        columns["in_flight"][slot] = calls
        self._wait()

    def begin(self) -> None:
        """One more call is under way."""
        columns, slot = self.columns, self.slot
        columns["in_flight"][slot] += 1
        columns["calls"][slot] += 1
        self._wait()

    def end(self) -> None:
        """One call less is under way; one that was when the process forked is not counted."""
        flying, slot = self.columns["in_flight"], self.slot
        if flying[slot] > 0:
            flying[slot] -= 1
        self._wait()

    def answered(self, seconds: float, first_content: float | None, now: float | None, usage: Usage | None) -> None:
        """An answer came; see :meth:`routed_llm.state.memory.LiveState.succeeded`."""
        columns, slot = self.columns, self.slot
        columns["trust"][slot] += 1
        self._average("latency", seconds)
        self._noted("p95", self._wholes, seconds, now)
        columns["errors"][slot] *= 1 - EWMA_WEIGHT
        if now is not None:
            columns["at"][slot] = now
        if first_content is not None:
            self._average("first_content", first_content)
            self._noted("p95_first", self._firsts, first_content, now)
            if usage is not None and usage.output_tokens > 1 and seconds > first_content:
                self._average("per_token", (seconds - first_content) / usage.output_tokens)
        self._work_out()

    def _noted(self, name: str, durations: _Percentile, seconds: float, now: float | None) -> None:
        """One more duration of a percentile, which begins anew where it did not count any more."""
        columns, slot = self.columns, self.slot
        if now is not None:
            until = columns[f"{name}_until"]
            if now > until[slot]:
                durations.renew()
            until[slot] = now + LASTS
        columns[name][slot] = durations.add(seconds)

    def usually(self, stream: bool) -> float | None:
        """Seconds that a call takes at most, as a rule: :meth:`late_after`, and of too few calls as many times their average.

        None where nothing was measured.
        """
        if (late := self.late_after(stream)) is not None:
            return late
        mean = (self.first_content if stream else None) or self.latency
        return None if mean is None else LATE[1] * mean

    def late_after(self, stream: bool) -> float | None:
        """Seconds after which a call is late: the 95th percentile, of first contents for a ``stream``; None while unknown.

        Bounded by what an ordinary call takes: where every call takes the same, a trifle more is not late, and where more than
        5 of 100 are very slow, the percentile is itself one of those.
        """
        usual = (self._firsts if stream else self._wholes).usual
        if usual is None:
            return None
        median, p95 = usual
        return max(min(max(p95, LATE[0] * median), LATE[1] * median), SOONEST)

    def late(self, seconds: float, stream: bool) -> None:
        """See :meth:`routed_llm.state.memory.LiveState.late`."""
        limit = self.late_after(stream)
        if limit is not None and seconds >= limit:
            durations, name = (self._firsts, "p95_first") if stream else (self._wholes, "p95")
            self.columns[name][self.slot] = durations.add(seconds)

    def used(self, usage: Usage, expected: int | None, now: float | None, usual: float = nan) -> None:
        """Tokens that a call used, beside those that its prompt was ``expected`` to have, and those of ``usual`` answers."""
        if not usage.estimated:
            if usage.output_tokens > 0:
                self._wrote(usage.output_tokens, usual)
            if expected and usage.input_tokens > 0:
                self._misjudged(min(MISJUDGED, max(1 / MISJUDGED, usage.input_tokens / expected)))
        if now is not None:
            columns, slot, minute = self.columns, self.slot, now // 60
            if columns["minute"][slot] != minute:
                columns["minute"][slot], columns["minute_tokens"][slot] = minute, 0.0
            columns["minute_tokens"][slot] += usage.input_tokens + usage.output_tokens

    def others(self, answers: float, failures: float, seconds: float | None, first_content: float | None) -> None:
        """Other processes had so many answers and failures, which took so long on average: as if they had been had here."""
        columns, slot, keeps = self.columns, self.slot, 1 - EWMA_WEIGHT
        for name, value in (("latency", seconds), ("first_content", first_content)):
            if value is not None:
                old = columns[name][slot]
                columns[name][slot] = value if old != old else value + keeps**answers * (old - value)
        share = failures / (answers + failures)
        columns["errors"][slot] = share + keeps ** (answers + failures) * (columns["errors"][slot] - share)
        self._work_out()

    def _wrote(self, tokens: int, usual: float) -> None:
        """One more answer's length: the mean of all at first, as if a few of the usual length had been there before."""
        column, old = self.columns["output"], self.columns["output"][self.slot]
        if old != old and usual == usual:
            old, self._answers = usual, DOUBT
        self._answers = min(self._answers + 1, OWN_ANSWERS)
        column[self.slot] = _moved(old, tokens, 1 / self._answers)

    def _misjudged(self, ratio: float) -> None:
        """A prompt had so many times the expected tokens."""
        column, old = self.columns["ratio"], self.columns["ratio"][self.slot]
        column[self.slot] = old + EWMA_WEIGHT * (ratio - old) if self._counted else ratio
        self._counted = True

    def went_wrong(self) -> None:
        """A call failed, and its deployment is to blame."""
        self._average("errors", 1.0)
        self.columns["trust"][self.slot] = 1.0
        self._work_out()

    def told_room(self, requests: float | None, tokens: float | None, until: float) -> None:
        """The provider told what it still takes until a time."""
        for name, value in (("room_requests", requests), ("room_tokens", tokens), ("room_until", until)):
            self.columns[name][self.slot] = nan if value is None else value

    def _work_out(self) -> None:
        """The columns that follow from the others. A call that fails is made again: 1 / (1 - errors) calls for each answer."""
        columns, slot = self.columns, self.slot
        latency, first, per_token = columns["latency"][slot], columns["first_content"][slot], columns["per_token"][slot]
        calls = 1 / (1 - min(columns["errors"][slot], MOST_ERRORS))
        start = (latency if first != first else first) * calls
        if per_token != per_token:
            self._alone = start, latency * calls, 0.0
        else:
            self._alone = start, first * calls, per_token * calls
        self._wait()

    def _wait(self) -> None:
        """How long one waits with the calls that are under way now."""
        columns, slot = self.columns, self.slot
        load = columns["load"][slot] = columns["in_flight"][slot] / min(columns["trust"][slot], BEARS)
        start, base, slope = self._alone
        more = 1.0 + load
        columns["start"][slot], columns["base"][slot], columns["slope"][slot] = start * more, base * more, slope * more

    def _average(self, name: str, value: float) -> None:
        column, slot = self.columns[name], self.slot
        column[slot] = _moved(column[slot], value, EWMA_WEIGHT)


def _moved(average: float, value: float, weight: float) -> float:
    """A moving average after one more value, which it is itself where there was none."""
    return value if average != average else average + weight * (value - average)
