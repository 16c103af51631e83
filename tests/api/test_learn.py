# SPDX-License-Identifier: Apache-2.0
"""What can be learnt from a search: which parameters matter, how fast it got better, charts, and a table to take away."""
import csv
import io

import pytest

from test_hypersearch import NOOP, REPORT, SPACE, document, submit, values

GROUND = REPORT + """
x, o = config["lr"], config["opt"]
if config["n"] == 3 and o == "sgd":
    raise SystemExit(1)
report(loss=9 * x + (o == "adam"), acc=x)
"""
GROUND_SPACE = [
    {"name": "lr", "type": "Range", "dataType": "double", "minDbVal": 0, "maxDbVal": 1},
    {"name": "opt", "type": "Discrete", "dataType": "str", "discreateStrVal": ["sgd", "adam", "=2+3"]},
    {"name": "n", "type": "Range", "dataType": "int", "minIntVal": 1, "maxIntVal": 3},
    {"name": "wd", "type": "Range", "dataType": "double", "minDbVal": -4, "maxDbVal": -1, "power": 10},
    {"name": "data", "type": "Fix", "dataType": "str", "fixedVal": "mnist"}]
SEED = [{"name": "RandomSeed", "value": "11"}]


@pytest.fixture(scope="module")
def ground(server):
    """The name and the record of a search of 40 experiments, a few of which fail."""
    name = server.search(GROUND, {"maxJobNum": 40, "algoParams": SEED, "additionalMetrics": {"acc": "maximize"}}, GROUND_SPACE)
    return name, server.wait_search(name)


def ended_well(record):
    return [e for e in record["experiments"] if e["state"] == "FINISHED"]


# --- importance ---

def test_importance_says_which_hyperparameters_matter(server, ground):
    name, record = ground
    answer = server.get(f"/hypersearch/{name}/importance").json()
    shares = {e["name"]: e["importance"] for e in answer["importance"]}
    assert answer["hpoName"] == name and answer["objectiveMetric"] == "loss"
    assert answer["experiments"] == len(ended_well(record)) < 40
    assert list(shares)[0] == "lr" and set(shares) == {"lr", "opt", "n", "wd"} and shares["lr"] > 0.8
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    whole = sum(shares.values()) + sum(i["importance"] for i in answer["interactions"]) + answer["rest"]
    assert whole == pytest.approx(1) and all(len(i["names"]) == 2 for i in answer["interactions"])


def test_importance_is_the_same_each_time_and_depends_on_the_seed(server, ground):
    path = f"/hypersearch/{ground[0]}/importance"
    first, again, other = (server.get(path, params=p).json() for p in ({}, {"seed": 0}, {"seed": 1}))
    assert first == again != other and other["importance"][0]["name"] == "lr"


def test_marginals_are_the_mean_along_each_parameter(server, ground):
    answer = server.get(f"/hypersearch/{ground[0]}/importance", params={"marginals": "true"}).json()
    of = {e["name"]: e["marginal"] for e in answer["importance"]}
    assert len(of["lr"]) == 33 and of["lr"][0]["value"] == 0 and of["lr"][-1]["value"] == pytest.approx(1)
    assert of["lr"][0]["mean"] < of["lr"][16]["mean"] < of["lr"][-1]["mean"]
    assert [m["value"] for m in of["opt"]] == ["sgd", "adam", "=2+3"]
    assert {m["value"] for m in of["n"]} == {1, 2, 3}
    assert of["wd"][0]["value"] == pytest.approx(1e-4) and of["wd"][16]["value"] == pytest.approx(10 ** -2.5)


def test_too_little_to_learn_from_is_said(server):
    few = server.search(NOOP, {"maxJobNum": 2}, SPACE)
    server.wait_search(few)
    answer = server.get(f"/hypersearch/{few}/importance").json()
    assert answer["importance"] == answer["interactions"] == [] and "at least 4" in answer["message"]
    flat = server.search(REPORT + "report(loss=1)", {"maxJobNum": 5}, SPACE)
    server.wait_search(flat)
    assert "same metric" in server.get(f"/hypersearch/{flat}/importance").json()["message"]


def test_a_grid_has_importance_too(server):
    listed = [{"id": i, "hyperParams": [{"name": "x", "dataType": "double", "fixedVal": i % 4},
                                        {"name": "o", "dataType": "str", "fixedVal": "ab"[i // 4 % 2]}]} for i in range(8)]
    data = document({"algorithm": "ExperimentGridSearch", "maxJobNum": None}, experiments=listed)
    del data["hyperParams"]
    name = submit(server, data).json()["uid"]
    server.wait_search(name)
    answer = server.get(f"/hypersearch/{name}/importance").json()
    assert answer["importance"][0]["name"] == "x" and answer["importance"][0]["importance"] > 0.6
    axes = server.get(f"/hypersearch/{name}/coordinates").json()["axes"]
    assert axes == [{"name": "o", "dataType": "str", "kind": "choices", "log": False, "choices": ["a", "b"]},
                    {"name": "x", "dataType": "double", "kind": "range", "min": 0, "max": 3, "log": False}]


# --- curve ---

def test_the_curve_falls_to_the_best(server, ground):
    name, record = ground
    answer = server.get(f"/hypersearch/{name}/curve").json()
    points = answer["points"]
    assert answer["objective"] == "minimize" and answer["objectiveMetric"] == "loss"
    better = [p for p in points if p["metricVal"] == p["best"]]
    assert [p["best"] for p in better] == sorted((p["best"] for p in better), reverse=True)
    assert better[-1]["id"] == record["best"]["id"] and better[-1]["best"] == record["best"]["metricVal"]
    assert points[0]["n"] == 1 and points[-1]["n"] == len(ended_well(record))
    assert 0 <= points[0]["seconds"] <= points[-1]["seconds"] < 600


def test_the_whole_curve_has_every_experiment(server, ground):
    name, record = ground
    points = server.get(f"/hypersearch/{name}/curve", params={"all": "true"}).json()["points"]
    assert [p["n"] for p in points] == list(range(1, len(points) + 1))
    assert {p["id"]: p["metricVal"] for p in points} == {e["id"]: e["metricVal"] for e in ended_well(record)}
    best = float("inf")
    for p in points:
        best = min(best, p["metricVal"])
        assert p["best"] == best


def test_a_search_that_maximizes_has_a_curve_that_rises(server):
    name = server.search(NOOP, {"maxJobNum": 6, "objective": "maximize"}, SPACE)
    record = server.wait_search(name)
    points = server.get(f"/hypersearch/{name}/curve", params={"all": "true"}).json()["points"]
    assert [p["best"] for p in points] == sorted(p["best"] for p in points)
    assert points[-1]["best"] == record["best"]["metricVal"]


# --- coordinates ---

def test_coordinates_are_axes_and_ranked_rows(server, ground):
    name, record = ground
    answer = server.get(f"/hypersearch/{name}/coordinates").json()
    assert answer["axes"] == [
        {"name": "lr", "dataType": "double", "kind": "range", "min": 0, "max": 1, "log": False},
        {"name": "opt", "dataType": "str", "kind": "choices", "log": False, "choices": ["sgd", "adam", "=2+3"]},
        {"name": "n", "dataType": "int", "kind": "range", "min": 1, "max": 3, "log": False},
        {"name": "wd", "dataType": "double", "kind": "range", "min": 0.0001, "max": 0.1, "log": True}]
    ranked = sorted(ended_well(record), key=lambda e: (e["metricVal"], e["id"]))
    assert [r["id"] for r in answer["rows"]] == [e["id"] for e in ranked] and answer["experiments"] == len(ranked)
    v, best = values(ranked[0]), answer["rows"][0]
    assert best == {"id": ranked[0]["id"], "metricVal": ranked[0]["metricVal"],
                    "values": [float(v["lr"]), v["opt"], int(v["n"]), float(v["wd"])]}


def test_fewer_rows_are_the_best_half_and_the_rest_spread_out(server, ground):
    name, _ = ground
    everything = [r["id"] for r in server.get(f"/hypersearch/{name}/coordinates").json()["rows"]]
    some = [r["id"] for r in server.get(f"/hypersearch/{name}/coordinates", params={"rows": 10}).json()["rows"]]
    assert len(some) == 10 and some[:5] == everything[:5] and some[-1] == everything[-1]
    places = [everything.index(i) for i in some]
    assert places == sorted(places) and all(b - a >= 5 for a, b in zip(places[5:], places[6:]))
    assert server.get(f"/hypersearch/{name}/coordinates", params={"rows": 0}).status_code == 400


# --- CSV ---

def test_the_table_has_a_line_for_each_experiment(server, ground):
    name, record = ground
    reply = server.get(f"/hypersearch/{name}/export")
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert reply.headers["Content-Disposition"] == f"attachment;filename={name}.csv"
    lines = list(csv.DictReader(io.StringIO(reply.text, newline="")))
    assert [int(line["id"]) for line in lines] == list(range(40))
    assert list(lines[0]) == ["id", "state", "metricVal", "params.lr", "params.opt", "params.n", "params.wd", "params.data",
                              "metrics.acc", "startTime", "endTime", "seconds", "appId", "message"]
    for line, e in zip(lines, record["experiments"]):
        v = values(e)
        assert (line["state"], line["appId"], line["endTime"]) == (e["state"], e["appId"], e["endTime"])
        assert line["params.lr"] == v["lr"] and line["params.n"] == v["n"] and line["params.data"] == "mnist"
        assert line["params.opt"] == ("'" if v["opt"].startswith("=") else "") + v["opt"]
        if e["state"] == "FINISHED":
            assert float(line["metricVal"]) == e["metricVal"] and float(line["metrics.acc"]) == float(v["lr"])
        else:
            assert line["metricVal"] == line["metrics.acc"] == "" and line["message"]


def test_an_unknown_format_is_refused(server, ground):
    reply = server.get(f"/hypersearch/{ground[0]}/export", params={"format": "xls"}, headers={"Accept": "application/json"})
    assert reply.status_code == 400 and reply.json()["error"]["field"] == "format"


def test_exports_leave_no_file_behind(make_server):
    server = make_server()
    name = server.search(NOOP, {"maxJobNum": 1}, SPACE, hpoName="my search; a=\"b\"")
    server.wait_search("my search; a=\"b\"")
    reply = server.get("/hypersearch/my search; a=\"b\"/export")
    assert name == "my search; a=\"b\"" and reply.headers["Content-Disposition"] == "attachment;filename=my_search__a__b_.csv"
    assert list((server.data / "uploads").iterdir()) == []


# --- all of them ---

@pytest.mark.parametrize("what", ["importance", "curve", "coordinates", "export"])
def test_only_who_may_see_a_search_learns_from_it(server, ground, what):
    assert server.get(f"/hypersearch/{ground[0]}/{what}", user="bob").status_code == 404
    assert server.get(f"/hypersearch/{ground[0]}/{what}", user="admin").status_code == 200
    assert server.get(f"/hypersearch/nothing/{what}").status_code == 404


@pytest.mark.parametrize("what", ["importance", "curve", "coordinates"])
def test_what_has_not_changed_is_not_worked_out_again(server, ground, what):
    reply = server.get(f"/hypersearch/{ground[0]}/{what}")
    again = server.get(f"/hypersearch/{ground[0]}/{what}", headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("what", ["importance", "curve", "coordinates", "export"])
def test_a_search_that_has_nothing_yet_has_nothing_to_tell(make_server, what):
    server = make_server()
    name = server.search(REPORT + "import signal\nsignal.pause()\n", {"maxJobNum": 1}, SPACE)
    reply = server.get(f"/hypersearch/{name}/{what}")
    assert reply.status_code == 200
    if what == "curve":
        assert reply.json()["points"] == []
    if what == "coordinates":
        assert reply.json()["rows"] == [] and len(reply.json()["axes"]) == 1
    server.put(f"/hypersearch/{name}/force")
