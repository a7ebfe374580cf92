"""Selectors: nobody is lost, nobody is invented, and the probability that is told is that with which heads are picked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from routed_llm.policy.chance import Draws
from routed_llm.policy.later import Pool
from routed_llm.policy.seen import Seen
from routed_llm.policy.vectors import LARGE, Values, as_vector
from routed_llm.requests import Ask
from routed_llm.testing.proof import Proven, Seat, Subject, shown
from routed_llm.testing.stored import check_stored
from routed_llm.testing.worlds import World, present, world

__all__ = ["check_frequency", "check_selector"]

#: draws by which a probability is compared with a frequency, and by how many standard deviations the two may differ
DRAWS, DEVIATIONS = 1_500, 5.0
_TOTALS = ("none", "known", "some", "unknown")


def check_selector(
    piece: Any, *, facts: Mapping[str, Sequence[Any]] | None = None, if_known: Sequence[str] = (), seed: int = 1
) -> Proven:
    """Prove a selector: see :mod:`routed_llm.testing.pieces`, and that its order holds each candidate once.

    It is asked with all totals known, with some, with none known, and without any; never about nobody, as in real calls. The
    probability that it tells of a head is that with which it picks this head, by 1,500 draws. Arguments and errors as of
    :func:`~routed_llm.testing.pieces.check_rule`.
    """
    heads = [_Asked(kind) for kind in _TOTALS]
    for asked in heads:
        subject = Subject("selector", piece, asked, facts, if_known, seed)
        subject.has("order")
        again = check_stored(subject)
        for here in subject.worlds():
            if not here.deployments:
                continue
            for ask in here.asks:
                said = subject.agrees(here, ask, _check_order)
                for other in again:
                    found = subject.answer(subject.seat(here, ask, Pool(here.deployments)), other)
                    subject.expect(
                        found == said, f"made again of its data or its pickle it says {shown(found)}, not {shown(said)}"
                    )
        _check_chance(subject)
    return subject.proven()


class _Asked:
    """Asks a selector with totals of one kind; the answer is ids, probability and reason."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, piece: Any, seat: Seat) -> Any:
        found = piece.order(seat.ask, seat.candidates, self.totals(seat), seat.live, seat.rng)
        if not (isinstance(found, tuple) and len(found) == 3):
            raise AssertionError(f"order gives {shown(found)}; give the order, the probability of its head, and a reason")
        order, probability, reason = found
        first = order[0].id if len(order) else None
        ids = [d.id for d in order]
        if ids and ids[0] != first:
            raise AssertionError(f"the first of its order is {first!r}, but going through it begins with {ids[0]!r}")
        return ids, probability, reason

    def totals(self, seat: Seat) -> Sequence[float | None]:
        """Totals that belong to the candidates, whatever their form."""
        if self.kind == "none":
            return ()
        rng = Random(len(seat.candidates))  # it makes examples, it guards nothing
        known = {"known": 1.0, "some": 0.6, "unknown": 0.0}[self.kind]
        totals = [rng.choice([0.1, 0.1, 0.11, 0.5, 2.0]) if rng.random() < known else None for _ in seat.candidates]
        return Values(as_vector(totals)) if len(totals) >= LARGE and not isinstance(seat.candidates, list) else totals


def _check_order(subject: Subject, here: World, ask: Ask, said: Any) -> None:
    """Each candidate once, a probability, and a reason."""
    ids, probability, reason = said
    wanted = Counter(d.id for d in here.deployments)
    found = Counter(ids)
    lost, invented = sorted(wanted - found), sorted(found - wanted)
    subject.expect(not lost, f"its order loses {shown(lost)}: who may serve the call must stay as a fallback")
    subject.expect(not invented, f"its order holds {shown(invented)} once too often, or from nowhere")
    number = isinstance(probability, (int, float)) and not isinstance(probability, bool)
    subject.expect(
        number and 0 < probability <= 1, f"the probability of the head must be above 0 and at most 1, not {probability!r}"
    )
    subject.expect(isinstance(reason, str) and bool(reason), f"the reason must be a text, not {reason!r}")


def _check_chance(subject: Subject) -> None:
    here = world(subject.seed + 7, 7, 4, subject.facts)
    pool = Pool(here.deployments)
    for ask in here.asks:

        def pick(number: int, ask: Ask = ask) -> tuple[str, float]:
            live = Seen(present(here.data), Draws(number))
            ids, probability, _ = subject.answer(Seat(ask, pool, live, Draws(number)))
            return ids[0], probability

        check_frequency(subject, pick)


def check_frequency(subject: Subject, pick: Any) -> None:
    """What ``pick(seed)`` tells of its head's probability against how often each head comes."""
    told: dict[str, float] = {}
    came: Counter[str] = Counter()
    for number in range(DRAWS):
        head, probability = pick(number * 7_919 + 1)
        came[head] += 1
        if abs(told.setdefault(head, probability) - probability) > 1e-9:
            subject.expect(False, f"it tells two probabilities of the head {head!r}, {told[head]:.4f} and {probability:.4f}")
        if number == 40 and len(came) == 1 and probability == 1:
            return  # nothing is drawn here
    for head, probability in told.items():
        share = came[head] / DRAWS
        deviation = (probability * (1 - probability) / DRAWS) ** 0.5
        subject.expect(
            abs(share - probability) <= DEVIATIONS * deviation + 2 / DRAWS,
            f"it tells the probability {probability:.4f} of the head {head!r}, but picks it in {share:.4f} of {DRAWS} draws",
        )
    total = sum(told.values())
    subject.expect(total <= 1 + 1e-6, f"the probabilities that it tells of its heads make {total:.4f} together, more than 1")
