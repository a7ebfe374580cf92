"""The languages of the sandbox by the address of a request."""

from __future__ import annotations

from routed_llm.providers.sandbox.anthropic.language import AnthropicMessages
from routed_llm.providers.sandbox.chat_completions import ChatCompletions
from routed_llm.providers.sandbox.gemini.language import ROUTE, GeminiGenerate
from routed_llm.providers.sandbox.language import Language
from routed_llm.providers.sandbox.responses.language import OpenAIResponses
from routed_llm.providers.sandbox.seals import Seals

__all__ = ["Languages"]


class Languages:
    """All of them.

    Args:
        seals: for what comes back signed.
    """

    def __init__(self, seals: Seals) -> None:
        self.chat: Language = ChatCompletions()
        self._gemini: Language = GeminiGenerate(seals)
        self._by_route: dict[str, Language] = {
            "/v1/chat/completions": self.chat,
            "/v1/messages": AnthropicMessages(seals),
            "/v1/responses": OpenAIResponses(seals),
        }

    def of(self, route: str) -> Language:
        """The language of an address; chat completions for all others, whose errors are worded so."""
        if route.startswith("/v1beta/") or ROUTE.fullmatch(route):
            return self._gemini
        return self._by_route.get(route, self.chat)

    def answers(self, route: str) -> bool:
        """Whether models answer there."""
        return route in self._by_route or ROUTE.fullmatch(route) is not None
