"""Texts to embed: how they are cut into batches, and the look that routing has at one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from routed_llm.errors import InvalidCall
from routed_llm.prompt.estimate import CHARACTERS_PER_TOKEN, text_tokens
from routed_llm.requests import NO_FACTS

__all__ = ["MOST_TEXTS", "TextsView", "batches", "checked", "no_chat"]

#: texts in one request at most (OpenAI API reference, embeddings)
MOST_TEXTS = 2_048
#: tokens in one request: OpenAI takes 300,000, and a text may have twice the tokens of the offline estimate (numbers, code)
MOST_TOKENS = 300_000 // 2


def checked(texts: Sequence[str], *, takes_empty: bool) -> list[str]:
    """The texts as a list.

    Raises:
        InvalidCall: for what is no list of texts, and for empty ones where a provider would refuse them.
    """
    if isinstance(texts, str):
        raise InvalidCall("texts must be a list of texts, not one text.")
    listed = list(texts)
    for number, text in enumerate(listed):
        if not isinstance(text, str):
            raise InvalidCall(f"texts[{number}] must be a text, not {type(text).__name__}.")
        if not text and not takes_empty:
            raise InvalidCall(f"texts[{number}] is empty, which providers refuse to embed: leave it out. Nothing was sent.")
    return listed


def batches(texts: Sequence[str], most: int, tokens: int = MOST_TOKENS) -> Iterator[list[str]]:
    """The texts in order, in lists of at most ``most`` and of about ``tokens`` tokens; a longer text is alone.

    Args:
        texts: what is cut.
        most: texts in one list.
        tokens: estimated tokens in one list.
    """
    batch: list[str] = []
    filled = 0
    for text in texts:
        size = text_tokens(text)
        if batch and (len(batch) >= most or filled + size > tokens):
            yield batch
            batch, filled = [], 0
        batch.append(text)
        filled += size
    if batch:
        yield batch


class TextsView:
    """Routing's look at texts; see :class:`~routed_llm.requests.PromptView`."""

    media: frozenset[str] = frozenset()
    media_counts: Mapping[str, int] = NO_FACTS
    media_tokens = 0
    turns = 0

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        # by the tokens of each text, because a text's last token may be short
        self.characters = CHARACTERS_PER_TOKEN * sum(map(text_tokens, texts))

    def user_text(self) -> str:
        """All texts, one below the other."""
        return "\n".join(self._texts)

    def user_texts(self) -> Sequence[str]:
        """All texts."""
        return self._texts

    def texts(self) -> Iterable[str]:
        """All texts."""
        return self._texts

    def has_tool_results(self) -> bool:
        """Never."""
        return False

    def spoke_before(self) -> None:
        """Nobody."""

    def bound_to(self) -> frozenset[str]:
        """Nobody."""
        return frozenset()

    def kept_files(self) -> Sequence[Any]:
        """None."""
        return ()


def no_chat(payload: Any, losses: list[str]) -> NoReturn:
    """Texts do not become a chat.

    Raises:
        InvalidCall: always.
    """
    raise InvalidCall("This router chats and makes no embeddings: they need Router(..., purpose='embeddings').")
