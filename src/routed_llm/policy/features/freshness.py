"""Whether a call needs recent knowledge, and until when: "today", "latest", "current price", years and dates."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from routed_llm.driver import Driver
from routed_llm.errors import ConfigurationError
from routed_llm.policy.features.code_signs import written
from routed_llm.prompt.words import Words, has_phrase, phrases, spoken, vocabulary
from routed_llm.requests import Request

__all__ = ["Freshness", "freshness_of"]

#: one of these is enough
_NOW = vocabulary(
    "latest newest currently nowadays breaking headlines livescore tonight tomorrow aktuell aktuelle "
    "aktuellen aktueller aktuelles neueste neuesten neuester derzeit momentan heutige heutigen "
    "schlagzeilen actuel actuelle actuels actuelles actuellement dernières derniers récent récents récente récentes "
    "actualité actualités actuales actualmente últimas últimos reciente recientes noticias"
)
#: these count where something of :data:`_MOVING` is asked for
_SOON = vocabulary(
    "today now current recent recently live ongoing upcoming heute jetzt gerade morgen aujourd maintenant demain hoy "
    "ahora mañana"
)
_MOVING = vocabulary(
    "price prices weather forecast score scores news stock stocks exchange rate rates bitcoin crypto ethereum election "
    "elections president minister ceo champion champions standings ranking rankings release released version inflation "
    "unemployment traffic flight flights schedule match game games season odds interest gdp population events concert "
    "concerts happening happened open temperature rain snow earthquake war strike gas fuel mortgage lineup league "
    "winner won leads preis preise wetter vorhersage kurs kurse aktie aktien nachrichten wahl wahlen kanzler präsident "
    "meister tabelle spiel spiele zinsen verkehr staumeldungen regen geöffnet benzin strompreis passiert bundesliga "
    "prix météo bourse cours actions élection élections président ministre champion match nouvelles taux trafic ouvert "
    "essence precio precios tiempo clima bolsa acciones elección elecciones presidente partido marcador tipo cambio "
    "dólar euro abierto gasolina"
)
_PHRASES = phrases(
    """
    now: right now / as of now
    today: as of today
    moment: at the moment / en ce moment / en este momento
    date: up to date / up-to-date
    recent: most recent
    far: so far this year
    days: these days
    news: in the news / the news
    released: just released / been released
    happened: just happened
    happening: what's happening / what is happening
    going: what's going on in
    weather: the weather
    week: this week / next week
    weekend: this weekend / next weekend
    month: this month / next month
    quarter: this quarter
    year: this year / next year
    season: last season / this season
    woche: diese woche / nächste woche
    monat: diesen monat / nächsten monat
    jahr: dieses jahr / nächstes jahr
    saison: letzte saison / diese saison / cette saison
    wochenende: wochenende
    zurzeit: zurzeit
    zeit: zur zeit
    stand: stand heute / neuesten stand
    jour: à jour
    semaine: cette semaine / semaine prochaine
    mois: ce mois
    année: cette année
    ahora: ahora mismo
    semana: esta semana / próxima semana
    mes: este mes
    año: este año
    """
)
#: these count unless they stand beside what the user did: "what did I spend last week"
_PAST = vocabulary("yesterday gestern vorgestern ayer")
_PAST_PHRASES = phrases(
    """
    week: last week / past week
    weekend: last weekend
    month: last month / past month
    quarter: last quarter
    year: last year / past year
    night: last night
    woche: letzte woche / vergangene woche
    monat: letzten monat
    jahr: letztes jahr
    semaine: semaine dernière
    mois: mois dernier
    année: année dernière
    semana: semana pasada
    mes: mes pasado
    año: año pasado
    """
)
_OF_PAST = _PAST | _PAST_PHRASES.keys()
_PERSONS = vocabulary("i we my our ich wir mein meine meinen unser unsere j je nous")
_DID = re.compile(
    r"\b(?:did|have|had|was|were|habe|haben|hatte|hatten) (?:i|we|ich|wir)\b|\b(?:ich|wir) hab|\bai[ -]je\b|\bj.ai\b"
    r"|\bavons[ -]nous\b|\bnous avons\b"
    r"|\b(?:i|we) (?:(?!(?:watch|miss|notic|wonder|want|need|look|ask)ed)\w{2,12}ed|spent|bought|said|had|went|wrote|made|ate|"
    r"slept|did|sent|met|told|was|were|got|took|ran|paid|sold|forgot|left|built|lost)\b"
)
_POSSESSED = vocabulary("my our mein meine meinen unser unsere")
#: code stands in the text: what is "latest" or "most recent" there is data of the user
_CODE = re.compile(
    r"```|\((?<=\w\()(?!(?:e?s|n)\))|\[(?<=\w\[)|=(?<=\w =)(?= \S)|=[=>]|!=|;[ \t]*\n|\{[ \t]*\n"
    r"|</\w|\nimport \w|traceback|most recent call"
)
#: without one of these nothing is code
_SIGNS_OF_CODE = ("(", "[", "=", ";", "{", "</", "`", "$", "|", "import ", "select ", "traceback", "most recent call")
#: beside code, only this asks about the world
_OF_RELEASES = re.compile(
    r"\b(?:latest|newest|current|neueste|aktuelle|dernière|última) (?:\w{1,20} )?(?:version|versión|release)\b"
)
#: the text is at hand, or to be made up: nothing about the world is asked
_AT_HAND = vocabulary(
    "translate summarize summarise rewrite rephrase proofread story poem fiction classify extract übersetze "
    "zusammenfassen fasse gedicht geschichte traduis résume poème traduce resume poema essay invoice email letter "
    "rechnung brief lettre carta cuento code function python javascript sql regex bug debug refactor calculate"
)
_ASKING = vocabulary(
    "who what which when where how many much did does is are has have was were list tell wer was welche welcher welches "
    "wann wo wie viele hat gibt ist qui que quel quelle quels quand où combien est quién qué cuál cuáles cuándo dónde "
    "cuánto cuántos es hay"
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero", "february feb februar février febrero", "march mar märz mars marzo",
            "april apr avril abril", "may mai mayo", "june jun juni juin junio", "july jul juli juillet julio",
            "august aug août agosto", "september sep sept septembre septiembre", "october oct oktober okt octobre octubre",
            "november nov novembre noviembre", "december dec dezember dez décembre diciembre",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    r"\b(?P<iso>20[0-9]{2}-[01][0-9](?:-[0-3][0-9])?)\b"
    rf"|\b(?:(?P<day>[0-3]?[0-9])(?:st|nd|rd|th|er|\.)? (?:of |de )?)?(?P<month>{_MONTH})\.?"
    r"(?: (?P<day2>[0-3]?[0-9])(?:st|nd|rd|th)?,)?,? (?:de |of )?(?P<year>20[0-9]{2})\b"
    r"|(?<![\w.,$€£-])(?P<only>20[0-9]{2})(?![\w%$€£]|[.,:-][0-9])"
)
_YEAR = re.compile(r"20[0-9]{2}")
#: characters before and behind a year in which the rest of its date stands, and years that are looked at
_BEFORE, _BEHIND, _MOST_YEARS = 30, 8, 20
#: words of a text that is a mere key word search: "bitcoin price now"
_TERSE = 8


def _last_day(year: int, month: int) -> datetime.date:
    return datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)


def _end(match: re.Match[str]) -> datetime.date | None:
    """The last day of what a match names: a day, a month or a year; None for a day that no calendar has."""
    try:
        if match["only"]:
            return datetime.date(int(match["only"]), 12, 31)
        if match["iso"]:
            year, month, *day = map(int, match["iso"].split("-"))
        else:
            year, month = int(match["year"]), _MONTHS[match["month"]]
            day = [int(found) for found in (match["day"], match["day2"]) if found]
        return datetime.date(year, month, day[0]) if day else _last_day(year, month)
    except ValueError:
        return None


def _dates(words: Words, today: datetime.date, years: int) -> datetime.date | None:
    """The latest of the dates named, not later than today; only those of the last ``years`` and this year."""
    lower, found, done = words.lower, [], 0
    for year in islice(_YEAR.finditer(lower), _MOST_YEARS):
        for match in _DATE.finditer(lower, max(done, year.start() - _BEFORE), year.end() + _BEHIND):
            done = match.end()
            end = _end(match)
            if end is not None and end.year <= today.year + 1:
                found.append(min(end, today))
    latest = max(found, default=None)
    return latest if latest is not None and latest.year >= today.year - years else None


def _own_past(words: Words) -> bool:
    """True where the past is the user's own, of which no model knows: "what did I spend", "our sales"."""
    known = words.known
    if known.isdisjoint(_PERSONS):
        return False
    return _DID.search(words.lower) is not None or (not known.isdisjoint(_POSSESSED) and known.isdisjoint(_MOVING))


def _of_now(words: Words, own: bool) -> bool:
    """True where words of the present say that what moves is asked for; ``own`` says that the past is the user's."""
    words = words.ends(40, 30)
    known = words.known
    asked = "?" in words.lower or not known.isdisjoint(_ASKING)
    if not known.isdisjoint(_NOW) or (not own and not known.isdisjoint(_PAST)):
        return True
    if not asked and len(words.listed) > _TERSE:
        return False
    moving = not known.isdisjoint(_MOVING) and not known.isdisjoint(_SOON)
    return moving or (asked and (has_phrase(words, _PHRASES) or (not own and has_phrase(words, _PAST_PHRASES))))


def _is_code(words: Words) -> bool:
    if not any(sign in words.lower for sign in _SIGNS_OF_CODE):
        return False
    return _CODE.search(words.lower) is not None or written(words) is not None


def freshness_of(words: Words, today: datetime.date, years: int = 10) -> tuple[bool, str | None]:
    """Whether recent knowledge is needed, and the ISO date until which the world must be known (None: no date is named).

    A named month or year counts to its end, but not beyond ``today``; dates of more than ``years`` years ago are history.
    Freshness is also needed where a date of this year or the last one is named. Nothing is asked about the world where a text
    is to be translated, summarised, made up, or programmed, where code stands in it (unless a version or release is asked for),
    and where the user asks about what they did themselves.
    """
    if not words.known.isdisjoint(_AT_HAND):
        return False, None
    date = _dates(words, today, years)
    recent = date is not None and date.year >= today.year - 1
    own = (recent or not words.known.isdisjoint(_OF_PAST)) and _own_past(words)
    fresh = (recent and not own) or _of_now(words, own)
    if (fresh or date) and _is_code(words):
        return "?" in words.lower and _OF_RELEASES.search(words.lower) is not None, None
    return fresh, None if date is None or (own and recent) else date.isoformat()


class Freshness:
    """Facts ``freshness`` (recent knowledge is needed) and ``knowledge_after`` (ISO date that the knowledge must reach).

    Args:
        years: dates of how many years back count; what is older is in every model.

    Raises:
        ConfigurationError: for a number of years below 0.
    """

    name = "freshness"
    gives = ("freshness", "knowledge_after")

    def __init__(self, years: int = 10) -> None:
        if not isinstance(years, int) or isinstance(years, bool) or years < 0:
            raise ConfigurationError(f"must be a number of years, 0 or more, not {years!r}.", path="years")
        self.years = years

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read the last user message; dates are seen from the day of the call (UTC)."""
        today = datetime.datetime.fromtimestamp(driver.wall(), datetime.UTC).date()
        fresh, after = freshness_of(spoken(request), today, self.years)
        return {"freshness": fresh} if after is None else {"freshness": fresh, "knowledge_after": after}
