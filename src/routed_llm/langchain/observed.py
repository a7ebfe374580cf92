"""``ainvoke`` of one prompt while somebody listens: LangChain's ``agenerate`` without the tasks that only many prompts need.

LangChain's ``agenerate`` answers many prompts side by side: it gathers their starts, their calls and their ends. For one
prompt these gatherings change nothing and cost a task and some turns of the event loop each, so here the same steps run one
after the other. Handlers are still told by LangChain's ``ahandle_event`` and run manager, in tasks as there, but a single one
is told of the end in one task, without a second one to gather within it. Cache, limiter, streaming and the finished message
stay with LangChain's ``_agenerate_with_cache``.

The steps are those of langchain-core 1.7 to 1.8. Whether this process has the same ones is looked up in the names that their
code uses; where it has others, or where somebody put something of his own in their place, ``agenerate`` itself is called.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackManager, AsyncCallbackManagerForLLMRun
from langchain_core.callbacks import manager as core_manager
from langchain_core.language_models import BaseChatModel, chat_models
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import LLMResult
from langchain_core.runnables import RunnableConfig

from routed_llm.langchain.followed import followed, followed_shielded

__all__ = ["answer_observed", "knows_the_base"]

# every name, attribute and keyword in the code of the two methods that are followed here
_AGENERATE = """
    AsyncCallbackManager BaseException Exception LLMResult RunInfo _agenerate_with_cache _combine_llm_outputs
    _filter_invocation_params_for_tracing _format_for_tracing _format_ls_structured_output _generate_response_from_error
    _get_invocation_params _get_ls_params_with_defaults _normalize_messages _serialized append asyncio batch_size callbacks
    configure enumerate gather generations invocation_params isinstance langsmith_inheritable_metadata len llm_output
    metadata name on_chat_model_start on_llm_end on_llm_error options pop response run run_id run_manager stop strict tags
    verbose zip
"""
_START = """
    AsyncCallbackManagerForLLMRun ahandle_event append asyncio gather handlers inheritable_handlers inheritable_metadata
    inheritable_tags metadata parent_run_id run_id run_inline tags uuid7
"""
_EVENT = "_ahandle_event_for_handler asyncio gather run_inline"
_END = "ahandle_event handlers parent_run_id run_id tags"
# what they call is taken from where they take it, and only when they were recognised
_models: Any = chat_models
_managers: Any = core_manager


_agenerate = followed(BaseChatModel.agenerate, _AGENERATE)
_start = followed(AsyncCallbackManager.on_chat_model_start, _START)
_event = followed(core_manager.ahandle_event, _EVENT)
_end = followed_shielded(AsyncCallbackManagerForLLMRun.on_llm_end, _END)


def knows_the_base() -> bool:
    """Whether :func:`answer_observed` does what LangChain's ``agenerate`` would do in this process."""
    return (
        BaseChatModel.agenerate is _agenerate
        and AsyncCallbackManager.on_chat_model_start is _start
        and AsyncCallbackManagerForLLMRun.on_llm_end is _end
        and _managers.ahandle_event is _event
    )


async def answer_observed(
    model: BaseChatModel, messages: list[BaseMessage], stop: list[str] | None, config: RunnableConfig, kwargs: dict[str, Any]
) -> AIMessage:
    """The answer to one prompt, told to every handler of the config, the model and the surroundings.

    A cancelled call ends without a word to handlers, as in LangChain: neither its end nor an error is told.

    Args:
        model: the model that is called.
        messages: the prompt.
        stop: stop sequences of the call.
        config: a complete config, from ``ensure_config``, or an empty one.
        kwargs: the other keywords of the call.
    """
    kwargs = dict(kwargs)
    traced = kwargs.pop("ls_structured_output_format", None) or kwargs.pop("structured_output_format", None)
    params = model._get_invocation_params(stop=stop, **kwargs)
    manager = _manager(model, config, params, dict(model._get_ls_params_with_defaults(stop=stop, **kwargs)))
    run = await _started(
        manager,
        (model._serialized, [_models._format_for_tracing(messages)]),
        config.get("run_id"),
        invocation_params=params,
        options={"stop": stop, **_models._format_ls_structured_output(traced)},
        name=config.get("run_name"),
        batch_size=1,
    )
    messages = _models._normalize_messages(messages)
    call = model._agenerate_with_cache(messages, stop=stop, run_manager=run, **kwargs)
    try:
        # while a call streams its handlers are told of tokens, and what they set in the context does not reach the caller
        result = await (asyncio.create_task(call) if _streams(model, run, kwargs) else call)
    except Exception as error:
        await run.on_llm_error(error, response=LLMResult(generations=[_models._generate_response_from_error(error)]))
        raise
    await _ended(run, LLMResult(generations=[list(result.generations)], llm_output=result.llm_output))
    return cast("AIMessage", result.generations[0].message)


def _streams(model: BaseChatModel, run: AsyncCallbackManagerForLLMRun, kwargs: dict[str, Any]) -> bool:
    """Whether LangChain makes this call stream inside."""
    return model._should_use_protocol_streaming(async_api=True, run_manager=run, **kwargs) or model._should_stream(
        async_api=True, run_manager=run, **kwargs
    )


def _manager(
    model: BaseChatModel, config: RunnableConfig, params: dict[str, Any], described: dict[str, Any]
) -> AsyncCallbackManager:
    """The manager of everybody who listens to this call."""
    return AsyncCallbackManager.configure(
        config.get("callbacks"),
        model.callbacks,
        model.verbose,
        config.get("tags"),
        model.tags,
        {**(config.get("metadata") or {}), **described},
        model.metadata,
        langsmith_inheritable_metadata=_models._filter_invocation_params_for_tracing(params),
    )


async def _started(
    manager: AsyncCallbackManager, about: tuple[Any, ...], run_id: UUID | None, **more: Any
) -> AsyncCallbackManagerForLLMRun:
    """Tell of the start: handlers that run inline in turn, then the others side by side."""
    run_id = _managers.uuid7() if run_id is None else run_id
    if manager.handlers:
        await _managers.ahandle_event(
            manager.handlers,
            "on_chat_model_start",
            "ignore_chat_model",
            *about,
            run_id=run_id,
            parent_run_id=manager.parent_run_id,
            tags=manager.tags,
            metadata=manager.metadata,
            **more,
        )
    return AsyncCallbackManagerForLLMRun(
        run_id=run_id,
        handlers=manager.handlers,
        inheritable_handlers=manager.inheritable_handlers,
        parent_run_id=manager.parent_run_id,
        tags=manager.tags,
        inheritable_tags=manager.inheritable_tags,
        metadata=manager.metadata,
        inheritable_metadata=manager.inheritable_metadata,
    )


async def _ended(run: AsyncCallbackManagerForLLMRun, result: LLMResult) -> None:
    """Tell of the end, which a caller who goes away meanwhile does not cut off."""
    if len(run.handlers) != 1 or run.handlers[0].run_inline:
        await run.on_llm_end(result)
        return
    telling = _managers._ahandle_event_for_handler(
        run.handlers[0], "on_llm_end", "ignore_llm", result, run_id=run.run_id, parent_run_id=run.parent_run_id, tags=run.tags
    )
    await asyncio.shield(asyncio.create_task(telling))
