"""Decisions that are kept: written to a file, read again, made again, and made otherwise."""

from routed_llm.saved.reading import SavedDecision, SavedDecisions, load_decisions, replay
from routed_llm.saved.replaying import Replay
from routed_llm.saved.writing import DecisionFile

__all__ = ["DecisionFile", "Replay", "SavedDecision", "SavedDecisions", "load_decisions", "replay"]
