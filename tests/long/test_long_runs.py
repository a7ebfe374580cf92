"""A soak: memory after thousands of calls. Run by ``tox -e long``."""

import asyncio
import gc
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from routed_llm import RoutedChatModel
from routed_llm.testing import DEFAULT_MODELS, sandbox_entries

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


#: a sandbox of its own process, so that only the router's memory is measured
SERVE = """
import sys
from routed_llm.testing import Sandbox, SandboxServer
server = SandboxServer(Sandbox(speed=0))
server.start()
server.sandbox.fail("sandbox-medium", status=500, times=200)
print(server.base_url, flush=True)
sys.stdin.read()
"""


def resident():
    """Resident memory now, in KiB; 0 where the system does not tell."""
    told = Path("/proc/self/statm")
    return int(told.read_text().split()[1]) * resource.getpagesize() // 1024 if told.exists() else 0


def test_memory_does_not_grow_with_calls():
    served = subprocess.Popen([sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with served:
        pool = [e for e in sandbox_entries(DEFAULT_MODELS, served.stdout.readline().strip()) if e.model != "sandbox-reasoner"]
        model = RoutedChatModel(pool, strategy="round_robin", quiet_fallbacks=True)

        async def some(count):
            for start in range(0, count, 20):
                await asyncio.gather(*(model.ainvoke([HumanMessage(f"What is {start} + {n}?")]) for n in range(20)))

        asyncio.run(some(4_000))
        gc.collect()
        before, objects = resident(), len(gc.get_objects())
        asyncio.run(some(16_000))
        gc.collect()
        grown = resident() - before
        assert grown <= 16_000 * 0.05, f"{grown / 16_000:.3f} KiB a call"
        assert len(gc.get_objects()) - objects < 5_000
        served.stdin.close()
