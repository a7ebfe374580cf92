"""Whether the last answer was no use: "that is wrong", "no, I meant", or the same question once more."""

from __future__ import annotations

import re

from routed_llm.prompt.said import normalised
from routed_llm.prompt.words import Words, vocabulary, words_of

__all__ = ["asks_again"]

#: words of which one is in every phrase -> the phrases, in English, German, French and Spanish. They are said of the last
#: answer; what is said of oneself ("I meant ...") must begin a sentence.
_BEGIN = r"(?:\A|[.!?,;\n] ?)"
_ANSWER = r"\b(?:that|this|it|your (?:answer|code|solution|response|reply))"
_PHRASES = tuple(
    (vocabulary(words), re.compile(pattern))
    for words, pattern in (
        (
            "wrong incorrect false right correct true",
            (
                rf"{_ANSWER}(?:'s| is| was)(?: just| still| completely| all| totally)* (?:wrong|incorrect|false|not "
                rf"(?:right|correct|true))\b"
                rf"(?! (?:to|for|that|about|with|in)\b)|{_ANSWER} (?:still )?(?:isn't|wasn't|doesn't look) (?:right|correct)\b"
                r"|\A\W*(?:no|nope)?[,.! ]*(?:wrong|incorrect)\b(?! \w)|\bgot (?:it|that) wrong\b"
            ),
        ),
        (
            "asked meant wanted said already tried told",
            (
                r"\b(?:not|isn't|wasn't) (?:what|the one|how) i (?:asked|meant|wanted|said)\b|\bas i said\b"
                rf"|{_BEGIN}(?:no|nope|actually|but)?[,.! ]*i (?:meant|already (?:said|told|asked|tried)|said|asked (?:you"
                rf"|for|about|how|why|what))\b"
            ),
        ),
        ("again", rf"(?:{_BEGIN}|please |let's )(?:try|do it|answer|ask|explain (?:it|that)|asking(?: you)?|once) again\b"),
        (
            "misunderstood answer missed ignored repeat rephrase",
            (
                r"\byou (?:misunderstood|didn't answer|did not answer|missed the|ignored my)|\b(?:let me|i'll|i will|i "
                r"have to) (?:repeat|rephrase)\b"
            ),
        ),
        ("still", r"\bstill (?:doesn't|does not|isn't|is not|didn't|not) (?:work|right|correct|what|compil)"),
        (
            "falsch richtig korrekt stimmt wollte",
            (
                r"\b(?:das|es) (?:ist|war) (?:so |immer noch |leider |doch |auch )*(?:falsch|nicht richtig|nicht "
                r"korrekt)\b|\bimmer noch falsch\b"
                r"|\b(?:das|es) stimmt (?:so |immer noch |leider |doch )*nicht\b|\bnicht(?: das)?,? was ich wollte\b"
                r"|\bfalsch verstanden\b"
            ),
        ),
        (
            "meinte gefragt gesagt missverstanden nein",
            (
                rf"\A\W*nein[,.!]* (?:das ist|so nicht|nicht)|{_BEGIN}(?:nein,? )?ich (?:meinte|(?:hatte|habe) (?:doch "
                rf")?(?:nach|gefragt|gesagt))\b"
                r"|\bnicht(?: das)?,? was ich meinte\b|\bmissverstanden\b"
            ),
        ),
        ("nochmal nochmals noch erneut", r"\b(?:versuch|erklär)\w*(?: es| das)?(?: bitte)? (?:noch ?mal|nochmals|erneut)\b"),
        (
            "faux incorrect pas juste",
            (
                r"\bc'est (?:toujours |encore |complètement )?(?:faux|incorrect)\b|\bce n'est (?:toujours )?pas (?:ce que "
                r"j|correct|juste)|\A\W*non[, ]+(?:ce n'est|pas)"
            ),
        ),
        (
            "voulais répète demandais demandé réessaie recommence compris",
            (
                rf"{_BEGIN}(?:non,? )?je (?:voulais|répète|demandais)\b|{_BEGIN}j'ai (?:déjà )?demandé\b|\b(?:réessaie"
                rf"|recommence)\b"
                r"|\b(?:tu n'as pas|tu as mal|vous n'avez pas|vous avez mal) compris\b"
            ),
        ),
        (
            "mal incorrecto equivocado correcto bien que",
            (
                r"\b(?:eso|esto) (?:es|está|sigue)(?: siendo)? (?:mal|incorrecto|equivocado)\b|\b(?:eso|esto) no (?:es"
                r"|está) (?:lo que|correcto|bien)"
                r"|\A\W*está (?:mal|equivocado)\b|\bno es lo que (?:te )?(?:pedí|pregunté|quería)"
            ),
        ),
        (
            "quería refería nuevo otra dije pregunté entendiste entendido era",
            (
                r"\A\W*no,? (?:quería decir|me refería|era lo que)|\b(?:inténtalo|prueba|explícalo|hazlo) (?:de nuevo|otra "
                r"vez)\b"
                r"|\bya te (?:dije|pregunté)\b|\bno (?:me )?(?:entendiste|has entendido)\b"
            ),
        ),
    )
)
#: share of words that the same question has in common with itself put otherwise, and least words for it
_SAME, _LEAST = 0.6, 3
#: words that say nothing about what is asked
_FILLERS = vocabulary(
    "the a an of to in is are it i you me my please can could would do does for on and der die das ein eine ist zu ich "
    "le la les un une de el los que"
)


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
    """True for two messages that ask the same in nearly the same words."""
    one, other = one - _FILLERS, other - _FILLERS
    common = len(one & other)
    return common >= _LEAST and common >= _SAME * len(one | other)


def _says_so(words: Words) -> bool:
    return any(not words.known.isdisjoint(of) and phrase.search(words.lower) is not None for of, phrase in _PHRASES)


def asks_again(words: Words, before: str | None = None) -> bool:
    """True where the user says that the last answer missed, or asks the same as in the message ``before`` (None: no such)."""
    if _says_so(words.ends(30, 15)):
        return True
    if not before:
        return False
    # very unlike lengths cannot have enough words in common
    if not 0.3 < (len(before) + 20) / (len(words.text) + 20) < 3.5:
        return False
    earlier = words_of(normalised(before))
    return earlier.lower.strip() == words.lower.strip() or _same(words.known, earlier.known)
