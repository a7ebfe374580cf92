"""The end of a door: its router lets go of connections and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from routed_llm.router import Router

__all__ = ["Closing"]


class Closing:
    """Closes the router behind a door; as a context manager in sync and async code, too.

    Nothing has to be closed: the ends of loops and of the interpreter close what is open, without a warning. Where a router is
    shared by several doors, closing one of them ends the calls under way of all.
    """

    if TYPE_CHECKING:

        @property
        def router(self) -> Router:
            """What is behind the door."""
            ...

    def close(self) -> None:
        """Let go of connections and threads; a later call opens new connections."""
        self.router.close()

    async def aclose(self) -> None:
        """The same, and wait until the connections of the running loop are closed."""
        await self.router.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self.aclose()
