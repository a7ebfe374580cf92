"""Policies of policies: :class:`First`, :class:`When` and :class:`Split`. Each call is decided by one of their leaves."""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self

from routed_llm.errors import ConfigurationError
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.condition import Condition
from routed_llm.policy.data import policy_data, policy_from, version_of
from routed_llm.policy.shapes import Chance
from routed_llm.requests import Ask

__all__ = ["Branch", "First", "Split", "When"]


class Branch(Protocol):
    """A policy that hands each call to one of its parts."""

    name: str
    #: the name that a user gave it; None where it follows from the parts
    own_name: str | None

    @property
    def parts(self) -> tuple[AnyPolicy, ...]:
        """All policies below it."""
        ...

    @property
    def reads(self) -> frozenset[str]:
        """Names of the facts that choosing a part looks at."""
        ...

    def choices(self, ask: Ask, rng: Chance) -> Iterator[tuple[AnyPolicy, str, float]]:
        """The parts to ask, in turn until one finds somebody: with why, in a few words, and the probability of being asked."""
        ...

    def with_parts(self, parts: Sequence[AnyPolicy]) -> Branch:
        """The same over other parts."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """Its plain data: arguments by name, policies as they are."""
        ...

    def as_data(self) -> dict[str, Any]:
        """The policy as plain data."""
        ...

    @property
    def version(self) -> str:
        """Hash of what decides."""
        ...


class _Parts:
    """What branches share."""

    name: str
    parts: tuple[AnyPolicy, ...]
    #: the name that a user gave it; None where it follows from the parts
    own_name: str | None = None
    _version: str | None = None

    def with_parts(self, parts: Sequence[AnyPolicy]) -> Self:
        """The same over other parts."""
        other = self.remade(parts)
        if self.own_name is not None:
            other.name = other.own_name = self.own_name
        return other

    @abstractmethod
    def remade(self, parts: Sequence[AnyPolicy]) -> Self:
        """The same over other parts, under the name that follows from these."""

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Its plain data: arguments by name, policies as they are."""

    @property
    def reads(self) -> frozenset[str]:
        """Names of the facts that choosing a part looks at."""
        return frozenset()

    def as_data(self) -> dict[str, Any]:
        """The policy as plain data."""
        return policy_data(self)  # type: ignore[arg-type]  # each subclass is a branch

    @property
    def version(self) -> str:
        """Hash of what decides: the same for equal policies in every process."""
        if self._version is None:
            self._version = version_of(self)  # type: ignore[arg-type]  # each subclass is a branch
        return self._version

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class First(_Parts):
    """The first policy that finds somebody who passes its filters and its rules.

    The bar of a policy is all that rejects: filters, what its rules demand, and the hints of the call. Models that passed but
    are cooling down count as found: an outage is no reason to lower the bar. With nobody above any bar, the call fails with
    the reasons of the last policy.

    Args:
        policies: strategies by name, as policies or as data; the earlier, the better.

    Raises:
        ConfigurationError: for fewer than two policies, and for one that cannot be meant.
    """

    def __init__(self, *policies: Any) -> None:
        if len(policies) < 2:
            raise ConfigurationError(f"takes two policies or more, not {len(policies)}.", path="first")
        self.parts = tuple(policy_from(policy, f"first[{n}]") for n, policy in enumerate(policies))
        self.name = f"first({', '.join(part.name for part in self.parts)})"

    def choices(self, ask: Ask, rng: Chance) -> Iterator[tuple[AnyPolicy, str, float]]:
        """Each in turn."""
        for number, part in enumerate(self.parts):
            yield part, "" if number == 0 else f"nobody passes {self.parts[number - 1].name}", 1.0

    def remade(self, parts: Sequence[AnyPolicy]) -> Self:
        """The same over other parts."""
        return type(self)(*parts)

    def settings(self) -> Mapping[str, Any]:
        """Its plain data."""
        return {"first": list(self.parts)}


class When(_Parts):
    """One policy for calls for which a condition holds, another for the rest.

    Args:
        condition: what is tested, as data: see :class:`~routed_llm.policy.condition.Condition`.
        then: the policy of calls for which it holds.
        otherwise: the policy of all others.

    Raises:
        ConfigurationError: for a condition or a policy that cannot be meant.
    """

    def __init__(self, condition: Any, then: Any, otherwise: Any = "ordered") -> None:
        self.condition = Condition.of(condition, "when")
        self.then, self.otherwise = policy_from(then, "then"), policy_from(otherwise, "otherwise")
        self.parts = (self.then, self.otherwise)
        self.name = f"when({self.then.name}, {self.otherwise.name})"

    @property
    def reads(self) -> frozenset[str]:
        """The facts that the condition looks at."""
        return frozenset(self.condition.reads)

    def choices(self, ask: Ask, rng: Chance) -> Iterator[tuple[AnyPolicy, str, float]]:
        """The one that the condition says."""
        if self.condition.holds(ask):
            yield self.then, f"as {self.condition}", 1.0
        else:
            yield self.otherwise, f"otherwise than {self.condition}", 1.0

    def remade(self, parts: Sequence[AnyPolicy]) -> Self:
        """The same over other parts."""
        return type(self)(self.condition, *parts)

    def settings(self) -> Mapping[str, Any]:
        """Its plain data."""
        return {"when": self.condition.data, "then": self.then, "otherwise": self.otherwise}


class Split(_Parts):
    """Policies with shares of the calls.

    Calls that agree in ``sticky_by`` fall to the same policy, in every process. Each policy draws by weighted rendezvous
    hashing (Thaler and Ravishankar, 1998; weights by Mosharaf and Schindelhauer): when a share grows, only as many users
    move as it takes, and all of them to the policy that grew. Policies are told apart by their names, so that their
    arguments may change without moving anybody; give them names of their own where they would be alike.

    Args:
        shares: policy (by name, or as it is) -> share; a list of pairs where policies are data. Any scale: 9 and 1 are 90 %
            and 10 %.
        sticky_by: what must agree for two calls to fall to the same policy, such as ``user``, ``session`` or
            ``metadata.team``; None (in files "") draws for each call. A call without it is drawn.
        salt: another salt spreads the same users otherwise.

    Raises:
        ConfigurationError: for shares that are no numbers of at least zero with one above, and for a policy that cannot be
            meant.
    """

    def __init__(self, shares: Any, sticky_by: str | None = "user", salt: str = "") -> None:
        self.parts, self.weights = _shares(shares)
        if sticky_by is not None and not isinstance(sticky_by, str):
            raise ConfigurationError(f"must name a fact or a hint such as 'user', not {sticky_by!r}.", path="sticky_by")
        if not isinstance(salt, str):
            raise ConfigurationError(f"must be a text, not {salt!r}.", path="salt")
        self.sticky_by, self.salt = sticky_by or None, salt
        self.name = f"split({', '.join(part.name for part in self.parts)})"
        names = [part.name for part in self.parts]
        self._keys = [f"{salt}\0{name}\0{names[:n].count(name)}\0" for n, name in enumerate(names)]
        self._total = math.fsum(self.weights)

    @property
    def reads(self) -> frozenset[str]:
        """The fact by which calls stay together."""
        return frozenset({self.sticky_by}) if self.sticky_by else frozenset()

    def choices(self, ask: Ask, rng: Chance) -> Iterator[tuple[AnyPolicy, str, float]]:
        """The part on whose share the call falls."""
        value = ask.value(self.sticky_by) if self.sticky_by else None
        if value is None:
            number, why = self._drawn(rng.random()), "drawn"
        else:
            # a set has another order in every process
            text = str(sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)
            number, why = self._of(text), f"by its {self.sticky_by}"
        share = self.weights[number] / self._total
        yield self.parts[number], f"share {share:.3g}, {why}", share

    def _drawn(self, point: float) -> int:
        left = point * self._total
        for number, weight in enumerate(self.weights):
            left -= weight
            if left < 0:
                return number
        return max(range(len(self.weights)), key=self.weights.__getitem__)  # rounding left a crumb

    def _of(self, value: str) -> int:
        """The part whose exponential draw with its weight as rate comes first: part i with probability w_i / sum of w."""
        best, first = 0, math.inf
        for number, (key, weight) in enumerate(zip(self._keys, self.weights, strict=True)):
            if weight > 0:
                drawn = hashlib.blake2b(f"{key}{value}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
                wait = -math.log((int.from_bytes(drawn, "big") + 1) / (2**64 + 1)) / weight
                if wait < first:
                    best, first = number, wait
        return best

    def remade(self, parts: Sequence[AnyPolicy]) -> Self:
        """The same over other parts."""
        return type(self)(list(zip(parts, self.weights, strict=True)), self.sticky_by, self.salt)

    def settings(self) -> Mapping[str, Any]:
        """Its plain data."""
        shares = [[part, weight] for part, weight in zip(self.parts, self.weights, strict=True)]
        return {"split": shares, "sticky_by": self.sticky_by or "", "salt": self.salt}


def _shares(given: Any) -> tuple[tuple[AnyPolicy, ...], tuple[float, ...]]:
    pairs = list(given.items()) if isinstance(given, Mapping) else given
    if not isinstance(pairs, (list, tuple)) or not pairs:
        raise ConfigurationError(f"must be pairs of a policy and its share, not {given!r}.", path="split")
    policies, weights = [], []
    for number, pair in enumerate(pairs):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ConfigurationError(f"must be a pair of a policy and its share, not {pair!r}.", path=f"split[{number}]")
        policy, share = pair
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share < float("inf"):
            raise ConfigurationError(f"must be a number of at least zero, not {share!r}.", path=f"split[{number}][1]")
        policies.append(policy_from(policy, f"split[{number}][0]"))
        weights.append(float(share))
    if not sum(weights):
        raise ConfigurationError("one share must lie above zero.", path="split")
    return tuple(policies), tuple(weights)


def leaves_of(policy: AnyPolicy) -> Iterator[Policy]:
    """Every :class:`Policy` below a policy, itself included."""
    if isinstance(policy, Policy):
        yield policy
    for part in policy.parts:
        yield from leaves_of(part)
