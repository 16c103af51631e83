# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random instants. Clients write while the server, shepherds and user programs are killed; after every
restart all that was acknowledged must be there, every task must run exactly once, and searches must reach their count.

KILL_ROUNDS rounds in all (default 20), shared by the two seeds.
"""
import json
import os
import random
import statistics
import threading
import time
from pathlib import Path

import pytest
import requests

from harness import FINAL_EXEC, Server

ROUNDS = int(os.environ.get("KILL_ROUNDS", "20"))
TASK = '--exec-start tensorflow --user-cmd -- /bin/sh -c "echo ran >> $RESULT_DIR/ran; sleep {seconds}"'
TRIAL = """
import json, os
x = json.load(open("config.json"))["x"]
with open(os.environ["RESULT_DIR"] + "/ran", "a") as f: f.write("ran\\n")
with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as f: json.dump([{"steps": 1, "loss": x * x}], f)
"""
TRIALS = 40


class Clients:
    """Two threads that submit, stop and search, and note what was acknowledged."""

    def __init__(self, server, seed):
        self.server = server
        self.random = random.Random(seed)
        self.tasks, self.stops, self.searches = set(), set(), []
        self.up = threading.Event()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.loop, args=(step,)) for step in (self.submit, self.search)]
        for thread in self.threads:
            thread.start()

    def loop(self, step):
        while not self.over.is_set():
            if not self.up.wait(0.1):
                continue
            try:
                step()
            except (requests.RequestException, AssertionError):
                self.over.wait(0.01)    # killed in the middle: not acknowledged, so nothing is owed

    def post(self, path, **kw):
        return requests.post(self.server.address(path), auth=("ann", "ann-secret"), timeout=20, **kw)

    def submit(self):
        seconds = self.random.choice([0, 0, 0.05, 0.4])
        reply = self.post("/execs", params={"args": TASK.format(seconds=seconds)})
        assert reply.status_code == 200
        task = reply.json()["id"]
        self.tasks.add(task)
        if self.random.random() < 0.1:
            self.stops.add(task)        # from here on it may end KILLED, acknowledged or not
            self.post(f"/execs/{task}/stop")
        self.over.wait(0.05)

    def search(self):
        if len(self.searches) < 1 + len(self.tasks) // 60:
            document = {"modelSpec": {"args": "--exec-start tensorflow --model-main main.py"},
                        "algoDef": {"algorithm": "Random", "maxJobNum": TRIALS, "maxParalleJobNum": 2,
                                    "objectiveMetric": "loss", "objective": "minimize"},
                        "hyperParams": [{"name": "x", "type": "Range", "dataType": "double", "minDbVal": -1, "maxDbVal": 1}]}
            reply = self.post("/hypersearch", files={"file": ("main.py", TRIAL)}, data={"data": json.dumps(document)})
            assert reply.status_code == 200
            answer = reply.json()
            self.searches.append(answer if isinstance(answer, str) else answer["uid"])
        self.over.wait(0.2)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def running(data, program):
    """(pid, exec id) of the processes of a kind whose task belongs to this data directory."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            place = os.readlink(entry / "cwd")
        except OSError:
            continue
        if words[0].endswith(program) and place.startswith(str(data)):
            part = Path(place).relative_to(data).parts
            yield int(entry.name), part[1] if part[0] == "run" else next((p for p in part if p.count("-") >= 2), "")


def kill_one(data, program, rng):
    """Kills one process of a kind; returns the id of its task."""
    found = list(running(data, program))
    if not found:
        return None
    pid, task = rng.choice(found)
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return None
    return task


def wait_for(server, path, final, deadline):
    record = server.get(path).json()
    while record["state"] not in final:
        assert time.monotonic() < deadline, f"{path} is still {record['state']}\n{server.log_text()}"
        with server.notices(timeout=30) as notices:
            record = server.get(path).json()
            if record["state"] not in final:
                next(notices)
    return record


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_acknowledged_survives_every_kill(tmp_path, seed):
    rng = random.Random(seed)
    server = Server(tmp_path)
    clients = Clients(server, seed)
    hurt = set()            # tasks whose shepherd or program we killed: they may end ERROR
    recoveries = []
    try:
        for _ in range(max(1, ROUNDS // 2)):
            began = time.monotonic()
            server.start()
            recoveries.append(time.monotonic() - began)
            clients.up.set()
            clients.over.wait(rng.uniform(0.02, 0.6))
            if rng.random() < 0.25:
                hurt.add(kill_one(server.data, b"trainyard-shepherd", rng))
            if rng.random() < 0.25:
                hurt.add(kill_one(server.data, b"sh", rng))
            clients.up.clear()
            server.kill()
    finally:
        clients.end()
        if server.process:
            server.kill()

    with server.start():
        check(server, clients, hurt)
    print(f"seed {seed}: {len(recoveries)} kills, {len(clients.tasks)} tasks, {len(clients.searches)} searches, "
          f"recovery median {statistics.median(recoveries):.3f} s, worst {max(recoveries):.3f} s")
    assert statistics.median(recoveries) < 1


def check(server, clients, hurt):
    deadline = time.monotonic() + 300
    ran_twice, wrong = [], []
    for task in sorted(clients.tasks):
        record = wait_for(server, f"/execs/{task}", FINAL_EXEC, deadline)
        allowed = {"FINISHED"} | ({"KILLED"} if task in clients.stops else set()) | ({"ERROR"} if task in hurt else set())
        if record["state"] not in allowed:
            wrong.append((task, record["state"], record.get("events")))
        ran = server.data / "results/ann/batchworkdir" / task / "ran"
        times = ran.read_text().count("ran") if ran.exists() else 0
        if times > 1 or (times == 0 and record["state"] == "FINISHED"):
            ran_twice.append((task, times))
    assert not wrong, f"falsely ended: {wrong}\n{server.log_text()}"
    assert not ran_twice, f"not run exactly once: {ran_twice}"

    for name in clients.searches:
        record = wait_for(server, f"/hypersearch/{name}", {"FINISHED", "FAILED", "STOPPED", "RECOVERFAILED"}, deadline)
        assert record["state"] == "FINISHED", (name, record["state"], record.get("message"), server.log_text())
        assert [e["id"] for e in record["experiments"]] == list(range(TRIALS)), "ids are dense and none is doubled"
        assert record["complete"] == TRIALS
        execs = [e["appId"] for e in record["experiments"]]
        assert len(set(execs)) == TRIALS
        for e in record["experiments"]:
            assert e["state"] == "FINISHED" or e["appId"] in hurt, (name, e)

    known = {r["id"] for r in server.get("/execs").json()}
    assert clients.tasks <= known
