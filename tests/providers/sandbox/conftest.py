"""A running sandbox for these tests."""

from __future__ import annotations

from routed_llm.testing.pytest_plugin import sandbox

__all__ = ["sandbox"]
