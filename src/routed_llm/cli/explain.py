"""``routed-llm explain``: who would answer a prompt, and why; or why saved decisions came out as they did. Calls nothing."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from routed_llm.cli.pool import chat_model, pool_options, read_prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routed_llm.saved.reading import SavedDecision

__all__ = ["explain"]


@click.command()
@click.argument("what", metavar="PROMPT|FILE")
@pool_options
@click.option("--json", "as_json", is_flag=True, help="Print the whole decision as JSON; of a file a list of them.")
@click.option("--id", "decision_id", help="Of a file, only the decision of this id.")
@click.option("--replay", "again", is_flag=True, help="Of a file, decide again and say whether it comes out the same.")
@click.pass_context
def explain(
    ctx: click.Context,
    what: str,
    models: str | None,
    strategy: str | None,
    config: str | None,
    as_json: bool,
    decision_id: str | None,
    again: bool,
) -> None:
    """Show which model would answer PROMPT, and why. Nothing is called, nothing is paid.

    Where a FILE of that name exists, show the decisions that router.save_decisions(FILE) or decision.as_json() kept in it.
    """
    if os.path.isfile(what):
        if models or strategy or config:
            raise click.UsageError(f"{what} is a file of decisions: leave --models, --strategy and --config out.")
        found = _found(what, decision_id)
        ctx.exit(_replay(found, as_json) if again else _show(found, as_json))
    if again or decision_id is not None:
        raise click.UsageError(f"--replay and --id are for files of decisions, and there is no file {what!r}.")
    if _names_file(what):
        raise click.UsageError(
            f"there is no file {what!r}; a prompt that reads like one comes from the standard input: give -."
        )
    decision = chat_model(models, strategy, config).explain(read_prompt(what))
    click.echo(decision.as_json() if as_json else str(decision))


def _names_file(what: str) -> bool:
    """Whether it reads like the name of a file and not like a prompt: prompts mostly have spaces, names mostly do not."""
    ending = what.endswith((".json", ".jsonl"))
    if any(map(str.isspace, what)):
        return ending and what.startswith((os.sep, f".{os.sep}", f"..{os.sep}", "~"))
    return "://" not in what and (ending or os.sep in what or (os.altsep or os.sep) in what)


def _found(path: str, decision_id: str | None) -> Sequence[SavedDecision]:
    """The decisions of a file, or the one of an id.

    Raises:
        ConfigurationError: for a file that holds something else.
        click.ClickException: for an unknown id, and for a file that cannot be read.
    """
    from routed_llm.saved.reading import load_decisions

    try:
        saved = load_decisions(path)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}.") from None
    if decision_id is None:
        return saved
    found = saved.find(decision_id)
    if found is None:
        raise click.ClickException(f"{path} holds no decision {decision_id!r}; it has {len(saved)} others.")
    return [found]


def _show(found: Sequence[SavedDecision], as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps([each.as_dict() for each in found], indent=1))
    else:
        click.echo("\n\n".join(f"{each.id}: {each}" for each in found))
    return 0


def _replay(found: Sequence[SavedDecision], as_json: bool) -> int:
    """Decide each again; 1 where one comes out otherwise, as the code with which the command ends."""
    told = [(each, each.replay()) for each in found]
    if as_json:
        rows = [{"decision_id": was.id, "same": new.same, "difference": new.difference or None,
                 "decision": new.decision.as_dict()} for was, new in told]  # fmt: skip
        click.echo(json.dumps(rows, indent=1))
    else:
        for was, new in told:
            click.echo(
                f"{new}; {was.sentence}" if new.same else f"{new}\n  was: {was.sentence}\n  is:  {new.decision.sentence}"
            )
        same = sum(new.same for _, new in told)
        click.echo(f"{same} of {len(told)} identical")
    return 0 if all(new.same for _, new in told) else 1
