"""Lengths that are asked for in so many words: "2,000 words", "three bullet points", "zwei Absätze", "list 50"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from routed_llm.prompt.words import Words, vocabulary

__all__ = ["asked_tokens"]

#: tokens of one of each: about four tokens for three English words (OpenAI's rule of thumb); the others are typical sizes
_SIZES: dict[str, float] = {
    unit: tokens
    for tokens, units in (
        (1.35, "word words wort wörter wörtern worte worten mot mots palabra palabras"),
        (28, "sentence sentences satz sätze sätzen phrase phrases oración oraciones frase frases"),
        (130, "paragraph paragraphs absatz absätze absätzen paragraphe paragraphes párrafo párrafos"),
        (650, "page pages seite seiten página páginas"),
        (16, "line lines zeile zeilen ligne lignes línea líneas verse verses vers strophe strophen stanza stanzas"),
        (
            32,
            "points bullets bulletpoints stichpunkte stichpunkten punkte punkten puntos steps schritte schritten étapes pasos",
        ),
        (900, "chapter chapters kapitel kapiteln chapitre chapitres capítulo capítulos"),
        (0.25, "characters zeichen caractères caracteres"),
        (24, "examples ideas items tips names reasons questions ways facts titles suggestions options quotes jokes recipes"),
        (24, "beispiele beispielen ideen tipps namen gründe gründen fragen fakten titel vorschläge vorschlägen"),
        (24, "exemples idées conseils noms raisons titres ejemplos consejos nombres razones preguntas títulos"),
    )
    for unit in units.split()
}
_NUMBERS: dict[str, int] = {
    word: number
    for number, words in (
        (1, "one single ein eine einen einem einer un une uno una a an"),
        (2, "two zwei deux dos couple"),
        (3, "three drei trois tres few"),
        (4, "four vier quatre cuatro"),
        (5, "five fünf cinq cinco several"),
        (6, "six sechs seis"),
        (7, "seven sieben sept siete"),
        (8, "eight acht huit ocho"),
        (9, "nine neun neuf nueve"),
        (10, "ten zehn dix diez"),
        (12, "twelve zwölf douze doce dozen"),
        (15, "fifteen fünfzehn quinze quince"),
        (20, "twenty zwanzig vingt veinte"),
        (30, "thirty dreißig trente treinta"),
        (50, "fifty fünfzig cinquante cincuenta"),
    )
    for word in words.split()
}
_MANY = {
    **dict.fromkeys(("hundred", "hundert", "cent", "cents", "cien"), 100),
    **dict.fromkeys(("thousand", "tausend", "mille", "mil"), 1_000),
}
#: articles, which count only before these: "a sentence" is a length, "a word" or "an idea" is none
_ARTICLES = vocabulary("a an ein eine einen einem einer un une una")
_AFTER_ARTICLES = 28
#: verbs behind which a bare number tells how many
_LIST = (
    "list",
    "name",
    "give",
    "suggest",
    "generate",
    "write",
    "top",
    "nenn",
    "nenne",
    "gib",
    "cite",
    "donne",
    "dame",
    "enumera",
)
#: tokens of one item of a list, words between the verb and its number, and places of a unit that are looked at
_ITEM, _REACH, _PLACES = 24, 3, 3
#: more than any model writes; keeps the arithmetic small
_LARGEST = 10**6


def _digits(word: str) -> int | None:
    """The number that a word of ASCII digits stands for, with a ``k`` behind it for thousands; None for other words."""
    plain = word[:-1] if word[-1] == "k" else word
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 7:
        return None
    return int(plain) * (1_000 if word[-1] == "k" else 1)


def _number(listed: Sequence[str], end: int) -> tuple[float, str] | None:
    """The number that ends with the word before ``end``, and that word; words of "2,000" are "2" and "000"."""
    if end < 1:
        return None
    word = listed[end - 1]
    if word in _MANY:
        many = _number(listed, end - 1)
        return (many[0] if many else 1) * _MANY[word], word
    if word in _NUMBERS:
        return _NUMBERS[word], word
    value = _digits(word)
    if value is None:
        return None
    if len(word) == 3 and end > 1 and (more := _digits(listed[end - 2])) is not None and len(listed[end - 2]) <= 3:
        value += more * 1_000
    return min(value, _LARGEST), word


def _units(words: Words) -> Iterator[float]:
    """Tokens by each unit with a number before it, or one word further before: "three short paragraphs"."""
    listed = words.listed
    for unit in words.known & _SIZES.keys():
        place = -1
        for _ in range(min(listed.count(unit), _PLACES)):
            place = listed.index(unit, place + 1)
            found = _number(listed, place) or _number(listed, place - 1)
            if found is not None and (found[1] not in _ARTICLES or _SIZES[unit] >= _AFTER_ARTICLES):
                yield found[0] * _SIZES[unit]


def _items(words: Words) -> Iterator[float]:
    """Tokens of lists: "list 50 animals", "nenne mir 10"."""
    for verb in words.known.intersection(_LIST):
        place = words.listed.index(verb)
        for end in range(place + 2, min(place + 2 + _REACH, len(words.listed) + 1)):
            number = _digits(words.listed[end - 1])
            if number is not None:
                yield min(number, _LARGEST) * _ITEM
                break


def asked_tokens(words: Words) -> float | None:
    """Tokens of the longest thing that is counted in the wording, or None where nothing is."""
    return max(_units(words), default=None) or max(_items(words), default=None)
