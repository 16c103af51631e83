# SPDX-License-Identifier: Apache-2.0
"""Searches from the outside: what clients send, what they read, and what is left when something goes wrong."""
import io
import json
import os
import signal
import sqlite3
import tarfile

import pytest

from witness import shepherd_of

REPORT = """
import json, os
config = json.load(open("config.json"))
def report(**metrics):
    with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as f:
        json.dump([dict(steps=1, **metrics)], f)
"""
NOOP = REPORT + 'report(loss=config["x"])\n'
FOREVER = REPORT + "import signal\nsignal.pause()\n"
SPACE = [{"name": "x", "type": "Range", "dataType": "DOUBLE", "minDbVal": 0, "maxDbVal": 1}]


def document(algo=None, space=None, args="--exec-start tensorflow --model-main main.py", **more):
    algo = {"algorithm": "Random", "maxJobNum": 2, "objectiveMetric": "loss", "objective": "minimize", **(algo or {})}
    algo = {k: v for k, v in algo.items() if v is not None}
    return {"modelSpec": {"args": args}, "algoDef": algo, "hyperParams": SPACE if space is None else space, **more}


def submit(server, data, script=NOOP, user="ann", **kw):
    files = {"file": ("main.py", script)} if script is not None else {"none": (None, "")}
    return server.post("/hypersearch", user=user, files=files,
                       data={"data": data if isinstance(data, str) else json.dumps(data)}, **kw)


def tar(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            t.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def values(experiment):
    return {p["name"]: p["fixedVal"] for p in experiment["hyperParams"]}


def wait_running(server, name, n):
    """The record once n experiments run."""
    with server.notices(name) as notices:
        record = server.get(f"/hypersearch/{name}").json()
        while sum(e["state"] == "RUNNING" for e in record["experiments"]) < n:
            next(notices)
            record = server.get(f"/hypersearch/{name}").json()
    return record


# --- what a search is ---

def test_a_random_search_runs_to_its_end_and_reports_every_field(server):
    name = server.search(NOOP, {"maxJobNum": 5, "maxRunTime": 60}, SPACE)
    record = server.wait_search(name)
    assert name.startswith("ann-hpo-")
    assert record["hpoName"] == name and record["state"] == "FINISHED" and record["creator"] == "ann"
    assert (record["progress"], record["running"], record["complete"], record["failed"]) == ("5/5", 0, 5, 0)
    assert len(record["duration"].split(":")) == 3 and len(record["createtime"]) == 19
    assert record["algoDef"] == {"algorithm": "Random", "maxRunTime": 60, "maxJobNum": 5, "maxParalleJobNum": 2,
                                 "objective": "minimize", "objectiveMetric": "loss"}
    assert record["hyperParams"] == [{"name": "x", "type": "range", "dataType": "double", "minDbVal": 0.0,
                                      "maxDbVal": 1.0, "userDefined": False}]
    assert [e["id"] for e in record["experiments"]] == [0, 1, 2, 3, 4]
    for e in record["experiments"]:
        assert e["state"] == "FINISHED" and e["maxiteration"] == 0 and e["driverId"].startswith("driver-")
        assert e["hyperParams"] == [{"name": "x", "type": "fix", "dataType": "double", "fixedVal": values(e)["x"],
                                     "userDefined": False}]
        assert e["metricVal"] == float(values(e)["x"])
        assert e["startTime"] <= e["endTime"]
        task = server.get(f"/execs/{e['appId']}").json()
        assert task["state"] == "FINISHED" and task["submissionId"] == e["driverId"] and task["creator"] == "ann"
    assert record["best"] == min(record["experiments"], key=lambda e: e["metricVal"])


def test_one_seed_gives_one_sequence(server):
    seed = {"algoParams": [{"name": "RandomSeed", "value": "42"}], "maxJobNum": 4}
    runs = [server.wait_search(server.search(NOOP, {**seed, "maxParalleJobNum": n}, SPACE)) for n in (1, 3)]
    drawn = [[values(e) for e in r["experiments"]] for r in runs]
    assert drawn[0] == drawn[1] and len({v["x"] for v in drawn[0]}) == 4
    assert runs[0]["algoDef"]["algoParams"] == [{"name": "RandomSeed", "value": "42"}]


def test_an_experiment_finds_typed_values_its_number_and_a_fresh_copy_of_the_code(server):
    script = REPORT + """
assert not os.path.exists("touched"), "someone was here before"
open("touched", "w").close()
assert config == {"x": 0.5, "n": 3, "o": "adam", "s": "7"}, config
assert type(config["n"]) is int and os.environ["SUBID"] in ("0", "1")
print("SUBID", os.environ["SUBID"])
report(loss=1)
"""
    space = [{"name": "x", "type": "fix", "dataType": "double", "fixedVal": 0.5},
             {"name": "n", "type": "Discrete", "dataType": "INT", "discreteIntVal": [3]},
             {"name": "o", "type": "Discrete", "dataType": "STR", "discreateStrVal": ["adam"]},
             {"name": "s", "type": "fix", "dataType": "string", "fixedVal": 7}]
    package = tar(**{"net/main.py": script, "net/config.json": "{\"x\": 0}"})
    reply = server.post("/hypersearch", files={"file": ("net.modelDir.tar", package)},
                        data={"data": json.dumps(document(space=space, args="--exec-start tensorflow --model-dir net"
                                                                            " --model-main main.py"))})
    record = server.wait_search(reply.json()["uid"])
    assert record["state"] == "FINISHED" and record["failed"] == 0, record
    log = server.get(f"/execs/{record['experiments'][1]['appId']}/log").text
    assert "SUBID 1" in log


def test_a_grid_runs_the_listed_experiments_in_order_numbered_from_0(server):
    listed = [{"id": 7, "hyperParams": [{"name": "z", "dataType": "str", "fixedVal": "a"},
                                        {"name": "x", "dataType": "double", "fixedVal": "0.25"}]},
              {"id": 3, "fixedHyperParams": [{"name": "x", "dataType": "DOUBLE", "fixedVal": 0.75}]}]
    data = document({"algorithm": "experimentgridsearch", "maxJobNum": None}, experiments=listed)
    del data["hyperParams"]
    record = server.wait_search(submit(server, data).json()["uid"])
    assert record["state"] == "FINISHED" and record["progress"] == "2/2"
    first, second = record["experiments"]
    assert first["id"] == 0 and second["id"] == 1
    assert first["hyperParams"] == [
        {"name": "x", "type": "fix", "dataType": "double", "fixedVal": "0.25", "userDefined": False},
        {"name": "z", "type": "fix", "dataType": "str", "fixedVal": "a", "userDefined": False}]
    assert second["metricVal"] == 0.75 and record["best"]["id"] == 0
    assert "hyperParams" not in record


def test_never_more_experiments_run_than_asked_for(server):
    script = REPORT + """
import time
began = time.time()
sum(i for i in range(300000))
report(loss=1, began=began, ended=time.time())
"""
    record = server.wait_search(server.search(script, {"maxJobNum": 9, "maxParalleJobNum": 3,
                                                       "additionalMetrics": {"began": "latest", "ended": "latest"}}, SPACE))
    spans = [{m["name"]: m["latest"] for m in e["metrics"]} for e in record["experiments"]]
    for s in spans:
        assert sum(o["began"] <= s["began"] < o["ended"] for o in spans) <= 3


def test_the_best_is_the_largest_when_maximizing_and_failures_never_win(server):
    script = REPORT + """
if config["n"] == 2:
    raise SystemExit(3)
report(accuracy=[0.5, 0.9, 0, 0.9][config["n"]], loss=config["n"])
"""
    listed = [{"id": i, "hyperParams": [{"name": "n", "dataType": "int", "fixedVal": i}]} for i in range(4)]
    data = document({"algorithm": "ExperimentGridSearch", "objective": "Maximize", "objectiveMetric": "accuracy",
                     "maxJobNum": -1, "additionalMetrics": {"loss": "minimize"}}, [], experiments=listed)
    record = server.wait_search(submit(server, data, script).json()["uid"])
    assert record["state"] == "FINISHED" and (record["complete"], record["failed"]) == (4, 1)
    failed = record["experiments"][2]
    assert failed["state"] == "FAILED" and failed["metricVal"] == 9999.99 and failed["message"]
    assert record["best"]["id"] == 1        # of two equal ones, the first
    assert record["best"]["metrics"] == [{"name": "accuracy", "min": 0.9, "max": 0.9, "latest": 0.9},
                                         {"name": "loss", "min": 1.0, "max": 1.0, "latest": 1.0}]


@pytest.mark.parametrize("script, why", [
    ("raise SystemExit(1)", "none of 2 experiments left a usable loss"),
    ("print('no metrics')", "val_dict_list.json"),
    (REPORT + "report(accuracy=1)", "accuracy"),
    (REPORT + "report(loss=float('nan'))", "loss"),
])
def test_a_search_without_any_metric_has_failed_and_says_why(server, script, why):
    record = server.wait_search(server.search(script, {"maxJobNum": 2}, SPACE))
    assert record["state"] == "FAILED" and (record["complete"], record["failed"]) == (2, 2)
    assert why in record["message"]
    assert "best" not in record
    assert all(e["metricVal"] == 9999.99 and e["state"] == "FAILED" for e in record["experiments"])


def test_events_tell_of_every_step(server):
    with server.notices() as notices:
        name = server.search(NOOP, {"maxJobNum": 2, "maxParalleJobNum": 1}, SPACE)
        seen = []
        while not seen or seen[-1].get("state") != "FINISHED" or "experiment" in seen[-1]:
            kind, data = next(notices)
            if kind.startswith("search.") and data["hpoName"] == name:
                seen.append(data)
    ended = [d for d in seen if d.get("experiment", {}).get("state") == "FINISHED"]
    assert [d["progress"] for d in ended] == ["1/2", "2/2"]
    assert ended[-1]["best"] in (0, 1) and ended[-1]["bestMetricVal"] < 1
    assert [d["state"] for d in seen if "experiment" not in d] == ["SUBMITTED", "RUNNING", "FINISHED"]


# --- stop, restart, delete ---

def test_a_stopped_search_can_be_restarted_and_keeps_its_experiments(server, tmp_path):
    flag = tmp_path / "go"
    script = REPORT + f"""
import signal
if not os.path.exists({str(flag)!r}) and os.environ["SUBID"] != "0":
    signal.pause()
report(loss=config["x"])
"""
    name = server.search(script, {"maxJobNum": 4, "maxParalleJobNum": 2}, SPACE)
    with server.notices(name) as notices:
        record = server.get(f"/hypersearch/{name}").json()
        while record["complete"] < 1 or record["running"] < 2:
            next(notices)
            record = server.get(f"/hypersearch/{name}").json()
    assert server.put(f"/hypersearch/{name}/restart").status_code == 400
    assert server.delete(f"/hypersearch/{name}").status_code == 409
    assert server.delete("/hypersearch").status_code == 409
    assert server.put(f"/hypersearch/{name}", json={}).status_code == 200
    stopped = server.wait_search(name)
    assert stopped["state"] == "STOPPED" and stopped["running"] == 0
    assert [e["state"] for e in stopped["experiments"]] == ["FINISHED", "KILLED", "KILLED"]
    assert stopped["experiments"][1]["metricVal"] == 9999.99
    again = server.put(f"/hypersearch/{name}")
    assert again.status_code == 400 and "already ended" in again.text

    flag.touch()
    assert server.put(f"/hypersearch/{name}/restart").status_code == 200
    record = server.wait_search(name)
    assert record["state"] == "FINISHED" and record["progress"] == "4/4" and record["failed"] == 0
    for before, after in zip(stopped["experiments"], record["experiments"]):
        assert values(before) == values(after) and before["id"] == after["id"]
    assert record["experiments"][0] == stopped["experiments"][0]
    assert record["experiments"][1]["appId"] != stopped["experiments"][1]["appId"]
    assert server.put(f"/hypersearch/{name}/restart").status_code == 400


def test_a_forced_stop_does_not_wait(server):
    stubborn = REPORT + """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    signal.pause()
"""
    name = server.search(stubborn, {"maxParalleJobNum": 2}, SPACE)
    running = wait_running(server, name, 2)
    assert server.put(f"/hypersearch/{name}/force").status_code == 200
    record = server.get(f"/hypersearch/{name}").json()
    assert record["state"] == "STOPPED" and {e["state"] for e in record["experiments"]} == {"KILLED"}
    for e in running["experiments"]:
        assert server.wait_exec(e["appId"])["state"] == "KILLED"
    assert server.put(f"/hypersearch/{name}/force").status_code == 400


def test_an_experiment_whose_task_is_stopped_is_killed_and_the_search_goes_on(server):
    script = REPORT + "import signal\nif os.environ['SUBID'] == '0': signal.pause()\nreport(loss=1)\n"
    name = server.search(script, {"maxJobNum": 3, "maxParalleJobNum": 1}, SPACE)
    record = wait_running(server, name, 1)
    assert server.post(f"/execs/{record['experiments'][0]['appId']}/stop").status_code in (200, 204)
    record = server.wait_search(name)
    assert record["state"] == "FINISHED"
    assert [e["state"] for e in record["experiments"]] == ["KILLED", "FINISHED", "FINISHED"]


def test_deleting_removes_the_record_and_the_files_and_on_wish_the_tasks(make_server):
    server = make_server()
    first, second = [server.search(NOOP, {"maxJobNum": 1}, SPACE) for _ in range(2)]
    tasks = [server.wait_search(n)["experiments"][0]["appId"] for n in (first, second)]
    assert server.delete(f"/hypersearch/{first}").status_code == 200
    assert server.get(f"/hypersearch/{first}").status_code == 400
    assert server.delete(f"/hypersearch/{first}").status_code == 404
    assert server.get(f"/execs/{tasks[0]}").status_code == 200
    assert server.delete(f"/hypersearch/{second}?withExecs=true").status_code == 200
    assert server.get(f"/execs/{tasks[1]}").status_code == 400
    assert os.listdir(server.data / "searches") == []
    third = server.search(NOOP, {"maxJobNum": 1}, SPACE)
    server.wait_search(third)
    assert server.delete("/hypersearch").status_code == 200
    assert server.get("/hypersearch").json() == [] and os.listdir(server.data / "searches") == []


# --- who may see what ---

def test_searches_are_seen_by_their_owner_and_administrators_only(make_server):
    server = make_server()
    name = server.search(NOOP, {"maxJobNum": 1}, SPACE)
    server.wait_search(name)
    assert server.get("/hypersearch", user="bob").json() == []
    assert server.get(f"/hypersearch/{name}", user="bob").status_code == 400
    for method, path in [("PUT", ""), ("PUT", "/force"), ("PUT", "/restart"), ("DELETE", "")]:
        assert server.request(method, f"/hypersearch/{name}{path}", user="bob").status_code == 404
    assert server.delete("/hypersearch", user="bob").status_code == 200
    assert server.get(f"/hypersearch/{name}", user="admin").json()["hpoName"] == name
    assert server.delete("/hypersearch", user="admin").status_code == 200
    assert server.get("/hypersearch").json() == []


def test_the_list_can_be_filtered_sorted_and_cut(make_server):
    server = make_server()
    for name in ("c", "a", "b"):
        assert submit(server, document({"maxJobNum": 1}, hpoName=f"list-{name}")).status_code == 200
        server.wait_search(f"list-{name}")

    def names(query):
        return [r["hpoName"][5:] for r in server.get(f"/hypersearch?{query}").json()]

    assert names("") == ["c", "a", "b"]
    assert names("sort_by=hpoName:asc") == ["a", "b", "c"] and names("sort=-hpoName") == ["c", "b", "a"]
    assert names("limit=1") == ["c"] and names("start=1&limit=1") == ["a"] and names("start=5") == []
    assert names("state=RUNNING,finished") == ["c", "a", "b"] and names("state=FAILED") == []
    assert names("search=LIST-B") == ["b"] and names("creator=bob") == []
    assert server.get("/hypersearch?sort_by=colour").status_code == 400
    assert server.get("/hypersearch?limit=few").status_code == 400


# --- what clients send ---

def test_the_answer_fits_both_generations_of_clients(make_server):
    server = make_server()
    plain = document({"maxJobNum": 1})
    reply = submit(server, plain)
    body = reply.json()
    assert reply.status_code == 200
    assert body["href"] == f"/platform/rest/deeplearning/v1/hypersearch/{body['uid']}"
    plain["modelSpec"]["sigName"] = "default"
    named = submit(server, plain).json()
    assert isinstance(named, str) and server.wait_search(named)["sigName"] == "default"
    server.wait_search(body["uid"])


@pytest.mark.parametrize("reply, kind", [("name", str), ("object", dict)])
def test_the_form_of_the_answer_can_be_set(make_server, reply, kind):
    server = make_server(f"search.create_reply = {reply}\n")
    assert isinstance(submit(server, document({"maxJobNum": 1})).json(), kind)


def test_documents_come_as_python_text_and_in_other_bodies(server):
    data = document({"maxJobNum": 1, "maxParalleJobNum": "1", "objective": "MINIMIZE"})
    name = submit(server, str(data)).json()["uid"]
    assert server.wait_search(name)["algoDef"]["objective"] == "MINIMIZE"

    cmd = "--exec-start tensorflow --user-cmd --cmd true"
    data = document({"maxJobNum": 1}, args="--exec-start tensorflow --user-cmd python3 -c 1")
    for reply in (server.post("/hypersearch", data={"data": json.dumps(data)}),
                  server.post("/hypersearch", json=data),
                  submit(server, data, script=None)):
        assert reply.status_code == 200, reply.text + cmd
        assert server.wait_search(reply.json()["uid"])["complete"] == 1

    reply = server.post("/hypersearch", files=[("main.py", ("main.py", NOOP)), ("data", ("data", "not an object"))],
                        data={"data": json.dumps(document({"maxJobNum": 1}))})
    assert reply.status_code == 200, reply.text
    assert server.wait_search(reply.json()["uid"])["state"] == "FINISHED"


BAD = [
    ("not an object", "data", "data"),
    ("[1, 2]", "data", "object"),
    ({}, "modelSpec", "missing"),
    (document({"algorithm": None}), "algoDef.algorithm", "missing"),
    (document({"objectiveMetric": None}), "algoDef.objectiveMetric", "missing"),
    (document({"algorithm": "Annealing"}), "algoDef.algorithm", "Annealing"),
    (document({"algorithm": "Tpe", "algoParams": [{"name": "WarmUp", "value": "2"}]}), "algoDef.algoParams.WarmUp", "WarmUp"),
    (document({"algorithm": "TPE", "algoParams": [{"name": "GoodRatio", "value": "0"}]}), "algoDef.algoParams.GoodRatio", "GoodRatio"),
    (document({"algorithm": "bayesian", "algoParams": [{"name": "InitPoints", "value": "0"}]}),
     "algoDef.algoParams.InitPoints", "InitPoints"),
    (document({"algorithm": "Bayesian", "maxJobNum": 9, "algoParams": [{"name": "CubeSize", "value": "8"}]}),
     "algoDef.algoParams.CubeSize", "below maxJobNum"),
    (document({"algorithm": "Hyperband"}), "algoDef.algoParams.ResourceName", "missing"),
    (document({"algorithm": "Asha", "algoParams": [{"name": "ResourceName", "value": "x"}, {"name": "ResourceValue", "value": 9}]}),
     "algoDef.algoParams.ResourceName", "hyperparameter too"),
    (document({"algorithm": "CmaEs", "algoParams": [{"name": "PopulationSize", "value": "1"}]}),
     "algoDef.algoParams.PopulationSize", "PopulationSize"),
    (document({"algoParams": [{"name": "EarlyStop", "value": "mean"}]}), "algoDef.algoParams.EarlyStop", "mean"),
    (document({"maxJobNum": 0}), "algoDef.maxJobNum", "nothing"),
    (document({"maxJobNum": -2}), "algoDef.maxJobNum", "-2"),
    (document({"maxJobNum": 10 ** 9}), "algoDef.maxJobNum", "1000000"),
    (document({"maxJobNum": "many"}), "algoDef.maxJobNum", "whole number"),
    (document({"maxParalleJobNum": 0}), "algoDef.maxParalleJobNum", "1"),
    (document({"maxRunTime": 0}), "algoDef.maxRunTime", "nothing"),
    (document({"objective": "both"}), "algoDef.objective", "both"),
    (document({"additionalMetrics": [1]}), "algoDef.additionalMetrics", "object"),
    (document({"algoParams": [{"name": "RandomSeed", "value": "soon"}]}), "algoDef.algoParams.RandomSeed", "soon"),
    (document(space=[]), "hyperParams", "needs"),
    (document(experiments=[{"id": 0, "hyperParams": [{"name": "x", "dataType": "int", "fixedVal": 1}]}]),
     "experiments", "takes no"),
    (document({"algorithm": "ExperimentGridSearch"}), "hyperParams", "takes no"),
    (document(space=[{"name": "x", "type": "range", "dataType": "double", "minDbVal": 2, "maxDbVal": 1}]),
     "hyperParams[0].minDbVal", "above"),
    (document(space=[{"name": "x", "type": "range", "dataType": "str"}]), "hyperParams[0].dataType", "text"),
    (document(space=SPACE * 2), "hyperParams[1].name", "two"),
    (document(space=[{**SPACE[0], "maxDbVal": "Infinity"}]), "hyperParams[0].maxDbVal", "number"),
    (document(hpoName=""), "hpoName", "name"),
    (document(hpoName="algorithm"), "hpoName", "paths"),
    (document(hpoName="a/b"), "hpoName", "name"),
    (document(hpoName="a\0b"), "data", "NUL"),
    (document(hpoName="x" * (1 << 20)), "hpoName", "255"),
    (document(args=""), "modelSpec.args", "args"),
    (document(args="--exec-start NoSuchFramework --model-main main.py"), None, "NoSuchFramework"),
    (document(args="--exec-start tensorflow --model-main other.py"), "--model-main", "other.py"),
    (document(args="--exec-start tensorflow --model-main main.py --numWorker 999999"), None, "999999"),
]


@pytest.fixture(scope="module")
def clean_server(tmp_path_factory):
    from harness import Server
    with Server(tmp_path_factory.mktemp("clean")) as s:
        yield s


@pytest.mark.parametrize("data, field, word", BAD, ids=[f"{i}-{b[1]}" for i, b in enumerate(BAD)])
def test_bad_documents_are_refused_by_name_and_leave_nothing(clean_server, data, field, word):
    server = clean_server
    reply = submit(server, data, headers={"Accept": "application/json"})
    assert reply.status_code == 400, reply.text
    error = reply.json()["error"]
    assert word in error["message"] + str(error.get("accepted")), error
    if field:
        assert error["field"] == field
    assert_nothing(server)


def assert_nothing(server):
    assert server.get("/hypersearch").json() == [] and server.get("/execs").json() == []
    assert os.listdir(server.data / "searches") == [] and os.listdir(server.data / "uploads") == []
    assert os.listdir(server.data / "run") == []
    for folder, _, files in os.walk(server.data / "results"):
        assert not files, folder


def test_a_search_without_its_file_group_or_data_is_refused(clean_server):
    server = clean_server
    assert submit(server, document(), script=None).status_code == 400
    data = document()
    data["modelSpec"]["sigName"] = "nowhere"
    reply = submit(server, data)
    assert reply.status_code == 400 and "default" in reply.text
    reply = server.post("/hypersearch", files={"file": ("main.py", NOOP)})
    assert reply.status_code == 400 and "data" in reply.text
    assert server.post("/hypersearch").status_code == 400
    assert_nothing(server)


def test_a_name_is_taken_once(server):
    assert submit(server, document({"maxJobNum": 1}, hpoName="twice")).json()["uid"] == "twice"
    before = set(os.listdir(server.data / "searches"))
    reply = submit(server, document({"maxJobNum": 1}, hpoName="twice"))
    assert reply.status_code == 409 and "twice" in reply.text
    assert set(os.listdir(server.data / "searches")) == before
    server.wait_search("twice")


def test_unknown_searches_are_400_to_read_and_404_to_change(server):
    assert server.get("/hypersearch/nobody").status_code == 400
    assert server.put("/hypersearch/nobody").status_code == 404
    assert server.put("/hypersearch/nobody/force").status_code == 404
    assert server.put("/hypersearch/nobody/restart").status_code == 404
    assert server.delete("/hypersearch/nobody").status_code == 404


# --- a server that comes and goes ---

def test_a_search_survives_kill_9_with_every_experiment_once(make_server, tmp_path):
    server = make_server()
    log = tmp_path / "ran"
    script = REPORT + f"""
with open({str(log)!r}, "a") as f:
    f.write(os.environ["SUBID"] + "\\n")
report(loss=config["x"])
"""
    name = server.search(script, {"maxJobNum": 30, "maxParalleJobNum": 2}, SPACE)
    for at in (3, 10, 20):
        with server.notices(name) as notices:
            while server.get(f"/hypersearch/{name}").json()["complete"] < at:
                next(notices)
        server.kill()
        server.start()
    record = server.wait_search(name)
    assert record["state"] == "FINISHED" and record["progress"] == "30/30" and record["failed"] == 0
    assert [e["id"] for e in record["experiments"]] == list(range(30))
    assert sorted(map(int, log.read_text().split())) == list(range(30))


def test_running_experiments_go_on_over_a_clean_restart(make_server, tmp_path):
    server = make_server()
    flag = tmp_path / "go"
    script = REPORT + f"""
os.mkfifo({str(flag)!r} + os.environ["SUBID"])
open({str(flag)!r} + os.environ["SUBID"]).read()
report(loss=config["x"])
"""
    name = server.search(script, {"maxJobNum": 2, "maxParalleJobNum": 2}, SPACE)
    before = wait_running(server, name, 2)
    server.stop()
    server.start()
    record = server.get(f"/hypersearch/{name}").json()
    assert record["state"] == "RUNNING" and record["running"] == 2
    for n in (0, 1):
        while not os.path.exists(f"{flag}{n}"):
            pass
        with open(f"{flag}{n}", "w"):
            pass
    record = server.wait_search(name)
    assert record["state"] == "FINISHED"
    assert [e["appId"] for e in record["experiments"]] == [e["appId"] for e in before["experiments"]]


def test_experiments_lost_while_the_server_was_down_run_again_with_their_values(make_server, tmp_path):
    server = make_server()
    flag = tmp_path / "go"
    script = REPORT + f"import signal\nif not os.path.exists({str(flag)!r}): signal.pause()\nreport(loss=config['x'])\n"
    name = server.search(script, {"maxJobNum": 3, "maxParalleJobNum": 2}, SPACE)
    before = wait_running(server, name, 2)["experiments"]
    shepherds = [shepherd_of(server, e["appId"]) for e in before]
    server.kill()
    for pid in shepherds:
        os.kill(pid, signal.SIGKILL)
    flag.touch()
    server.start()
    record = server.wait_search(name)
    assert record["state"] == "FINISHED" and record["progress"] == "3/3" and record["failed"] == 0, record
    for old, new in zip(before, record["experiments"]):
        assert old["id"] == new["id"] and values(old) == values(new) and old["appId"] != new["appId"]
        assert server.get(f"/execs/{old['appId']}").json()["state"] == "ERROR"


def test_an_experiment_whose_shepherd_is_killed_has_failed_and_the_search_goes_on(server):
    script = REPORT + "import signal\nif os.environ['SUBID'] == '0': signal.pause()\nreport(loss=1)\n"
    name = server.search(script, {"maxJobNum": 2, "maxParalleJobNum": 1}, SPACE)
    task = wait_running(server, name, 1)["experiments"][0]["appId"]
    os.kill(shepherd_of(server, task), signal.SIGKILL)
    record = server.wait_search(name)
    assert record["state"] == "FINISHED"
    assert [e["state"] for e in record["experiments"]] == ["FAILED", "FINISHED"]
    assert record["experiments"][0]["message"]


def test_deleting_the_task_of_a_running_experiment_kills_the_experiment_only(server):
    script = REPORT + "import signal\nif os.environ['SUBID'] == '0': signal.pause()\nreport(loss=1)\n"
    name = server.search(script, {"maxJobNum": 2, "maxParalleJobNum": 1}, SPACE)
    task = wait_running(server, name, 1)["experiments"][0]["appId"]
    assert server.delete(f"/execs/{task}").status_code in (200, 204)
    record = server.wait_search(name)
    assert record["state"] == "FINISHED" and [e["state"] for e in record["experiments"]] == ["KILLED", "FINISHED"]


def change_rows(server, sql, *args):
    with sqlite3.connect(server.data / "trainyard.db") as db:
        db.execute(sql, args)
    db.close()


def test_the_time_limit_ends_a_search_that_has_a_result_well(make_server):
    server = make_server()
    script = REPORT + "import signal\nif os.environ['SUBID'] != '0': signal.pause()\nreport(loss=1)\n"
    name = server.search(script, {"maxJobNum": 9, "maxParalleJobNum": 2, "maxRunTime": 30}, SPACE)
    with server.notices(name) as notices:
        record = server.get(f"/hypersearch/{name}").json()
        while record["complete"] < 1 or record["running"] < 2:
            next(notices)
            record = server.get(f"/hypersearch/{name}").json()
    server.stop()
    change_rows(server, "UPDATE search SET started_ms = started_ms - 1800000")
    server.start()
    record = server.wait_search(name)
    assert record["state"] == "FINISHED" and "30 minutes" in record["message"]
    assert record["duration"].startswith("00:30:") and record["complete"] == 3
    assert [(e["state"], e["metricVal"]) for e in record["experiments"]] == [("FINISHED", 1.0), ("FAILED", 9999.99),
                                                                            ("FAILED", 9999.99)]


def test_a_search_whose_files_are_gone_says_so(make_server):
    server = make_server()
    name = server.search(FOREVER, {"maxJobNum": 2}, SPACE)
    record = wait_running(server, name, 2)
    server.kill()
    for folder in os.listdir(server.data / "searches"):
        os.rename(server.data / "searches" / folder / "package", server.folder / "package")
    server.start()
    record = server.wait_search(name)
    assert record["state"] == "RECOVERFAILED" and "files" in record["message"] and record["running"] == 0
    for e in record["experiments"]:
        assert server.get(f"/execs/{e['appId']}").json()["state"] == "KILLED"


def test_an_acknowledged_stop_is_carried_out_after_a_crash(make_server):
    server = make_server()
    name = server.search(FOREVER, {"maxParalleJobNum": 2}, SPACE)
    tasks = [e["appId"] for e in wait_running(server, name, 2)["experiments"]]
    assert server.put(f"/hypersearch/{name}/force").status_code == 200
    server.kill()
    server.start()
    assert server.get(f"/hypersearch/{name}").json()["state"] == "STOPPED"
    for task in tasks:
        assert server.wait_exec(task)["state"] == "KILLED"


def test_folders_that_no_search_names_are_removed_at_the_start(make_server):
    server = make_server()
    name = server.search(NOOP, {"maxJobNum": 1}, SPACE)
    server.wait_search(name)
    kept = os.listdir(server.data / "searches")
    server.stop()
    (server.data / "searches" / "stray" / "package").mkdir(parents=True)
    server.start()
    server.stop()       # ends the work that was given
    assert os.listdir(server.data / "searches") == kept
    server.start()
