"""The media that langchain-tests fetches come from local files; nothing else of it is touched."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from standard_media import get_local
from standard_suite import SERVER


@pytest.fixture(autouse=True)
def local_media(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the suite's own name ``httpx`` is replaced, so that clients still use the real one."""
    suite = sys.modules.get("langchain_tests.integration_tests.chat_models")
    if suite is not None:
        monkeypatch.setattr(suite, "httpx", SimpleNamespace(get=get_local))
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "local")


@pytest.fixture(scope="session")
def vcr_config() -> dict[str, object]:
    """The suite's recorder lets calls to this machine pass: they are real, and nothing is recorded."""
    return {"ignore_localhost": True, "record_mode": "none"}


@pytest.fixture(scope="session")
def standard_server():
    """The sandbox that the standard suites share; it is closed once, when all are through."""
    with SERVER:
        yield SERVER
