"""``routed-llm explain``: who would answer a prompt, and why; calls nothing."""

from __future__ import annotations

import click

from routed_llm.cli.pool import chat_model, pool_options, read_prompt

__all__ = ["explain"]


@click.command()
@click.argument("prompt")
@pool_options
@click.option("--json", "as_json", is_flag=True, help="Print the whole decision as JSON.")
def explain(prompt: str, models: str | None, strategy: str | None, config: str | None, as_json: bool) -> None:
    """Show which model would answer PROMPT, and why. Nothing is called, nothing is paid."""
    decision = chat_model(models, strategy, config).explain(read_prompt(prompt))
    click.echo(decision.as_json() if as_json else str(decision))
