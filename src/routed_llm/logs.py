"""The program's log lines. A handler that fails loses its line, and never a call: see :data:`log`."""

from __future__ import annotations

import logging
from typing import Any

__all__ = ["log"]


class _Lines(logging.LoggerAdapter[logging.Logger]):
    """A logger whose handlers' failures reach nobody who makes a call.

    Python's own handlers tell their failures to ``sys.stderr``; others, and filters, raise into whoever wrote the line.
    """

    def __init__(self) -> None:
        super().__init__(logging.getLogger("routed_llm"), None)
        #: how many lines were lost
        self.lost = 0

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Write a line, as of the code that called."""
        try:
            super().log(level, msg, *args, stacklevel=kwargs.pop("stacklevel", 1) + 1, **kwargs)
        except Exception:  # noqa: BLE001  # a handler that is not ours may fail in any way
            self.lost += 1


log = _Lines()
