"""Prompts made of the templates beside this file: choices, fillings of one domain, and the ways people write.

The same seed gives the same prompts. A template is one line of a ``tasks_*.toml``; ``(a|b)`` is a choice, ``{name}`` a filling
from ``domain_*.toml`` and ``subjects_*.toml``, which belong to one domain, or from ``slots_*.toml`` and ``parts_*.toml``, which
belong to none. Fillings are templates themselves, but for code.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

HERE = Path(__file__).parent
DOMAINS = ("legal", "medical", "finance", "science", "support", "marketing", "travel", "general")
#: how many prompts of each difficulty are made per task
PER_TASK = {"easy": 1200, "middle": 1200, "hard": 600}
#: of nine prompts without a domain of their own, about two are general; most that have one are general
DOMAIN_WEIGHTS = (1, 1, 1, 1, 1, 1, 1, 2)

_CHOICE = re.compile(r"\(((?:[^()|]|\([^()]*\))*(?:\|(?:[^()|]|\([^()]*\))*)+)\)")
_SLOT = re.compile(r"\{(\w+)\}")
#: fillings that are code, in which nothing is filled or chosen
_CODE = frozenset({"snippet", "bigcode", "dcode", "error", "thing"})
_NUMBERS = {"n": (2, 9), "m": (2, 30), "big": (12, 999)}
_BEFORE = (
    "please ", "hi, ", "hello! ", "hey, ", "can you help? ", "I have a question. ", "ok, ", "so, ", "could you please ", "pls ",
    "I'm {role}. ", "As {role}: ", "for work: ", "urgent: ", "next: ", "thanks in advance. ", "now ",
)  # fmt: skip
_AFTER = (
    " please",
    " thanks",
    " thank you!",
    " pls",
    "?",
    " :)",
    ".",
    "!",
    " thx",
    " asap",
    " in english please",
    " (short answer)",
)
_SHORT = {"please": "pls", "you": "u", "are": "r", "with": "w/", "and": "&", "because": "bc", "without": "w/o", "I": "i"}


class Prompt(NamedTuple):
    """A prompt and what it is."""

    text: str
    task: str
    domain: str
    difficulty: str


def _lines(text: str) -> list[str]:
    return [line.replace("\\n", "\n") for line in text.strip().splitlines()]


def _read(pattern: str) -> list[tuple[str, dict[str, Any]]]:
    return [(file.stem, tomllib.loads(file.read_text(encoding="utf-8"))) for file in sorted(HERE.glob(pattern))]


def _noise(name: str) -> list[str]:
    table: dict[str, str] = tomllib.loads((HERE / "noise.toml").read_text(encoding="utf-8"))
    return table[name].split()


def _merged(*patterns: str) -> dict[str, list[str]]:
    """Fillings by name; a name in several files has the entries of all of them."""
    found: dict[str, list[str]] = {}
    for pattern in patterns:
        for _, table in _read(pattern):
            for name, text in table.items():
                found.setdefault(name, []).extend(_lines(text))
    return found


class Generator:
    """Fills templates; every draw comes from one seeded generator."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        # what sounds like hard work is strewn into easy prompts, so that the model learns that it means nothing alone
        self.soup = _noise("soup")
        self.shared = _merged("slots_*.toml", "parts_*.toml")
        self.by_domain = {domain: _merged(f"domain_{domain}.toml", f"subjects_{domain}.toml") for domain in DOMAINS}
        self.templates: dict[tuple[str, str], list[tuple[str | None, str]]] = {}
        for _, table in _read("tasks_*.toml"):
            for group in table["lines"]:
                found = self.templates.setdefault((group["task"], group["difficulty"]), [])
                found.extend((group.get("domain"), line) for line in _lines(group["text"]))

    def prompts(self) -> Iterator[Prompt]:
        """All prompts, task by task."""
        for (task, difficulty), templates in sorted(self.templates.items()):
            # templates bound to one domain are many in mathematics; general ones keep their share
            for _ in range(PER_TASK[difficulty]):
                domain, template = self.chance.choice(templates)
                domain = domain or self._domain(template)
                text = self._styled(self._filled(template, domain), domain)
                yield Prompt(self._padded(text) if difficulty != "hard" else text, task, domain, difficulty)

    def _domain(self, template: str) -> str:
        named = {name for name in _SLOT.findall(template) if any(name in slots for slots in self.by_domain.values())}
        fitting = [d for d in DOMAINS if named <= self.by_domain[d].keys()]
        weights = [DOMAIN_WEIGHTS[DOMAINS.index(d)] for d in fitting]
        return self.chance.choices(fitting, weights)[0]

    def _filled(self, template: str, domain: str) -> str:
        chosen = template
        while (choice := _CHOICE.search(chosen)) is not None:
            chosen = chosen[: choice.start()] + self.chance.choice(choice[1].split("|")) + chosen[choice.end() :]
        return _SLOT.sub(lambda slot: self._filling(slot[1], domain), chosen).strip()

    def _filling(self, name: str, domain: str) -> str:
        slots = self.by_domain[domain]
        if name == "passage":
            return " ".join(self.chance.choices(slots["sent"], k=self.chance.choice((2, 3, 3, 4, 5, 6, 8, 11))))
        if name in _NUMBERS:
            return str(self.chance.randint(*_NUMBERS[name]))
        known = slots.get(name) or self.shared.get(name)
        if not known:
            return f"{{{name}}}"
        entry = self.chance.choice(known)
        # braces and bars of code are its own
        return entry if name in _CODE and _SLOT.fullmatch(entry) is None else self._filled(entry, domain)

    def _styled(self, text: str, domain: str) -> str:
        chance = self.chance
        if chance.random() < 0.15:
            text = self._filled(chance.choice(_BEFORE), domain) + " " + text
        if chance.random() < 0.15:
            text += chance.choice(_AFTER)
        if chance.random() < 0.12:
            text = " ".join(_SHORT.get(word, word) for word in text.split(" "))
        if chance.random() < 0.12:
            text = self._mistyped(text)
        if chance.random() < 0.1:
            text = text.rstrip("?.! ")
        drawn = chance.random()
        return text.lower() if drawn < 0.25 else text[:1].upper() + text[1:] if drawn < 0.7 else text

    def _mistyped(self, text: str) -> str:
        for _ in range(1 + len(text) // 80):
            place = self.chance.randrange(max(1, len(text) - 1))
            if text[place : place + 2].isalpha():
                text = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        return text

    def _padded(self, text: str) -> str:
        chance = self.chance
        drawn = chance.random()
        if drawn < 0.12:
            soup = " ".join(chance.choices(self.soup, k=chance.choice((3, 6, 12, 40))))
            return f"{text} {soup}" if chance.random() < 0.7 else f"{soup} {text}"
        return text


class Hints:
    """Sentences made of a domain's or a task's words, which teach that one thing and nothing else."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.fillers = _noise("fillers")
        self.words: dict[str, list[str]] = {}
        for kind, parting in (("domains", ","), ("tasks", ";")):
            for _, table in _read(f"vocabulary_{kind}*.toml"):
                for label, text in table.items():
                    self.words.setdefault(label, []).extend(" ".join(word.split()) for word in text.split(parting))
        self.of_tasks = [word for label, words in self.words.items() if label not in DOMAINS for word in words]

    def made(self, count: int) -> Iterator[tuple[str, str]]:
        """Pairs of a sentence and the name of its domain or task, ``count`` of each."""
        for label, words in self.words.items():
            # a domain's word has to be heard among many that say nothing about domains
            others = self.of_tasks if label in DOMAINS else self.fillers
            for _ in range(count):
                parts = []
                for word in self.chance.choices(words, k=self.chance.choice((1, 1, 2, 3))):
                    parts += [*self.chance.choices(self.fillers, k=self.chance.randint(0, 3)), word]
                    parts += self.chance.choices(others, k=self.chance.randint(0, 3))
                text = " ".join(parts)
                yield (text if self.chance.random() < 0.6 else text.capitalize()), label
