"""Judge many models in processes that may hang or die without stopping the others."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

from benchmarks.coverage import judge

SECONDS = 60.0


def sweep(names: list[str], jobs: int) -> list[dict[str, Any]]:
    """Judge each name in a process that may hang or die without stopping the others."""
    waiting = list(reversed(names))
    made: dict[str, dict[str, Any]] = {}
    pool = [Worker() for _ in range(jobs)]
    while len(made) < len(names):
        for worker in pool:
            if worker.name is None and waiting:
                worker.start(waiting.pop())
        busy = [w for w in pool if w.name is not None]
        wait([w.connection for w in busy], timeout=1.0)
        for worker in pool:
            record = worker.take()
            if record is not None:
                made[record["name"]] = record
                _tell(record)
    for worker in pool:
        worker.stop()
    counts = Counter(record["verdict"] for record in made.values())
    print(", ".join(f"{verdict} {count}" for verdict, count in counts.most_common()))
    return [made[name] for name in names]


def _tell(record: dict[str, Any]) -> None:
    print(
        f"{record['name']}: {record['verdict']}, {record['calls']} calls, "
        f"{record['matched']}/{record['reported']} maps {record['why'][:160]}",
        flush=True,
    )


class Worker:
    """A process that judges one name after another."""

    def __init__(self) -> None:
        self.name: str | None = None
        self._begin()

    def _begin(self) -> None:
        context = get_context("spawn")
        self.connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def start(self, name: str) -> None:
        self.name = name
        self._until = time.monotonic() + SECONDS
        self.connection.send(name)

    def take(self) -> dict[str, Any] | None:
        """The record, if there is one now; also of a process that died or takes too long."""
        if self.name is None:
            return None
        why = ""
        try:
            if self.connection.poll():
                record: dict[str, Any] = self.connection.recv()
                self.name = None
                return record
        except (EOFError, ConnectionResetError):
            why = "the process died"
        if time.monotonic() > self._until:
            why = f"not done after {SECONDS:.0f} s"
        if not why:
            return None
        name, self.name = self.name, None
        self.stop()
        self._begin()
        return judge.Judged(name, verdict="failed", why=why).record()

    def stop(self) -> None:
        self._process.kill()
        self._process.join()
        self.connection.close()


def _serve(connection: Connection) -> None:
    import torch
    import transformers

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    while True:
        name = connection.recv()
        connection.send(judge.judge_named(name).record())
