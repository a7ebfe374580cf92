"""Money as integers: nano-dollars, and how they read."""

from __future__ import annotations

__all__ = ["NANO", "dollars"]

#: nano-dollars in a US dollar
NANO = 1_000_000_000


def dollars(nano: float) -> str:
    """Nano-dollars as dollars to read: at least two decimals, and no more than it takes."""
    whole, _, part = f"{nano / NANO:.9f}".rstrip("0").partition(".")
    return f"${whole}.{part:0<2}"
