"""The demo's progress bar, on the standard error; nothing where that is no terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from routed_llm.cli.show import console

__all__ = ["Bar", "progress"]


class Bar:
    """Counts calls, and names what is being done."""

    def __init__(self, shown: Progress, total: int) -> None:
        self._shown = shown
        self._task = shown.add_task("", total=total)

    def says(self, text: str) -> None:
        """Name what is being done."""
        self._shown.update(self._task, description=text)

    def tick(self) -> None:
        """One more call."""
        self._shown.advance(self._task)


@contextmanager
def progress(total: int) -> Iterator[Bar]:
    """A bar for so many calls."""
    screen = console(err=True)
    columns = (TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as shown:
        yield Bar(shown, total)
