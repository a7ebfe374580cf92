"""Chance by seed: whether a model gets a question right, and every other draw, is a function of seed and text."""

from __future__ import annotations

import hashlib
import random

__all__ = ["chance_right", "draw"]


def draw(seed: int, *texts: str) -> random.Random:
    """A generator that depends on the seed and the texts alone, alike in every process."""
    digest = hashlib.sha256(str(seed).encode())
    for text in texts:
        digest.update(b"\x00" + text.encode("utf-8", "surrogatepass"))
    return random.Random(digest.digest())


def chance_right(skill: float, difficulty: float) -> float:
    """Probability of a right answer: each step of a task must go right, so ``skill ** difficulty``."""
    return float(skill**difficulty)
