"""Whether an answer that came is one: not empty, not refused, and in the form that was asked for.

Looked at only as far as the call asks for something: plain text is an answer as soon as there is any.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from routed_llm.dialects.arguments import read_arguments, read_document
from routed_llm.dialects.fitting import misfit
from routed_llm.errors import AnswerCut, CallFailed, ErrorKind, ProviderError
from routed_llm.events import Attempt
from routed_llm.requests import Request, SchemaBinding, ToolBinding
from routed_llm.results import CANNOT_ANSWER, Answer

__all__ = ["Unfit", "cut_of", "fault_of", "never_serves"]

R = TypeVar("R")

#: the phase of an answer of which a filter left nothing
FILTER = "filter"
#: longest text that is taken for a refusal: those are short
_SHORT = 400
#: how models begin to refuse in English, with plain apostrophes
_SORRY = r"(?:(?:i'?m|i am) (?:really |very |so )?(?:sorry|afraid)[,.]? (?:but )?|sorry,? (?:but )?|unfortunately,? )?"
_UNABLE = r"i ?(?:cannot|can'?t|won'?t|will not|must decline|(?:am|'?m) (?:unable|not able))(?: be able)?(?: to)? "
_DOING = r"(?:help|assist|comply|do that|provide|fulfil|answer|continue|engage|support|create|generate|write|discuss|with)"
_REFUSES = re.compile(rf"\s*(?:as an ai[^.,]{{0,40}}, )?{_SORRY}{_UNABLE}{_DOING}", re.IGNORECASE)
#: what reading a value by a user's class may raise beside saying that it does not fit
_BROKEN = (KeyError, IndexError, TypeError, AttributeError, ArithmeticError, RuntimeError)


def fault_of(request: Request, answer: Answer, retry_on: Sequence[str], *, tells_calls: bool = True) -> ProviderError | None:
    """Why an answer does not serve its call, as the failure of its attempt; None where it does.

    Args:
        request: what was asked.
        answer: what came.
        retry_on: which answers count as failures; what is dear to find out and of no interest is not looked for.
        tells_calls: whether the answer shows its tool calls; a framework object's own stream does not.
    """
    if CANNOT_ANSWER in answer.extras:
        return _fault("cannot_answer", answer.extras[CANNOT_ANSWER])
    if answer.finish == "content_filter":
        return _filtered(answer)
    if _refused(answer, "refusal" in retry_on):
        return _fault("refusal", "the model refused to answer")
    if request.schema is not None and not answer.tool_calls and (tells_calls or request.tools is None):
        if answer.is_empty and answer.finish == "stop":
            return _empty()
        return _typed(answer, request.schema)
    if answer.is_empty and answer.finish in ("stop", "length"):
        return _empty()
    if request.tools is not None and tells_calls and "invalid_tool_calls" in retry_on:
        return _called(answer, request.tools)
    return None


def _fault(kind: ErrorKind, why: str) -> ProviderError:
    return ProviderError(kind, why, phase="answer")


def _filtered(answer: Answer) -> ProviderError:
    """What a filter left may serve; where it left nothing, the provider refused the call, by other means than a status."""
    if answer.is_empty:
        return ProviderError("content_policy", "the provider's filter took the whole answer", phase=FILTER)
    return _fault("content_policy", "the provider's filter took a part of the answer")


def never_serves(fault: ProviderError) -> bool:
    """Whether an answer with this fault is an error whatever counts as a failure, and not even better than none."""
    return fault.kind in ("cut", "cannot_answer") or fault.phase == FILTER


def _empty() -> ProviderError:
    return _fault("empty", "the answer has neither text nor tool calls")


def _refused(answer: Answer, in_words: bool) -> bool:
    """Whether a model refused: in the place for it, or, where that matters, by how its text begins."""
    if answer.extras.get("refusal") or answer.finish_raw.lower() == "refusal":
        return True
    if not in_words or answer.tool_calls or len(answer.text) > _SHORT:
        return False
    return _REFUSES.match(answer.text.replace("\u2019", "'")) is not None


def _typed(answer: Answer, schema: SchemaBinding) -> ProviderError | None:
    why = _unread(answer.text, schema)
    if why is None:
        return None
    if answer.finish == "length":
        return _fault("cut", "there was no room for the rest of the typed answer: raise max_tokens")
    return _fault("invalid_json", f"the typed answer cannot be used: {why}")


def _unread(text: str, schema: SchemaBinding) -> str | None:
    """Why a text is no answer in the schema, without any of its words; None where it is one."""
    try:
        found = read_document(text)
    except ValueError as error:
        return str(error)
    if schema.schema is None:  # JSON mode
        return None if isinstance(found, (dict, list)) else "it is JSON, but no object"
    validate = _validator(schema.original)
    if validate is None:
        return misfit(found, schema.schema)
    # a pydantic class converts, and has defaults and validators of its own: what it takes is right
    try:
        validate(found)
    except _BROKEN:
        return None  # it cannot say: whoever parses the answer is told
    except ValueError:
        return misfit(found, schema.schema) or f"{schema.name} refuses it"
    return None


def _validator(original: Any) -> Any:
    """How a pydantic class, of either version, looks at plain data; None for schemas of other kinds."""
    if not isinstance(original, type):
        return None
    return getattr(original, "model_validate", None) or getattr(original, "parse_obj", None)


def _called(answer: Answer, tools: ToolBinding) -> ProviderError | None:
    if not answer.tool_calls:
        if tools.choice in (None, "auto", "none") or answer.finish == "content_filter":
            return None
        if answer.finish == "length":
            return _cut_call(tools)
        return _fault("invalid_tool_calls", "a tool had to be called, and none was")
    schemas, closed = _schemas(tools)
    for call in answer.tool_calls:
        try:
            arguments = read_arguments(call.arguments)
        except ValueError as error:
            if answer.finish == "length" or answer.finish_raw in ("length", "max_tokens"):
                return _cut_call(tools)
            return _fault("invalid_tool_calls", f"the arguments of {call.name[:64]} cannot be used: {error}")
        if call.name not in schemas:
            if closed:
                return _fault("invalid_tool_calls", f"{call.name[:64]!r} was called, which is no tool of this call")
        elif (why := misfit(arguments, schemas[call.name], lenient=True)) is not None:
            return _fault("invalid_tool_calls", f"the arguments of {call.name[:64]} do not fit: {why}")
    return None


def _cut_call(tools: ToolBinding) -> ProviderError:
    """A call that broke off; where just this tool had to be called, its arguments are a typed answer."""
    if tools.choice in (None, "auto", "none", "required"):
        return _fault("invalid_tool_calls", "there was no room for the rest of a tool call: raise max_tokens")
    return _fault("cut", "there was no room for the rest of the typed answer: raise max_tokens")


def _schemas(tools: ToolBinding) -> tuple[dict[str, Any], bool]:
    """Schemas of arguments by the tool's name, and whether there are no others, such as a provider's own tools."""
    schemas: dict[str, Any] = {}
    for tool in tools.wire:
        function = tool.get("function")
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            schemas[function["name"]] = function.get("parameters")
    return schemas, len(schemas) == len(tools.wire)


class Unfit(Generic[R]):
    """The answers of one call that came and do not serve: each fails its attempt, and is kept for want of a better one.

    Args:
        retry_on: which answers count as failures.
        candidates: how many deployments may serve the call.
    """

    __slots__ = ("_candidates", "_retry_on", "kept")

    def __init__(self, retry_on: Sequence[str], candidates: int) -> None:
        self.kept: list[tuple[Attempt, R, ProviderError]] = []
        self._retry_on = retry_on
        self._candidates = candidates

    def weigh(self, attempt: Attempt, answer: R, fault: ProviderError) -> None:
        """Let an answer pass, with a warning, where its fault does not count; else keep it.

        Raises:
            ProviderError: the fault, where it counts. What never serves always does; nothing is the answer when two say so,
                or all.
        """
        said_nothing = 1 + sum(each.kind == "empty" for _, _, each in self.kept)
        enough = fault.kind == "empty" and said_nothing >= min(2, self._candidates)
        if never_serves(fault) or (fault.kind in self._retry_on and not enough):
            self.kept.append((attempt, answer, fault))
            raise fault
        attempt.warning = _warning(fault)

    def least(self, attempts: list[Attempt]) -> R | None:
        """The answer that is still better than none, when all others failed: its attempt becomes the last, with a warning."""
        usable = [each for each in self.kept if not never_serves(each[2])]
        if not usable:
            return None
        attempt, answer, fault = next((each for each in reversed(usable) if each[2].kind != "empty"), usable[-1])
        attempt.error, attempt.warning = None, _warning(fault)
        attempts.remove(attempt)
        attempts.append(attempt)
        return answer

    def cut(self) -> R | None:
        """The last answer that was cut; None where none was."""
        return next((answer for _, answer, fault in reversed(self.kept) if fault.kind == "cut"), None)


def _warning(fault: ProviderError) -> str:
    return f"{fault.kind}: {fault.message}"


def cut_of(failed: CallFailed, partial: Answer) -> AnswerCut:
    """The error of a call whose typed answer was cut, and for which nobody else had a whole one."""
    error = AnswerCut(
        f"The typed answer was cut by its length: raise max_tokens. What had come is in .partial. {failed}",
        partial=partial,
        attempts=failed.attempts,
        decision_id=failed.decision_id,
    )
    error.own_calls = failed.own_calls
    return error
