"""``routed-llm config``: check a configuration file, show what is in force, print the file's JSON schema."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from routed_llm.config.checking import Report

__all__ = ["config"]

_FILE = click.argument("file", required=False)


@click.group()
def config() -> None:
    """Work with a configuration file.

    Without FILE, the one that ROUTED_LLM_CONFIG names, else routed.toml.
    """


@config.command()
@_FILE
@click.pass_context
def check(ctx: click.Context, file: str | None) -> None:
    """Find everything that is wrong with FILE; calls nobody. The exit code is 1 where something is."""
    report = _report(file)
    if report.problems:
        for problem in report.problems:
            where = problem.path or report.name
            click.echo(f"{where}{'' if problem.line is None else f' (line {problem.line})'}")
            click.echo(f"    {problem.problem}")
        several = len(report.problems) != 1
        click.secho(f"{len(report.problems)} mistake{'s' if several else ''} in {report.name}.", fg="red", err=True)
        ctx.exit(1)
    _praise(report)


@config.command()
def schema() -> None:
    """Print the JSON schema of the file, for editors."""
    from routed_llm.config.schema import schema as made

    click.echo(json.dumps(made(), indent=2, ensure_ascii=False))


@config.command()
@_FILE
@click.pass_context
def show(ctx: click.Context, file: str | None) -> None:
    """Show everything in force by FILE, and where each value comes from. Of keys only where they are."""
    from routed_llm.config.showing import shown

    report = _report(file)
    if report.problems or report.loaded is None or report.catalog is None:
        click.secho(str(report.problems[0]) if report.problems else "nothing is in force.", fg="red", err=True)
        ctx.exit(1)
    click.echo(shown(report.loaded, report.catalog))


def _report(file: str | None) -> Report:
    """What is wrong with a file; where nothing is found, the router is made as well, which has the last word."""
    from pathlib import Path

    from routed_llm.cli.pool import one_line
    from routed_llm.config.checking import check as checked
    from routed_llm.config.load import told_at_its_place
    from routed_llm.errors import ConfigurationError
    from routed_llm.router import Router

    with warnings.catch_warnings():
        warnings.showwarning = one_line
        report = checked(None if file is None else Path(file))
        if report.problems or report.loaded is None:
            return report
        try:
            with told_at_its_place(report.loaded):
                router = Router(**report.loaded.settings())
        except ConfigurationError as error:
            return report._replace(problems=[error])
    return report._replace(catalog=router.catalog)


def _praise(report: Report) -> None:
    """Nothing is wrong: the models, and the strategies in words."""
    from routed_llm.config.words import in_words

    loaded, catalog = report.loaded, report.catalog
    if loaded is None or catalog is None:
        return
    click.echo(f"{report.name}: nothing is wrong.")
    for model in catalog.models:
        parts = [d for d in catalog.deployments if d.model == model]
        served = ", ".join(f"{d.provider}:{d.served_model}" for d in parts)
        click.echo(f"model {model}: {served}" if served != model else f"model {model}")
    for alias, target in loaded.document.aliases.items():
        click.echo(f"alias {alias}: {target}")
    if loaded.policy is None:
        click.echo(f"strategy: {'ordered' if loaded.models else 'auto'}, by default")
    else:
        click.echo(f"strategy: {in_words(loaded.policy)}")
    for name, policy in loaded.policies.items():
        click.echo(f"policy {name}: {in_words(policy)}")
    for name, told in loaded.document.budgets.items():
        click.echo(f"budget {name}: {', '.join(f'{key} = {value}' for key, value in told.items())}")
