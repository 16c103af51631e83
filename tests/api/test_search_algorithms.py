# SPDX-License-Identifier: Apache-2.0
"""Every algorithm in a real search: what it suggests, with what, and that no restart changes it."""
import json
import os

import pytest

from test_hypersearch import NOOP, REPORT, SPACE, document, submit, values

MIXED = [*SPACE, {"name": "k", "type": "Range", "dataType": "int", "minIntVal": 0, "maxIntVal": 9},
         {"name": "c", "type": "Discrete", "dataType": "str", "discreateStrVal": ["a", "b", "c"]}]
BOWL = REPORT + 'report(loss=(config["x"] - 0.3) ** 2 + abs(config["k"] - 6) / 9 + (config["c"] != "b"))\n'
EPOCHS = {"ResourceName": "epochs", "ResourceValue": "9"}
PARAMS = {"Auto": {}, "Random": {}, "Sobol": {}, "Tpe": {"WarmUp": "4"}, "Bayesian": {"InitPoints": "5"}, "CmaEs": {"PopulationSize": "5"},
          "Hyperband": EPOCHS, "Asha": EPOCHS, "Bohb": EPOCHS}


def params(**named):
    return [{"name": k, "value": v} for k, v in named.items()]


def start(server, algorithm, script=BOWL, space=MIXED, more=None, **algo):
    algo = {"algorithm": algorithm, "algoParams": params(RandomSeed="3", **(PARAMS[algorithm] if more is None else more)), **algo}
    reply = submit(server, document(algo, space), script)
    assert reply.status_code == 200, reply.text
    return reply.json()["uid"]


def suggested(record):
    return [values(e) for e in record["experiments"]]


@pytest.mark.parametrize("algorithm", PARAMS)
def test_it_runs_to_its_end(server, algorithm):
    record = server.wait_search(start(server, algorithm, maxJobNum=14, maxParalleJobNum=3))
    assert record["state"] == "FINISHED" and record["progress"] == "14/14" and record["failed"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", PARAMS)
def test_a_killed_server_goes_on_with_what_an_undisturbed_one_suggests(make_server, algorithm):
    """One experiment at a time, so that the suggestions of both are a matter of the results alone."""
    server = make_server()
    undisturbed = server.wait_search(start(server, algorithm, maxJobNum=16, maxParalleJobNum=1))
    name = start(server, algorithm, maxJobNum=16, maxParalleJobNum=1)
    for at in (3, 9):
        with server.notices(name) as notices:
            while server.get(f"/hypersearch/{name}").json()["complete"] < at:
                next(notices)
        server.kill()
        server.start()
    assert suggested(server.wait_search(name)) == suggested(undisturbed)


def test_a_bayesian_search_goes_where_its_first_points_were_best(server):
    record = server.wait_search(start(server, "Bayesian", more={"InitPoints": "8"}, maxJobNum=22, maxParalleJobNum=2))
    losses = [e["metricVal"] for e in record["experiments"]]
    assert min(losses[8:]) < 0.1 and min(losses[8:]) <= min(losses[:8])
    assert all(values(e)["k"] in map(str, range(10)) for e in record["experiments"])


# --- with a resource ---

def test_hyperband_gives_the_best_points_more_of_the_resource(server):
    script = REPORT + 'assert type(config["epochs"]) is int\nreport(loss=config["x"] + 0.1 / config["epochs"])\n'
    record = server.wait_search(start(server, "hyperband", script, SPACE, EPOCHS, maxJobNum=-1, maxParalleJobNum=2))
    assert record["state"] == "FINISHED" and record["progress"] == "22/22"      # 9 + 3 + 1, 5 + 1, 3
    by_epochs = {}
    for e in record["experiments"]:
        last = e["hyperParams"][-1]
        assert (last["name"], last["dataType"]) == ("epochs", "str")
        by_epochs.setdefault(last["fixedVal"], []).append(values(e)["x"])
    assert {k: len(v) for k, v in by_epochs.items()} == {"1": 9, "3": 3 + 5, "9": 1 + 1 + 3}
    best_of_the_first = sorted(by_epochs["1"], key=float)[:3]
    assert set(best_of_the_first) <= set(by_epochs["3"]) and best_of_the_first[0] in by_epochs["9"]


def test_asha_promotes_without_waiting_and_runs_as_long_as_told(server):
    script = REPORT + 'report(loss=config["x"])\n'
    record = server.wait_search(start(server, "asha", script, SPACE, {**EPOCHS, "eta": "3"}, maxJobNum=40, maxParalleJobNum=2))
    epochs = [values(e)["epochs"] for e in record["experiments"]]
    assert record["progress"] == "40/40" and set(epochs) == {"1", "3", "9"}
    assert epochs.index("3") < 9


def test_a_failed_experiment_is_never_promoted(server):
    script = REPORT + 'if config["x"] < 0.5: raise SystemExit(1)\nreport(loss=config["x"])\n'
    record = server.wait_search(start(server, "Hyperband", script, SPACE, EPOCHS, maxJobNum=-1, maxParalleJobNum=2))
    assert record["state"] == "FINISHED" and record["failed"] > 0
    assert all(float(values(e)["x"]) >= 0.5 for e in record["experiments"] if values(e)["epochs"] == "9" and e["id"] < 13)


# --- early stopping ---

LISTED = """
import signal
with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as f:
    json.dump([{"step": s, "loss": config["x"] / s} for s in range(1, 5)], f)
if config["x"] > 5:
    signal.pause()          # for ever, unless someone stops it
"""


def listed(*xs):
    return [{"id": i, "hyperParams": [{"name": "x", "dataType": "double", "fixedVal": x}]} for i, x in enumerate(xs)]


def start_listed(server, xs, **named):
    data = document({"algorithm": "ExperimentGridSearch", "maxJobNum": None, "algoParams": params(**named)}, experiments=listed(*xs))
    del data["hyperParams"]
    return submit(server, data, REPORT + LISTED).json()["uid"]


def test_an_experiment_worse_than_the_median_is_stopped_and_is_no_failure(server):
    name = start_listed(server, [1, 2, 3, 80, 2, 90], EarlyStop="median", EarlyStopTrials="3")
    record = server.wait_search(name)
    assert record["state"] == "FINISHED" and (record["complete"], record["failed"]) == (6, 0)
    stopped = [e for e in record["experiments"] if e.get("stoppedEarly")]
    assert [values(e)["x"] for e in stopped] == ["80.0", "90.0"]
    for e in stopped:
        assert e["state"] == "FINISHED" and e["metricVal"] == float(values(e)["x"]) / 4 and "median" in e["message"]
        assert server.get(f"/execs/{e['appId']}").json()["state"] == "KILLED"
    assert record["best"]["id"] == 0


def test_nothing_is_stopped_before_enough_others_have_ended(server):
    name = start_listed(server, [1, 2, 80], EarlyStop="median", EarlyStopTrials="3")
    with server.notices(name) as notices:
        while server.get(f"/hypersearch/{name}").json()["complete"] < 2:
            next(notices)
    exec_id = None
    while not exec_id:
        running = [e for e in server.get(f"/hypersearch/{name}").json()["experiments"] if e["state"] == "RUNNING"]
        exec_id = running[0]["appId"] if running else None
    while not any(s["name"] == "val/loss" for s in server.get(f"/execs/{exec_id}/metrics").json()["series"]):
        pass
    assert server.put(f"/hypersearch/{name}").status_code == 200
    record = server.wait_search(name)
    assert record["state"] == "STOPPED" and record["experiments"][2]["state"] == "KILLED"


def test_a_restarted_server_knows_the_curves_of_before(make_server, tmp_path):
    server = make_server()
    gate = tmp_path / "gate"
    script = REPORT + f"""
if config["x"] > 5:
    os.mkfifo({str(gate)!r})
    open({str(gate)!r}).read()
""" + LISTED
    data = document({"algorithm": "ExperimentGridSearch", "maxJobNum": None,
                     "algoParams": params(EarlyStop="true", EarlyStopTrials="3")}, experiments=listed(1, 2, 3, 80))
    del data["hyperParams"]
    name = submit(server, data, script).json()["uid"]
    while not gate.exists():
        pass
    server.kill()
    server.start()
    with open(gate, "w"):
        pass
    record = server.wait_search(name)
    assert record["state"] == "FINISHED" and record["experiments"][3]["stoppedEarly"] is True
