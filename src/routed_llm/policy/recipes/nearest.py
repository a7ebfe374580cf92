"""``nearest``: where the caller is, and where the data may go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from routed_llm.errors import ConfigurationError
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import Strategy
from routed_llm.policy.following import followed
from routed_llm.policy.rules.residency import Residency
from routed_llm.policy.selectors.nearest import Nearest

__all__ = ["nearest"]


def nearest(
    location: str | None = None,
    residency: Mapping[str, str | Sequence[str]] | None = None,
    within: float = 0.0,
    then: Strategy | None = None,
) -> AnyPolicy:
    """The deployment that is nearest to the caller, within the rules of residency.

    The caller's region comes with the hint ``location``. The way to a deployment is what was measured, else its ``network``,
    else estimated from the two regions; an unknown one comes last.

    Args:
        location: where callers are whose call does not say it.
        residency: area of callers -> regions or areas where their data may go: ``{"eu": ["eu"]}``. A deployment that is not
            known to be there is never tried, nor by fallback. A caller who is not known to be elsewhere is under the rule.
        within: seconds by which ways may differ and still count as equal.
        then: the strategy that orders deployments that are equally near.

    Raises:
        ConfigurationError: for values that cannot be meant.
    """
    rules = []
    if residency is not None and not isinstance(residency, Mapping):
        raise ConfigurationError(f"must be a table of areas, not {residency!r}.", path="residency")
    for area, regions in (residency or {}).items():
        try:
            rules.append(Residency(area, regions, location))
        except ConfigurationError as error:
            raise ConfigurationError(
                error.problem, path=f"residency.{area}" if error.path != "location" else "location"
            ) from None
    return followed(Policy("nearest", rules=rules, selector=Nearest(location, within)), then)
