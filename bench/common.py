# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: a server, interleaved runs, medians, rows of the table."""
import contextlib
import re
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness import Server

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "build-bench/venv/bin"
ROUNDS = 3


@dataclass
class Row:
    what: str
    ours: str
    peer: str
    ratio: float
    goal: float
    less: bool = False      # the goal is a limit from above

    def __str__(self):
        met = self.ratio <= self.goal if self.less else self.ratio >= self.goal
        sign = "<=" if self.less else ">="
        return (f"{self.what:<58} {self.ours:>12} {self.peer:>12} {self.ratio:>7.2f}  "
                f"{sign} {self.goal:g} {'met' if met else 'MISSED'}")


@contextlib.contextmanager
def server(conf=""):
    with tempfile.TemporaryDirectory(prefix="trainyard-bench-") as folder, Server(folder, "log.level = error\n" + conf) as s:
        yield s


def interleaved(*measures, rounds=ROUNDS):
    """Runs the measurements in turn, `rounds` times; the median of each."""
    results = [[] for _ in measures]
    for _ in range(rounds):
        for got, measure in zip(results, measures):
            got.append(measure())
    return [statistics.median(got) for got in results]


def wrk(url, headers=(), seconds=4, connections=64):
    """Requests per second; any answer but 2xx is an error."""
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", url]
    for header in headers:
        command += ["-H", header]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, out
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
