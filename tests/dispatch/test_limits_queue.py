"""The queue before deployments at their limit, on a time that is given: fair, by priority, without loss, whatever happens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.dispatch import queue as queues
from routed_llm.dispatch.queue import AGEING, LOOK, InLine, Queue, Wanted, rank
from routed_llm.state.limiter import Full, Limiter, Place

EVER = float("inf")


class Deployment:
    def __init__(self, id, **limits):
        self.id, self.limits = id, limits


class Waiter:
    """Counts how often it was woken; ``gone``: its event loop is closed."""

    def __init__(self):
        self.woken, self.gone = 0, False

    def wake(self):
        self.woken += 1
        return not self.gone


class Room:
    """A queue, its time, and callers who look whenever they are woken or their time has come."""

    def __init__(self, *deployments):
        self.limiter = Limiter()
        self.queue = Queue(lambda: self.limiter)
        self.deployments = deployments
        self.now = 100.0
        self.callers, self.served = [], []

    def stand(self, *deployments, priority=None, tokens=0, deadline=None, name=None):
        wanted = [Wanted(d, tokens) for d in deployments or self.deployments]
        until = self.now + (120.0 if deadline is None else deadline)
        caller = InLine(wanted, rank(priority, self.now), until, Waiter(), latest=-EVER if deadline is None else until)
        caller.waiter.name = name or len(self.callers)
        assert self.queue.join(caller, self.now)
        self.callers.append(caller)
        self.settle()
        return caller

    def settle(self):
        """Let everybody look who was woken, or whose time it is, until nobody moves."""
        moved = True
        while moved:
            moved = False
            for caller in self.callers[:]:
                if caller.waiter.woken or caller.asleep <= self.now:
                    caller.waiter.woken, moved = 0, True
                    if self.queue.look(caller, self.now) is None:
                        self.callers.remove(caller)
                        if caller.place is not None:
                            self.served.append(caller)

    def end(self, caller):
        self.queue.end(caller.place, 1, caller.wanted[0].tokens, self.now)
        self.settle()

    def later(self, seconds):
        self.now += seconds
        self.settle()

    def names(self):
        return [caller.waiter.name for caller in self.served]


ONE = Deployment("one", concurrent=1)


def test_first_come_first_served_within_a_priority_and_higher_ones_before():
    room = Room(ONE)
    first = room.stand(name="first")
    for name, priority in [("a", None), ("low", "low"), ("b", "normal"), ("high", "high"), ("critical", "critical")]:
        room.stand(name=name, priority=priority)
    room.end(first)
    while room.callers:
        room.end(room.served[-1])
    assert room.names() == ["first", "critical", "high", "a", "b", "low"]


def test_nobody_starves():
    room = Room(ONE)
    room.stand(name="first")
    room.stand(name="low", priority="low")
    for number in range(30):  # a critical call each 2 s, and as long as each takes
        room.stand(name=number, priority="critical")
        room.later(2.0)
        room.end(room.served[-1])
        if "low" in room.names():
            break
    assert 3 * AGEING - 4 <= number * 2 <= 3 * AGEING + 4


def test_who_comes_new_does_not_overtake():
    room = Room(ONE)
    first = room.stand(name="first")
    room.stand(name="second")
    assert room.queue.enter(Wanted(ONE, 0), rank(None, room.now), room.now) == Full("concurrent")
    room.queue.end(first.place, 1, 0, room.now)  # before the second could look, the place is its own
    assert room.queue.enter(Wanted(ONE, 0), rank(None, room.now), room.now) == Full("concurrent")
    room.settle()
    assert room.names() == ["first", "second"]


def test_a_large_call_is_not_starved_by_small_ones():
    one = Deployment("one", tokens_per_minute=1_000)
    room = Room(one)
    room.stand(tokens=600, deadline=100, name="first")
    room.stand(tokens=900, deadline=100, name="large")
    found = room.queue.enter(Wanted(one, 10), rank(None, room.now), room.now)
    assert found.why == "line"
    assert 59 < found.until - room.now < 62
    assert isinstance(room.queue.enter(Wanted(one, 10), rank("critical", room.now), room.now), Place)  # a higher one may
    room.later(30)
    room.later(31)
    assert room.names() == ["first", "large"]


def test_who_may_not_wait_for_a_window_is_turned_away_when_that_is_all_there_is():
    one = Deployment("one", requests_per_minute=2, concurrent=1)
    room = Room(one)
    first = room.stand(name="first")
    room.stand(name="second")
    third, patient = room.stand(name="third"), room.stand(name="patient", deadline=100)
    in_a_hurry = room.stand(name="hurry", deadline=20)
    room.end(first)  # the second is served, and with it the window is used up
    room.end(room.served[-1])
    assert room.names() == ["first", "second"]
    assert third.turned_away
    room.later(LOOK)
    assert in_a_hurry.turned_away
    assert patient.in_line
    room.later(62)
    assert room.names()[-1] == "patient"


def test_a_place_that_was_given_to_somebody_who_leaves_goes_to_the_next():
    room = Room(ONE)
    first, second, third = room.stand(), room.stand(), room.stand()
    room.callers.clear()
    room.queue.end(first.place, 1, 0, room.now)
    assert second.place is not None
    room.queue.leave(second, room.now)  # woken and cancelled at the same time
    assert third.place is not None
    room.queue.leave(second, room.now)
    assert room.limiter.running("one") == 1


def test_a_place_is_not_given_to_an_event_loop_that_is_gone():
    room = Room(ONE)
    first, second, third = room.stand(), room.stand(), room.stand()
    second.waiter.gone = True
    room.end(first)
    assert third.place is not None
    assert second.place is None


def test_each_serves_where_there_is_room_and_in_its_own_order():
    one, two = Deployment("one", concurrent=1), Deployment("two", concurrent=1)
    room = Room(one, two)
    first, second = room.stand(), room.stand()
    assert [c.place.deployment_id for c in (first, second)] == ["one", "two"]
    room.stand(one, name="one only")
    room.stand(two, one, name="any")
    room.end(second)
    assert room.names()[-1] == "any"
    room.end(first)
    assert room.names()[-1] == "one only"


def test_the_line_is_bounded(monkeypatch):
    monkeypatch.setattr(queues, "LONGEST", 3)
    room = Room(ONE)
    for _ in range(4):
        room.stand()
    assert not room.queue.join(InLine([Wanted(ONE, 0)], 0.0, 200.0, Waiter(), latest=-EVER), room.now)


def test_only_who_can_go_is_woken():
    room = Room(Deployment("one", requests_per_minute=1))
    room.stand()
    callers = [room.stand(deadline=1_000) for _ in range(50)]
    for caller in callers:
        caller.waiter.woken = 0
    room.now += 61
    assert room.queue.look(callers[0], room.now) is None
    assert [caller.waiter.woken for caller in callers] == [1, *[0] * 49]


def test_in_a_forked_process_nobody_stands_in_line():
    room = Room(ONE)
    room.stand()
    second = room.stand()
    room.limiter.after_fork()
    room.queue.after_fork()
    assert room.queue.look(second, room.now) is None
    assert isinstance(room.queue.enter(Wanted(ONE, 0), 0.0, room.now), Place)


steps = st.lists(
    st.tuples(
        st.sampled_from(["stand", "stand", "enter", "end", "end", "leave", "later", "gone"]),
        st.integers(0, 2**16),
        st.sampled_from([None, None, "low", "high", "critical"]),
        st.integers(1, 12),
        st.sampled_from([None, 5, 90, 300]),
        st.floats(0, 25),
    ),
    max_size=60,
)
POOL = (
    Deployment("a", concurrent=2),
    Deployment("b", requests_per_minute=5),
    Deployment("c", tokens_per_minute=20, concurrent=3),
)


def check_line(steps):
    """Limits hold at all times, nobody overtakes, who could go is never left in line, and at the end nothing is held."""
    room, running, began = Room(*POOL), [], []

    def note(place):
        running.append(place)
        began.append((room.now, place))
        for d in POOL:
            if (most := d.limits.get("concurrent")) is not None:
                assert sum(each.deployment_id == d.id for each in running) <= most
            recent = [p for t, p in began if p.deployment_id == d.id and t > room.now - 60]
            assert len(recent) <= d.limits.get("requests_per_minute", EVER)
            assert sum(p.tokens for p in recent) <= d.limits.get("tokens_per_minute", EVER)

    for what, number, priority, tokens, deadline, seconds in steps:
        before, line = len(room.served), sorted(room.callers)
        wanted = [d for place, d in enumerate(POOL) if number >> place & 1] or [POOL[number % 3]]
        if what == "stand":
            room.stand(*wanted, priority=priority, tokens=tokens, deadline=deadline)
        elif what == "enter":
            place_in_line = rank(priority, room.now)
            found = room.queue.enter(Wanted(wanted[0], tokens), place_in_line, room.now)
            if isinstance(found, Place):
                assert not any(
                    c.rank <= place_in_line and c.in_line and wanted[0] in [w.deployment for w in c.wanted] for c in line
                )
                note(found)
        elif what == "end" and running:
            place = running.pop(number % len(running))
            room.queue.end(place, 1, None, room.now)
        elif what == "leave" and line:
            room.callers.remove(line[number % len(line)])
            room.queue.leave(line[number % len(line)], room.now)
        elif what == "gone" and line:
            line[number % len(line)].waiter.gone = True
        elif what == "later":
            room.now += seconds
        room.settle()
        for caller in room.served[before:]:
            note(caller.place)
        first = next(iter(sorted(room.callers)), None)
        if first is not None:  # who could go was woken
            assert all(isinstance(room.limiter.take(*each, room.now), Full) for each in first.wanted)
            assert first.asleep <= room.now + LOOK
    for caller in room.callers[:]:
        room.queue.leave(caller, room.now)
    for place in running:
        room.queue.end(place, 1, 0, room.now)
    for caller in room.callers:
        if caller.place is not None:
            room.queue.leave(caller, room.now)
    assert len(room.queue) == 0
    assert not room.queue._wanting
    assert all(room.limiter.running(d.id) == 0 for d in POOL)


@settings(max_examples=1_000, deadline=None)
@given(steps=steps)
def test_the_line_whatever_happens(steps):
    check_line(steps)


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=10_000, deadline=None)
@given(steps=steps)
def test_the_line_whatever_happens_ten_times(steps):
    check_line(steps)
