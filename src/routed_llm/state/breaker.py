"""When a deployment is left alone, and how it comes back: plain code on injected time.

``closed``: it takes calls. Each answer and each failure moves a score, a moving average in which a failure counts 1 and a slow
answer :data:`SLOW`. With the weight :data:`WEIGHT` one failure out of the blue makes 0.2, two in a row 0.36, and six slow
answers in a row 0.37: above :data:`OPEN` it is left alone. So one failure never benches, the second in a row does, and where a
third of the calls fail, or two thirds are slow, it is left alone as well. These three numbers are a choice; their form is that
of Envoy's outlier detection (consecutive failures) and of resilience4j's slow calls, in one number. Failures that tell by
themselves that the next call would fail as well open it at once: nobody listens, throttled, no quota, a refused key.

``open``: it takes no call until a time. Benches last 1 s, and twice as long after each failed probe, to 30 s, jittered by up to
a fifth either way; a time that the provider told holds exactly, and where the probe after it fails as well, at least as long as
benches have grown. A bench may be extended, never shortened. What fails, but began
before the bench, tells nothing new: a herd of failures counts once. Benches begin at 1 s again when the deployment has worked
for as long as it was left alone last, and at least :data:`SUSTAINED` seconds.

``half-open``: its time is over, and one call is let in as the probe; the token of one that never comes back expires.

``warming``: the probe succeeded. Two calls at once are let in, and twice as many after each success, for :data:`WARMING`
seconds at most; then it is closed. A failure meanwhile opens it again, for twice as long.

One that is benched only because it is slow (``soft``) is used all the same when nobody else is left.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["CLAMP", "FIRST", "FOREVER", "LONGEST", "WARMING", "Blow", "Breaker", "BreakerState"]

BreakerState = Literal["closed", "open", "half-open", "warming"]

#: weight of the newest call in the score, the score above which a deployment is left alone, and what a slow answer counts
WEIGHT, OPEN, SLOW = 0.2, 0.35, 0.5
#: the share of failures in the score below which slowness alone is to blame
FAILING = 0.1
#: seconds: the first bench and the longest, before jitter
FIRST, LONGEST = 1.0, 30.0
#: a bench lasts so many times as long, or as short, at most
JITTER = 0.2
#: the longest wait that a provider may ask for, in seconds; then it is simply asked again
CLAMP = 60.0
#: until the configuration changes
FOREVER = float("inf")
#: seconds that it takes to trust a deployment again, at most, and calls at once with which it is trusted
WARMING, TRUSTED = 1.0, 64
#: seconds that a deployment must have worked at least before benches begin anew
SUSTAINED = 5.0
#: seconds after which a probe that never came back is no longer waited for
TOKEN = 120.0
#: two times that differ by less are the same
_SAME = 1e-6
_NEVER = float("-inf")


class Blow(NamedTuple):
    """What a failure says of its deployment.

    ``at_once``: it is left alone for that one failure. ``seconds``: for how long exactly; None where that grows. ``why`` in a
    few words. ``jitter`` is a random number from 0 to 1.
    """

    at_once: bool
    seconds: float | None = None
    why: str = ""
    jitter: float = 0.5


class Breaker:
    """The breaker of one deployment; see the module. The lock is the caller's, and so is the time (monotonic seconds).

    ``calm`` tells that it is closed: then there is nothing to ask. ``until`` is when the last bench ends or ended, ``firm``
    before when not even a probe is let in, ``soft`` that it was only slow, ``why`` what opened it, ``probed_at`` when the last
    probe began, and ``pool_probed_at`` when one began at somebody of a pool to which it belongs. Methods that can open or close
    it give True when they did, or when more calls are let in.
    """

    __slots__ = (
        "_failing", "_probe_until", "_seconds", "_token", "_well_since", "calm", "firm", "level", "opened", "pool_probed_at",
        "probed_at", "room", "score", "soft", "until", "warm_until", "why",
    )  # fmt: skip

    def __init__(self) -> None:
        self.calm = True
        self.score = self._failing = 0.0
        self.level = 0
        self.opened = self.until = self.firm = self.probed_at = self.warm_until = _NEVER
        self.pool_probed_at = self._token = self._probe_until = self._well_since = _NEVER
        self._seconds = 0.0
        #: calls at once that are let in while it is warming; 0 before
        self.room = 0
        self.soft = False
        self.why = ""

    def condition(self, now: float) -> BreakerState:
        """How it stands."""
        if self.calm or (self.room and now >= self.warm_until):
            return "closed"
        if now < self.until:
            return "open"
        return "warming" if self.room else "half-open"

    def probing(self, now: float) -> bool:
        """Whether a probe is under way."""
        return now < self._probe_until

    def to_probe(self, now: float) -> bool:
        """Whether the next call is let in as the probe."""
        return self.condition(now) == "half-open" and self._probe_until <= now

    def may_enter(self, now: float, in_flight: int, last: bool) -> bool:
        """Whether :meth:`enter` would let a call in."""
        condition = self.condition(now)
        if condition == "open":
            return last and self.soft and self.firm <= now
        if condition == "half-open":
            return self._probe_until <= now or (last and self.soft)
        return condition == "closed" or last or in_flight < self.room

    def enter(self, now: float, in_flight: int, last: bool = False) -> float | None:
        """Let a call in that begins now; else the time from which it may ask again.

        ``last``: nobody else is left, so that neither slowness nor warming up is a reason to refuse.
        """
        if self.calm:
            return None
        condition = self.condition(now)
        if condition == "closed":
            self._close()
            return None
        if not self.may_enter(now, in_flight, last):
            return self.until if condition == "open" else self._probe_until if condition == "half-open" else self.warm_until
        if condition == "half-open" and self._probe_until <= now:
            self._take_token(now)
        return None

    def again(self, now: float, every: float) -> float:
        """In how many seconds it may be tried again, where a pool is probed each ``every`` seconds; infinite where never."""
        if self.firm > now:
            return self.firm - now
        if self.condition(now) in ("closed", "warming"):
            return 0.0
        pool = max(self.probed_at, self.pool_probed_at) + every
        return max(0.0, (min(self.until, pool) if self.until > now else pool) - now)

    def force(self, now: float) -> None:
        """A call goes in as a probe, although its time has not come: everybody is benched."""
        if self._probe_until <= now:
            self._take_token(now)
        self.probed_at = now

    def _take_token(self, now: float) -> None:
        self.probed_at, self._token, self._probe_until = now, now, now + TOKEN

    def gave_back(self, began: float) -> None:
        """A call that began at a time ended, whichever way: if it was the probe, another may be let in. Changes one number."""
        if began - _SAME <= self._token <= began + _SAME:
            self._probe_until = _NEVER

    def probed_elsewhere(self, until: float) -> None:
        """Another process probes, and has not told the outcome before a time."""
        self._probe_until = max(self._probe_until, until)

    def forked(self) -> None:
        """In the child of a fork: the probe is the parent's."""
        self._probe_until = _NEVER

    def worked(self, began: float, now: float, slow: bool = False) -> bool:
        """A call that began at a time was answered."""
        self.gave_back(began)
        if self.calm:
            if slow or self.score:
                return self._scored(SLOW if slow else 0.0, now, Blow(False, None, "its answers came late"))
            return False
        if began < self.opened - _SAME or now < self.firm:
            return False  # it says nothing of the time since, or not even that may shorten what was told
        if slow and self.soft:
            return now >= self.until and self._bench(now, Blow(True, None, self.why), soft=True)
        if not self.room:
            self.until, self.room = min(self.until, now), 2
            self._well_since, self.warm_until = now, now + WARMING
        else:
            self.room *= 2
        if self.room > TRUSTED or now >= self.warm_until:
            self._close()
        return True

    def failed(self, began: float, now: float, blow: Blow) -> bool:
        """A call that began at a time failed, and the deployment is to blame."""
        self.gave_back(began)
        if blow.seconds is not None:
            return self._told(began, now, blow, now + blow.seconds)
        if began < self.opened - _SAME:
            return False
        if not self.calm:
            if now < self.until:  # a probe before its time: the bench goes on
                return False
            return self._bench(now, blow)
        if blow.at_once:
            return self._bench(now, blow)
        return self._scored(1.0, now, blow)

    def _told(self, began: float, now: float, blow: Blow, until: float) -> bool:
        """Leave it alone until a time that the provider told; longer where that has proved too short."""
        again = not self.calm and not self.room and now >= self.until and began >= self.opened - _SAME
        if self.calm and not self._relapses(now):
            self.level = 0
        changed = self.hold(now, until, blow.why)
        if again:
            changed = self._bench(now, blow)
            self._seconds = self.until - now
        return changed

    def hold(self, now: float, until: float, why: str, *, firm: bool = True, soft: bool = False) -> bool:
        """Leave it alone until a time that somebody told; what holds longer goes on."""
        if firm:
            self.firm = max(self.firm, until)
        if until <= self.until and not self.calm and not self.room:
            return False
        if self.calm or self.room or now >= self.until:
            self.opened, self.soft = now, soft
        self.until = max(self.until, until)
        self._seconds = self.until - now
        self.why, self.calm, self.room = why, False, 0
        self.soft = self.soft and soft
        return True

    def free(self) -> None:
        """It takes calls again, by somebody's word: nothing is remembered."""
        self.firm = self.until = self._probe_until = self._well_since = _NEVER
        self.level = 0
        self._close()

    def _scored(self, value: float, now: float, blow: Blow) -> bool:
        self._failing += WEIGHT * ((value == 1.0) - self._failing)
        self.score += WEIGHT * (value - self.score)
        if self.score < 0.001:
            self.score = 0.0
        return self.score > OPEN and value > 0 and self._bench(now, blow, soft=self._failing < FAILING)

    def _bench(self, now: float, blow: Blow, *, soft: bool = False) -> bool:
        """Leave it alone, longer where it did not work for long."""
        self.level = min(self.level + 1, 10) if not self.calm or self._relapses(now) else 0
        self._seconds = min(FIRST * 2**self.level, LONGEST) * (1 + JITTER * (2 * blow.jitter - 1))
        self.opened, self.until = now, max(self.until, now + self._seconds)
        self.calm, self.room, self.soft, self.why = False, 0, soft, blow.why
        return True

    def _relapses(self, now: float) -> bool:
        """Whether it has not worked for long since it was left alone last."""
        return now < self._well_since + max(SUSTAINED, self._seconds)

    def _close(self) -> None:
        self.calm, self.room, self.soft = True, 0, False
        self.score = self._failing = 0.0
