# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random instants while searches run with installed algorithms: of the server, of a plugin's shepherd together
with it, also while the server starts. No suggestion may be lost or run twice, no outcome told twice, no process left."""
import ast
import os
import random
import time

import pytest

from harness import Server
from plugin_kit import TRIAL, folder, installed, log, plugin, plugin_processes, start, values
from test_kill import PATIENCE_S, check_nothing_left, start_and_kill_at_once
from witness import until

ROUNDS = min(60, int(os.environ.get("KILL_ROUNDS", "20")))
TRIALS = 150

# Enumerates whole numbers, and says at each call what it was told in all.
COUNTER = """
def __init__(self, name, hyper_parameters, **kwargs):
    super().__init__(name, hyper_parameters, **kwargs)
    self.state = {"next": 0, "told": []}

def search(self, n, results):
    self.state["told"] += [r["id"] for r in results]
    first, self.state["next"] = self.state["next"], self.state["next"] + n
    logger.info("told %s", self.state["told"])
    return [{"x": float(i)} for i in range(first, first + n)]
"""
KINDS = {"state": COUNTER + "def get_state(self): return self.state\ndef set_state(self, state): self.state = state\n",
         "replay": COUNTER}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_search_of_a_plugin_survives_every_kill(tmp_path, seed):
    rng = random.Random(seed)
    searches = {}
    with Server(tmp_path, "group.default.slots = 4\ntasks.stop_grace = 1\n") as server:
        for kind, methods in KINDS.items():
            installed(server, kind, plugin(methods))
            searches[kind] = start(server, kind, script=TRIAL + "\nif config['x'] % 7 == 3: raise SystemExit(1)\n",
                                   maxJobNum=TRIALS, maxParalleJobNum=2)
        for _ in range(ROUNDS // 2):
            kill_somewhere(server, rng, list(searches.values()))
        for name in searches.values():
            check_search(server, name)
        until(server, lambda: not any(plugin_processes(server, name) for name in searches.values()), "plugins live on")
        server.stop()
        server.start()
        check_nothing_left(server)


def kill_somewhere(server, rng, searches):
    time.sleep(rng.uniform(0, 0.4))
    shepherd = shepherd_of(server, rng.choice(searches))
    server.kill()
    if shepherd and rng.random() < 0.3:
        try:
            os.kill(shepherd, 9)
        except ProcessLookupError:
            pass
    if rng.random() < 0.2:
        start_and_kill_at_once(server, rng)
    server.start()


def shepherd_of(server, search):
    """Of its plugin; None before it has begun."""
    lock = folder(server, search) / "lock"
    lines = lock.read_text().splitlines() if lock.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("shepherd ")), None)


def check_search(server, name):
    record = server.wait_search(name, timeout=PATIENCE_S)
    assert record["state"] == "FINISHED", (record.get("message"), server.log_text())
    assert sorted(map(float, values(record))) == list(range(TRIALS)), "each is run, and none twice"
    told = ast.literal_eval([line for line in log(server, name).splitlines() if " told " in line][-1].split("told ")[1])
    assert len(set(told)) == len(told) >= TRIALS - 4, "each outcome is told once"
