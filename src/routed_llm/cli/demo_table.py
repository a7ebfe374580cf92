"""Prints what a demo found: a table, and sentences that say what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from routed_llm.cli.demo_calls import Figures, Report, Run, first_error
from routed_llm.cli.show import console, exact, milliseconds, table, usd

__all__ = ["print_report"]

_TITLES = {
    "simulated": "Simulated: calls, right answers, cost and latency, by model and in all",
    "recorded": "Recorded: quality and cost, by model and in all",
    "live": "Measured on real models",
}


def print_report(report: Report) -> None:
    """The whole report on the standard output."""
    screen = console()
    plain = not screen.is_terminal
    for line in report.notes:
        screen.print(line, soft_wrap=plain)
    screen.print(_table(report))
    runs = report.runs
    for line in (*_outages(runs), *_against(report), *_beside(runs), *report.after, *_failures(runs), *_ledger(report)):
        screen.print(line, soft_wrap=plain)


def _table(report: Report) -> Table:
    timed = report.kind != "recorded"
    quality = "right" if timed else "quality"
    latency = ("p50", "p95") if timed else ()
    made = table(_TITLES[report.kind], ("how models are chosen",), ("calls", quality, "cost", *latency, "fallbacks"))
    for run in report.runs:
        made.add_row(run.name, *_cells(run.total, timed), style="bold")
        parts = run.by_model
        if len(parts) > 1 or report.kind == "live":
            for name, figures in parts.items():
                made.add_row(f"  {name.removeprefix('sandbox:')}", *_cells(figures, timed))
    return made


def _cells(figures: Figures, timed: bool) -> list[str]:
    """The numbers of a row; costs that are not known are said, never added as zero."""
    cost = usd(None if figures.calls == figures.unknown_costs > 0 else figures.cost_nanousd)
    cost += f" + {figures.unknown_costs} unknown" if 0 < figures.unknown_costs < figures.calls else ""
    right = f"{figures.quality * figures.calls:.0f} ({figures.quality:.0%})"
    latency = [milliseconds(figures.p50), milliseconds(figures.p95)] if timed else []
    return [f"{figures.calls:,}", right if timed else f"{figures.quality:.4f}", cost, *latency, f"{figures.fallbacks:,}"]


def _outages(runs: Sequence[Run]) -> Iterator[str]:
    for run in runs:
        half = (len(run.calls) + 1) // 2
        later = run.calls[half:]
        if run.down is None or not later:
            continue
        lost = sum(call.model is None for call in run.calls)
        met, others = sum(call.fallbacks for call in later), ", ".join(dict.fromkeys(c.model for c in later if c.model))
        yield (
            f"{run.down} was taken down after {half} of {len(run.calls)} calls. {met} call{'s' * (met != 1)} met the failure "
            f"and fell back; then it was left alone and {others or 'nobody'} answered. Calls lost: {lost}."
        )


def _against(report: Report) -> Iterator[str]:
    """The router beside always the strongest, by the figures of the table."""
    auto = next((run.total for run in report.runs if run.name == "auto"), None)
    strong = next((run.total for run in report.runs if run.name.startswith("always the strongest")), None)
    if auto is not None and strong is not None and strong.cost_nanousd and strong.quality:
        yield (
            f"Against always the strongest, auto cost {auto.cost_nanousd / strong.cost_nanousd:.1%} of the money and reached "
            f"{auto.quality / strong.quality:.1%} of the quality."
        )


def _beside(runs: Sequence[Run]) -> Iterator[str]:
    for run in runs:
        if run.beside_nanousd:
            yield f"{run.name}: the embeddings of documents and questions cost {usd(run.beside_nanousd)} besides."


def _failures(runs: Sequence[Run]) -> Iterator[str]:
    for run in runs:
        error = first_error(run.calls)
        if error:
            yield f"{run.name}: {sum(call.model is None for call in run.calls)} calls failed, the first one: {error}"


def _ledger(report: Report) -> Iterator[str]:
    if report.ledger_nanousd is None:
        return
    ours = report.spent_nanousd
    verdict = "they agree to the nano-dollar" if ours == report.ledger_nanousd else "THEY DO NOT AGREE"
    yield (
        f"The sandbox's own ledger says that all of this cost {exact(report.ledger_nanousd)}; the routers' sum is "
        f"{exact(ours)}: {verdict}."
    )
