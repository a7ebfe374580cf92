"""The pytest plug-in as a user loads it, and the page that lists the faults."""

import os
import re
import subprocess
import sys
from pathlib import Path

from routed_llm.testing.faults import FAULTS, FaultyProvider, select

ROOT = Path(__file__).parents[2]

CONFTEST = 'pytest_plugins = ["routed_llm.testing.pytest_plugin"]\n'
TEST = """
from routed_llm import RoutedChatModel
from routed_llm.testing.pytest_plugin import every_fault


@every_fault(mode="invoke", reaction="next", rows=(37, 18))
def test_my_chain_survives(fault, faulty_provider, faulty_provider_factory):
    faulty_provider.always(fault)
    spare = faulty_provider_factory("The spare answers.")
    model = RoutedChatModel([faulty_provider.model(), spare.model("spare")], strategy="ordered", quiet_fallbacks=True)
    assert model.invoke("Hello?").text == "The spare answers."
    assert (len(faulty_provider.journal), len(spare.journal)) == (1, 1)


def test_the_sandbox_is_still_there(sandbox):
    assert sandbox.base_url
"""


def test_a_users_test_with_the_plugin(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_mine.py").write_text(TEST)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    count = len(select(mode="invoke", reaction="next", rows=(37, 18)))
    assert count == 10
    assert f"{count + 1} passed" in done.stdout


def test_the_page_lists_every_fault():
    page = (ROOT / "docs" / "faults.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| (.+?) \| (?:both|streams|whole answers) \|", page, re.MULTILINE))
    assert told == {fault.name: fault.does for fault in FAULTS.values()}


def test_importing_opens_nothing_and_loads_no_framework():
    code = (
        "import socket, sys, threading\n"
        "def refuse(*a, **k): raise AssertionError('a socket was opened')\n"
        "socket.socket.__init__ = refuse\n"
        "import routed_llm.testing.faults\n"
        "heavy = ('langchain_core', 'llama_index', 'openai', 'httpx', 'aiohttp', 'httpcore', 'h11', 'numpy', 'pytest')\n"
        "print([name for name in heavy if name in sys.modules], threading.active_count())"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] 1"


def test_a_provider_shows_no_key():
    with FaultyProvider(api_key="canary-7f3a") as provider:
        assert "canary" not in repr(provider) + repr(provider.model())
