"""Recorded outcomes of real models, replayed: a line of JSON for each prompt.

``{"prompt": ..., "models": {name: {"quality": 0..1, "cost_usd": number, "answer"?: text, "output_tokens"?: count}}}``
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from routed_llm.providers.sandbox.tokens import count_text

__all__ = ["Outcome", "Outcomes"]

#: tokens of an answer of which neither text nor count was recorded
_UNKNOWN_TOKENS = 150


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one model did on one prompt.

    Args:
        quality: from 0 (wrong) to 1 (right).
        cost_usd: dollars, digit for digit as recorded.
        answer: its text, or None where none was recorded.
        output_tokens: as recorded, else an estimate: the answer's characters by four, or 150.
    """

    quality: float
    cost_usd: Decimal
    answer: str | None
    output_tokens: int

    @property
    def text(self) -> str:
        """The answer, or a labelled placeholder, which does not give away the quality."""
        return "[recorded outcome without text]" if self.answer is None else self.answer


class Outcomes:
    """All outcomes of a file, found by the prompt.

    Args:
        file: JSON lines, plain or ``.gz``.

    Raises:
        ValueError: naming the line that cannot be read.
    """

    def __init__(self, file: str | Path) -> None:
        self._rows: dict[str, dict[str, Outcome]] = {}
        self.models: tuple[str, ...] = ()
        names: dict[str, None] = {}
        for number, line in enumerate(_lines(Path(file)), 1):
            try:
                prompt, row = _row(line)
            except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
                raise ValueError(f"{file}, line {number}: no recorded outcome ({error!r})") from None
            self._rows.setdefault(prompt, {}).update(row)
            names.update(dict.fromkeys(row))
        self.models = tuple(names)
        if not self.models:
            raise ValueError(f"{file}: no recorded outcomes")

    def find(self, prompt: str, model: str) -> Outcome | None:
        """The outcome of a model on a prompt, which may have other space around it."""
        return self._rows.get(prompt.strip(), {}).get(model)

    @property
    def prompts(self) -> tuple[str, ...]:
        """All prompts, in the order of the file."""
        return tuple(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _lines(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        yield from (line for line in lines if line.strip())


def _row(line: str) -> tuple[str, dict[str, Outcome]]:
    value = json.loads(line, parse_float=Decimal)
    return value["prompt"].strip(), {name: _outcome(given) for name, given in value["models"].items()}


def _outcome(given: dict[str, Any]) -> Outcome:
    quality = float(given["quality"])
    cost = given["cost_usd"] if isinstance(given["cost_usd"], Decimal) else Decimal(int(given["cost_usd"]))
    if not 0 <= quality <= 1 or not cost.is_finite() or cost < 0:
        raise ValueError("quality is from 0 to 1, and cost_usd not negative")
    answer = given.get("answer")
    tokens = given.get("output_tokens")
    if tokens is None:
        tokens = count_text(answer) if answer else _UNKNOWN_TOKENS
    return Outcome(quality, cost, None if answer is None else str(answer), max(0, round(tokens)))
