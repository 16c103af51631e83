# SPDX-License-Identifier: Apache-2.0
"""What the record of a search says of the metrics of experiments that still run."""
import json
import os
import sqlite3
import time

import pytest

from test_hypersearch import SPACE

# Writes what it is told, a list of entries per line, until nobody tells it any more.
TOLD = """
import json, os
for line in open({pipe!r}):
    with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as f:
        f.write(line)
"""
MANY = 40000       # experiments
WANTED = {"additionalMetrics": {"acc": "maximize"}}


class Told:
    """A search with one experiment that runs, and reports what it is told."""

    def __init__(self, server, folder, algo, **more):
        pipe = str(folder / f"pipe{len(os.listdir(folder))}")
        os.mkfifo(pipe)
        self.server = server
        self.name = server.search(TOLD.format(pipe=pipe), {"maxJobNum": 1, **algo}, SPACE, **more)
        self.pipe = open(pipe, "w")     # waits until the experiment runs

    def say(self, *entries):
        self.pipe.write(json.dumps([{"step": i, **e} for i, e in enumerate(entries)]) + "\n")
        self.pipe.flush()

    def end(self):
        self.pipe.close()
        return self.server.wait_search(self.name)["experiments"][0]

    def poll(self, **kw):
        return self.server.get(f"/hypersearch/{self.name}", **kw)

    def wait(self, **metrics):
        """The reply that shows these; min, max and latest of each."""
        deadline, tag, seen = time.monotonic() + 30, None, None
        while seen != metrics:
            assert time.monotonic() < deadline, seen
            reply = self.poll(headers={"If-None-Match": tag} if tag else {})
            if reply.status_code == 200:
                tag = reply.headers["ETag"]
                seen = numbers(reply.json()["experiments"][0])
        return reply


def numbers(experiment):
    return {m["name"]: (m["min"], m["max"], m["latest"]) for m in experiment.get("metrics", [])}


@pytest.fixture
def told(make_server, tmp_path):
    folder = tmp_path / "pipes"
    folder.mkdir()
    server = make_server()
    return lambda algo=WANTED, **more: Told(server, folder, algo, **more)


def test_metrics_of_a_running_experiment_move_and_pollers_see_it(told):
    one = told()
    one.say({"loss": 3, "acc": 0.5})
    first = one.wait(loss=(3, 3, 3), acc=(0.5, 0.5, 0.5))
    at = one.poll(params={"since": "0"}).json()["next"]
    assert one.poll(headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    one.say({"loss": 3, "acc": 0.5}, {"loss": 1}, {"loss": 2, "acc": 0.7})
    second = one.wait(loss=(1, 3, 2), acc=(0.5, 0.7, 0.7))
    assert first.headers["ETag"] != second.headers["ETag"]
    news = one.poll(params={"since": at}).json()
    assert news["since"] == at != news["next"] and news["experiments"] == second.json()["experiments"]
    assert news["experiments"][0]["state"] == "RUNNING" and "metricVal" not in news["experiments"][0]
    assert "best" not in news


def test_what_an_experiment_left_has_the_last_word(told):
    one = told()
    one.say({"loss": 3, "acc": 0.5})
    one.wait(loss=(3, 3, 3), acc=(0.5, 0.5, 0.5))
    one.say({"loss": 4}, {"loss": 2})
    last = one.end()
    assert last["state"] == "FINISHED" and last["metricVal"] == 2 and numbers(last) == {"loss": (2, 4, 2)}


def test_a_rewritten_file_takes_back_what_it_said(told):
    one = told()
    one.say({"loss": 9, "acc": 0.5}, {"loss": 1, "acc": 0.6})
    one.wait(loss=(1, 9, 1), acc=(0.5, 0.6, 0.6))
    one.say({"loss": 5})
    one.wait(loss=(5, 5, 5))
    one.say()
    assert "metrics" not in one.wait().json()["experiments"][0]
    one.say({"loss": float("nan"), "acc": float("inf")}, {"loss": 6})
    one.wait(loss=(6, 6, 6))


def test_metrics_go_on_after_kill_9(told):
    one = told()
    one.say({"loss": 3}, {"loss": 1})
    one.wait(loss=(1, 3, 1))
    one.server.kill()
    one.say({"loss": 3}, {"loss": 1}, {"loss": 2})
    one.server.start()
    one.wait(loss=(1, 3, 2))
    one.say({"loss": 3}, {"loss": 1}, {"loss": 2}, {"loss": 4})
    one.wait(loss=(1, 4, 4))
    assert numbers(one.end()) == {"loss": (1, 4, 4)}


def test_points_that_are_read_before_the_search_is_known_again_count(told):
    one = told()
    one.say({"loss": 3}, {"loss": 1})
    one.wait(loss=(1, 3, 1))
    one.server.kill()
    with sqlite3.connect(one.server.data / "trainyard.db") as db:   # takes longer to load than the task's file
        columns = ", ".join(r[1] for r in db.execute("PRAGMA table_info(experiment)")
                            if r[1] not in ("id", "state", "exec", "metric", "ended_ms"))
        db.execute(f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})"
                   f" INSERT INTO experiment (id, state, metric, ended_ms, {columns})"
                   f" SELECT i, 'FINISHED', 1, 1, {columns} FROM experiment, n")
    one.server.start()
    one.say({"loss": 3}, {"loss": 1}, {"loss": 2})
    one.wait(loss=(1, 3, 2))


def test_a_search_that_did_not_ask_has_no_metrics(told):
    plain, other = told({}), told()
    tag = plain.poll().headers["ETag"]
    plain.say({"loss": 3})
    task = plain.poll().json()["experiments"][0]["appId"]
    while not plain.server.get(f"/execs/{task}/metrics").json()["series"]:
        pass
    other.say({"loss": 3})
    other.wait(loss=(3, 3, 3))
    assert plain.poll(headers={"If-None-Match": tag}).status_code == 304
    assert "metrics" not in plain.end()


def test_metrics_are_shown_under_early_stopping_too(told):
    one = told({**WANTED, "algoParams": [{"name": "EarlyStop", "value": "median"}]})
    one.say({"loss": 3, "acc": 1})
    one.wait(loss=(3, 3, 3), acc=(1, 1, 1))
    assert one.end()["state"] == "FINISHED"


@pytest.mark.parametrize("how", ["", "/force"])
def test_an_experiment_that_was_stopped_has_no_metrics(told, how):
    one = told()
    one.say({"loss": 3})
    one.wait(loss=(3, 3, 3))
    one.say({"loss": 3}, {"loss": 4})       # may be on its way when the end comes
    assert one.server.put(f"/hypersearch/{one.name}{how}").status_code == 200
    stopped = one.server.wait_search(one.name)["experiments"][0]
    assert stopped["state"] == "KILLED" and stopped["metricVal"] == 9999.99 and "metrics" not in stopped


def test_a_search_that_is_deleted_with_metrics_on_their_way_is_gone(told):
    one = told(hpoName="again")
    one.say({"loss": 3})
    task = one.poll().json()["experiments"][0]["appId"]
    while not one.server.get(f"/execs/{task}/metrics").json()["series"]:
        pass
    assert one.server.put("/hypersearch/again/force").status_code == 200
    assert one.server.delete("/hypersearch/again").status_code == 200
    other = told(hpoName="again")
    other.say({"loss": 5})
    other.wait(loss=(5, 5, 5))
