"""One process for one target: takes orders as lines of JSON and answers with what they cost.

An order is ``{"measure": ..., "calls": n}``; the answer ``{"cpu": seconds, "wall": seconds, "calls": n}``.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import sys
import time

from targets import Measure, load


class Worker:
    """Runs batches of calls on one model, async ones always in the same event loop."""

    def __init__(self, framework: str, target: str, url: str) -> None:
        self.framework = load(framework)
        self.target = self.framework.targets[target]
        self.model = self.target.build(url)
        self.runner = asyncio.Runner()

    def measure(self, name: str, calls: int) -> dict[str, float]:
        """CPU seconds of this process (user and system, all threads) and wall seconds of a batch."""
        measure = self.framework.measures[name]
        if self.target.listen is not None:
            self.target.listen(self.model, name)
        if measure.before:
            self._batch(measure, measure.before)
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        self._batch(measure, calls)
        cost = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        return {**cost, "calls": calls * measure.at_a_time}

    def _batch(self, measure: Measure, calls: int) -> None:
        if inspect.iscoroutinefunction(measure.once):
            self.runner.run(self._tasks(measure, calls))
        else:
            for _ in range(calls):
                measure.once(self.model)

    async def _tasks(self, measure: Measure, calls: int) -> None:
        """``calls`` for each of the tasks, which begin at the same time; a single one needs no task."""

        async def caller() -> None:
            for _ in range(calls):
                await measure.once(self.model)

        if measure.at_a_time == 1:
            await caller()
        else:
            await asyncio.gather(*(caller() for _ in range(measure.at_a_time)))


def main() -> None:
    worker = Worker(*sys.argv[1:])
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(worker.measure(order["measure"], order["calls"])), flush=True)


if __name__ == "__main__":
    main()
