"""The user's own kinds of work: told by descriptions and examples, recognised in what the user said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.driver import Driver
from routed_llm.errors import ConfigurationError
from routed_llm.policy.features.embedded import Embedded, Lesson
from routed_llm.prompt.said import normalised, said
from routed_llm.requests import Request

if TYPE_CHECKING:
    from routed_llm.policy.features.certainty import Certainty, Verdict
    from routed_llm.policy.features.few_shot import FewShot

__all__ = ["Examples", "Task"]


@dataclass(frozen=True)
class Task:
    """A kind of work, or a field of knowledge, by description and examples.

    Args:
        name: what the fact will be, such as ``refund``; its words count as a description, too.
        examples: what users say when they want it; 5 to 15 that differ are a good beginning.
        description: what it is, in the words that users use.

    Raises:
        ConfigurationError: for a name that is no text, and examples that are no list of texts.
    """

    name: str
    examples: Sequence[str] = ()
    description: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigurationError(f"must be a non-empty text, not {self.name!r}.", path="Task.name")
        place = f"Task({self.name!r})"
        if isinstance(self.examples, str) or not all(isinstance(each, str) for each in self.examples):
            raise ConfigurationError("must be a list of texts.", path=f"{place}.examples")
        if not isinstance(self.description, str):
            raise ConfigurationError(f"must be a text, not {self.description!r}.", path=f"{place}.description")
        object.__setattr__(self, "examples", tuple(self.examples))

    @classmethod
    def of(cls, given: Task | Mapping[str, Any], path: str) -> Task:
        """A task of its data; a task is taken as it is.

        Raises:
            ConfigurationError: for what is none.
        """
        if isinstance(given, Task):
            return given
        if not isinstance(given, Mapping) or not {"name"} <= set(given) <= {"name", "examples", "description"}:
            raise ConfigurationError("must be a Task, or a table of name, examples and description.", path=path)
        return cls(**given)

    def as_data(self) -> dict[str, Any]:
        """The task as plain data."""
        told: dict[str, Any] = {"name": self.name, "examples": list(self.examples)}
        return {**told, "description": self.description} if self.description else told

    def hints(self) -> list[str]:
        """Texts that tell of it without being examples."""
        words = self.name.replace("_", " ").replace("-", " ")
        return [words, self.description] if self.description.strip() else [words]


class Examples:
    """Which of the user's own tasks a call is: facts ``task`` and ``task_confidence`` (0 to 1).

    It learns from the tasks at its first use, or by :meth:`learn`. A call that is like none of them gets neither fact, so that
    other features tell its task. Without embeddings it is a linear classifier on hashed n-grams, below 100 us a call; it then
    knows the examples' words and parts of words, not their meaning. With embeddings a call is of the task to whose examples'
    mean it is nearest; where the embedder fails, is late, or has not seen all examples yet, the n-grams decide.

    Args:
        tasks: :class:`Task` objects, or tables of their arguments.
        embeddings: a LangChain ``Embeddings`` or LlamaIndex ``BaseEmbedding`` object, the name of an embedding model
            (``openai:text-embedding-3-small``), or a :class:`~routed_llm.Model` of one of these with its price and place. It
            is asked through a router only, and reports nothing to the callbacks of the call. What it costs is in the call's
            bill where the price is known. It sees no call that may not go to it, and ``explain`` does not ask it.
        fact: the fact that it gives: ``task``, ``domain``, or one of your own.
        unknown: share of calls that do belong to a task and may be taken for unknown ones. More finds more of the calls that
            belong to none: with 15 examples of each of 150 intents, 0.05 finds half of them; 0 takes every call for some task.
        seconds: what one call may spend on the embedder.
        private: whether the embedder may be asked about calls that must stay private, or in a region, or under an agreement,
            or that rules keep from it. Else it may where ``Model(...)`` says that it is of that kind, or is on this machine.

    Raises:
        ConfigurationError: for tasks that cannot be told apart, and for values that cannot be meant.
    """

    name = "examples"

    def __init__(
        self,
        tasks: Sequence[Task | Mapping[str, Any]],
        embeddings: Any = None,
        fact: str = "task",
        unknown: float = 0.05,
        seconds: float = 1.0,
        private: bool = False,
    ) -> None:
        self.tasks = tuple(Task.of(task, f"tasks[{number}]") for number, task in enumerate(tasks))
        self.embeddings = embeddings
        self.fact = fact
        self.unknown = unknown
        self.seconds = seconds
        self.private = private
        self.gives: tuple[str, ...] = (fact, f"{fact}_confidence")
        self._check()
        self._learned: tuple[FewShot, Certainty] | None = None
        self._embedded: Embedded | None = None

    def _check(self) -> None:
        names = [task.name for task in self.tasks]
        if not names:
            raise ConfigurationError("must hold at least one Task.", path="tasks")
        for name in names:
            if names.count(name) > 1:
                raise ConfigurationError(f"{name!r} is there twice: put its examples into one Task.", path="tasks")
        if not isinstance(self.fact, str) or not self.fact:
            raise ConfigurationError(f"must be a name such as 'task', not {self.fact!r}.", path="fact")
        if not isinstance(self.unknown, (int, float)) or not 0 <= self.unknown < 1:
            raise ConfigurationError(f"must be a share from 0 to below 1, not {self.unknown!r}.", path="unknown")
        if not isinstance(self.seconds, (int, float)) or not 0 < self.seconds < float("inf"):
            raise ConfigurationError(f"must be a number of seconds above zero, not {self.seconds!r}.", path="seconds")

    @property
    def sends(self) -> bool:
        """Whether the text goes to somebody."""
        return self.embeddings is not None

    def equip(self, embedder_of: Callable[[Any], Deployment]) -> None:
        """Take from a router what asks an embedder: within a time limit, and untold.

        Raises:
            ConfigurationError: for an object that makes no embeddings.
        """
        if self.embeddings is not None and self._embedded is None:
            embedder, unknown = embedder_of(self.embeddings), float(self.unknown)
            self._embedded = Embedded(embedder, self._lessons(), unknown, self.seconds, self.private)

    def learn(self) -> None:
        """Learn from the examples' n-grams now rather than in the first call: milliseconds, or a second for thousands."""
        if self._learned is not None:
            return
        from routed_llm.policy.features.certainty import Certainty  # numpy is for those who need it
        from routed_llm.policy.features.few_shot import FewShot

        examples = [[normalised(text) for text in task.examples] for task in self.tasks]
        learned = FewShot(examples, [[normalised(text) for text in task.hints()] for task in self.tasks])
        self._learned = learned, Certainty(learned.left_out, learned.labels, float(self.unknown))

    def scores(self, text: str) -> dict[str, float]:
        """How much a text is like each task by its n-grams: about 1 for an example, about 0 for anything else."""
        self.learn()
        assert self._learned is not None  # just learned
        found = self._learned[0].scores(text)
        return {task.name: float(score) for task, score in zip(self.tasks, found, strict=True)}

    def found(self, text: str) -> dict[str, Any]:
        """The facts of a text, by its n-grams."""
        self.learn()
        assert self._learned is not None  # just learned
        few_shot, certainty = self._learned
        return self._facts(certainty.verdict(few_shot.scores(text)))

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Recognise the task in what the user said."""
        text = said(request)
        if not text.strip():
            return {}
        if self._embedded is not None:
            judged = await self._embedded.judge(text, request, driver)
            if judged is not None:
                return self._facts(judged.verdict)
        return self.found(text)

    def _facts(self, verdict: Verdict | None) -> dict[str, Any]:
        if verdict is None:
            return {}
        return {self.fact: self.tasks[verdict.label].name, f"{self.fact}_confidence": verdict.confidence}

    def _lessons(self) -> list[Lesson]:
        """All texts that are learned from."""
        found = []
        for label, task in enumerate(self.tasks):
            for own, texts in ((True, task.examples), (False, task.hints())):
                found += [Lesson(plain, label, own) for text in texts if (plain := normalised(text)).strip()]
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        if self.embeddings is not None and not isinstance(self.embeddings, str):
            raise ConfigurationError(
                "Examples that hold an embeddings object are not pickled: the object may hold a key.", path="features"
            )
        return (Examples, (self.tasks, self.embeddings, self.fact, self.unknown, self.seconds, self.private))
