"""One process for one target: takes orders as lines of JSON and answers with what they cost.

An order is ``{"measure": ..., "calls": n}``; the answer ``{"cpu": seconds, "wall": seconds, "calls": n}``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
from typing import Any

from targets import MESSAGES, TARGETS

AT_A_TIME = 64


class Worker:
    """Runs batches of calls on one model, async ones always in the same event loop."""

    def __init__(self, target: str, url: str) -> None:
        self.target = TARGETS[target]
        self.model = self.target.build(url)
        self.runner = asyncio.Runner()

    def measure(self, name: str, calls: int) -> dict[str, float]:
        """CPU seconds of this process (user and system, all threads) and wall seconds of a batch."""
        batch = getattr(self, name)
        self.target.listen(self.model, name)
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        made = batch(calls)
        return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "calls": made}

    def invoke(self, calls: int) -> int:
        for _ in range(calls):
            _check(self.model.invoke(MESSAGES).text, 4)
        return calls

    def stream(self, calls: int) -> int:
        for _ in range(calls):
            _check("".join(str(chunk.content) for chunk in self.model.stream(MESSAGES)), 200)
        return calls

    def ainvoke(self, calls: int) -> int:
        async def batch() -> None:
            for _ in range(calls):
                _check((await self.model.ainvoke(MESSAGES)).text, 4)

        self.runner.run(batch())
        return calls

    def astream(self, calls: int) -> int:
        async def batch() -> None:
            for _ in range(calls):
                _check("".join([str(chunk.content) async for chunk in self.model.astream(MESSAGES)]), 200)

        self.runner.run(batch())
        return calls

    def at64(self, calls: int) -> int:
        """``calls`` for each of 64 tasks that begin at the same time."""

        async def caller() -> None:
            for _ in range(calls):
                _check((await self.model.ainvoke(MESSAGES)).text, 4)

        async def batch() -> None:
            await asyncio.gather(*(caller() for _ in range(AT_A_TIME)))

        self.runner.run(batch())
        return calls * AT_A_TIME


def _check(text: Any, least: int) -> None:
    if len(text) < least:
        raise RuntimeError(f"an answer is too short: {text!r}")


def main() -> None:
    logging.getLogger("LiteLLM Router").setLevel(logging.ERROR)
    worker = Worker(sys.argv[1], sys.argv[2])
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(worker.measure(order["measure"], order["calls"])), flush=True)


if __name__ == "__main__":
    main()
