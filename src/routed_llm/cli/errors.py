"""``routed-llm errors``: what each class of error means for the next step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routed_llm.dispatch.reactions import Reaction

__all__ = ["errors"]

_THEN = {"next": "another model", "larger": "a model with a larger window", "raise": "given to the caller"}
_COOL = {
    "score": "after two in a row: 1 s doubling to 30 s, or as told",
    "backoff": "at once: 1 s doubling to 30 s, or as told",
    "long": "10 minutes",
    "account": "10 minutes, the whole account",
    "key": "until the configuration changes, the whole key",
    "change": "until the configuration changes",
    None: "no",
}


def _rows() -> Iterator[tuple[str, Reaction, dict[str, Any]]]:
    """Every class, and the parts of classes that mean something else, with how those are told apart."""
    from routed_llm.dispatch.reactions import CASES, REACTIONS

    for kind, reaction in REACTIONS.items():
        yield kind, reaction, {}
    for case in CASES:
        told = {"kinds": case.kinds, "phases": case.phases, "statuses": case.statuses, "word": case.word}
        yield case.name, case.reaction, {key: value for key, value in told.items() if value is not None}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def errors(as_json: bool) -> None:
    """Show what the router does after each class of error."""
    if as_json:
        rows = [{"error": name, **reaction._asdict(), "where": where or None} for name, reaction, where in _rows()]
        click.echo(json.dumps(rows, indent=2))
        return
    from routed_llm.cli.show import console, table

    shown = table("Errors and what follows", ("error", "meaning", "then", "same model again", "left alone", "its fault"), ())
    for name, reaction, _ in _rows():
        again, fault = ("yes" if flag else "no" for flag in (reaction.same, reaction.counts))
        shown.add_row(name, reaction.meaning, _THEN[reaction.then], again, _COOL[reaction.cool], fault)
    console().print(shown)
    click.echo("The same model is asked again only when no other is left.")
