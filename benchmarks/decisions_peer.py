"""What litellm's Router needs to choose a deployment: prints JSON. Run by ``decisions_page.py``, where litellm is installed."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import time
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no download of a price list while litellm is imported

STRATEGIES = ("simple-shuffle", "latency-based-routing")
#: deployments -> choices in a batch
SIZES = {10: 200, 1_000: 10}
BATCHES = 10


def microseconds(router: Any, calls: int) -> float:
    """CPU microseconds of one choice, the least of all batches. Nothing is kept of it."""
    messages = [{"role": "user", "content": "What is 17 + 4?"}]
    least = float("inf")
    for _ in range(BATCHES):
        start = time.process_time()
        for _ in range(calls):
            router.get_available_deployment(model="pool", messages=messages)
        least = min(least, time.process_time() - start)
    return least / calls * 1e6


def main() -> None:
    from litellm import Router  # it takes seconds to load

    logging.disable(logging.CRITICAL)
    found: dict[str, dict[str, float]] = {}
    for strategy in STRATEGIES:
        found[strategy] = {}
        for size, calls in SIZES.items():
            models = [
                {
                    "model_name": "pool",
                    "litellm_params": {
                        "model": f"openai/model-{number}",
                        "api_key": "sk-benchmark",
                        "api_base": "http://127.0.0.1:9/v1",
                    },
                }
                for number in range(size)
            ]
            found[strategy][str(size)] = round(microseconds(Router(model_list=models, routing_strategy=strategy), calls), 1)
    print(json.dumps({"version": importlib.metadata.version("litellm"), "figures": found}))


if __name__ == "__main__":
    main()
