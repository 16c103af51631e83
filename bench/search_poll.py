# SPDX-License-Identifier: Apache-2.0
"""A search of 10,000 experiments: what looking at it costs, at rest and while trials end, and whether a trial costs the
server more than it does in a young search. The experiments are put into the database; the trials that are measured run."""
import os
import sqlite3
import statistics
import time
from pathlib import Path

from common import Row, Wire, interleaved, server

MANY, FEW, TRIALS, POLLS = 10_000, 100, 200, 300
# The first trial waits until the past has been put into the database.
SCRIPT = """import json, os, signal
if os.environ["SUBID"] == "0":
    signal.pause()
json.dump([{"loss": json.load(open("config.json"))["x0"]}], open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w"))
"""
SPACE = [{"name": f"x{i}", "type": "Range", "dataType": "double", "minDbVal": 0, "maxDbVal": 1} for i in range(3)]
REST_MS = {"whole": 25, "304": 1, "since": 1, "fields": 1}
BUSY_MS = {"whole": 30, "since": 10, "fields": 10}       # trials take the cores at the same time


def put_past(db_path, name, n):
    """Experiments 1 to n - 1 of a search whose experiment 0 runs."""
    with sqlite3.connect(db_path) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(experiment)")]
        row = dict(zip(columns, db.execute("SELECT * FROM experiment WHERE search = ?", (name,)).fetchone()))
        now = time.time_ns() // 1_000_000
        row |= {"state": "FINISHED", "started_ms": now - 1000, "ended_ms": now}
        rows = [row | {"id": i, "exec": f"ann-{i}-{i}", "driver_id": f"driver-{i}", "metric": 1 + i % 997 / 997, "changed": i}
                for i in range(1, n)]
        db.executemany(f"INSERT INTO experiment VALUES ({', '.join(':' + c for c in columns)})", rows)
        db.execute("UPDATE search SET n_complete = n_complete + ?, version = version + ? WHERE name = ?", (n - 1, n, name))


def aged_search(s, n, more):
    """A search with n experiments behind it and `more` to come, which begin when the task returned is deleted."""
    name = s.search(SCRIPT, {"maxJobNum": n + more, "maxParalleJobNum": 1}, SPACE)
    with s.notices(name) as notices:
        record = s.get(f"/hypersearch/{name}").json()
        while not record["experiments"] or record["experiments"][0]["state"] != "RUNNING":
            next(notices)
            record = s.get(f"/hypersearch/{name}").json()
    s.stop()
    put_past(s.data / "trainyard.db", name, n)
    s.start()
    return name, record["experiments"][0]["appId"]


def own_cpu_ms(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(x) for x in fields[11:13]) * 1000 / os.sysconf("SC_CLK_TCK")


def poll(wire, path, header="", n=POLLS, pause=0.0):
    """p99 in ms; `path` may have a {} for the number of the reply before."""
    times, number = [], "0"
    for i in range(n + 1):
        began = time.perf_counter()
        body = wire.call("GET", path.format(number), header)
        if i:       # the first brings everything
            times.append(time.perf_counter() - began)
        if "{}" in path:
            number = body[body.rindex(b'"next":"') + 8:].split(b'"')[0].decode()
        time.sleep(pause)
    return statistics.quantiles(times, n=100)[98] * 1000


def looks(s, name, kinds, **how):
    path = f"/hypersearch/{name}"
    tag = s.get(path, params={"fields": "state"}).headers["ETag"]
    ways = {"whole": (path, ""), "304": (path, f"If-None-Match: {tag}\r\n"), "since": (path + "?since={}", ""),
            "fields": (path + "?fields=state,progress,best", "")}
    with Wire(s.url) as wire:
        return {kind: poll(wire, *ways[kind], **how) for kind in kinds}


def trials(n):
    """CPU ms of the server for a trial, and ms from its end to its stored row, after n experiments."""
    with server() as s:
        name, first = aged_search(s, n, TRIALS)
        began = own_cpu_ms(s.process.pid)
        with Wire(s.url) as events:
            ended = events.count(rb'"hpoName":"[^"]*","state":"FINISHED"', 1)
            s.delete(f"/execs/{first}")
            ended()
        cpu = (own_cpu_ms(s.process.pid) - began) / TRIALS
        with sqlite3.connect(f"file:{s.data / 'trainyard.db'}?mode=ro", uri=True) as db:
            gaps = [row[0] for row in db.execute(
                "SELECT event.time_ms - experiment.ended_ms FROM event, experiment"
                " WHERE event.subject = :name AND experiment.search = :name AND event.kind = 'search.experiment'"
                " AND json_extract(event.data, '$.experiment.id') = experiment.id"
                " AND json_extract(event.data, '$.experiment.state') = 'FINISHED' AND experiment.id >= :n",
                {"name": name, "n": n})]
        assert len(gaps) == TRIALS, len(gaps)
        return cpu, statistics.fmean(gaps)


def limits(what, times, limits_ms):
    for kind, ms in times.items():
        yield Row(f"{what}, {kind}, p99 ms (limit)", f"{ms:.2f}", str(limits_ms[kind]), ms / limits_ms[kind], 1, less=True)


def rows():
    with server() as s:
        name, first = aged_search(s, MANY, TRIALS)
        yield from limits(f"GET of a search of {MANY}", looks(s, name, REST_MS), REST_MS)
        s.delete(f"/execs/{first}")
        yield from limits("the same while trials end", looks(s, name, BUSY_MS, n=100, pause=0.02), BUSY_MS)
    young, old = [], []
    interleaved(lambda: young.append(trials(FEW)) or 0, lambda: old.append(trials(MANY)) or 0)
    for i, what in enumerate(["server CPU ms for a trial", "end of a trial to its row, ms"]):
        few, many = (statistics.median(run[i] for run in runs) for runs in (young, old))
        yield Row(f"{what}, after {MANY} against {FEW}", f"{many:.2f}", f"{few:.2f}", many / few, 1.25, less=True)
