"""Recognises a question on given passages, an answer that is to be refined with more of them, and a wish for a summary.

Known by what such prompts have in common: words that announce the context, rules of dashes around it, and labels before
the question and the existing answer. The context may stand in a system message and the question in the user's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from routed_llm.providers.sandbox.prompt import Prompt
from routed_llm.providers.sandbox.solvers.follow_up import standalone

__all__ = ["Passage", "read_passage"]

_FLAGS = re.IGNORECASE | re.DOTALL
_CUE = re.compile(
    r"context (?:information )?(?:from multiple sources )?(?:is )?below|some more context|\bnew context\s*:"
    r"|documents for the context|following (?:context|documents|passages)\b",
    re.IGNORECASE,
)
#: ways a context is set off, each with the context as its only group
_FRAMES = (
    re.compile(r"^[ \t]*-{5,}[ \t]*\n(.*)\n[ \t]*-{5,}", _FLAGS | re.MULTILINE),
    re.compile(r"\bnew context\s*:\s*(.*)\n\s*(?:query|question)\s*:", _FLAGS),
    re.compile(r"documents for the context\s*:\s*(.*?)\n\s*(?:existing answer|instruction)\s*:", _FLAGS),
    re.compile(r"(?:context|documents|passages)[^:\n]{0,60}:\s*(.*)\n\s*(?:query|question|instruction)\s*:", _FLAGS),
)
_QUERY = re.compile(
    r"(?:^|\n)[ \t]*(?:query|question|the original (?:query|question) is as follows)\s*:\s*"
    r"(.*?)(?=\n\s*(?:(?:refined |new |original |final |helpful )?answer\s*:|we have (?:also )?provided)|\Z)",
    _FLAGS,
)
_EXISTING = re.compile(
    r"(?:original|existing|previous) answer\s*:\s*"
    r"(.*?)(?=\n\s*(?:new answer\s*:|we have the opportunity|-{5,}|instruction\s*:)|\Z)",
    _FLAGS,
)
_SPLIT = re.compile(r"\n[ \t]*-{5,}[ \t]*\n\s*existing answer\s*:", _FLAGS)
_SUMMARY = re.compile(r"\s{0,20}(?:please )?write a (?:\w{1,20} )?summary of the following[^\n]*\n", re.IGNORECASE)
_SUMMARY_HERE = re.compile(r"\n[ \t]*(?:\w+ )?summary[ \t]*:[\s\"']*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Passage:
    """A question on a context.

    Args:
        context: what is given to read.
        question: what is asked; empty for a summary of the context.
        existing: an answer that is to be refined; empty where there is none.
    """

    context: str
    question: str
    existing: str = ""


def read_passage(prompt: Prompt) -> Passage | None:
    """The passage of a prompt; None where it has none."""
    summary = _SUMMARY.match(prompt.text)
    if summary is not None:
        return Passage(_SUMMARY_HERE.sub("", prompt.text[summary.end() :].rstrip()).strip(), "")
    own = _framed(prompt.text)
    if own is not None:
        asked = list(_QUERY.finditer(prompt.text))
        return Passage(own, asked[-1][1].strip(), _existing(prompt.text)) if asked else None
    for role, text in reversed(prompt.turns):
        given = _framed(text) if role in ("system", "developer") else None
        if given is not None:
            return Passage(given, standalone(prompt.text, prompt.talk), _existing(text))
    return None


def _framed(text: str) -> str | None:
    if _CUE.search(text) is None:
        return None
    for frame in _FRAMES:
        match = frame.search(text)
        if match is not None:
            return _SPLIT.split(match[1], maxsplit=1)[0].strip()
    return None


def _existing(text: str) -> str:
    found = list(_EXISTING.finditer(text))
    return found[-1][1].strip() if found else ""
