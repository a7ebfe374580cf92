"""Models by what a call is: a table from the values of one fact to the models that should serve them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from routed_llm.errors import ConfigurationError
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["ByFact"]


class ByFact:
    """Distance from the models that a table names for the call: 0 for these, 1 for all others, which stay as fallbacks.

    Args:
        fact: name of the fact, such as ``stage`` or ``difficulty``.
        models: value of the fact -> model, alias, provider or tag.
        default: for every other value and where the fact is unknown; None leaves the order as it is.

    Raises:
        ConfigurationError: for a table that is empty or names anything but texts.
    """

    unit = ""
    lower_is_better = True

    def __init__(self, fact: str, models: Mapping[str, str], default: str | None = None) -> None:
        if not isinstance(models, Mapping) or not models:
            raise ConfigurationError(f"must be a table such as {{'refine': 'smart'}}, not {models!r}.", path=fact)
        for value, name in {**models, "default": default}.items():
            if name is not None and not (isinstance(name, str) and name):
                raise ConfigurationError(f"must name a model, alias, provider or tag, not {name!r}.", path=f"{fact}.{value}")
        self.name = f"by_{fact}"
        self.fact = fact
        self.models = dict(models)
        self.default = default
        #: checked against the router's models when the router is made
        self.names = tuple(dict.fromkeys((*self.models.values(), *([default] if default else []))))
        self.reads = (fact,)

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """0 or 1 for each candidate."""
        wanted = self.models.get(ask.facts.get(self.fact, ""), self.default)
        if wanted is None:
            return [0.0] * len(candidates)
        return [0.0 if deployment.answers_to(wanted) else 1.0 for deployment in candidates]
