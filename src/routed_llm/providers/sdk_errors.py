"""What a chat model object raises, as a :class:`~routed_llm.errors.ProviderError`.

The class comes from the answer that the provider's SDK attached (status, headers, body), else from the class of the
exception, by its name and those of its bases, so that no SDK is imported; else from its words. A ``NotImplementedError``, and
a ``TypeError`` or ``ValueError`` whose words are about arguments or support, says that this request does not fit this object
(``unsupported_parameter``: the next one is asked and nothing is held against this one). Everything else that comes from
inside, programming errors too, is a failure of the deployment (``server_error``): another one may well answer.

Cancellation, interrupts and LangGraph's own signals (``GraphBubbleUp``, ``GraphInterrupt``) are no failures: they pass.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import orjson

from routed_llm.dialects.errors import error_of, redact
from routed_llm.errors import CallFailed, CannotAnswer, ErrorKind, InvalidCall, ProviderError
from routed_llm.providers.secret_texts import Secrets

__all__ = ["Hidden", "aguarded", "failure_of", "guarded"]

T = TypeVar("T")

NO_SECRETS = Secrets()
#: texts to keep out of messages, or a function that knows them when something has failed
Hidden: TypeAlias = Secrets | Callable[[], Secrets]

#: classes that say more than a status does
_SURE: dict[str, ErrorKind] = {
    "ContextOverflowError": "context_length",
    "ModelRefusalError": "refusal",
    "ContentFilterFinishReasonError": "content_policy",
    "LengthFinishReasonError": "cut",
    "APIResponseValidationError": "malformed",
}
#: classes of errors without an answer: SDKs, httpx, aiohttp, botocore, langchain-core's ModelError family, Python's own
_CLASSES: dict[str, ErrorKind] = {
    "ModelAuthenticationError": "auth",
    "ModelPermissionDeniedError": "permission",
    "ModelNotFoundError": "not_found",
    "ModelRateLimitError": "rate_limit",
    "ModelInvalidRequestError": "bad_request",
    "ModelAPIError": "server_error",
    **dict.fromkeys(
        ("ModelTimeoutError", "APITimeoutError", "TimeoutException", "ServerTimeoutError", "ReadTimeoutError",
         "ConnectTimeoutError", "Timeout", "TimeoutError"), "timeout",
    ),
    **dict.fromkeys(
        ("ModelConnectionError", "APIConnectionError", "TransportError", "ClientConnectionError",
         "EndpointConnectionError", "HTTPClientError", "ConnectionError"), "connection",
    ),
    **dict.fromkeys(
        ("JSONDecodeError", "ValidationError", "OutputParserException", "DecodingError", "UnicodeDecodeError"), "malformed",
    ),
}  # fmt: skip
#: words of a TypeError or ValueError that refuses the request, and of one that cannot read the answer
_REFUSES = re.compile(
    r"(?:keyword|positional|required) argument|JSON serializable|not support|unsupported|unrecognized|must (?:be|have)",
    re.IGNORECASE,
)
_UNREADABLE = re.compile(r"response|choices|not iterable|subscriptable", re.IGNORECASE)
#: causes that show that nothing was sent
_UNSENT = frozenset(
    {"ConnectError", "ConnectTimeout", "ClientConnectorError", "EndpointConnectionError", "ConnectionRefusedError", "gaierror"}
)
#: causes that show that the client had no connection free: httpx, httpcore, urllib3
_CROWDED = frozenset({"PoolTimeout", "EmptyPoolError"})


def guarded(act: Callable[[], T], secrets: Hidden = NO_SECRETS) -> T:
    """Do something with a user's object; whatever it raises comes out as our error, without the original attached.

    Raises:
        ProviderError: for every failure.
    """
    try:
        return act()
    except Exception as error:  # any class may come out of an object that is not ours
        failure = failure_of(error, secrets)
        if failure is None:
            raise
    raise failure


async def aguarded(awaitable: Awaitable[T], secrets: Hidden = NO_SECRETS) -> T:
    """Wait for something of a user's object; see :func:`guarded`."""
    try:
        return await awaitable
    except Exception as error:  # any class may come out of an object that is not ours
        failure = failure_of(error, secrets)
        if failure is None:
            raise
    raise failure


def failure_of(error: Exception, secrets: Hidden = NO_SECRETS) -> ProviderError | None:
    """The failure that an exception tells of, or None when it is none and must pass.

    ``secrets`` are texts that must not be in the message.
    """
    if not isinstance(secrets, Secrets):
        secrets = secrets()
    if isinstance(error, ProviderError):
        return secrets.out_of_error(error)
    names = [cls.__name__ for cls in type(error).__mro__]
    if "GraphBubbleUp" in names:
        return None
    found = (
        _of_a_router(error)
        or _of_an_answer(error, names, secrets)
        or _of_a_class(error, names, secrets)
        or _of_words(error, secrets)
    )
    return secrets.out_of_error(found)


def _of_a_router(error: Exception) -> ProviderError | None:
    """A router behind the router, or a program of the user's that has our word for having no answer."""
    if isinstance(error, CannotAnswer):
        return ProviderError("cannot_answer", str(error) or "it has no answer to this")
    if isinstance(error, CallFailed):
        return ProviderError(error.kind, str(error), status=error.status_code, retry_after=error.retry_after)
    return ProviderError("unsupported_parameter", str(error), sent=False) if isinstance(error, InvalidCall) else None


def _of_an_answer(error: Exception, names: Sequence[str], secrets: Secrets) -> ProviderError | None:
    """From what the provider answered, as its SDK keeps it."""
    response, body = getattr(error, "response", None), getattr(error, "body", None)
    if isinstance(response, Mapping):  # botocore
        told = response.get("ResponseMetadata") or {}
        inner = response.get("Error") or {}
        body = {"code": inner.get("Code"), "message": inner.get("Message") or str(error)}
        status, headers, data = told.get("HTTPStatusCode"), told.get("HTTPHeaders") or {}, b""
    else:
        status = _status(error, response)
        headers = getattr(response, "headers", None) or getattr(error, "headers", None) or {}
        data = _content(response)
    if not isinstance(body, Mapping) and error.args and isinstance(error.args[0], Mapping):
        body = error.args[0]  # an error object under status 200
    if not isinstance(status, int) and not (isinstance(body, Mapping) and body):
        return None
    if not data:
        whole = body if isinstance(body, Mapping) and "error" in body else {"error": body or {"message": str(error)}}
        data = orjson.dumps(whole, default=str, option=orjson.OPT_NON_STR_KEYS)
    told_in_headers = {str(k).lower(): str(v) for k, v in headers.items()}
    found = error_of(status if isinstance(status, int) else 200, told_in_headers, secrets.out_of_body(data))
    found.status = status if isinstance(status, int) else None
    found.kind = next((_SURE[name] for name in names if name in _SURE), found.kind)
    return found


def _status(error: Exception, response: Any) -> int | None:
    told = [getattr(thing, "status_code", None) for thing in (error, response)]
    told += [getattr(error, name, None) for name in ("code", "status")]
    return next((s for s in told if isinstance(s, int) and not isinstance(s, bool) and 300 <= s < 600), None)


def _content(response: Any) -> bytes:
    try:
        content = getattr(response, "content", b"")
    except RuntimeError:  # httpx: the body was never read
        return b""
    return content if isinstance(content, bytes) else b""


def _of_a_class(error: Exception, names: Sequence[str], secrets: Secrets) -> ProviderError | None:
    kind = next((known[name] for known in (_SURE, _CLASSES) for name in names if name in known), None)
    if kind is None:
        return None
    cause = error.__cause__
    why = f" ({type(cause).__name__}: {cause})" if cause is not None and kind in ("connection", "timeout") else ""
    involved = {cls.__name__ for e in (error, cause, cause and cause.__cause__) if e is not None for cls in type(e).__mro__}
    crowded = bool(involved & _CROWDED)
    sent = not crowded and not involved & _UNSENT
    text = f"{names[0]}: {error}{why}" if str(error) else names[0]
    phase = "answer" if sent else "pool" if crowded else "connect"
    return ProviderError(kind, redact(secrets.out_of(text)[:500]), sent=sent, phase=phase)


def _kind_of_own(error: Exception, text: str) -> ErrorKind:
    if isinstance(error, NotImplementedError):
        return "unsupported_parameter"
    if isinstance(error, (TypeError, ValueError)):
        if _REFUSES.search(text):
            return "unsupported_parameter"
        if _UNREADABLE.search(text):
            return "malformed"
    return "server_error"


def _of_words(error: Exception, secrets: Secrets) -> ProviderError:
    """From the words of the exception; what they do not tell is said with the place where it was raised."""
    if isinstance(error, UnicodeEncodeError):  # a half of a character cannot be sent, by nobody
        return ProviderError("bad_request", "the request holds characters that are none (lone surrogates)", sent=False)
    text = secrets.out_of(str(error))
    found = error_of(500, {}, orjson.dumps({"error": {"message": text}}))
    found.status = None
    if isinstance(error, RuntimeError) and "loop is closed" in text:
        # an SDK's async client kept a connection of an event loop that is gone; the next try opens a new one
        found.kind, found.again_at_once = "connection", True
    elif found.kind == "server_error":
        found.kind, found.sent = _kind_of_own(error, text), not isinstance(error, NotImplementedError)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno})" if trace is not None else ""
    found.message = redact(f"{type(error).__name__}: {text[:500]}{where}")
    return found
