"""``routed-llm sandbox``: serves the simulated models over HTTP."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["sandbox"]


@click.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The interface.")
@click.option("--seed", default=0, show_default=True, help="Decides which answers are right and which are wrong.")
@click.option(
    "--outcomes", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="Replay recorded outcomes of real models (JSON lines, also .gz) instead.",
)  # fmt: skip
def sandbox(port: int, host: str, seed: int, outcomes: Path | None) -> None:
    """Serve simulated models that speak OpenAI's, Anthropic's and Gemini's wire formats, until interrupted."""
    from routed_llm.providers.sandbox import Sandbox, SandboxServer

    try:
        server = SandboxServer(Sandbox(seed=seed, outcomes=outcomes), host, port).start()
    except (OSError, ValueError) as error:
        raise click.ClickException(f"the sandbox cannot be served on {host}:{port}: {error}") from None
    try:
        _introduce(server.base_url, list(server.sandbox.models))
        server.serve_forever()
    except KeyboardInterrupt:
        server.close()


def _introduce(url: str, names: list[str]) -> None:
    """Where it is, and how to use it."""
    click.echo(f"Simulated models at {url}: {', '.join(names)}")
    click.echo("Use them with any client of OpenAI, Anthropic or Gemini, with any key:")
    click.echo(f'  RoutedChatModel([Model("{names[0]}", base_url="{url}")])')
    click.echo(f'  ChatOpenAI(model="{names[0]}", base_url="{url}", api_key="any")')
    origin = url.removesuffix("/v1")
    click.echo(f'  ChatAnthropic(model="{names[0]}", base_url="{origin}", api_key="any")')
    click.echo(f'  ChatGoogleGenerativeAI(model="{names[0]}", base_url="{origin}", google_api_key="any")')
    click.echo(f"What arrived and what it cost: {origin}/sandbox/requests and /sandbox/ledger")
    click.echo("Ctrl-C ends it.")
