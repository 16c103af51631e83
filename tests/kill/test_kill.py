# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random instants. Clients write while the server, shepherds and user programs are killed, also while the
server starts; then all that was acknowledged must be there, every task must have run exactly once, every search must
have reached its count, and nothing may be left over: no process, no row, no file.

KILL_ROUNDS rounds in all (default 20), shared by the seeds.
"""
import os
import random
import re
import signal
import statistics
import subprocess
import time
from collections import Counter

import pytest

from clients import LONG, SAMPLES, TRIALS, Clients, Wishes
from harness import FINAL_EXEC, FINAL_SEARCH, Server
from witness import query, until

ROUNDS = int(os.environ.get("KILL_ROUNDS", "20"))
SEEDS = [1, 2]
PATIENCE_S = 240


def marked(data):
    """(pid, exec id, argv[0]) of every shepherd, sheepdog, warm interpreter (whose id is blank) and user process of this data
    directory. A sheepdog has the id of its program, and is left out while that has none yet."""
    mark, place = b"TRAINYARD_TASK=", str(data).encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                name, *words = f.read().decode(errors="replace").split("\0")
            with open(f"/proc/{words[1] if words[:1] == ['sheepdog'] else pid}/environ", "rb") as f:
                env = f.read().split(b"\0")
            cwd = os.readlink(f"/proc/{pid}/cwd").encode()
        except OSError:
            continue
        if name.endswith("trainyard-shepherd") and cwd.startswith(place):
            task = re.search(rb"/(?:run|batchworkdir)/([^/]+)", cwd)     # its child too, until that is a program
            if task:
                yield int(pid), task[1].decode(), "shepherd"
        for word in env:
            if word.startswith(mark) and any(place in other for other in env) and (word[len(mark):].strip() or words[:1] != ["sheepdog"]):
                yield int(pid), word[len(mark):].decode(), name


class Chaos:
    """Hurts what runs below the server. Tasks it has hurt may end ERROR."""

    def __init__(self, data, rng):
        self.data, self.rng = data, rng
        self.hurt = set()
        self.frozen = []

    def signal(self, pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def strike(self):
        if self.rng.random() < 0.4:
            return
        found = list(marked(self.data))
        if not found:
            return
        pid, _, name = self.rng.choice(found)
        if name == "shepherd" and self.rng.random() < 0.3:
            self.frozen.append(pid)         # alive, and deaf until it is thawed
            self.signal(pid, signal.SIGSTOP)
            return
        self.signal(pid, signal.SIGSTOP)        # a fork of a warm interpreter may just become a task
        tasks = [task for other, task, _ in marked(self.data) if other == pid]
        self.hurt.update(tasks)
        self.signal(pid, signal.SIGKILL if tasks else signal.SIGCONT)

    def thaw(self):
        while self.frozen:
            self.signal(self.frozen.pop(), signal.SIGCONT)


def start_and_kill_at_once(server, rng):
    """Somewhere between the first instruction and the first answer."""
    with open(server.log, "ab") as log:
        process = subprocess.Popen(server.command(), stdout=subprocess.DEVNULL, stderr=log)
    time.sleep(rng.uniform(0, 0.06))
    process.kill()
    process.wait(30)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_acknowledged_survives_every_kill(tmp_path, seed):
    rng = random.Random(seed)
    server = Server(tmp_path, "group.default.slots = 4\ntasks.stop_grace = 1\n")
    clients, chaos, recoveries = Clients(server, seed), Chaos(server.data, rng), []
    try:
        for _ in range(max(1, ROUNDS // len(SEEDS))):
            if rng.random() < 0.15:
                start_and_kill_at_once(server, rng)
            began = time.monotonic()
            server.start()
            recoveries.append(time.monotonic() - began)
            if not clients.token:
                clients.sign_in()
            clients.up.set()
            time.sleep(rng.uniform(0, 0.5))
            chaos.thaw()
            chaos.strike()
            time.sleep(rng.uniform(0, 0.1))
            assert server.process.poll() is None, f"it ended by itself\n{server.log_text()}"
            server.kill()
            clients.up.clear()
            chaos.strike()
    finally:
        chaos.thaw()
        clients.end()
        if server.process:
            server.kill()

    with server:
        check_tasks(server, clients, chaos.hurt)
        check_searches(server, clients, chaos.hurt)
        check_datasets(server, clients, chaos.hurt)
        server.stop()
        server.start()
        check_nothing_left(server)
    assert not clients.complaints, clients.complaints
    print(f"seed {seed}: {len(recoveries)} kills, {len(clients.tasks)} tasks, {len(clients.searches)} searches, "
          f"{len(clients.datasets)} datasets, "
          f"recovery median {statistics.median(recoveries):.3f} s, worst {max(recoveries):.3f} s")
    assert statistics.median(recoveries) < 1


def wait_for(server, path, final, deadline):
    """The record once its state is final; None when there is none."""
    with server.notices(timeout=PATIENCE_S) as notices:
        while True:
            reply = server.get(path)
            if reply.status_code == 400:
                return None
            record = reply.json()
            if record["state"] in final:
                return record
            assert time.monotonic() < deadline, f"{path} is still {record['state']}\n{server.log_text()}"
            next(notices)


def times_run(server, task):
    ran = server.data / "results/ann/batchworkdir" / task / "ran"
    return ran.read_text().count("ran") if ran.exists() else 0


def check_tasks(server, clients, hurt):
    deadline = time.monotonic() + PATIENCE_S
    wrong = []
    for record in server.get("/execs").json():      # what was stored though nobody was told may be long, too
        if record["id"] not in clients.tasks and f"sleep {LONG}" in record["args"]:
            clients.tasks[record["id"]] = Wishes()
            clients.tasks[record["id"]].asked.add("long")
    for task, wishes in clients.tasks.items():
        if "long" in wishes.asked and not wishes.done:
            clients.wish(clients.tasks, task, "stop")
    for task, wishes in clients.tasks.items():
        record = wait_for(server, f"/execs/{task}", FINAL_EXEC, deadline)
        state = record["state"] if record else "deleted"
        allowed = {"FINISHED"} if "long" not in wishes.asked else set()
        allowed |= {"KILLED"} if wishes.asked & {"stop", "delete"} else set()
        allowed |= {"deleted"} if "delete" in wishes.asked else set()
        allowed |= {"ERROR"} if task in hurt else set()
        allowed = {"deleted"} if "delete" in wishes.done else allowed
        if state not in allowed:
            wrong.append((task, state, record, wishes.asked))
        if record and (times_run(server, task) > 1 or (state == "FINISHED" and times_run(server, task) != 1)):
            wrong.append((task, state, "ran", times_run(server, task)))
    assert not wrong, f"{wrong}\n{server.log_text()}"
    doubled = query(server, "SELECT subject, data, count(*) FROM event WHERE kind = 'exec.state'"
                            " GROUP BY subject, json_extract(data, '$.state') HAVING count(*) > 1")
    assert not doubled, f"told twice: {doubled}"


def check_searches(server, clients, hurt):
    deadline = time.monotonic() + PATIENCE_S
    for record in server.get("/hypersearch").json():
        clients.searches.setdefault(record["hpoName"], Wishes())
    for name, wishes in clients.searches.items():
        path = f"/hypersearch/{name}"
        record = wait_for(server, path, FINAL_SEARCH, deadline)
        if record["state"] == "STOPPED" and wishes.asked & {"stop", "force"}:
            assert server.put(f"{path}/restart").status_code == 200
            record = wait_for(server, path, FINAL_SEARCH, deadline)
        trials = record["experiments"]
        tasks = [trial["appId"] for trial in trials]
        assert record["state"] == "FINISHED", (name, record["state"], record, server.log_text())
        assert [trial["id"] for trial in trials] == list(range(TRIALS)), "ids are dense and none is doubled"
        assert len(set(tasks)) == TRIALS
        for trial in trials:
            assert trial["state"] == "FINISHED" or trial["appId"] in hurt, (name, trial, server.log_text())
            assert times_run(server, trial["appId"]) == 1 or trial["appId"] in hurt, (name, trial)
        failed = Counter(trial["state"] for trial in trials)["FAILED"]
        assert query(server, "SELECT n_running, n_complete, n_failed FROM search WHERE name = ?", name) == [
            (0, TRIALS, failed)]
        others = query(server, "SELECT id, state FROM exec WHERE search = ? AND id NOT IN"
                               " (SELECT exec FROM experiment WHERE search = ?)", name, name)
        excused = {"ERROR", "KILLED"} | ({"FINISHED"} if "force" in wishes.asked else set())
        assert all(state in excused for _, state in others), f"a trial ran twice: {others}"


def check_datasets(server, clients, hurt):
    deadline = time.monotonic() + PATIENCE_S
    records = {}
    with server.notices(timeout=PATIENCE_S) as notices:
        while True:
            records = {d["name"]: d for d in server.get("/datasets").json()}
            if not any(d["status"] in ("SUBMITTED", "RUNNING") for d in records.values()):
                break
            assert time.monotonic() < deadline, f"still built: {records}\n{server.log_text()}"
            next(notices)
    for name, wishes in clients.datasets.items():
        status = records[name]["status"] if name in records else "deleted"
        allowed = {"FINISHED"} | ({"KILLED"} if "stop" in wishes.asked else set())
        allowed |= {"deleted"} if "delete" in wishes.asked else set()
        allowed |= {"ERROR"} if name in records and records[name]["sparkappid"] in hurt else set()
        allowed = {"deleted"} if "delete" in wishes.done else allowed
        assert status in allowed, (name, status, wishes.asked, records.get(name), server.log_text())
    for name, record in records.items():
        train = server.data / "datasets" / name / "train"
        if record["status"] == "FINISHED":
            assert {p.name: p.read_bytes() for p in train.iterdir()} == SAMPLES, name


def check_nothing_left(server):
    assert query(server, "PRAGMA integrity_check") == [("ok",)]
    assert not list(marked(server.data)), "processes live on"
    known = {row[0] for row in query(server, "SELECT id FROM exec")}
    built = {row[0] for row in query(server, "SELECT name FROM dataset WHERE status = 'FINISHED'")} | {".new"}
    packages = {row[0] for row in query(server, "SELECT package FROM search")}

    def strangers():
        found = [path for path in (server.data / "run").iterdir() if path.name not in known]
        found += [path for path in server.data.glob("results/*/batchworkdir/*") if path.name not in known]
        found += [path for path in (server.data / "searches").iterdir() if path.name not in packages]
        found += [path for path in (server.data / "datasets").iterdir() if path.name not in built]
        found += (server.data / "datasets/.new").iterdir()
        return found + list((server.data / "uploads").iterdir())

    until(server, lambda: not strangers(), "files that nothing names")
