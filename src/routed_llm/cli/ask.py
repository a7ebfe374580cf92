"""``routed-llm ask``: one answer, and why."""

from __future__ import annotations

from typing import Any

import click

from routed_llm.cli.pool import chat_model, pool_options, read_prompt

__all__ = ["ask"]


@click.command()
@click.argument("prompt")
@pool_options
@click.option("--why", is_flag=True, help="Show every candidate: how it scored, or why it was rejected.")
def ask(prompt: str, models: str | None, strategy: str | None, config: str | None, why: bool) -> None:
    """Answer PROMPT (- reads it from the input) and say which model did, why, and what it cost.

    The answer goes to the standard output, everything else to the standard error.
    """
    text = read_prompt(prompt)
    model = chat_model(models, strategy, config)
    routing: dict[str, Any] = {}
    for chunk in model.stream(text):
        click.echo(chunk.text, nl=False)
        routing = chunk.response_metadata.get("routing") or routing
    click.echo()
    click.secho(_told(routing), dim=True, err=True)
    if why:
        click.echo(str(model.router.decision(routing["decision_id"])), err=True)


def _told(routing: dict[str, Any]) -> str:
    """One line: who answered, why, after which failures, at what cost."""
    from routed_llm.cli.show import exact

    marks = "".join(f" ({mark})" for mark in routing.get("marks") or ())
    cost = routing.get("cost_nanousd")
    attempts = routing.get("attempts") or ()
    seconds = sum(attempt["seconds"] for attempt in attempts)
    failed = "".join(f"; {a['model']} failed: {a['error']}" for a in attempts if a.get("error"))
    price = "cost unknown" if cost is None else exact(cost)
    return f"{routing['model']}{marks}: {routing['reason']}{failed}; {seconds:.2f} s; {price}"
