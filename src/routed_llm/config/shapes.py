"""Kinds of values that the tables of a file are made of, beside plain texts and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from routed_llm.policy.arguments import shown

__all__ = ["Above", "AtLeast", "Count", "Policies", "Reference", "Share", "Strategy", "Table", "Text", "Texts", "said"]


class Table(BaseModel):
    """A table that takes no other keys than its own, and no value of another kind than said."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False, allow_inf_nan=False)


def said(message: str) -> PydanticCustomError:
    """An error whose message is complete: with what to write instead."""
    return PydanticCustomError("said", "{message}", {"message": message})


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
        raise said(f"must be a text in quotes or a list of these, not {shown(value)}.")
    return value


def _key(value: Any) -> Any:
    if not isinstance(value, str) and not (isinstance(value, list) and value and all(isinstance(v, str) for v in value)):
        raise said("must tell where the key is: 'env:NAME', 'file:PATH', 'command:PROGRAM ARGUMENT', or a list of these.")
    return value


def _strategy(value: Any) -> Any:
    if not isinstance(value, (str, list, Mapping)) or not value:
        raise said(f"must be the name of a strategy, a list of strategies, or a table, not {shown(value)}.")
    return value


_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_NAMED = {"refers": "Strategy"}

#: one text that is not empty
Text = Annotated[str, Field(min_length=1)]
#: one text or several
Texts = Annotated[list[str], BeforeValidator(_texts), WithJsonSchema(_TEXTS)]
#: where a key is; never the key itself
Reference = Annotated[Any, BeforeValidator(_key), WithJsonSchema(_TEXTS)]
#: a number from 0 to 1
Share = Annotated[float, Field(ge=0, le=1)]
#: a number above zero
Above = Annotated[float, Field(gt=0)]
#: a number of at least zero
AtLeast = Annotated[float, Field(ge=0)]
#: a whole number above zero
Count = Annotated[int, Field(gt=0)]
#: what :func:`routed_llm.policy.data.policy_from` takes
Strategy = Annotated[Any, BeforeValidator(_strategy), WithJsonSchema(_NAMED)]
#: policies by name
Policies = dict[str, Strategy]
