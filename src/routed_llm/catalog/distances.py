"""How far it is from one region to another, as seconds that a packet takes there and back.

The numbers are rough estimates of round-trip times between continents, rounded to 10 ms. Only their order matters: what was
measured or said of a deployment comes before them.
"""

from __future__ import annotations

from functools import lru_cache

from routed_llm.catalog.regions import areas_of

__all__ = ["distance"]

#: in the same place, in the same country, and elsewhere on the same continent
SAME, COUNTRY, CONTINENT = 0.005, 0.02, 0.04
CONTINENTS = ("north_america", "south_america", "europe", "middle_east", "africa", "apac", "cn")
#: areas of several countries
_WIDE = frozenset({*CONTINENTS, "americas", "eu", "eea"})

_BETWEEN: dict[frozenset[str], float] = {
    frozenset(pair): seconds
    for pair, seconds in {
        ("north_america", "south_america"): 0.13,
        ("north_america", "europe"): 0.1,
        ("north_america", "middle_east"): 0.19,
        ("north_america", "africa"): 0.23,
        ("north_america", "apac"): 0.18,
        ("north_america", "cn"): 0.2,
        ("south_america", "europe"): 0.2,
        ("south_america", "middle_east"): 0.3,
        ("south_america", "africa"): 0.33,
        ("south_america", "apac"): 0.3,
        ("south_america", "cn"): 0.33,
        ("europe", "middle_east"): 0.11,
        ("europe", "africa"): 0.16,
        ("europe", "apac"): 0.2,
        ("europe", "cn"): 0.21,
        ("middle_east", "africa"): 0.2,
        ("middle_east", "apac"): 0.12,
        ("middle_east", "cn"): 0.15,
        ("africa", "apac"): 0.26,
        ("africa", "cn"): 0.29,
        ("apac", "cn"): 0.07,
    }.items()
}


@lru_cache(maxsize=4096)
def distance(here: str, there: str) -> float | None:
    """Seconds there and back between two regions or areas; None where one of them is not known to lie anywhere.

    >>> distance("eu-central-1", "germanywestcentral"), distance("de", "us-east-1"), distance("de", "atlantis")
    (0.02, 0.1, None)
    """
    mine, other = areas_of(here), areas_of(there)
    if here.strip().lower() == there.strip().lower():
        return SAME
    one, another = _continent(mine), _continent(other)
    if one is None or another is None:
        return None
    if one != another:
        return _BETWEEN[frozenset((one, another))]
    return COUNTRY if (mine & other) - _WIDE else CONTINENT


def _continent(areas: frozenset[str]) -> str | None:
    return next((continent for continent in CONTINENTS if continent in areas), None)
