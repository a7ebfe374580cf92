"""``routed-llm health``: ask every deployment once, and show how it is."""

from __future__ import annotations

import json

import click

from routed_llm.cli.pool import chat_model, pool_options

__all__ = ["health"]


@click.command()
@pool_options
@click.option(
    "--how", type=click.Choice(["models", "call", "free"]), default="models", show_default=True,
    help="Ask for the list of models where there is one; for an answer of one token everywhere; for lists alone.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def health(ctx: click.Context, models: str | None, strategy: str | None, config: str | None, how: str, as_json: bool) -> None:
    """Ask every deployment once and show how it is; ends with 1 where none takes calls.

    Asking costs nothing where a provider lists its models, and about one token elsewhere.
    """
    from routed_llm.health.checks import HealthChecks, checked

    with chat_model(models, strategy, config) as model:
        checked(model.router, HealthChecks.of({"how": how, "usd_per_day": 1.0}) or HealthChecks())
        found = model.router.health()
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        click.echo(str(found))
    ctx.exit(0 if found.ok else 1)
