"""A routed chat model with keywords or a config bound to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.runnables import RunnableBinding, RunnableConfig

from routed_llm.decisions import Decision
from routed_llm.langchain.serialization import BOUND

if TYPE_CHECKING:  # what langchain-core's own ``bind`` gives: at run time the same, with exact types for event streams
    from langchain_core.language_models.chat_models import _ChatModelBinding as Binding

    from routed_llm.langchain.chat_model import RoutedChatModel
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
        return self._ours.explain(input, self._merge_configs(config), **{**self.kwargs, **kwargs})

    async def aexplain(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Decision:
        """:meth:`explain` for policies with pieces that wait."""
        return await self._ours.aexplain(input, self._merge_configs(config), **{**self.kwargs, **kwargs})

    @property
    def _ours(self) -> RoutedChatModel:
        return cast("RoutedChatModel", self.bound)  # nothing else makes this class
