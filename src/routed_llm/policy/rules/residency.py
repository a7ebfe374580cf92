"""Where the data of callers in an area may go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routed_llm.catalog.regions import areas_of, in_region, is_known, names_country, nearest_region
from routed_llm.errors import ConfigurationError
from routed_llm.policy.shapes import Demands, Effects
from routed_llm.requests import Ask

__all__ = ["Residency"]


class Residency:
    """Calls of callers in an area go to deployments in certain regions, and to no others, not even as a fallback.

    A caller of whom it is not known that they are elsewhere counts as being in the area: without a location, with one that is
    no known region, and with a wider one (``europe`` for a rule of ``eu``). The demand also holds for the policies that
    ``First`` would ask next.

    Args:
        area: the area of callers, such as ``eu``, ``us`` or ``de``.
        regions: regions or areas in which a deployment must be known to be.
        location: where callers are whose call does not say it (hint ``location``).

    Raises:
        ConfigurationError: for anything that is no text, and for what names no area, country or region of a cloud: under
            such a rule nobody would stand, or nobody could answer.
    """

    def __init__(self, area: str, regions: str | Sequence[str], location: str | None = None) -> None:
        many = (regions,) if isinstance(regions, str) else regions
        if not isinstance(many, (list, tuple, set, frozenset)) or not many or not all(_is_text(each) for each in many):
            raise ConfigurationError(f"must be a region or a list of regions, not {regions!r}.", path="regions")
        for name, value in (("area", area), ("location", location)):
            if not _is_text(value) and not (name == "location" and value is None):
                raise ConfigurationError(f"must be a region such as 'eu', not {value!r}.", path=name)
        _check_known("area", area)
        _check_known("location", location)
        for each in many:
            _check_known("regions", each)
        self.area, self.regions, self.location = area, tuple(many), location
        self.name = f"residency of {area}"
        self.reads = ("location",)
        where = " or ".join(self.regions)
        advice = (
            f"Calls from {area}, and from nobody knows where, stay in {where}: add a model with a region there, "
            "or say routing={'location': ...} where the caller is elsewhere"
        )
        self._effects = Effects(Demands(region=self.regions, firm=True), advice=advice)

    @property
    def effects(self) -> Effects:
        """What it does where it holds."""
        return self._effects

    def apply(self, ask: Ask) -> Effects | None:
        """The demand, unless the caller is known to be elsewhere."""
        where = ask.facts.get("location") or self.location
        return None if isinstance(where, str) and _is_elsewhere(where, self.area) else self._effects


def _is_elsewhere(location: str, area: str) -> bool:
    if in_region(location, area) or in_region(area, location):
        return False
    if len(areas_of(area)) == 1 and area.strip().lower() not in _WIDEST:
        return names_country(location)  # nobody knows in which larger areas that country lies
    return len(areas_of(location)) > 1 or location.strip().lower() in _WIDEST


#: areas that lie in no other
_WIDEST = frozenset({"cn", "apac", "europe", "americas", "middle_east", "africa"})


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _check_known(name: str, region: str | None) -> None:
    if region is not None and not is_known(region):
        meant = nearest_region(region)
        raise ConfigurationError(
            f"{region!r} is no known area, country or region of a cloud.{f' Did you mean {meant!r}?' if meant else ''} "
            "Write one such as 'eu', 'us', 'de' or 'eu-central-1'; a place of your own counts as an area by "
            "Model(region='my-place', residency='eu').",
            path=name,
        )
