"""What comes back: the closed set of events, their sum (:class:`Answer`), and :class:`Usage`.

A dialect's reader turns bytes into events; everything above it knows only these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from routed_llm.errors import ProviderError

__all__ = [
    "CANNOT_ANSWER",
    "CONTENT_EXTRAS",
    "COUNTS",
    "SERVICE_TIERS",
    "Answer",
    "Event",
    "Finish",
    "Fragment",
    "Opaque",
    "Reasoning",
    "Restart",
    "Served",
    "Text",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
]

#: the opaque part by which a program says, in words, that it has no answer
CANNOT_ANSWER = "cannot_answer"

#: opaque parts that are content by themselves
CONTENT_EXTRAS = frozenset({"actions", "audio", "images", "other_choices", "refusal"})

#: what a :class:`Usage` counts
COUNTS = (
    "input_tokens", "output_tokens", "cache_read", "cache_write", "cache_write_long", "reasoning", "audio_input",
    "audio_output", "searches",
)  # fmt: skip

#: tiers of service that are billed otherwise than the usual one, in the words of OpenAI, Anthropic, Google, Amazon Bedrock and
#: Groq; any other word (default, standard, on_demand ...) names the usual one
SERVICE_TIERS = ("batch", "flex", "priority", "provisioned", "reserved", "scale")

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "other"]


class Usage:
    """Tokens of one call, counted as integers.

    Args:
        input_tokens: all tokens of the prompt, with those read from or written to a cache.
        output_tokens: all tokens of the answer, with those of reasoning.
        cache_read: part of the input that was read from the provider's cache.
        cache_write: part of the input that was written to the provider's cache.
        reasoning: part of the output that was reasoning.
        audio_input: part of the input that was audio.
        audio_output: part of the output that was audio.
        cost_nanousd: what the provider itself says the call cost, in nano-dollars; None where it does not say.
        estimated: True where the provider sent no usable counts and these are our estimate.
        cache_write_long: part of ``cache_write`` that is kept for an hour (Anthropic) and costs more.
        searches: searches in the web that the provider made for the answer, and bills by the piece.
        service_tier: the tier of service in which it was served, where that has another price: one of
            :data:`SERVICE_TIERS`; empty for the usual one.
    """

    __slots__ = (
        "audio_input",
        "audio_output",
        "cache_read",
        "cache_write",
        "cache_write_long",
        "cost_nanousd",
        "estimated",
        "input_tokens",
        "output_tokens",
        "reasoning",
        "searches",
        "service_tier",
    )

    def __init__(
        self,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cache_read: int = 0,
        cache_write: int = 0,
        reasoning: int = 0,
        audio_input: int = 0,
        audio_output: int = 0,
        cost_nanousd: int | None = None,
        estimated: bool = False,
        cache_write_long: int = 0,
        searches: int = 0,
        service_tier: str = "",
    ) -> None:
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.cache_read = cache_read
        self.cache_write = cache_write
        self.reasoning = reasoning
        self.audio_input = audio_input
        self.audio_output = audio_output
        self.cost_nanousd = cost_nanousd
        self.estimated = estimated
        self.cache_write_long = cache_write_long
        self.searches = searches
        self.service_tier = service_tier

    @property
    def total_tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def as_dict(self) -> dict[str, Any]:
        """All counts by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Usage) and self.as_dict() == other.as_dict()

    __hash__ = None  # type: ignore[assignment]  # mutable value

    def __repr__(self) -> str:
        told = ", ".join(f"{k}={v}" for k, v in self.as_dict().items() if v)
        return f"Usage({told})"


class ToolCall(NamedTuple):
    """A finished tool call; ``arguments`` is the provider's JSON text, unparsed."""

    id: str
    name: str
    arguments: str


class Text(NamedTuple):
    """A piece of the answer's text."""

    text: str


class Reasoning(NamedTuple):
    """A piece of the model's reasoning."""

    text: str


class ToolCallDelta(NamedTuple):
    """A piece of a tool call; pieces with one ``number`` belong together."""

    number: int
    id: str | None
    name: str | None
    arguments: str


class Opaque(NamedTuple):
    """Something to hand on unchanged under ``key`` (audio, citations, refusal, log probabilities)."""

    key: str
    value: Any


class Served(NamedTuple):
    """Who really answers: the model's name and the id in the provider's words."""

    model: str
    id: str | None


class Finish(NamedTuple):
    """The model ended its answer: ``reason`` in the common words, ``raw`` in the provider's."""

    reason: FinishReason
    raw: str


class Fragment(NamedTuple):
    """A chunk of a framework object's own stream, handed on untouched; ``shows`` tells whether it holds content."""

    chunk: Any
    shows: bool


class Restart(NamedTuple):
    """A stream broke after something of it had been given out, and another answer begins: what came before is void.

    ``left`` and ``taken`` are the ids of the deployments, ``error`` why the first one was left, ``usage`` what it had used by
    then: counted by the provider, or an estimate that is marked as one.
    """

    left: str
    taken: str
    error: ProviderError
    usage: Usage | None


Event = Text | Reasoning | ToolCallDelta | Opaque | Served | Finish | Fragment | Usage | Restart


class Answer:
    """A whole answer in the hub's form.

    ``native`` is the framework's own message when the deployment is a framework object: it is handed on untouched and
    the other fields only mirror it; of embeddings it is the list of vectors. ``extras`` holds opaque parts by name.
    ``fault`` tells why an answer that came, and was billed, cannot be used. ``room`` is what the provider said that it still
    takes before its rate limit: requests, tokens, and the seconds until it is renewed.
    """

    __slots__ = (
        "extras",
        "fault",
        "finish",
        "finish_raw",
        "id",
        "model",
        "native",
        "reasoning",
        "room",
        "text",
        "tool_calls",
        "usage",
    )

    def __init__(
        self,
        text: str = "",
        *,
        reasoning: str = "",
        tool_calls: list[ToolCall] | None = None,
        usage: Usage | None = None,
        model: str = "",
        id: str | None = None,
        finish: FinishReason = "stop",
        finish_raw: str = "stop",
        extras: dict[str, Any] | None = None,
        native: Any = None,
    ) -> None:
        self.text = text
        self.reasoning = reasoning
        self.tool_calls = tool_calls or []
        self.usage = usage
        self.model = model
        self.id = id
        self.finish: FinishReason = finish
        self.finish_raw = finish_raw
        self.extras = extras or {}
        self.native = native
        self.fault: ProviderError | None = None
        self.room: tuple[float | None, float | None, float] | None = None

    @property
    def is_empty(self) -> bool:
        """True when there is nothing in it that a caller could use."""
        if self.text or self.tool_calls:
            return False
        return self.native is None and not any(name in self.extras for name in CONTENT_EXTRAS)

    def written(self) -> str:
        """All that the model wrote: reasoning, text and arguments of tools."""
        if not self.reasoning and not self.tool_calls:
            return self.text
        return "".join([self.reasoning, self.text, *(call.arguments for call in self.tool_calls)])

    def __repr__(self) -> str:
        calls = f", tool_calls={len(self.tool_calls)}" if self.tool_calls else ""
        return f"Answer(text={self.text[:40]!r}{calls}, model={self.model!r}, finish={self.finish!r})"
