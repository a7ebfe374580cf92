"""One process of several in tests: it asks as it is told by lines of its input, and says what happened.

``python redis_worker.py NUMBER SETTINGS`` with settings as JSON: ``state``, ``base``, ``models`` (name -> arguments), ``more``
(of the router), ``budget`` (arguments).
"""

import json
import sys
import threading
import time

from routed_llm import Budget, Model, Router
from routed_llm.errors import RoutedError
from routed_llm.hints import Hints
from routed_llm.policy.features.own_calls import chat_request


class Worker:
    def __init__(self, settings: dict) -> None:
        plain = {"base_url": settings["base"], "api_key": "any"}
        models = [Model(f"openai:{name}", name=name, **{**plain, **told}) for name, told in settings["models"].items()]
        budgets = [Budget(**settings["budget"])] if "budget" in settings else ()
        more = settings.get("more", {})
        self.router = Router(models, state=settings["state"], budgets=budgets, quiet_fallbacks=True, **more)
        self.live = self.router.live
        self.first = next(iter(settings["models"]))

    def ready(self) -> None:
        while not self.live.shared()["connected"]:
            time.sleep(0.005)

    def ask(self, session: str | None = None) -> str:
        """Who answers, or the error's class."""
        request = chat_request("Be short.", "Hi", {})
        if session:
            request.hints = Hints.of({"session": session})
        try:
            return self.router.complete(request).record.answered_by.id
        except RoutedError as error:
            return f"{type(error).__name__}: {error}"

    def load(self, seconds: float, threads: int, pause: float) -> dict:
        """Ask from some threads for a while: who answered how often, when the first was asked, and the milliseconds of calls.

        Times are of this machine's monotonic clock, which all processes share.
        """
        told: dict[str, int] = {}
        took: list[float] = []
        at: list[float] = []
        lock, end = threading.Lock(), time.monotonic() + seconds

        def go() -> None:
            while time.monotonic() < end:
                began = time.perf_counter()
                try:
                    record = self.router.complete(chat_request("Be short.", "Hi", {})).record
                    who, asked = record.answered_by.id, record.attempts[-1].started
                except RoutedError as error:
                    who = type(error).__name__
                with lock:
                    took.append((time.perf_counter() - began) * 1000)
                    told[who] = told.get(who, 0) + 1
                    if who == self.first:
                        at.append(asked)  # the answer may be late, as on a busy machine
                time.sleep(pause)

        running = [threading.Thread(target=go) for _ in range(threads)]
        for each in running:
            each.start()
        for each in running:
            each.join()
        took.sort()
        p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
        return {"told": told, "at": at, "p50": p50, "p99": p99, "view": self.live.shared()}

    def storm(self, calls: int) -> dict:
        """So many calls at once; how many of each ending there were."""
        told: list[str] = []

        def go() -> None:
            told.append(self.ask().split(":")[0])

        running = [threading.Thread(target=go) for _ in range(calls)]
        for each in running:
            each.start()
        for each in running:
            each.join()
        return {each: told.count(each) for each in set(told)}

    def do(self, what: str, *given: str) -> object:
        state = self.live.of(self.first)
        if what == "ask":
            return self.ask(*given)
        if what == "load":
            return self.load(float(given[0]), int(given[1]), float(given[2]))
        if what == "storm":
            return self.storm(int(given[0]))
        if what == "until":  # ``until benched`` or ``until free``: when that came true
            while (self.first in self.live.cooling) != (given[0] == "benched"):
                time.sleep(0.002)
            return time.time()
        if what == "numbers":
            return [state.in_flight, state.latency, state.errors, self.live.shared()["processes"]]
        if what == "hang":  # a call that never ends here
            self.live.enter(state, time.monotonic())
            return True
        if what == "spent":
            return list(self.router.budgets()[0].spent)
        raise ValueError(what)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    worker = Worker(json.loads(sys.argv[2]))
    worker.ready()
    say("ready")
    for line in sys.stdin:
        say(json.dumps(worker.do(*line.split())))
    worker.router.close()


if __name__ == "__main__":
    main()
