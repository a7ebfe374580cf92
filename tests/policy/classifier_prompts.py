"""The hand-written prompts, and how often a feature is right on them. Nothing here was trained on."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from routed_llm.requests import Request

PROMPTS = Path(__file__).parent / "prompts"
#: few more, by the same author when the first templates were finished, in deliberately unusual words
LATER = Path(__file__).parent / "prompts_later"
#: written by someone else, before he read any template or prompt; nobody looks at them one by one, only at their shares
BLIND = Path(__file__).parent / "prompts_blind"
FACTS = ("task", "domain", "difficulty")


class View:
    """One message of a user."""

    def __init__(self, text: str, media: frozenset[str] = frozenset(), turns: int = 1) -> None:
        self.text = text
        self.characters = len(text)
        self.media = media
        self.media_counts = dict.fromkeys(media, 1)
        self.media_tokens = 0
        self.turns = turns

    def user_text(self) -> str:
        return self.text

    def user_texts(self) -> list[str]:
        return [self.text]

    def texts(self) -> list[str]:
        return [self.text]

    def has_tool_results(self) -> bool:
        return False


class Counted(NamedTuple):
    """How many prompts of each label there are, and how many were told right, by fact."""

    there: Mapping[str, Counter[str]]
    right: Mapping[str, Counter[str]]

    def share(self, fact: str, label: str | None = None) -> float:
        """Share that was right, of all or of one label."""
        if label is not None:
            return self.right[fact][label] / self.there[fact][label]
        return self.right[fact].total() / self.there[fact].total()


def prompts(folder: Path = PROMPTS) -> list[dict[str, Any]]:
    """All prompts of a folder with their labels."""
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]


def facts(feature: Any, text: str, media: frozenset[str] = frozenset(), turns: int = 1) -> Mapping[str, Any]:
    """What a feature finds out about one message."""
    request = Request("langchain", [text], View(text, media, turns), lambda payload, losses: [])
    return asyncio.run(feature.read(request, None))


def counted(feature: Any, folder: Path = PROMPTS) -> Counted:
    """Asks a feature about all prompts of a folder."""
    there: dict[str, Counter[str]] = {fact: Counter() for fact in FACTS}
    right: dict[str, Counter[str]] = {fact: Counter() for fact in FACTS}
    for prompt in prompts(folder):
        told = facts(feature, prompt["prompt"], frozenset(prompt.get("media", ())))
        for fact in FACTS:
            there[fact][prompt[fact]] += 1
            right[fact][prompt[fact]] += told.get(fact) == prompt[fact]
    return Counted(there, right)
