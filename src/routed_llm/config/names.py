"""Names of models and facts in policies and budgets: those that mean nothing are mistakes, told where they stand."""

from __future__ import annotations

import re

from routed_llm.errors import ConfigurationError

__all__ = ["CHOOSING", "name_in"]

#: sections in which models and facts are named
CHOOSING = ("strategy", "routing", "policies", "rules", "budgets", "features")
_NAMES = re.compile(r"(?:names|pins|asks for) '([^']*)', which")


def name_in(error: ConfigurationError) -> str | None:
    """The name that means nothing, of which an error of the router tells; None for another error."""
    found = _NAMES.search(error.problem)
    return found[1] if found else None
