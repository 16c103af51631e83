# SPDX-License-Identifier: Apache-2.0
"""GET /execs/{id}/metrics: what tasks print and write becomes series, live."""
import json

import pytest

PRINTS = """
print("Total iterations: 100")
for i in range(100):
    print(f"Timestamp {1600000000000 + i}, Iteration {i}")
    print(f"Iteration {i}: tag train_loss, simple_value {1 / (i + 1)}")
"""

WRITES = r"""
import json, os
with open(os.environ["LOG_DIR"] + "/stdout", "a") as f:
    f.write("[2020-03-10 15:54:38] Train,\tTimestamp: 1600000000000,\tGlobal steps: 7,\tIteration: 3,\tLoss: 0.5,\tAccuracy: 0.25\n")
    f.write("[2020-03-10 15:54:39] Test,\tTimestamp: 1600000000001,\tLoss: 0.75\n")
with open(os.environ["LOG_DIR"] + "/evaluation-metrics.txt", "a") as f:
    f.write(json.dumps({"meta": {"training_id": "", "time": 1600000000002, "rindex": 1}, "grouplabel": "test",
                        "etimes": {"iteration": {"type": 2, "value": "9"}, "time_stamp": {"value": "x"}},
                        "values": {"auc": {"type": 3, "value": "0.875"}}}) + "\n")
with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as f:
    f.write('[{"steps": 1, "f1": 0.5}, {"steps": 2, "f1": NaN}, {"steps": 3, "f1": "0.625"}]')
"""

WAITS = """
import os, time
print("Iteration 1: tag train_loss, simple_value 0.5", flush=True)
while not os.path.exists(os.environ["RESULT_DIR"] + "/go"):
    time.sleep(0.02)
print("Iteration 2: tag train_loss, simple_value 0.25", flush=True)
"""


def metrics(server, exec_id, **params):
    reply = server.get(f"/execs/{exec_id}/metrics", params=params)
    assert reply.status_code == 200, reply.text
    assert reply.json()["id"] == exec_id
    return {s["name"]: s for s in reply.json()["series"]}


def settled(server, exec_id, n):
    """The series once there are n points: they are stored just after the task's end is."""
    with server.notices(exec_id) as notices:
        while True:
            found = metrics(server, exec_id)
            if sum(s["n"] for s in found.values()) >= n:
                return found
            next(notices)


def test_what_a_program_prints_becomes_a_series(server):
    task = server.submit(PRINTS)
    loss = settled(server, task["id"], 100)["train/loss"]
    assert loss["n"] == 100 and loss["max"] == 1 and loss["min"] == loss["latest"] == 0.01
    assert loss["points"][1] == [1, 1600000000001, 0.5]


def test_every_file_a_program_may_write_is_read(server):
    task = server.submit(WRITES)
    found = settled(server, task["id"], 6)
    assert {name: s["points"][-1] for name, s in found.items() if name != "val/f1"} == {
        "train/loss": [7, 1600000000000, 0.5],
        "train/accuracy": [7, 1600000000000, 0.25],
        "test/loss": [7, 1600000000001, 0.75],
        "test/auc": [9, 1600000000002, 0.875],
    }
    assert [(p[0], p[2]) for p in found["val/f1"]["points"]] == [(1, 0.5), (3, 0.625)]


def test_points_are_thinned_selected_and_cut_by_step(server):
    task = server.submit(PRINTS + 'print("Iteration 5: tag test_loss, simple_value 3")')
    settled(server, task["id"], 101)
    thin = metrics(server, task["id"], points=10)["train/loss"]
    assert len(thin["points"]) <= 10 and thin["n"] == 100
    assert thin["points"][0][2] == 1 and thin["points"][-1][2] == 0.01
    assert set(metrics(server, task["id"], series="test/loss")) == {"test/loss"}
    assert set(metrics(server, task["id"], series="test/loss,train/loss,absent")) == {"test/loss", "train/loss"}
    since = metrics(server, task["id"], since=98)["train/loss"]
    assert [p[0] for p in since["points"]] == [98, 99] and since["n"] == 100


def test_points_are_seen_while_the_task_runs(server):
    task = server.submit(WAITS)
    with server.notices(task["id"]) as notices:
        try:
            for kind, data in notices:
                if kind == "exec.metric":
                    break
            assert data["id"] == task["id"]
            assert data["series"][0]["name"] == "train/loss" and data["series"][0]["value"] == 0.5
            assert metrics(server, task["id"])["train/loss"]["n"] == 1
        finally:
            record = server.get(f"/execs/{task['id']}").json()
            with open(record["workDir"].split("/_submitted_code")[0] + "/go", "w"):
                pass
        for kind, data in notices:
            if kind == "exec.metric":
                break
    assert data["series"][0]["n"] == 1 and data["series"][0]["value"] == 0.25


def test_output_and_progress_are_told(server):
    seen = {}
    with server.notices() as notices:
        task = server.submit(PRINTS + "import time\ntime.sleep(0.5)\n")
        for kind, data in notices:
            if data.get("id") == task["id"]:
                seen[kind] = data
            if {"exec.output", "exec.progress"} <= set(seen):
                break
    assert seen["exec.output"]["bytes"] > 1000
    assert seen["exec.progress"] == {"id": task["id"], "done": 99, "total": 100}


def test_a_task_without_metrics_has_no_series(server):
    task = server.submit("print('hello')")
    server.wait_exec(task["id"])
    assert metrics(server, task["id"]) == {}


def test_points_are_neither_lost_nor_doubled_by_a_restart(make_server):
    server = make_server()
    task = server.submit(WAITS)
    settled(server, task["id"], 1)
    server.kill()
    server.start()
    record = server.get(f"/execs/{task['id']}").json()
    with open(record["workDir"].split("/_submitted_code")[0] + "/go", "w"):
        pass
    loss = settled(server, task["id"], 2)["train/loss"]
    assert [(p[0], p[2]) for p in loss["points"]] == [(1, 0.5), (2, 0.25)]
    server.kill()
    server.start()
    server.wait_exec(task["id"])
    assert metrics(server, task["id"])["train/loss"]["n"] == 2


@pytest.mark.parametrize("params,field", [
    ({"points": "3"}, "points"), ({"points": "many"}, "points"), ({"points": "100000000"}, "points"),
    ({"since": "yesterday"}, "since"), ({"since": "nan"}, "since"),
])
def test_bad_parameters_are_refused_by_name(server, params, field):
    task = server.submit("pass")
    reply = server.get(f"/execs/{task['id']}/metrics", params=params, headers={"Accept": "application/json"})
    assert reply.status_code == 400
    assert reply.json()["error"]["field"] == field


def test_tasks_of_others_and_unknown_tasks_are_400(server):
    task = server.submit("pass")
    mine = server.get(f"/execs/{task['id']}/metrics", user="bob")
    unknown = server.get("/execs/nobody-1-1/metrics", user="bob")
    assert mine.status_code == unknown.status_code == 400
    assert mine.text.replace(task["id"], "nobody-1-1") == unknown.text
    assert server.get(f"/execs/{task['id']}/metrics", user="admin").status_code == 200
    assert server.get(f"/execs/{task['id']}/metrics", user=None).status_code == 401


def test_output_that_is_no_metric_is_passed_over(server):
    task = server.submit("import os\nos.write(1, bytes(range(256)) * 500)\nprint()\n"
                         "print('Iteration 1: tag train_loss, simple_value nan')\n"
                         "print('x' * 200000)\nprint('Iteration 2: tag train_loss, simple_value 2')\n")
    assert settled(server, task["id"], 1)["train/loss"]["points"][0][2] == 2
    assert json.dumps(metrics(server, task["id"]))
