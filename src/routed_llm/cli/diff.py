"""``routed-llm models diff``: what changed between two files of model cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from routed_llm.money import NANO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routed_llm.catalog.differing import Difference

__all__ = ["diff"]


@click.command()
@click.argument("old", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; prices in billionths of a USD.")
def diff(old: Path, new: Path | None, as_json: bool) -> None:
    """Tell what NEW says of models otherwise than OLD; NEW is by default the file of this package.

    Both are files of model cards, in the form of this package's own.
    """
    from routed_llm.catalog.differing import card_file, differences

    found = list(differences(card_file(old), card_file(new)))
    if as_json:
        click.echo(json.dumps([each._asdict() for each in found], indent=1))
    else:
        _show(found)


def _show(found: Sequence[Difference]) -> None:
    added = [each for each in found if not each.what and each.before is None]
    removed = [each for each in found if not each.what and each.after is None]
    changed = [each for each in found if each.what]
    for sign, group in (("+", added), ("-", removed)):
        for each in group:
            click.echo(f"{sign} {each.model}")
    last = None
    for each in changed:
        if each.model != last:
            click.echo(f"~ {each.model}")
            last = each.model
        click.echo(f"    {each.what}: {_told(each, each.before)} -> {_told(each, each.after)}")
    models = len({each.model for each in changed})
    click.echo(f"{len(added)} new, {len(removed)} gone, {models} changed.")


def _told(difference: Difference, value: Any) -> str:
    if value is None:
        return "unknown"
    priced = difference.what.startswith(("prices.", "service_tiers.")) and isinstance(value, int)
    return f"${value / NANO:g}" if priced else json.dumps(value)
