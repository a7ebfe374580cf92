"""Deployments that are left alone by all processes.

That is told at once, heard four times in a beat, and ended by whoever finds that a deployment works again. A process compares
what it knows with what it knew: what is new is told, what others told is taken over. A deployment that is to be tried again is
tried by one process at a time: whoever has its token.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from routed_llm.state.exchange import Exchange
from routed_llm.state.store import Refused, Store

if TYPE_CHECKING:
    from routed_llm.state.shared import SharedLive

__all__ = ["Bench", "SharedBenches"]

#: the longest that a deployment is left alone because another process said so: what only a new configuration ends
#: must not keep out a process that has one
LONGEST = 600.0
#: seconds after which a process that died with a token has lost it
TOKEN = 2.0
#: seconds after which a token is given back that nobody tries with, and for which it is believed that another has it
_UNUSED, _BELIEVED = 0.1, 0.05
#: seconds after the end of a bench in which many want to try at once
_HERD = 1.0
#: seconds that two times of one event may differ
_SAME = 0.05
_RECORD = re.compile(r"(\d{1,15})\|([0-2])\|(\d{1,3})\|(\d{1,15})\|([^\x00-\x1f]{0,200})")
_FIRM, _SOFT = 1, 2


class Bench(NamedTuple):
    """A bench as the store has it; times in its own seconds. ``until`` 0 says that the deployment works again."""

    until: float
    kind: int
    level: int
    began: float
    why: str
    text: str

    @property
    def firm(self) -> bool:
        """Whether not even a probe is let in before its end."""
        return self.kind == _FIRM

    @property
    def soft(self) -> bool:
        """Whether the deployment was only slow."""
        return self.kind == _SOFT


class SharedBenches:
    """The benches of one live state among those of other processes.

    Args:
        live: that leaves deployments alone.
        exchange: that tells it.
    """

    pace = 1

    def __init__(self, live: SharedLive, exchange: Exchange) -> None:
        self._live = live
        self._exchange = exchange
        #: id -> the monotonic time until when it is left alone, as the others know
        self._known: dict[str, float] = {}
        #: name -> the record that was told or heard last
        self._records: dict[str, Bench] = {}
        #: ids of which this process has the token, and since when
        self._tokens: dict[str, float] = {}

    def beat(self, store: Store) -> None:
        """Tell what is new, hear what others told, and keep the tokens of probes under way."""
        refused: Refused | None = None
        try:
            self.tell(store)
        except Refused as error:  # a store that is full can still be read
            refused = error
        now, told = store.benches()
        self._exchange.ahead = now - self._live.now()
        for name, text in told:
            record = _read(text)
            if record is None:
                self._exchange.foreign += 1
            elif (deployment_id := self._live.names.id(name)) is not None:
                self._hear(deployment_id, name, record, now)
        for deployment_id in list(self._tokens):
            if not store.renew(self._token(deployment_id), self._exchange.process, TOKEN):
                self._tokens.pop(deployment_id, None)
        if refused is not None:
            raise refused

    def tell(self, store: Store) -> None:
        """Tell whom this process leaves alone, and whom no longer, and give back the tokens of probes that ended."""
        live, known = self._live, self._known
        now, cooling = live.now(), live.cooling
        for deployment_id, until in cooling.items():
            if until > now and until > known.get(deployment_id, -math.inf) + _SAME:
                self._tell(store, deployment_id, until, now)
        for deployment_id in [each for each in known if each not in cooling]:
            name = live.names.name(deployment_id)
            record = self._records.get(name)
            if record is not None and record.until:
                store.free(name, record.text)
            known.pop(deployment_id, None)
        for deployment_id, since in list(self._tokens.items()):
            if now - since > _UNUSED and not live.of(deployment_id).breaker.probing(now):
                self._tokens.pop(deployment_id, None)
                store.let_go(self._token(deployment_id), self._exchange.process)

    def _tell(self, store: Store, deployment_id: str, until: float, now: float) -> None:
        name, breaker = self._live.names.name(deployment_id), self._live.of(deployment_id).breaker
        kind = _FIRM if breaker.firm >= until - _SAME else _SOFT if breaker.soft else 0
        there, text = store.bench(name, min(until - now, LONGEST), kind, breaker.level, _plain(breaker.why))
        self._known[deployment_id] = until
        record = _read(text)
        if record is not None:
            self._hear(deployment_id, name, record, there)

    def _hear(self, deployment_id: str, name: str, record: Bench, now: float) -> None:
        """What another process may have told."""
        before = self._records.get(name)
        if before == record:
            return
        live = self._live
        self._records[name] = record
        if record.until == 0:
            # who benched it later than that has told so before it hears this
            if before is not None and deployment_id in live.cooling:
                live.others_freed(deployment_id)
            self._known.pop(deployment_id, None)
        elif record.until > now:
            until = live.now() + min(record.until - now, LONGEST)
            if until > live.cooling.get(deployment_id, -math.inf) + _SAME:
                live.others_benched(deployment_id, until, record)
            self._known[deployment_id] = max(until, live.cooling.get(deployment_id, -math.inf))

    # tokens ----------------------------------------------------------------------------------------------------------

    def taken_elsewhere(self, deployment_id: str, now: float, ended: float) -> float | None:
        """The time from which to ask again, where another process tries a deployment; None where this one may.

        Without an answer in time it may, unless the bench ``ended`` just now, when others want to try it as well: then the
        answer is waited for a little by whoever comes next.
        """
        if deployment_id in self._tokens:
            return None
        answers = self._exchange.connected

        def take(store: Store) -> None:
            name = self._live.names.name(deployment_id)
            taken, there, text = store.token_of(self._token(deployment_id), self._exchange.process, TOKEN, name)
            if (record := _read(text)) is not None:
                self._hear(deployment_id, name, record, there)
            if taken:
                self._tokens[deployment_id] = self._live.now()

        asked = self._exchange.ask(take)
        if deployment_id in self._tokens:
            return None
        if not asked and not (answers and now - ended < _HERD):
            return None
        return now + _BELIEVED

    def may_probe(self, deployment_ids: Sequence[str], every: float) -> bool:
        """Whether no other process has tried one of a pool in which everything is left alone lately."""
        names = sorted(map(self._live.names.name, deployment_ids))
        pool = hashlib.sha256("\n".join(names).encode()).hexdigest()[:24]
        mine = [True]

        def take(store: Store) -> None:
            mine[0] = store.token(f"pool:{pool}", self._exchange.process, every)

        self._exchange.ask(take)
        return mine[0]

    def _token(self, deployment_id: str) -> str:
        return f"probe:{self._live.names.name(deployment_id)}"

    def lost(self) -> None:
        """Told anew when the store is there again, which may have forgotten all."""
        self._known.clear()
        self._records.clear()
        self._tokens.clear()

    def end(self, store: Store) -> None:
        """Somebody else may try."""
        for deployment_id in self._tokens:
            store.let_go(self._token(deployment_id), self._exchange.process)
        self._tokens.clear()

    def after_fork(self) -> None:
        """In the child: what is known is known; the tokens are the parent's."""
        self._tokens = {}


def _plain(why: str) -> str:
    return "".join(each if each.isprintable() else " " for each in why[:100])


def _read(text: str) -> Bench | None:
    found = _RECORD.fullmatch(text)
    if found is None:
        return None
    until, kind, level, began, why = found.groups()
    return Bench(int(until) / 1000, int(kind), int(level), int(began) / 1000, why, text)
