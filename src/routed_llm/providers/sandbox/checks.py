"""Small checks of JSON values, each naming the path it found wrong, as OpenAI's errors do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["need", "need_choice", "need_count", "need_list", "need_number", "need_object", "need_text", "only"]

_WORDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "an integer", float: "a number"}


def _spoken(value: Any) -> str:
    return "null" if value is None else _WORDS.get(type(value), type(value).__name__)


def _wrong(value: Any, path: str, expected: str) -> Refusal:
    message = f"Invalid type for '{path}': expected {expected}, but got {_spoken(value)} instead."
    return Refusal(message, param=path, code="invalid_type")


def only(value: Mapping[str, Any], allowed: Collection[str], path: str = "") -> None:
    """No other keys than the allowed ones."""
    for key in value:
        if key not in allowed:
            where = f"{path}.{key}" if path else key
            raise Refusal(f"Unknown parameter: '{where}'.", param=where, code="unknown_parameter")


def need(value: Mapping[str, Any], key: str, path: str = "") -> Any:
    """The value of a required key."""
    where = f"{path}.{key}" if path else key
    if key not in value:
        raise Refusal(f"Missing required parameter: '{where}'.", param=where, code="missing_required_parameter")
    return value[key]


def need_object(value: Any, path: str) -> dict[str, Any]:
    """The value, which must be an object."""
    if not isinstance(value, dict):
        raise _wrong(value, path, "an object")
    return value


def need_list(value: Any, path: str, *, least: int = 0, most: int | None = None) -> list[Any]:
    """The value, which must be an array of some length."""
    if not isinstance(value, list):
        raise _wrong(value, path, "an array")
    if len(value) < least:
        raise Refusal(
            f"Invalid '{path}': empty array. Expected an array with minimum length {least}.",
            param=path,
            code="empty_array",
        )
    if most is not None and len(value) > most:
        raise Refusal(
            f"Invalid '{path}': array too long. Expected an array with maximum length {most}.",
            param=path,
            code="array_above_max_length",
        )
    return value


def need_text(value: Any, path: str, *, filled: bool = False) -> str:
    """The value, which must be a string, and not empty when ``filled``."""
    if not isinstance(value, str):
        raise _wrong(value, path, "a string")
    if filled and not value:
        raise Refusal(f"Invalid '{path}': empty string.", param=path, code="empty_string")
    return value


def need_number(value: Any, path: str, low: float, high: float) -> float:
    """The value, which must be a number within the bounds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(value, path, "a number")
    _within(value, path, low, high)
    return value


def need_count(value: Any, path: str, low: int, high: int) -> int:
    """The value, which must be an integer within the bounds."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(value, path, "an integer")
    _within(value, path, low, high)
    return value


def _within(value: float, path: str, low: float, high: float) -> None:
    if not low <= value <= high:
        code, side, bound = ("below_min", "below minimum", low) if value < low else ("above_max", "above maximum", high)
        raise Refusal(
            f"Invalid '{path}': {side} value. Expected a value {'>=' if value < low else '<='} {bound}, "
            f"but got {value} instead.",
            param=path,
            code=f"integer_{code}_value" if isinstance(value, int) else f"decimal_{code}_value",
        )


def need_choice(value: Any, path: str, choices: Collection[Any]) -> Any:
    """The value, which must be one of a few."""
    if isinstance(value, (dict, list)) or value not in choices:
        listed = ", ".join(f"'{choice}'" for choice in choices if choice is not None)
        raise Refusal(f"Invalid value: '{value}'. Supported values are: {listed}.", param=path, code="invalid_value")
    return value
