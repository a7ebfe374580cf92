"""``routed-llm errors``: what each class of error means for the next step."""

from __future__ import annotations

import click

__all__ = ["errors"]

_THEN = {"next": "another model", "larger": "a model with a larger window", "raise": "given to the caller"}
_COOL = {
    "backoff": "1 s doubling to 30 s, or as told",
    "long": "10 minutes",
    "account": "10 minutes, the whole account",
    "change": "until the configuration changes",
    None: "no",
}


@click.command()
def errors() -> None:
    """Show what the router does after each class of error."""
    from routed_llm.cli.show import console, table
    from routed_llm.dispatch.reactions import REACTIONS

    shown = table("Errors and what follows", ("error", "meaning", "then", "same model again", "left alone", "its fault"), ())
    for kind, reaction in REACTIONS.items():
        again, fault = ("yes" if flag else "no" for flag in (reaction.same, reaction.counts))
        shown.add_row(kind, reaction.meaning, _THEN[reaction.then], again, _COOL[reaction.cool], fault)
    console().print(shown)
    click.echo("The same model is asked again only when no other is left.")
