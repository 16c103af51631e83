# SPDX-License-Identifier: Apache-2.0
"""Studies of Optuna: a search as one, read with the newest Optuna there is."""
import pytest

from pypi_env import optuna  # noqa: F401
from test_hypersearch import NOOP, REPORT, SPACE, document, submit, values

LOAD = """
study = optuna.load_study(study_name=None, storage="sqlite:///" + args[0])
"""
TELL_ALL = LOAD + """
print(json.dumps({"name": study.study_name, "directions": [d.name for d in study.directions], "metrics": study.metric_names,
    "best": [study.best_trial.number, study.best_value],
    "trials": [{"number": t.number, "state": t.state.name, "values": t.values, "params": t.params, "attrs": t.user_attrs,
                "course": t.intermediate_values, "seconds": t.duration and t.duration.total_seconds(),
                "distributions": {k: optuna.distributions.distribution_to_json(d) for k, d in t.distributions.items()}}
               for t in study.trials]}))
"""
SCRIPT = REPORT + """
if config["n"] == 3:
    raise SystemExit(1)
with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as f:
    json.dump([dict(step=s, loss=config["x"] + 3 - s, acc=config["x"]) for s in (1, 2, 3)], f)
"""
EVERY_KIND = [
    {"name": "x", "type": "Range", "dataType": "double", "minDbVal": -1, "maxDbVal": 1},
    {"name": "lr", "type": "Range", "dataType": "double", "minDbVal": -4, "maxDbVal": -1, "power": 10},
    {"name": "drop", "type": "Range", "dataType": "double", "minDbVal": 0, "maxDbVal": 0.55, "step": 0.1},
    {"name": "n", "type": "Range", "dataType": "int", "minIntVal": 1, "maxIntVal": 3},
    {"name": "k", "type": "Range", "dataType": "int", "minIntVal": 0, "maxIntVal": 11, "step": 5},
    {"name": "width", "type": "Range", "dataType": "int", "minIntVal": 3, "maxIntVal": 8, "power": 2},
    {"name": "opt", "type": "Discrete", "dataType": "str", "discreateStrVal": ["adam", "s\"g\"d"]},
    {"name": "batch", "type": "Discrete", "dataType": "int", "discreteIntVal": [32, 64]},
    {"name": "m", "type": "Discrete", "dataType": "double", "discreteDbVal": [0.5, 0.9]},
    {"name": "data", "type": "Fix", "dataType": "str", "fixedVal": "mnist"}]
NUMBERS = {"x": float, "lr": float, "drop": float, "n": int, "k": int, "width": int, "batch": int, "m": float}


def export(server, name, path, **kw):
    reply = server.get(f"/hypersearch/{name}/export", params={"format": "optuna"}, **kw)
    assert reply.status_code == 200, reply.text
    path.write_bytes(reply.content)
    return reply


def test_optuna_opens_a_search_and_finds_everything_in_it(server, optuna, tmp_path):  # noqa: F811
    name = server.search(SCRIPT, {"maxJobNum": 12, "additionalMetrics": {"acc": "latest"}}, EVERY_KIND, hpoName="for optuna")
    record = server.wait_search(name)
    reply = export(server, name, tmp_path / "study.db")
    assert reply.headers["Content-Type"] == "application/vnd.sqlite3"
    assert reply.headers["Content-Disposition"] == "attachment;filename=for_optuna.db"
    study = optuna(TELL_ALL, tmp_path / "study.db")
    assert (study["name"], study["directions"], study["metrics"]) == (name, ["MINIMIZE"], ["loss"])
    assert study["best"] == [record["best"]["id"], record["best"]["metricVal"]]
    assert len(study["trials"]) == 12
    for t, e in zip(study["trials"], record["experiments"]):
        fine = e["state"] == "FINISHED"
        assert (t["number"], t["state"]) == (e["id"], "COMPLETE" if fine else "FAIL")
        assert t["params"] == {k: NUMBERS.get(k, str)(v) for k, v in values(e).items()}
        assert t["attrs"]["exec"] == e["appId"] and t["attrs"]["experiment"] == e["id"]
        assert t["values"] == ([e["metricVal"]] if fine else None)
        assert t["seconds"] >= 0
        if fine:
            assert t["attrs"]["metrics"] == e["metrics"]
            x = t["params"]["x"]
            assert t["course"] == pytest.approx({"1": x + 2, "2": x + 1, "3": x})
        else:
            assert t["attrs"]["message"] == e["message"]
    kinds = study["trials"][0]["distributions"]
    assert '"FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.1, "log": true}' in kinds["lr"]
    assert '"step": 0.1, "low": 0.0, "high": 0.5, "log": false' in kinds["drop"]
    assert '"IntDistribution", "attributes": {"log": false, "step": 5, "low": 0, "high": 10}' in kinds["k"]
    assert '"log": true, "step": 1, "low": 8, "high": 256' in kinds["width"]
    assert '"CategoricalDistribution", "attributes": {"choices": ["adam", "s\\"g\\"d"]}' in kinds["opt"]


def test_optuna_goes_on_with_a_search(server, optuna, tmp_path):  # noqa: F811
    """A sampler that learns takes the trials for its own: every distribution is one that it could have made."""
    name = server.search(SCRIPT, {"maxJobNum": 12}, EVERY_KIND)
    server.wait_search(name)
    export(server, name, tmp_path / "study.db")
    assert optuna(LOAD + """
study.sampler = optuna.samplers.TPESampler(seed=1, n_startup_trials=2, multivariate=True)
d = study.trials[0].distributions
study.optimize(lambda t: t._suggest("x", d["x"]) + sum(map(bool, [t._suggest(k, d[k]) for k in d if k != "x"])), n_trials=3)
print(json.dumps([len(study.trials), study.trials[-1].state.name]))
""", tmp_path / "study.db") == [15, "COMPLETE"]


def test_a_search_that_maximizes_and_one_that_runs_are_such_studies(server, optuna, tmp_path):  # noqa: F811
    name = server.search(REPORT + "if os.environ['SUBID'] == '0':\n    report(loss=1)\nelse:\n    import signal\n    signal.pause()\n",
                         {"maxJobNum": 2, "maxParalleJobNum": 1, "objective": "maximize"}, SPACE)
    with server.notices(name) as notices:
        while [e["state"] for e in server.get(f"/hypersearch/{name}").json()["experiments"]] != ["FINISHED", "RUNNING"]:
            next(notices)
    export(server, name, tmp_path / "study.db")
    server.put(f"/hypersearch/{name}/force")
    study = optuna(TELL_ALL, tmp_path / "study.db")
    assert study["directions"] == ["MAXIMIZE"] and [t["state"] for t in study["trials"]] == ["COMPLETE", "RUNNING"]
    assert study["trials"][1]["values"] is None


def test_a_grid_is_a_study_too(server, optuna, tmp_path):  # noqa: F811
    listed = [{"id": i, "hyperParams": [{"name": "x", "dataType": "double", "fixedVal": i}, {"name": "o", "dataType": "str", "fixedVal": o}]}
              for i, o in enumerate("ab")]
    data = document({"algorithm": "ExperimentGridSearch", "maxJobNum": None}, experiments=listed)
    del data["hyperParams"]
    name = submit(server, data, NOOP).json()["uid"]
    server.wait_search(name)
    export(server, name, tmp_path / "study.db")
    study = optuna(TELL_ALL, tmp_path / "study.db")
    assert [t["params"] for t in study["trials"]] == [{"o": "a", "x": 0.0}, {"o": "b", "x": 1.0}]
