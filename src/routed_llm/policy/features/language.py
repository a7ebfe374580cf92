"""The language a call is written in, by script, frequent words, letters and, where these say little, by triples of letters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from routed_llm.driver import Driver
from routed_llm.policy.features.scripts import foreign, language_of_script
from routed_llm.prompt.words import Words, spoken, words_of
from routed_llm.requests import Request

__all__ = ["Language", "language_of"]

_WORDS = Path(__file__).parent / "data" / "languages.txt"
#: letters beyond a to z of each language (alphabets of the languages, common loan accents left out)
_LETTERS = {
    "de": "äöüß", "fr": "àâæçèéêëîïôùûœ", "es": "áéíñóúü¿¡", "it": "àèéìòù", "pt": "àáâãçéêíóôõú", "nl": "ëïé",
    "ro": "ăâîșțşţ", "sv": "åäö", "da": "æøå", "no": "æøå", "fi": "äö", "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž",
    "tr": "çğıöşü", "hu": "áéíóöőúüű", "ca": "àçèéíòóúï", "hr": "čćđšž", "sk": "áäčďéíĺľňóôŕšťúýž", "et": "äõöü",
    "vi": "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
}  # fmt: skip
#: words looked up, and unknown ones of them whose letters are looked at
_LOOKED_UP, _SPELT = 60, 16
#: words of each list whose letters are counted
_SPELT_OF = 330
#: least evidence for an answer, and least lead over the second language
_ENOUGH, _LEAD = 1.4, 0.5
#: what a text of plain ASCII speaks for English, which alone never needs more
_PLAIN = 0.5
#: words that must be known of a longer text, as a share
_KNOWN_SHARE = 0.12
_FENCE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,80}`|https?://\S+", re.DOTALL)


class _Tables(NamedTuple):
    """What tells languages apart: ``words``, ``letters`` and ``triples`` give the weight of each language by its number."""

    codes: tuple[str, ...]
    words: dict[str, tuple[tuple[int, float], ...]]
    letters: dict[str, tuple[tuple[int, float], ...]]
    triples: dict[str, tuple[tuple[int, float], ...]]


def _shared(owners: Sequence[int], most: float) -> tuple[tuple[int, float], ...]:
    """What speaks for one language alone weighs ``most``, what many share next to nothing."""
    return tuple((owner, most / len(owners) ** 1.3) for owner in owners)


def _triples(lists: Sequence[Sequence[str]]) -> dict[str, tuple[tuple[int, float], ...]]:
    """Of every triple of letters the languages that it speaks for, by its share among their words."""
    counts: dict[str, dict[int, int]] = {}
    for number, words in enumerate(lists):
        # of equal lengths: a longer list would know more triples
        for word in words[:_SPELT_OF]:
            marked = f" {word} "
            for start in range(len(word)):
                of = counts.setdefault(marked[start : start + 3], {})
                of[number] = of.get(number, 0) + 1
    sizes = [sum(map(len, words[:_SPELT_OF])) for words in lists]
    found = {}
    for triple, of in counts.items():
        rates = {number: (count + 0.3) / (sizes[number] + 600) for number, count in of.items()}
        total = sum(rates.values())
        found[triple] = tuple((n, rate / total) for n, rate in rates.items() if rate > 0.12 * total)
    return found


@cache
def _tables() -> _Tables:
    """Made of the shipped lists at the first use (about 10 ms)."""
    lines = [line for line in _WORDS.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    codes = tuple(line.split(":", 1)[0] for line in lines)
    lists = [list(dict.fromkeys(line.split(":", 1)[1].split())) for line in lines]
    owners: dict[str, list[int]] = {}
    for number, words in enumerate(lists):
        for word in words:
            owners.setdefault(word, []).append(number)
    letters: dict[str, list[int]] = {}
    for code, extra in _LETTERS.items():
        for letter in extra:
            letters.setdefault(letter, []).append(codes.index(code))
    return _Tables(
        codes,
        # single letters are names of variables more often than words
        {word: _shared(of, 2.0 if len(word) > 1 or not word.isascii() else 0.5) for word, of in owners.items()},
        {letter: _shared(of, 2.0) for letter, of in letters.items()},
        _triples(lists),
    )


def _add(scores: list[float], evidence: tuple[tuple[int, float], ...], factor: float = 1.0) -> None:
    for number, weight in evidence:
        scores[number] += weight * factor


def _spell(scores: list[float], unknown: Sequence[str], tables: _Tables) -> None:
    """Add what the triples of letters of unknown words say."""
    for word in unknown:
        marked = f" {word} "
        for start in range(len(word)):
            of = tables.triples.get(marked[start : start + 3])
            if of:
                _add(scores, of, 0.55)


def _by_words(words: Words) -> str | None:
    """Language of a text by its words and letters, or None."""
    tables = _tables()
    scores = [0.0] * len(tables.codes)
    unknown: list[str] = []
    # each word once, so that a word repeated says no more than one
    looked_up = list(dict.fromkeys(words.listed[: 3 * _LOOKED_UP]))[:_LOOKED_UP]
    for word in looked_up:
        of = tables.words.get(word)
        if of is not None:
            _add(scores, of)
        elif not word.isascii() or word.isalpha():
            unknown.append(word)
    if not words.lower.isascii():
        for letter in set(words.lower[: 8 * _LOOKED_UP]):
            _add(scores, tables.letters.get(letter, ()))
    else:
        scores[tables.codes.index("en")] += _PLAIN
    known = len(looked_up) - len(unknown)
    if len(looked_up) > 12 and known < _KNOWN_SHARE * len(looked_up):
        return None
    order = sorted(scores)
    if order[-1] - order[-2] < 3.0 or len(looked_up) < 6:
        _spell(scores, unknown[:_SPELT], tables)
        order = sorted(scores)
    if order[-1] < _ENOUGH or order[-1] - order[-2] < max(_LEAD, 0.04 * order[-1]):
        return None
    return tables.codes[scores.index(order[-1])]


def language_of(words: Words) -> str | None:
    """ISO 639-1 code of a text's language, or None where it cannot be told.

    Code in fences and addresses of pages are left out. Beside the languages whose word lists ship with the package it knows
    those that a script belongs to.
    """
    if "`" in words.lower or "://" in words.lower:
        prose = words_of(_FENCE.sub(" ", words.text))
        words = prose if prose.listed else words
    if foreign(words.lower):
        found = language_of_script(words.lower)
        if found != "":
            return found
    return _by_words(words)


class Language:
    """Fact ``language``: the language the user writes in (ISO 639-1), absent where it cannot be told."""

    name = "language"
    gives = ("language",)

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read the last user message."""
        found = language_of(spoken(request))
        return {} if found is None else {"language": found}
