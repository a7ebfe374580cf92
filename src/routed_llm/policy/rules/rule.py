"""A :class:`Rule`: a condition, and what follows where it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.condition import Condition
from routed_llm.policy.data import policy_from
from routed_llm.policy.shapes import Demands, Effects
from routed_llm.requests import Ask

__all__ = ["Rule"]


_DOES = ("allow", "deny", "prefer", "pin", "agreements", "private", "region", "set", "policy")


class Rule:
    """Changes what may or should answer the calls for which a condition holds.

    Args:
        name: told in the reason of each decision that it changed.
        if_: the condition, as data (``if`` in files); None holds always. See :mod:`routed_llm.policy.condition`.
        allow: only these models, aliases, providers or tags.
        deny: none of these.
        prefer: these first, in this order; all others stay as fallbacks.
        pin: this model and no other.
        agreements: agreements that whoever answers must have, such as ``baa``.
        private: only private deployments.
        region: only deployments in one of these regions.
        set: generation parameters of the call by their OpenAI names, such as ``{"temperature": 0}``; they win over the
            caller's and the model's own, and None takes one out. Of two rules the first wins.
        policy: the strategy that decides instead of this policy's scorers and selector.
        notify: events that are told with the answer and to subscribers, such as ``handover``.

    Raises:
        ConfigurationError: for a condition or a value that cannot be meant, and for a rule that does nothing.
    """

    def __init__(
        self,
        name: str,
        if_: Mapping[str, Any] | Condition | None = None,
        *,
        allow: str | Sequence[str] = (),
        deny: str | Sequence[str] = (),
        prefer: str | Sequence[str] = (),
        pin: str | None = None,
        agreements: str | Sequence[str] = (),
        private: bool = False,
        region: str | Sequence[str] = (),
        set: Mapping[str, Any] | None = None,
        policy: Any = None,
        notify: str | Sequence[str] = (),
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"must be a non-empty text, not {name!r}.", path="name")
        if pin is not None and not (isinstance(pin, str) and pin):
            raise ConfigurationError(f"must name one model, not {pin!r}.", path="pin")
        if not isinstance(private, bool):
            raise ConfigurationError(f"must be true or false, not {private!r}.", path="private")
        self.name = name
        self.if_ = None if if_ is None else Condition.of(if_)
        self.allow, self.deny, self.prefer = _texts("allow", allow), _texts("deny", deny), _texts("prefer", prefer)
        self.pin, self.private, self.policy = pin, private, None if policy is None else policy_from(policy, "policy")
        self.agreements, self.region = tuple(map(str.lower, _texts("agreements", agreements))), _texts("region", region)
        self.notify = _texts("notify", notify)
        self.set = _parameters(set)
        demands = Demands(self.allow, self.deny, pin, self.agreements, private, self.region)
        self._effects = Effects(demands, self.prefer, self.set, self.policy, self.notify)
        if self._effects == Effects(Demands()):
            raise ConfigurationError(f"the rule {name!r} does nothing: say allow, deny, prefer, pin, set, policy or notify.")
        self._effects = self._effects._replace(because="always" if self.if_ is None else str(self.if_))

    @property
    def reads(self) -> tuple[str, ...]:
        """What its condition looks at."""
        return self.if_.reads if self.if_ is not None else ()

    @property
    def names(self) -> tuple[str, ...]:
        """Models, aliases, providers and tags that it names."""
        return (*self.allow, *self.deny, *self.prefer, *([self.pin] if self.pin else []))

    @property
    def policies(self) -> tuple[Any, ...]:
        """The policy that it switches to."""
        return () if self.policy is None else (self.policy,)

    @property
    def effects(self) -> Effects:
        """What it does where it holds."""
        return self._effects

    @property
    def by_condition(self) -> bool:
        """Whether its condition alone says when it holds; a class made of this one may ask something else."""
        return type(self) is Rule

    def apply(self, ask: Ask) -> Effects | None:
        """Its effects, or None where its condition does not hold."""
        return self._effects if self.if_ is None or self.if_.holds(ask) else None


#: what a call is made of and not how its answer is generated
_NO_PARAMETERS = frozenset(
    ("messages", "model", "stream", "stream_options", "tools", "tool_choice", "functions", "function_call", "response_format",
     "n", "routing", "parallel_tool_calls")
)  # fmt: skip
_OTHER_NAMES = {"max_completion_tokens": "max_tokens", "stop_sequences": "stop"}


def _parameters(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"must be a table such as {{temperature = 0}}, not {given!r}.", path="set")
    for name in given:
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"{name!r} is no name of a parameter.", path="set")
        if name in _OTHER_NAMES:
            raise ConfigurationError(f"is called {_OTHER_NAMES[name]!r} here.", path=f"set.{name}")
        if name in _NO_PARAMETERS:
            raise ConfigurationError("is no generation parameter: a rule cannot set it.", path=f"set.{name}")
    limit = given.get("max_tokens")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ConfigurationError(f"must be a whole number above zero, not {limit!r}.", path="set.max_tokens")
    return dict(given)


def _texts(name: str, given: Any) -> tuple[str, ...]:
    many = (given,) if isinstance(given, str) else given
    if not isinstance(many, (list, tuple, set, frozenset)) or not all(isinstance(each, str) and each for each in many):
        raise ConfigurationError(f"must be a text or a list of texts, not {given!r}.", path=name)
    return tuple(sorted(many) if isinstance(many, (set, frozenset)) else many)
