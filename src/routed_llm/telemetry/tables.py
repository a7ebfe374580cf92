"""Small tables, as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["as_html", "as_text"]


def as_text(head: str, rows: Sequence[Sequence[str]]) -> str:
    """``head`` above aligned columns: the first one to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) if n else cell.ljust(width) for n, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    return "\n".join([head, *(f"  {line.rstrip()}" for line in lines)])


def as_html(head: str, rows: Sequence[Sequence[str]]) -> str:
    """The same as an HTML table, every cell escaped."""
    from html import escape

    cells = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(head)}</caption>{cells}</table>"
