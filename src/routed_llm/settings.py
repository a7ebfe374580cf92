"""What a router was made of, so that it can be made again in another process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from routed_llm.catalog.models import Model
from routed_llm.errors import ConfigurationError
from routed_llm.providers.downloads import shown_source

if TYPE_CHECKING:
    from routed_llm.clock import Clock
    from routed_llm.dispatch.budget import Limits
    from routed_llm.dispatch.resilience import Resilience
    from routed_llm.health.checks import HealthChecks
    from routed_llm.policy.data import Strategy
    from routed_llm.policy.shapes import Feature
    from routed_llm.pricing.settings import Prices
    from routed_llm.providers.rows import ProviderRow
    from routed_llm.requests import Purpose
    from routed_llm.state.budgets import Budget
    from routed_llm.state.redis import RedisState

__all__ = ["Settings"]


@dataclass(frozen=True, repr=False)  # there may be keys in it
class Settings:
    """The arguments of a :class:`~routed_llm.Router`, by their names."""

    models: Any
    strategy: Strategy
    common: Model | None
    limits: Limits | None
    max_price_ratio: float | None
    quiet_fallbacks: bool
    seed: int | None
    purpose: Purpose
    features: Sequence[Feature]
    budgets: Sequence[Budget]
    aliases: Mapping[str, str] | None
    clock: Clock | None
    resilience: Resilience | None
    state: RedisState | None
    health_checks: HealthChecks | Mapping[str, Any] | bool | None
    providers: Sequence[ProviderRow]
    strict_params: bool
    relay: Any
    prices: Prices | None

    def as_arguments(self) -> dict[str, Any]:
        """The same for ``Router(**arguments)``."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def check_picklable(self, added: Sequence[Any] = ()) -> None:
        """Refuse to be pickled while holding a secret or an object; names it, and the way out.

        Args:
            added: models that joined the catalog since.

        Raises:
            ConfigurationError: for the first model that is an object without a factory, a key given as text, headers, and a
                password in an address.
        """
        _refuse_to_pickle(self.models, "models")
        for models in added:
            _refuse_to_pickle(models, "add")
        if self.common is not None:
            self.common.check_picklable("common")
        if self.state is not None:
            self.state.check_picklable()
        if self.prices is not None and isinstance(source := self.prices.source, str) and shown_source(source) != source:
            raise ConfigurationError("an address with a password or a query is not pickled.", path="prices.source")


def _refuse_to_pickle(models: Any, path: str) -> None:
    if isinstance(models, Model):
        models.check_picklable(path)
    elif isinstance(models, dict):
        for alias, item in models.items():
            _refuse_to_pickle(item, f"{path}[{alias!r}]")
    elif isinstance(models, (list, tuple, set, frozenset)):
        for number, item in enumerate(models):
            _refuse_to_pickle(item, f"{path}[{number}]")
    elif models is not None and not isinstance(models, str):
        raise ConfigurationError(
            f"a router that holds a {type(models).__name__} object is not pickled; pass Model(factory=...) that makes it.",
            path=path,
        )
