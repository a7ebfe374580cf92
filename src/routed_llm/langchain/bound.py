"""A routed chat model with keywords or a config bound to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableBinding, RunnableConfig

from routed_llm.decisions import Decision
from routed_llm.langchain.serialization import BOUND

if TYPE_CHECKING:  # what langchain-core's own ``bind`` gives: at run time the same, with exact types for event streams
    from langchain_core.language_models.chat_models import _ChatModelBinding as Binding
else:
    Binding = RunnableBinding

__all__ = ["BoundModel"]


class BoundModel(Binding):
    """LangChain's binding, whose ``explain`` reads what is bound.

    LangChain's own hands methods that it does not know nothing but the config, so a decision would leave out the tools.
    """

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Where ``load`` finds this class."""
        return list(BOUND[:-1])

    def explain(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Decision:
        """What would be decided at a call of this model; see :meth:`routed_llm.RoutedChatModel.explain`."""
        given = {**self.kwargs, **kwargs}
        return self.bound.explain(input, self._merge_configs(config), **given)  # type: ignore[attr-defined,no-any-return]

    async def aexplain(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Decision:
        """:meth:`explain` for policies with pieces that wait."""
        given = {**self.kwargs, **kwargs}
        return await self.bound.aexplain(input, self._merge_configs(config), **given)  # type: ignore[attr-defined,no-any-return]
