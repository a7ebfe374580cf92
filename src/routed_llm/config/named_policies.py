"""Policies that a file names: each may be used by its name wherever a strategy is taken, also in another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from routed_llm.config.places import below
from routed_llm.errors import ConfigurationError
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import piece_from, policy_from, renamed
from routed_llm.policy.registry import known, strategies_named

__all__ = ["NamedPolicies"]


class _Elsewhere(ConfigurationError):
    """A policy cannot be made because another one cannot, which is told at its own place."""


class NamedPolicies:
    """The policies of ``[policies.<name>]``; ``problems`` holds what is wrong with them, each with its path.

    Args:
        tables: data of each policy by its name.
    """

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self.problems: list[ConfigurationError] = []
        self.made: dict[str, AnyPolicy] = {}
        self._tables = dict(tables)
        self._broken: set[str] = set()
        self._under_way: list[str] = []
        for name in [name for name in self._tables if name in known("strategies")]:
            self.problems.append(
                ConfigurationError("is the name of a strategy: choose another name.", path=below("policies", name))
            )
            del self._tables[name]
        self._by_name: dict[str, Callable[[], AnyPolicy]] = {name: self._maker(name) for name in self._tables}
        for name in self._tables:
            self._try(name)

    def policy(self, data: Any, path: str) -> AnyPolicy | None:
        """The policy of data that may name these; None where it cannot be made, which is then among the problems."""
        try:
            with strategies_named(self._by_name):
                return policy_from(data, path)
        except _Elsewhere:
            return None
        except ConfigurationError as error:
            self.problems.append(error)
            return None

    def rules(self, tables: Sequence[Any]) -> Policy | None:
        """The rules at the top of a file, as a policy of rules alone; None where there are none, or one is wrong."""
        rules: list[Any] = []
        for number, table in enumerate(tables):
            try:
                with strategies_named(self._by_name):
                    rules.append(piece_from("rules", table, below("rules", number)))
            except _Elsewhere:
                continue
            except ConfigurationError as error:
                self.problems.append(error)
        return Policy("rules", rules=rules) if rules and len(rules) == len(tables) else None

    def _maker(self, name: str) -> Callable[[], AnyPolicy]:
        def make() -> AnyPolicy:
            if name in self._under_way:
                circle = " -> ".join([*self._under_way[self._under_way.index(name) :], name])
                raise ConfigurationError(f"the policy {name!r} is made of itself ({circle}): take one of these names out.")
            if self._try(name) is None:
                raise _Elsewhere(f"the policy {name!r} is wrong.")
            return self.made[name]

        return make

    def _try(self, name: str) -> AnyPolicy | None:
        if name in self.made or name in self._broken:
            return self.made.get(name)
        self._under_way.append(name)
        policy = self.policy(self._tables[name], below("policies", name))
        self._under_way.pop()
        if policy is None:
            self._broken.add(name)
            return None
        self.made[name] = renamed(policy, name)
        return self.made[name]
