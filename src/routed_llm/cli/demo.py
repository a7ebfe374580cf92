"""``routed-llm demo``: the options; the work is done by the siblings ``demo_*``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from routed_llm.cli.demo_calls import Report

__all__ = ["demo"]

_SIMULATED, _RECORDED, _LIVE = 300, 300, 20


@click.command()
@click.option("--questions", "-n", type=click.IntRange(min=1), help=f"How many; by default {_SIMULATED}, with --live {_LIVE}.")
@click.option("--seed", default=0, show_default=True, help="Makes the questions, and decides every chance.")
@click.option("--outcomes", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Replay recorded prompts and outcomes of real models (JSON lines, also .gz).")  # fmt: skip
@click.option("--live", is_flag=True, help="Ask real models: those whose keys are in the environment, or a local Ollama.")
@click.option("--limit", type=click.FloatRange(min=0, min_open=True), default=0.05, show_default=True, metavar="USD",
              help="With --live: what it may spend, in US dollars.")  # fmt: skip
@click.option("--concurrency", default=8, show_default=True, type=click.IntRange(1, 64), help="Calls at a time.")
@click.option("--json", "file", type=click.Path(dir_okay=False, writable=True, path_type=Path), metavar="FILE",
              help="Also write the figures and every choice as JSON.")  # fmt: skip
@click.pass_context
def demo(
    ctx: click.Context,
    questions: int | None,
    seed: int,
    outcomes: Path | None,
    live: bool,
    limit: float,
    concurrency: int,
    file: Path | None,
) -> None:
    """Run a LangChain chain over checkable questions and compare ways to choose models.

    Without options all models are simulated: no key, no network, no cost. One of them is taken down half-way. Then a
    LlamaIndex query engine answers questions on a small corpus, with an outage too. The exit code is 0 if every call was
    answered and the sums of money agree.
    """
    if live and outcomes is not None:
        raise click.UsageError("--live asks real models and --outcomes replays recorded ones; choose one of them.")
    report = _report(questions, seed, outcomes, limit if live else None, concurrency)
    from routed_llm.cli.demo_table import print_report

    print_report(report)
    if file is not None:
        _write(file, report.as_json())
    ctx.exit(0 if report.sound else 1)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"the figures cannot be written: {error}") from None
    click.echo(f"Written: {file}")


def _report(questions: int | None, seed: int, outcomes: Path | None, limit: float | None, concurrency: int) -> Report:
    """The figures of the kind of demo that is meant.

    Raises:
        click.ClickException: for a file that holds no outcomes.
        NoModels: when there is no key and no local model to ask.
    """
    if limit is not None:
        from routed_llm.cli.demo_live import live_demo

        return live_demo(questions or _LIVE, seed, limit)
    if outcomes is not None:
        from routed_llm.cli.demo_recorded import recorded_demo

        try:
            return recorded_demo(outcomes, questions or _RECORDED, seed, concurrency)
        except (ValueError, OSError) as error:
            raise click.ClickException(str(error)) from None
    from routed_llm.cli.demo_simulated import simulated_demo

    return simulated_demo(questions or _SIMULATED, seed, concurrency)
