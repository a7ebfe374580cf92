"""Tables of media: in which form each dialect sends them, and how much of them providers take."""

from __future__ import annotations

from generator.dialect_asked import MEDIA_ASKED, cell
from generator.markdown import table
from routed_llm.dialects.speaking import DIALECTS

__all__ = ["media_forms", "media_limits"]

_WORDS = {"yes": "sent", "no": "not"}


def media_forms() -> str:
    """A row for each medium and form, a column for each dialect, found out by asking it."""
    rows = []
    for asked in MEDIA_ASKED:
        medium, _, form = asked.name.partition(" by ")
        rows.append((medium, form, *(_WORDS[cell(name, asked)] for name in DIALECTS)))
    return table(("Medium", "By", *(f"`{name}`" for name in DIALECTS)), rows)


def media_limits() -> str:
    """Every limit of a row, as the code compares it."""
    from routed_llm.dialects.media import LIMITS
    from routed_llm.providers.rows import load_rows

    limited = [row for row in load_rows().values() if row.media_limits]
    rows = [
        (f"`{limit}`", *(f"{row.media_limits[limit]:,}" if limit in row.media_limits else "-" for row in limited))
        for limit in LIMITS
        if any(limit in row.media_limits for row in limited)
    ]
    return table(("Limit", *(f"`{row.name}:`" for row in limited)), rows)
