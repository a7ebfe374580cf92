"""Which larger area a region belongs to, so that ``eu`` can be asked for and ``eu-central-1`` is found.

Regions are named as the clouds name them: Amazon Web Services (``eu-central-1``), Google Cloud (``europe-west3``), Microsoft
Azure (``germanywestcentral``), or simply by area or country (``eu``, ``de``). A name tells its area by what stands before
its first ``-``, but not everywhere: ``eu-west-2`` is London and ``europe-west6`` Zurich, neither of them in the European Union.
What is not known to lie in an area does not lie there.
"""

from __future__ import annotations

from functools import lru_cache

from routed_llm.refusing import most_like

__all__ = ["AREAS", "areas_of", "in_region", "is_known", "names_country", "nearest_region"]

#: countries of the European Union, ISO 3166-1
_UNION = [
    "at",
    "be",
    "bg",
    "cy",
    "cz",
    "de",
    "dk",
    "ee",
    "es",
    "fi",
    "fr",
    "gr",
    "hr",
    "hu",
    "ie",
    "it",
    "lt",
    "lu",
    "lv",
    "mt",
    "nl",
    "pl",
    "pt",
    "ro",
    "se",
    "si",
    "sk",
]

#: areas that can be asked for, each with the areas that it lies in
_WITHIN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_UNION, ("eu", "eea", "europe")),
    **dict.fromkeys(("no", "is", "li"), ("eea", "europe")),
    **dict.fromkeys(("uk", "ch"), ("europe",)),
    **dict.fromkeys(["jp", "kr", "in", "sg", "au", "nz", "hk", "tw", "id", "my", "th"], ("apac",)),
    "eu": ("eea", "europe"),
    "eea": ("europe",),
    "us": ("north_america", "americas"),
    "ca": ("north_america", "americas"),
    "mx": ("north_america", "americas"),
    "north_america": ("americas",),
    "br": ("south_america", "americas"),
    "cl": ("south_america", "americas"),
    "south_america": ("americas",),
    "il": ("middle_east",),
    "ae": ("middle_east",),
    "sa": ("middle_east",),
    "qa": ("middle_east",),
    "za": ("africa",),
    **dict.fromkeys(("cn", "apac", "europe", "americas", "middle_east", "africa"), ()),
}

#: every area that can be asked for
AREAS = frozenset(_WITHIN)

_CODES = (
    "ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz ca cc cd "
    "cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et fi fj fk fm fo fr ga gb gd ge gf "
    "gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn "
    "kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na "
    "nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si "
    "sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug um us uy uz va vc ve vg vi "
    "vn vu wf ws ye yt za zm zw uk"
)
#: every country, ISO 3166-1; of those that lie in no area above only their codes are known
_COUNTRIES = frozenset(_CODES.split())

#: other words for an area
_SAME = {"gb": "uk", "usa": "us"}

#: names in full, which are no words for an area but are taken for one
_IN_FULL = {
    "european union": "eu", "germany": "de", "france": "fr", "spain": "es", "italy": "it", "netherlands": "nl",
    "united kingdom": "uk", "switzerland": "ch", "united states": "us", "canada": "ca", "japan": "jp", "india": "in",
    "china": "cn", "brazil": "br", "australia": "au", "asia": "apac", "america": "americas",
}  # fmt: skip

#: what a region's name says before its first "-" (the clouds' words; countries only where they are no other word, too)
_PREFIX = {
    **{country: country for country in ("de", "fr", "nl", "uk", "ch", "jp", "kr", "au", "br")},
    "eu": "eu",
    "europe": "eu",
    "us": "us",
    "ca": "ca",
    "mx": "mx",
    "ap": "apac",
    "asia": "apac",
    "australia": "au",
    "sa": "south_america",
    "southamerica": "south_america",
    "northamerica": "north_america",
    "me": "middle_east",
    "il": "il",
    "af": "africa",
    "africa": "africa",
    "cn": "cn",
}

#: regions whose name says less than is known, or something else (the clouds' own lists of regions)
_REGIONS: dict[str, str] = {
    # Amazon Web Services
    "eu-central-1": "de", "eu-central-2": "ch", "eu-west-1": "ie", "eu-west-2": "uk", "eu-west-3": "fr", "eu-north-1": "se",
    "eu-south-1": "it", "eu-south-2": "es", "ap-northeast-1": "jp", "ap-northeast-2": "kr", "ap-northeast-3": "jp",
    "ap-south-1": "in", "ap-south-2": "in", "ap-southeast-1": "sg", "ap-southeast-2": "au", "sa-east-1": "br",
    "ap-east-1": "hk", "af-south-1": "za", "me-central-1": "ae", "eusc-de-east-1": "de",
    # Google Cloud
    "europe-west1": "be", "europe-west2": "uk", "europe-west3": "de", "europe-west4": "nl", "europe-west6": "ch",
    "europe-west8": "it", "europe-west9": "fr", "europe-west10": "de", "europe-west12": "it", "europe-north1": "fi",
    "europe-north2": "se", "europe-central2": "pl", "europe-southwest1": "es", "northamerica-northeast1": "ca",
    "northamerica-northeast2": "ca", "northamerica-south1": "mx", "asia-northeast1": "jp", "asia-northeast2": "jp",
    "asia-northeast3": "kr", "asia-south1": "in", "asia-south2": "in", "asia-southeast1": "sg", "southamerica-east1": "br",
    "southamerica-west1": "cl", "me-west1": "il", "me-central1": "qa", "me-central2": "sa", "africa-south1": "za",
    # Microsoft Azure
    "westeurope": "nl", "northeurope": "ie", "francecentral": "fr", "francesouth": "fr", "germanywestcentral": "de",
    "germanynorth": "de", "swedencentral": "se", "polandcentral": "pl", "italynorth": "it", "spaincentral": "es",
    "norwayeast": "no", "norwaywest": "no", "switzerlandnorth": "ch", "switzerlandwest": "ch", "uksouth": "uk",
    "ukwest": "uk", "eastus": "us", "eastus2": "us", "westus": "us", "westus2": "us", "westus3": "us", "centralus": "us",
    "northcentralus": "us", "southcentralus": "us", "westcentralus": "us", "canadacentral": "ca", "canadaeast": "ca",
    "brazilsouth": "br", "japaneast": "jp", "japanwest": "jp", "koreacentral": "kr", "southeastasia": "sg",
    "eastasia": "hk", "australiaeast": "au", "australiasoutheast": "au", "centralindia": "in", "southindia": "in",
    "westindia": "in", "uaenorth": "ae", "israelcentral": "il", "qatarcentral": "qa", "southafricanorth": "za",
    # IBM Cloud and Oracle Cloud
    "eu-gb": "uk", "eu-zurich-1": "ch",
}  # fmt: skip


@lru_cache(maxsize=1024)
def areas_of(region: str) -> frozenset[str]:
    """The region itself, in lower case, and every area that it is known to lie in.

    >>> sorted(areas_of("eu-central-1"))
    ['de', 'eea', 'eu', 'eu-central-1', 'europe']
    """
    name = region.strip().lower()
    name = _SAME.get(name, name)
    prefix, dash, _ = name.partition("-")
    area = name if name in _WITHIN else _REGIONS.get(name) or (_PREFIX.get(prefix) if dash else None)
    return frozenset((name, area, *_WITHIN[area])) if area else frozenset((name,))


def in_region(region: str | None, wanted: str) -> bool:
    """Whether a region is the wanted one or lies in it; an unknown region never does.

    Args:
        region: where something runs; None where that is unknown.
        wanted: a region, or an area such as ``eu``, ``us``, ``uk``, ``apac`` or a country's code; see :data:`AREAS`.
    """
    if region is None:
        return False
    asked = wanted.strip().lower()
    return _SAME.get(asked, asked) in areas_of(region)


def is_known(region: str) -> bool:
    """Whether a word names an area, a country or a region of a cloud; a place that only its owner knows it does not."""
    name = region.strip().lower()
    return len(areas_of(name)) > 1 or _SAME.get(name, name) in _WITHIN or name in _COUNTRIES


def names_country(region: str) -> bool:
    """Whether it is known in which country a region lies."""
    return not _COUNTRIES.isdisjoint(areas_of(region))


def nearest_region(word: str) -> str | None:
    """The area or region of a cloud that is most like a word; None where none is alike."""
    near = most_like(word.strip().lower().replace("_", " "), (*_WITHIN, *_REGIONS, *_IN_FULL), 0.6)
    return _IN_FULL.get(near, near) if near is not None else None
