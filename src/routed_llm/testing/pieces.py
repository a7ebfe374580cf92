"""A kit that proves pieces of policies, your own ones, too: ``check_scorer(MyScorer())`` in a test.

Each check asks the piece in many small worlds and a large one, in which whatever may be unknown is unknown of somebody. It
raises ``AssertionError``, in plain words, at the first thing that is wrong, and else prints and gives what the piece takes.

What all of them prove: name and shape; the same answer for the same call and seed, for a tuple, a part and a plain list of the
same candidates, and again from what the piece is known to have seen; nobody candidates, one, and a thousand; nothing raised
for unknown prices, windows, facts and words; neither the call nor the candidates changed; no waiting, and no look at clocks,
chance or the network; no fact read that ``reads`` does not declare; the piece made again of its data and of its pickle is the
same and says the same.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from random import Random
from typing import Any

from routed_llm.policy.chance import Draws
from routed_llm.policy.later import Pool
from routed_llm.policy.shapes import Demands, Effects
from routed_llm.requests import Ask
from routed_llm.testing.features import check_feature
from routed_llm.testing.ordering import check_selector
from routed_llm.testing.proof import Proven, Seat, Subject, same, shown
from routed_llm.testing.spies import Unseen
from routed_llm.testing.stored import check_stored
from routed_llm.testing.wholes import check_strategy
from routed_llm.testing.worlds import World

__all__ = [
    "Proven",
    "check_feature",
    "check_filter",
    "check_rule",
    "check_scorer",
    "check_selector",
    "check_strategy",
]

Facts = Mapping[str, Sequence[Any]]


def check_rule(piece: Any, *, facts: Facts | None = None, if_known: Sequence[str] = (), seed: int = 1) -> Proven:
    """Prove a rule: see the module, and that its effects are such.

    Args:
        piece: the rule.
        facts: values of facts of your own that it reads, by their names.
        if_known: facts that it uses where they are known anyway: it does not declare them, and no feature runs for it.
        seed: another seed makes other worlds.

    Raises:
        AssertionError: says what is wrong.
    """
    subject = Subject("rule", piece, _effects, facts, if_known, seed)
    subject.has("apply")
    again = check_stored(subject)
    for here in subject.worlds():
        for ask in here.asks:
            said = subject.agrees(here, ask, _check_effects)
            _says_the_same(subject, here, ask, said, again)
    return subject.proven()


def _effects(piece: Any, seat: Seat) -> Any:
    effects = piece.apply(seat.ask)
    if not isinstance(effects, Effects):
        return effects
    policy = effects.policy
    return (*effects._replace(policy=None, set=dict(effects.set)), getattr(policy, "version", None))


def _check_effects(subject: Subject, here: World, ask: Ask, said: Any) -> None:
    if said is None:
        return
    effects = subject.piece.apply(ask)
    subject.expect(
        isinstance(effects, Effects), f"apply gives {shown(effects)}; give Effects(...), or None where it does not hold"
    )
    subject.expect(
        isinstance(effects.demands, Demands), f"the demands of its effects must be Demands(...), not {effects.demands!r}"
    )
    subject.expect(isinstance(effects.demands, Hashable) and _hashed(effects.demands), "its demands must be tuples, not lists")
    for name, texts in (*effects.demands._asdict().items(), ("prefer", effects.prefer), ("notify", effects.notify)):
        if name in ("allow", "deny", "agreements", "region", "prefer", "notify"):
            right = isinstance(texts, tuple) and all(isinstance(each, str) for each in texts)
            subject.expect(right, f"{name} must be a tuple of texts, not {texts!r}")
    subject.expect(isinstance(effects.set, Mapping), f"set must be a mapping of parameters, not {effects.set!r}")
    right = effects.policy is None or hasattr(effects.policy, "parts")
    subject.expect(right, f"policy must be a Policy, not {effects.policy!r}")
    subject.expect(isinstance(effects.because, str), f"because must be a text, not {effects.because!r}")


def _hashed(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def check_filter(piece: Any, *, facts: Facts | None = None, if_known: Sequence[str] = (), seed: int = 1) -> Proven:
    """Prove a filter: see the module, and that it rejects none but candidates, each with a reason that is a text.

    The order of the candidates makes no difference. One that is ``static`` looks at nothing but ``ask.requires``; one that
    names a ``hint`` does nothing without it. Arguments and errors as of :func:`check_rule`.
    """
    subject = Subject("filter", piece, _verdicts, facts, if_known, seed)
    subject.has("reject")
    subject.expect(isinstance(getattr(piece, "static", None), bool), "static must be True or False")
    again = check_stored(subject)
    for here in subject.worlds():
        for ask in here.asks:
            said = subject.agrees(here, ask, _check_verdicts)
            mixed = _mixed(here, subject.seed)
            other = subject.answer(subject.seat(here, ask, mixed))
            subject.expect(other == said, f"in another order of the candidates it says {shown(other)}, not {shown(said)}")
            if piece.static:
                _check_static(subject, here, ask, said)
            if getattr(piece, "hint", None) is not None and ask.max_tokens is None and not ask.hints.given:
                subject.expect(not said, f"it names the hint {piece.hint!r}, but rejects without it: it would not be asked")
            _says_the_same(subject, here, ask, said, again)
    return subject.proven()


def _verdicts(piece: Any, seat: Seat) -> Any:
    found = piece.reject(seat.ask, seat.candidates, seat.live)
    return dict(found) if isinstance(found, Mapping) else found


def _check_verdicts(subject: Subject, here: World, ask: Ask, said: Any) -> None:
    subject.expect(
        isinstance(said, dict), f"reject gives {shown(said)}; give a mapping of reasons by deployment id, {{}} for nobody"
    )
    strangers = sorted(set(said) - {d.id for d in here.deployments})
    subject.expect(not strangers, f"it rejects {shown(strangers)}, which are no ids of candidates")
    for name, why in said.items():
        subject.expect(isinstance(why, str) and bool(why), f"the reason for {name!r} must be a text, not {why!r}")


def _check_static(subject: Subject, here: World, ask: Ask, said: Any) -> None:
    for other in here.asks:
        call = other.changed(ask.requires, other.prefer, other.params)
        draws = Draws(subject.seed)
        found = subject.answer(Seat(call, Pool(here.deployments), Unseen(), draws))
        subject.expect(
            found == said, "static = True, but it looks at more of a call than ask.requires: its verdicts are cached"
        )


def check_scorer(piece: Any, *, facts: Facts | None = None, if_known: Sequence[str] = (), seed: int = 1) -> Proven:
    """Prove a scorer: see the module, and that it gives one value for each candidate, in their order, None for the unknown.

    The order of the candidates makes no difference to the value of each. Where it has a function ``depends``, calls for which
    that gives the same have the same values. Arguments and errors as of :func:`check_rule`.
    """
    subject = Subject("scorer", piece, _values, facts, if_known, seed)
    subject.has("values")
    subject.expect(isinstance(getattr(piece, "unit", None), str), "unit must be a text, such as 's' or ''")
    subject.expect(isinstance(getattr(piece, "lower_is_better", None), bool), "lower_is_better must be True or False")
    again = check_stored(subject)
    for here in subject.worlds():
        by_key: dict[Any, Any] = {}
        for ask in here.asks:
            said = subject.agrees(here, ask, _check_values)
            mixed = _mixed(here, subject.seed)
            other = subject.answer(subject.seat(here, ask, mixed))
            mine, theirs = _by_id(here.deployments, said), _by_id(mixed, other)
            subject.expect(same(mine, theirs), "in another order of the candidates some have other values")
            if (depends := getattr(piece, "depends", None)) is not None:
                subject.expect(
                    same(by_key.setdefault(depends(ask), said), said),
                    "calls that are the same for its depends have different values",
                )
            _says_the_same(subject, here, ask, said, again)
    return subject.proven()


def _values(piece: Any, seat: Seat) -> Any:
    found = piece.values(seat.ask, seat.candidates, seat.live)
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else found


def _check_values(subject: Subject, here: World, ask: Ask, said: Any) -> None:
    subject.expect(isinstance(said, list), f"values gives {shown(said)}; give a list")
    count = len(here.deployments)
    subject.expect(len(said) == count, f"it gives {len(said)} values for {count} candidates: give one for each, in their order")
    for deployment, value in zip(here.deployments, said, strict=True):
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        subject.expect(
            value is None or number,
            f"the value of {deployment.id} must be a finite number, or None where it is unknown, not {value!r}",
        )


def _by_id(candidates: Sequence[Any], values: Sequence[Any]) -> dict[str, Any]:
    return {d.id: value for d, value in zip(candidates, values, strict=True)}


def _mixed(here: World, seed: int) -> list[Any]:
    mixed = list(here.deployments)
    Random(seed).shuffle(mixed)  # it makes examples, it guards nothing
    return mixed


def _says_the_same(subject: Subject, here: World, ask: Ask, said: Any, again: Sequence[Any]) -> None:
    """The piece made again, of data and of a pickle, says the same."""
    for other in again:
        found = subject.answer(subject.seat(here, ask, Pool(here.deployments)), other)
        subject.expect(same(found, said), f"made again of its data or its pickle it says {shown(found)}, not {shown(said)}")
