"""What a question asks for: its words, the names in it, its clauses, and the kind of thing that answers it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from routed_llm.providers.sandbox.solvers.extraction import names
from routed_llm.providers.sandbox.solvers.words import Sentence, stems

__all__ = ["Question", "clauses"]

_CLAUSE = re.compile(r"\?\s+|;\s*|,?\s+and\s+(?=(?:who|whom|when|where|what|which|why|how|in which|in what)\b)", re.IGNORECASE)
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NUMBERS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion"
_TIME = re.compile(r"\bwhen\b|\b(?:which|what) (?:year|date|day|month)\b|\bsince\b", re.IGNORECASE)
_AMOUNT = re.compile(
    r"\bhow (?:many|much|old|long|far|tall|high|often|large|big)\b|\bnumber of\b|\bprice\b|\bcost\b", re.IGNORECASE
)
_PERSON = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)
_PLACE = re.compile(r"\bwhere\b|\b(?:which|what) (?:city|town|country|place|village|region)\b", re.IGNORECASE)
_DATED = re.compile(rf"\b\d{{4}}\b|\b(?:{_MONTHS})\b")
_COUNTED = re.compile(rf"\d|\b(?:{_NUMBERS})\b")
_AT = re.compile(r"\b(?:in|at|near|on|from|to|of)\s+(?:the\s+)?[A-Z]")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the text, its stems, and the stems of each name in it."""

    text: str
    asked: frozenset[str]
    names: tuple[frozenset[str], ...]

    @classmethod
    def read(cls, text: str) -> Question:
        """The question of a text."""
        return cls(text, frozenset(stems(text)), tuple(frozenset(stems(name)) for name in names(text)))

    @property
    def named(self) -> frozenset[str]:
        """The stems of all names."""
        return frozenset().union(*self.names)

    def meant(self, sentence: Sentence) -> frozenset[str]:
        """Stems of the names that the sentence speaks of; none for a namesake, as Old Mill is not New Mill."""
        shared = self.named & sentence.scope
        others, own = set[str](), set[str]()
        for name in (frozenset(stems(name)) for name in (names(sentence.said) if shared else ())):
            for asked in self.names:
                (others if name - asked and asked - name else own).update(name & asked)
        return shared - (others - own)

    def fits_kind(self, sentence: str) -> bool:
        """Whether the sentence has a date, number, person or place, where the question asks for one."""
        if _TIME.search(self.text):
            return _DATED.search(sentence) is not None
        if _AMOUNT.search(self.text):
            return _COUNTED.search(sentence) is not None
        if _PERSON.search(self.text):
            return any(not set(stems(name)) <= self.asked for name in names(sentence))
        return bool(_PLACE.search(self.text) and _AT.search(sentence))


def clauses(question: str) -> list[Question]:
    """The parts that ask for something; one without a name is about the names of the part before it."""
    parts: list[Question] = []
    about = ""
    for clause in [part for part in _CLAUSE.split(question) if stems(part)] or [question]:
        own = " ".join(names(clause))
        about = own or about
        parts.append(Question.read(clause if own else f"{clause} {about}".strip()))
    return parts
