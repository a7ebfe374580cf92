"""Makes a follow-up question stand alone: what its pronouns point at, and what "what about ...?" leaves out, is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from routed_llm.providers.sandbox.prompt import Prompt
from routed_llm.providers.sandbox.solvers.extraction import names
from routed_llm.providers.sandbox.solvers.solution import Solution

__all__ = ["solve", "standalone"]

_HISTORY = re.compile(r"chat history[ \t]*[:>]", re.IGNORECASE)
_FOLLOW_UP = re.compile(r"\n[ \t]*<?follow[- ]?up (?:input|message|question)[ \t]*[:>]", re.IGNORECASE)
_END = re.compile(r"\n[ \t]*<?stand-?alone question[ \t]*[:>]?\s*$", re.IGNORECASE)
_TURN = re.compile(r"^(user|human|assistant|ai|system|tool)\s*:\s*", re.IGNORECASE | re.MULTILINE)
_PERSON = re.compile(r"\b(he|she|him|his|her|hers)\b", re.IGNORECASE)
_THING = re.compile(r"\b(it|its|they|them|their|there|(?:this|that) (?:one|place|company|person|thing))\b", re.IGNORECASE)
_OWNING = frozenset({"his", "her", "hers", "its", "their"})
_ABOUT = re.compile(
    r"^\s*(?:and|(?:and )?(?:what|how) about)\s+(?!when|who|what|where|how|which|why)(.+?)\s*\??\s*$", re.IGNORECASE | re.DOTALL
)

Turn = tuple[str, str]


def standalone(question: str, talk: Sequence[Turn]) -> str:
    """The question with what it takes from the talk before it, as (role, text) pairs, oldest first."""
    asked, answered = _topics(talk)
    about = _ABOUT.match(question)
    if about is not None:
        last = next((text for role, text in reversed(talk) if role == "user"), "")
        old = names(last)
        if old and old[-1] in last:
            return last.replace(old[-1], about[1])
        said = _replaced(last, about[1], about[1])
        return said if said != last else question
    if names(question):
        return question
    person = next(iter([*answered, *asked]), None)
    thing = next(iter([*asked, *answered]), None)
    return _replaced(question, person, thing)


def _replaced(question: str, person: str | None, thing: str | None) -> str:
    """The question with names in the place of pronouns."""
    said = _PERSON.sub(lambda match: _put(match[1], person), question) if person else question
    return _THING.sub(lambda match: _put(match[1], thing), said) if thing else said


def _put(pronoun: str, name: str) -> str:
    return f"{name}'s" if pronoun.lower() in _OWNING else name


def _topics(talk: Sequence[Turn]) -> tuple[list[str], list[str]]:
    """Names that the user asked about, and names that answers brought up, the latest turn's first."""
    asked = [name for role, text in reversed(talk) if role == "user" for name in names(text)]
    answered = [name for role, text in reversed(talk) if role == "assistant" for name in _brought(text)]
    return list(dict.fromkeys(asked)), [name for name in dict.fromkeys(answered) if name not in asked]


def _brought(text: str) -> list[str]:
    """Names of an answer; one that opens it counts too."""
    opening = re.match(r"[A-Z][\w'-]*(?: [A-Z][\w'-]*)+", text)
    return list(dict.fromkeys([*([opening[0]] if opening else []), *names(text)]))


def _turns(history: str) -> list[Turn]:
    """The turns of a history written as "user: ..." and "assistant: ..." lines."""
    pieces = _TURN.split(history)
    roles = {"human": "user", "ai": "assistant"}
    return [
        (roles.get(role.lower(), role.lower()), text.strip()) for role, text in zip(pieces[1::2], pieces[2::2], strict=True)
    ]


def solve(prompt: Prompt) -> Solution | None:
    """The standalone question; None where no conversation is to be condensed. A step when something must be put in."""
    text = prompt.text
    end, history = _END.search(text, max(0, len(text.rstrip()) - 40)), _HISTORY.search(text)
    asked = list(_FOLLOW_UP.finditer(text))
    if end is None or history is None or not asked:
        return None
    question = text[asked[-1].end() : end.start()].strip()
    said = standalone(question, _turns(text[history.end() : asked[-1].start()]))

    def wrong(_: Random) -> str:
        return question

    return Solution("follow-up", said, 1.0 if said != question else 0.0, wrong)
