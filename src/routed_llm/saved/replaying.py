"""Making a decision again from its stored form: the same call, the same numbers, the same draws, without the prompt."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.errors import ConfigurationError
from routed_llm.explained.asked import ask_from
from routed_llm.explained.exact import restored
from routed_llm.explained.stored import FORM
from routed_llm.policy.data import policy_data, policy_from
from routed_llm.policy.decide import decide
from routed_llm.policy.seen import Told
from routed_llm.requests import Ask

if TYPE_CHECKING:
    from routed_llm.policy.compose import AnyPolicy

__all__ = ["Made", "Replay", "Seed", "again", "check_form", "first_difference", "made_of", "policy_again"]

#: what deciding itself does not make: names, the time it took, and what is added on the way of the call
_NOT_DECIDED = frozenset({"decision_id", "microseconds", "losses", "policy_version", "own_calls", "unasked", "relayed"})


class Replay(NamedTuple):
    """A decision that was made again.

    Args:
        decision: the new decision, under the id of the stored one.
        same: whether it is the stored one, bit for bit: candidates, order, scores, totals, reasons, probability, draws.
        difference: the first place where it is not, with both values; empty where it is the same.
    """

    decision: Decision
    same: bool
    difference: str = ""

    def __str__(self) -> str:
        return f"{self.decision.id}: {'identical' if self.same else f'differs in {self.difference}'}"


class Made(NamedTuple):
    """What a stored decision was made of.

    Args:
        ask: the call before rules changed it.
        present: what was seen of the present.
        seed: what everything drawn follows from.
        max_price_ratio: the router's bound on what fallbacks cost.
        attempts: how many the call budget allowed.
    """

    ask: Ask
    present: Told
    seed: int
    max_price_ratio: float | None
    attempts: int


class Seed:
    """Gives one number: the seed of a decision."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def getrandbits(self, k: int, /) -> int:
        """The seed, of 64 bits."""
        return self.seed

    def random(self) -> float:
        """The seed as a number from 0 to 1; nobody draws so here."""
        return self.seed / (1 << 64)


def check_form(stored: Mapping[str, Any]) -> None:
    """Refuse what cannot be made again.

    Raises:
        ConfigurationError: for a decision that is only to be read, and for one in a form that this version does not know.
    """
    if "made_of" not in stored:
        raise ConfigurationError(
            "this is a decision for reading only: it does not hold what it was made of. Keep decisions with "
            "router.save_decisions(path) or decision.stored().",
            path="decision",
        )
    if stored.get("form") != FORM:
        raise ConfigurationError(
            f"is {stored.get('form')!r}: this version of routed-llm reads form {FORM}.", path="decision.form"
        )


def made_of(stored: Mapping[str, Any]) -> Made:
    """What a decision was made of, by its stored form.

    Raises:
        ConfigurationError: for what is no stored decision, and for one in a form that this version does not know.
    """
    check_form(stored)
    try:
        told, made = stored["decision"], stored["made_of"]
        # where nothing was drawn any seed will do, but another policy may draw
        seed = int(told["seed"] or told["decision_id"][-16:], 16)
        present = Told(restored(made["seen"]))
        return Made(ask_from(made["asked"]), present, seed, told["max_price_ratio"], made["attempts"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"this is no stored decision: {type(error).__name__}: {error}", path="decision") from None


def again(stored: Mapping[str, Any], catalog: Catalog, policy: AnyPolicy) -> Replay:
    """Make a stored decision again, with the catalog and the policy that it names.

    Raises:
        ConfigurationError: for what is no stored decision, and for one whose values cannot be decided on.
    """
    made, was = made_of(stored), stored["decision"]
    try:
        decision = decide(made.ask, catalog, policy, made.present, Seed(made.seed), max_price_ratio=made.max_price_ratio)
        decision.attempts = made.attempts
        decision.named(was["decision_id"])
        now = json.loads(json.dumps(decision.as_dict()))
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # of values that no call and no present has
        told = f"this decision cannot be made again as it is stored: {type(error).__name__}: {error}"
        raise ConfigurationError(told, path="decision") from error
    difference = next(_differences(_decided(was), _decided(now)), "")
    return Replay(decision, not difference, difference)


def policy_again(data: Mapping[str, Any]) -> AnyPolicy:
    """The policy of stored data. Features are left out: what they found out is stored with each decision.

    Raises:
        ConfigurationError: for a piece that is known by no name here, and for data of which another policy comes out.
    """
    kept = _without_features(data)
    try:
        policy = policy_from(kept, "policy")
        difference = first_difference(kept, json.loads(json.dumps(policy_data(policy))))
    except ConfigurationError as error:
        unnamed = next(_unnamed(kept), None)  # only now: a condition may look at a fact that is called class
        if unnamed is None:
            raise
        raise ConfigurationError(
            f"the stored policy has a piece of {unnamed}, which has no name: replay the decision with the router that made it, "
            "or register the class (routed_llm.policy.registry.register) before it is saved.",
            path="policy",
        ) from error
    if difference:
        raise ConfigurationError(f"the stored policy comes out otherwise: {difference}.", path="policy")
    return policy


def _without_features(data: Any) -> Any:
    if isinstance(data, Mapping):
        piece = "use" in data
        return {key: _without_features(each) for key, each in data.items() if piece or key != "features"}
    return [_without_features(each) for each in data] if isinstance(data, list) else data


def _unnamed(data: Any) -> Iterator[str]:
    """Classes and objects that were told by their place in the code."""
    if isinstance(data, Mapping):
        if "class" in data and "use" not in data:
            yield str(data["class"])
        for each in data.values():
            yield from _unnamed(each)
    elif isinstance(data, list):
        for each in data:
            yield from _unnamed(each)
    elif isinstance(data, str) and data.startswith("<") and data.endswith(">") and "." in data:
        yield data[1:-1]


def _decided(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in _NOT_DECIDED}


def first_difference(was: Any, now: Any) -> str:
    """The first place at which JSON data differs from other data, with both values; empty where it does not."""
    return next(_differences(was, now), "")


def _differences(was: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {**was, **now}:
            yield from _differences(was.get(key), now.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from _differences(old, new, f"{path}[{number}]")
    elif was != now or isinstance(was, bool) is not isinstance(now, bool):
        yield f"{path}: was {_shown(was)}, is {_shown(now)}"


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
