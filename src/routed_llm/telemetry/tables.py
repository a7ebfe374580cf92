"""Small tables, as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["as_html", "as_text"]


def as_text(head: str, rows: Sequence[Sequence[str]]) -> str:
    """``head`` above aligned columns: the first one to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join([head, *(f"  {_line(row, widths)}" for row in rows)])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])


def as_html(head: str, rows: Sequence[Sequence[str]]) -> str:
    """The same as an HTML table, every cell escaped."""
    from html import escape

    cells = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(head)}</caption>{cells}</table>"
