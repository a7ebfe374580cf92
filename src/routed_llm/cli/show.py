"""What commands print: consoles, tables, money, time. Plain text where the output is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from routed_llm.money import NANO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["console", "exact", "milliseconds", "table", "usd"]

#: columns of output that goes to a file or a pipe, where no terminal tells its own
_PLAIN_WIDTH = 160


def console(*, err: bool = False) -> Console:
    """A console on the standard output, or on the standard error."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else _PLAIN_WIDTH
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    """An empty table: ``left`` columns of texts, then ``right`` ones of numbers."""
    from rich import box
    from rich.table import Table

    plain = not sys.stdout.isatty()
    made = Table(title=title, title_justify="left", title_style="bold", box=box.ASCII if plain else box.SIMPLE_HEAD)
    made.collapse_padding, made.pad_edge = not plain, plain
    for name in left:
        made.add_column(name, overflow="fold")
    for name in right:
        made.add_column(name, justify="right", no_wrap=True)
    return made


def usd(nanousd: int | None) -> str:
    """Nano-dollars as dollars for reading, to the millionth; ``unknown`` for None."""
    return "unknown" if nanousd is None else f"${nanousd / NANO:,.6f}"


def exact(nanousd: int) -> str:
    """Nano-dollars to the last digit, in dollars and as they are: ``$0.000012345 (12,345 nano-dollars)``."""
    return f"${nanousd // NANO}.{nanousd % NANO:09d} ({nanousd:,} nano-dollars)"


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds; ``-`` for None."""
    return "-" if seconds is None else f"{seconds * 1000:,.0f} ms"
