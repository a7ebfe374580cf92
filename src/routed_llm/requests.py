"""What goes in: the :class:`Request` that carries the caller's own payload, and the :class:`Ask` that routing sees of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from routed_llm.hints import NO_HINTS, Hints

__all__ = [
    "Ask",
    "Mode",
    "NO_FACTS",
    "NO_NEEDS",
    "PromptView",
    "Purpose",
    "Request",
    "Requirements",
    "SchemaBinding",
    "ToolBinding",
    "reader",
]

Mode = Literal["sync", "async"]
#: what the models of one router do
Purpose = Literal["chat", "embeddings"]
NO_NEEDS: frozenset[str] = frozenset()
NO_FACTS: Mapping[str, Any] = {}


class PromptView(Protocol):
    """The read-only look that routing has at a prompt; each door makes one over its own messages.

    ``characters`` counts the text of all messages, ``media`` names the kinds of media in them (``images``,
    ``image_urls``, ``pdf``, ``audio``, ``video``), ``media_counts`` says how many of each there are, ``media_tokens`` estimates
    what these cost, ``turns`` counts the user's messages.
    """

    characters: int
    media: frozenset[str]
    media_counts: Mapping[str, int]
    media_tokens: int
    turns: int

    def user_text(self) -> str:
        """Text of the last message that the user wrote; empty where there is none."""
        ...

    def user_texts(self) -> Sequence[str]:
        """Texts of the messages that the user wrote, the oldest first."""
        ...

    def texts(self) -> Iterable[str]:
        """Every text of the prompt, whoever wrote it."""
        ...

    def has_tool_results(self) -> bool:
        """True while a tool loop is under way."""
        ...

    def spoke_before(self) -> str | None:
        """The deployment, or else the model, that wrote the last answer in the prompt; None where that is not known."""
        ...

    def bound_to(self) -> frozenset[str]:
        """Providers whose signed thinking stands in the prompt: no other can read it."""
        ...

    def kept_files(self) -> Sequence[dict[str, Any]]:
        """Files in the prompt that a provider keeps, told by their ids, as parts of the hub; asked where there are media."""
        ...


class ToolBinding(NamedTuple):
    """Tools as the caller bound them, replayed on the chosen target.

    ``originals`` are the caller's own objects, for targets that format tools themselves; ``wire`` the same as
    OpenAI tool dicts. ``choice`` is None, ``auto``, ``none``, ``required`` or a tool's name.
    """

    originals: tuple[Any, ...]
    wire: tuple[dict[str, Any], ...]
    choice: Any = None
    parallel: bool | None = None
    strict: bool | None = None

    @property
    def server_tools(self) -> tuple[dict[str, Any], ...]:
        """Tools that are no functions of the caller's: a provider runs or defines them, such as ``{"type": "web_search"}``."""
        return tuple(tool for tool in self.wire if "function" not in tool)


class SchemaBinding(NamedTuple):
    """A typed answer as the caller asked for it.

    ``original`` is the caller's schema, ``name`` its name, ``schema`` its JSON schema (None in JSON mode), ``method`` one
    of ``json_schema`` and ``json_mode``.
    """

    original: Any
    name: str
    schema: dict[str, Any] | None
    method: Literal["json_schema", "json_mode"]
    strict: bool | None = None
    description: str | None = None


class Request:
    """One call on its way through the router.

    Args:
        dialect: form of ``payload``: ``langchain``, ``openai.chat`` ...
        payload: the caller's own messages, never changed.
        view: routing's look at the payload.
        to_hub: makes ``openai.chat`` messages of the payload and notes what is lost on the way; called at most once, and
            only for a target of another dialect.
        params: generation parameters by their OpenAI names (``temperature``, ``max_tokens``, ``stop`` ...).
        tools: bound tools, or None.
        schema: bound answer schema, or None.
        hints: what the caller said about this call.
        facts: what the door knows of the call without reading it, such as ``{"stage": "refine"}``; policies read them.
        model: model or alias the caller pinned for this call, or None.
        stream: whether the answer is wanted piece by piece.
        native: fields that only ``dialect`` has: a target of the same one gets them, for others they are told as lost.
    """

    __slots__ = (
        "_hub",
        "_hub_losses",
        "_to_hub",
        "desk",
        "dialect",
        "facts",
        "hints",
        "losses",
        "model",
        "native",
        "notes",
        "own_calls",
        "params",
        "payload",
        "schema",
        "stream",
        "tools",
        "view",
    )

    def __init__(
        self,
        dialect: str,
        payload: Any,
        view: PromptView,
        to_hub: Callable[[Any, list[str]], list[dict[str, Any]]],
        *,
        params: dict[str, Any] | None = None,
        tools: ToolBinding | None = None,
        schema: SchemaBinding | None = None,
        hints: Hints = NO_HINTS,
        facts: Mapping[str, Any] = NO_FACTS,
        model: str | None = None,
        stream: bool = False,
        native: Mapping[str, Any] = NO_FACTS,
    ) -> None:
        self.dialect = dialect
        self.native = native
        self.payload = payload
        self.view = view
        self._to_hub = to_hub
        self._hub: list[dict[str, Any]] | None = None
        self.params = params if params is not None else {}
        self.tools = tools
        self.schema = schema
        self.hints = hints
        self.facts = facts
        self.model = model
        self.stream = stream
        #: what the present attempt's target does not get
        self.losses: list[str] = []
        self._hub_losses: list[str] = []
        #: what features work out once for all of them
        self.notes: dict[str, Any] = {}
        #: where features ask before they send its text anywhere, and say what that cost; opaque here
        self.desk: Any = None
        #: calls that features made for this one; they are in its bill
        self.own_calls: list[Any] = []

    def hub_messages(self, dialect: str | None = None) -> list[dict[str, Any]]:
        """The payload as ``openai.chat`` messages, for a target of a dialect; made at the first use and kept."""
        if self._hub is None:
            self._hub = self._to_hub(self.payload, self._hub_losses)
        if self._hub_losses:
            self.losses.extend(self._hub_losses)
        if self.native:
            self.losses.extend(self.foreign(dialect))
        return self._hub

    def put_into_words(self, messages: list[dict[str, Any]], view: PromptView, losses: Sequence[str]) -> None:
        """Go on with these ``openai.chat`` messages instead of the payload, which stays the caller's as it is.

        Frameworks' objects get them as calls from another door.
        """
        if not self.native:  # fields of one dialect go on being those of that dialect
            self.dialect = "openai.chat"
        self.payload = self._hub = messages
        self.view = view
        self._hub_losses = [*self._hub_losses, *losses]

    def foreign(self, dialect: str | None) -> list[str]:
        """What a target of a dialect does not get of :attr:`native`, in words."""
        if dialect == self.dialect:
            return []
        return [f"{name}, which only {self.dialect} has" for name in self.native]

    def begin(self) -> None:
        """A new attempt begins: what an earlier target did not get is of no interest any more."""
        if self.losses:
            self.losses = []

    def needs(self) -> frozenset[str]:
        """Abilities without which the call cannot be served."""
        media = self.view.media
        if self.dialect == "embeddings":
            return frozenset({"embeddings", *self.hints.needs})
        if self.tools is None and self.schema is None and not self.hints.needs:
            return media
        needs = {*media, *self.hints.needs}
        if self.tools is not None and self.tools.wire:
            needs.add("tools")
            if self.tools.choice not in (None, "auto", "none"):
                needs.add("tool_choice")
        if self.schema is not None:
            needs.add("typed_answer")
        return frozenset(needs)


class Requirements(NamedTuple):
    """The part of a call on which static filters look; their verdicts are cached per catalog by it."""

    needs: frozenset[str] = NO_NEEDS
    mode: Mode = "async"
    model: str | None = None
    exclude: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    private: bool = False
    #: agreements that whoever answers must have, such as ``baa``
    agreements: tuple[str, ...] = ()
    #: where parameters must be taken: (id of a deployment, what it would not take of them)
    untaken: tuple[tuple[str, str], ...] = ()
    #: who cannot do at all what the call is about: (id of a deployment, a provider's own tool or file that it does not have)
    unserved: tuple[tuple[str, str], ...] = ()
    #: what rules that hold demand: (name of the rule, its :class:`~routed_llm.policy.shapes.Effects`)
    rules: tuple[tuple[str, Hashable], ...] = ()


#: names under which :meth:`Ask.value` gives what is no fact and no hint
_OF_ASK = {
    "tokens": "input_tokens", "max_tokens": "max_tokens", "stream": "stream", "session": "session", "model": "requires.model",
}  # fmt: skip


class Ask:
    """Everything a policy may look at: hints, facts and the shape of the request, but no text.

    ``input_tokens`` and ``output_tokens`` are estimates, ``max_tokens`` is the caller's limit of the answer, or None;
    ``longest`` is what has to fit into one window: the whole prompt, but of texts to embed only the longest one;
    ``facts`` is what features found out and what the caller said; ``params`` the plain generation parameters; ``prefer``
    whom to try first, by the caller or by rules; ``now`` is the monotonic clock, ``wall`` the time of day as seconds since
    1970 (UTC); both are read once, so that a decision can be repeated. ``session`` names the conversation, or None;
    ``spent`` is what describing its media has cost before anybody answers, in nano-dollars; None where that is unknown.
    """

    #: names under which :meth:`value` tells what is no fact and no hint
    NAMES: ClassVar[tuple[str, ...]] = tuple(_OF_ASK)

    __slots__ = (
        "facts",
        "hints",
        "input_tokens",
        "longest",
        "max_tokens",
        "now",
        "output_tokens",
        "params",
        "prefer",
        "requires",
        "session",
        "spent",
        "stream",
        "wall",
    )

    def __init__(
        self,
        requires: Requirements,
        hints: Hints,
        input_tokens: int,
        output_tokens: int,
        facts: Mapping[str, Any],
        now: float,
        stream: bool,
        max_tokens: int | None = None,
        longest: int | None = None,
        wall: float = 0.0,
        params: Mapping[str, Any] = NO_FACTS,
        session: str | None = None,
        spent: int | None = 0,
    ) -> None:
        self.requires = requires
        self.hints = hints
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.facts = facts
        self.now = now
        self.stream = stream
        self.max_tokens = max_tokens
        self.longest = input_tokens if longest is None else longest
        self.wall = wall
        self.params = params
        self.prefer = hints.prefer
        self.session = session
        self.spent = spent

    def value(self, name: str) -> Any:
        """What is known of the call under a name; None where nothing is.

        A fact or a hint by its name, ``metadata.team`` (and ``metadata.team.lead``), ``params.temperature``, ``tokens`` (of
        the prompt), ``max_tokens``, ``stream``, ``session``, or ``model`` (the pinned one).
        """
        return reader(name)(self)

    @property
    def session_key(self) -> str | None:
        """What names the conversation among those of all tenants; None for a call that belongs to none.

        The conversations of two tenants are never one, whatever they are called.
        """
        session, tenant = self.session, self.hints.tenant
        if session is None or (tenant is None and "\0" not in session):
            return session
        return f"{tenant!r}\0{session}"

    def changed(self, requires: Requirements, prefer: tuple[str, ...], params: Mapping[str, Any]) -> Ask:
        """The same call under other requirements, preferences and parameters, as rules set them."""
        ask = Ask(
            requires, self.hints, self.input_tokens, self.output_tokens, self.facts, self.now, self.stream, self.max_tokens,
            self.longest, self.wall, params, self.session, self.spent,
        )  # fmt: skip
        ask.prefer = prefer
        limit = params.get("max_tokens", self.max_tokens)
        if limit != self.max_tokens and type(limit) is int:
            ask.max_tokens, ask.output_tokens = limit, min(self.output_tokens, limit)
        return ask


@lru_cache(maxsize=1_024)
def reader(name: str) -> Callable[[Ask], Any]:
    """What :meth:`Ask.value` gives under a name, as a function: whoever asks for every call looks at the name only once."""
    if name in _OF_ASK:
        attribute = attrgetter(_OF_ASK[name])
        return lambda ask: attribute(ask) if (found := ask.facts.get(name)) is None else found
    head, dot, rest = name.partition(".")
    if dot and head == "metadata":
        return lambda ask: _below(ask.hints.metadata, rest) if (found := ask.facts.get(name)) is None else found
    if dot and head == "params":
        return lambda ask: _below(ask.params, rest) if (found := ask.facts.get(name)) is None else found
    return lambda ask: ask.hints.given.get(name) if (found := ask.facts.get(name)) is None else found


def _below(values: Any, name: str) -> Any:
    """What a mapping holds under a name, else in the mappings within it: ``team.lead`` is ``{"team": {"lead": ...}}``."""
    while isinstance(values, Mapping):
        if name in values:
            return values[name]
        head, dot, name = name.partition(".")
        if not dot:
            return None
        values = values.get(head)
    return None
