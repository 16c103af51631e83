# SPDX-License-Identifier: Apache-2.0
"""Searches that begin with what is known: from an earlier search, or from an Optuna study."""
import json
import shutil
import sqlite3

import pytest

from pypi_env import optuna  # noqa: F401
from test_hypersearch import FOREVER, NOOP, REPORT, SPACE, document, submit, values, wait_running
from test_optuna import export

TPE = {"algorithm": "Tpe", "maxJobNum": 6, "algoParams": [{"name": "RandomSeed", "value": "3"}]}


HYPERBAND = {"algorithm": "Hyperband", "maxJobNum": -1, "maxParalleJobNum": 4,
             "algoParams": [{"name": "ResourceName", "value": "epochs"}, {"name": "ResourceValue", "value": "9"}]}


def warm(name, **algo):
    return {**TPE, **algo, "algoParams": [*TPE["algoParams"], {"name": "WarmStart", "value": name}]}


def send(server, algo, study=None, space=SPACE, script=NOOP, user="ann", **more):
    files = {"file": ("main.py", script)}
    if study is not None:
        files["prior"] = ("study.db", study)
    return server.post("/hypersearch", user=user, files=files, data={"data": json.dumps(document(algo, space, **more))},
                       headers={"Accept": "application/json"})


def error_of(reply, status=400):
    assert reply.status_code == status, reply.text
    return reply.json()["error"]


@pytest.fixture(scope="module")
def earlier(server):
    """The name of a search that ended: 12 experiments around x = 0.5 to 1, the best at the lower end."""
    space = [{**SPACE[0], "minDbVal": 0.5}]
    name = server.search(NOOP, {"maxJobNum": 12, "algoParams": TPE["algoParams"]}, space)
    server.wait_search(name)
    return name


def told(server, name):
    with sqlite3.connect(f"file:{server.data / 'trainyard.db'}?mode=ro", uri=True) as db:
        return db.execute("SELECT n, cube, objective FROM prior WHERE search = ? ORDER BY n", (name,)).fetchall()


# --- an earlier search ---

def test_a_search_is_told_what_an_earlier_one_found(server, earlier):
    name = send(server, warm(earlier)).json()["uid"]
    record = server.wait_search(name)
    assert record["prior"] == {"told": 12, "skipped": 0}
    best = server.get(f"/hypersearch/{earlier}").json()
    points = [(-n, json.loads(cube), objective) for n, cube, objective in told(server, name)]
    assert points == [(-1 - e["id"], [float(values(e)["x"])], e["metricVal"]) for e in best["experiments"]]
    cold = server.wait_search(server.search(NOOP, TPE, SPACE))
    assert "prior" not in cold
    assert values(record["experiments"][0]) != values(cold["experiments"][0])     # the model is used from the first on


def test_what_is_not_of_the_new_space_is_skipped_and_counted(server, earlier):
    inside = [e for e in server.get(f"/hypersearch/{earlier}").json()["experiments"] if float(values(e)["x"]) <= 0.75]
    assert 0 < len(inside) < 12
    name = send(server, warm(earlier), space=[{**SPACE[0], "maxDbVal": 0.75}]).json()["uid"]
    assert server.wait_search(name)["prior"] == {"told": len(inside), "skipped": 12 - len(inside)}
    name = send(server, warm(earlier), space=[{**SPACE[0], "name": "y"}], script=REPORT + "report(loss=1)").json()["uid"]
    assert server.wait_search(name)["prior"] == {"told": 0, "skipped": 12}


def test_failed_experiments_are_not_told(server):
    script = REPORT + "if config['x'] < 0.5:\n    raise SystemExit(1)\nreport(loss=config['x'])\n"
    first = server.wait_search(server.search(script, {"maxJobNum": 10, "algoParams": TPE["algoParams"]}, SPACE))
    fine = [e for e in first["experiments"] if e["state"] == "FINISHED"]
    assert 0 < len(fine) < 10
    second = server.wait_search(send(server, warm(first["hpoName"])).json()["uid"])
    assert second["prior"] == {"told": len(fine), "skipped": 0}


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["Tpe", "Bayesian", "CmaEs"])
def test_what_was_told_survives_a_crash_and_the_end_of_the_earlier_search(make_server, algorithm):
    """The suggestions of a search that was killed and started again are those of one that was not."""
    server = make_server()
    first = server.search(NOOP, {"maxJobNum": 8, "algoParams": TPE["algoParams"]}, SPACE)
    server.wait_search(first)
    algo = warm(first, algorithm=algorithm, maxJobNum=5, maxParalleJobNum=1)
    whole = server.wait_search(send(server, algo).json()["uid"])
    script = REPORT + "if os.environ['SUBID'] == '2':\n    import time\n    time.sleep(2)\nreport(loss=config['x'])\n"
    name = send(server, algo, script=script).json()["uid"]
    with server.notices(name) as notices:
        while len(server.get(f"/hypersearch/{name}").json()["experiments"]) < 3:
            next(notices)
    assert server.delete(f"/hypersearch/{first}").status_code == 200
    server.kill()
    server.start()
    record = server.wait_search(name)
    assert record["prior"] == {"told": 8, "skipped": 0}
    assert [values(e) for e in record["experiments"]] == [values(e) for e in whole["experiments"]]


def test_the_earlier_search_must_be_ones_own(server, earlier):
    for user, name in [("bob", earlier), ("ann", "nothing"), ("bob", "nothing")]:
        error = error_of(send(server, warm(name), user=user))
        assert error["field"] == "algoDef.algoParams.WarmStart" and f'"{name}"' in error["message"]
    name = send(server, warm(earlier), user="admin").json()["uid"]
    assert server.wait_search(name, user="admin")["prior"]["told"] == 12


def test_a_search_of_the_other_direction_is_refused(server, earlier):
    error = error_of(send(server, warm(earlier, objective="maximize")))
    assert error["field"] == "algoDef.algoParams.WarmStart" and "minimizes" in error["message"]


def test_a_search_of_another_metric_is_refused(server, earlier):
    error = error_of(send(server, warm(earlier, objectiveMetric="accuracy")))
    assert error["field"] == "algoDef.algoParams.WarmStart" and '"accuracy"' in error["message"] and '"loss"' in error["message"]


@pytest.mark.parametrize("algorithm, params", [("Random", []), ("Sobol", []), ("Asha", [
    {"name": "ResourceName", "value": "epochs"}, {"name": "ResourceValue", "value": "9"}])])
def test_an_algorithm_that_does_not_learn_says_so(server, earlier, algorithm, params):
    algo = warm(earlier, algorithm=algorithm)
    algo["algoParams"] = algo["algoParams"] + params
    error = error_of(send(server, algo))
    assert algorithm in error["message"] and error["field"] == "algoDef.algoParams.WarmStart"


def test_a_search_may_learn_from_one_that_still_runs(make_server):
    server = make_server()
    running = server.search(FOREVER, {"maxJobNum": 1}, SPACE)
    wait_running(server, running, 1)
    name = send(server, warm(running, maxJobNum=1)).json()["uid"]
    assert server.get(f"/hypersearch/{name}").json()["prior"] == {"told": 0, "skipped": 0}
    server.put(f"/hypersearch/{running}/force")
    server.wait_search(name)


# --- an Optuna study ---

MAKE = """
import optuna
s = optuna.create_study(storage="sqlite:///" + args[0], study_name=args[1], direction=args[2])
def trial(t):
    x = t.suggest_float("x", 0, 2)
    t.suggest_categorical("opt", ["adam", "sgd", None])
    t.suggest_int("n", 1, 64, log=True)
    if t.number == 3: raise optuna.TrialPruned()
    if t.number == 4: raise ValueError()
    return float("inf") if t.number == 5 else x
s.sampler = optuna.samplers.RandomSampler(seed=1)
s.optimize(trial, n_trials=20, catch=(ValueError,))
print(json.dumps([dict(t.params, value=t.value) for t in s.trials if t.state.name == "COMPLETE"]))
"""
WIDE = [SPACE[0], {"name": "opt", "type": "Discrete", "dataType": "str", "discreateStrVal": ["sgd", "adam"]},
        {"name": "n", "type": "Range", "dataType": "int", "minIntVal": 1, "maxIntVal": 32},
        {"name": "data", "type": "Fix", "dataType": "str", "fixedVal": "mnist"}]


def test_a_search_is_told_what_an_optuna_study_found(server, optuna, tmp_path):  # noqa: F811
    trials = optuna(MAKE, tmp_path / "study.db", "mine", "minimize")
    inside = [t for t in trials if t["x"] <= 1 and t["opt"] and t["n"] <= 32 and t["value"] != float("inf")]
    assert len(trials) == 18 and 2 < len(inside) < 18
    name = send(server, TPE, (tmp_path / "study.db").read_bytes(), space=WIDE).json()["uid"]
    record = server.wait_search(name)
    assert record["prior"] == {"told": len(inside), "skipped": 18 - len(inside)}
    assert [objective for _, _, objective in told(server, name)] == [t["value"] for t in inside]
    cubes = [json.loads(cube) for _, cube, _ in told(server, name)]
    assert [c[0] for c in cubes] == pytest.approx([t["x"] for t in inside])
    assert [c[1] for c in cubes] == [0.75 if t["opt"] == "adam" else 0.25 for t in inside]
    assert [c[2] for c in cubes] == pytest.approx([(t["n"] - 0.5) / 32 for t in inside])


def test_a_search_goes_out_as_a_study_and_comes_back(server, optuna, tmp_path):  # noqa: F811
    first = server.wait_search(server.search(NOOP, {"maxJobNum": 9, "algoParams": TPE["algoParams"]}, SPACE))
    export(server, first["hpoName"], tmp_path / "study.db")
    record = server.wait_search(send(server, TPE, (tmp_path / "study.db").read_bytes()).json()["uid"])
    assert record["prior"] == {"told": 9, "skipped": 0}
    both = server.wait_search(send(server, warm(first["hpoName"]), (tmp_path / "study.db").read_bytes()).json()["uid"])
    assert both["prior"] == {"told": 18, "skipped": 0}


def test_short_runs_are_told_neither_by_name_nor_by_file(server, optuna, tmp_path):  # noqa: F811
    first = server.wait_search(server.search(NOOP, HYPERBAND, SPACE))
    whole = sum(values(e)["epochs"] == "9" for e in first["experiments"])
    export(server, first["hpoName"], tmp_path / "study.db")
    by_name = server.wait_search(send(server, warm(first["hpoName"])).json()["uid"])["prior"]
    by_file = server.wait_search(send(server, TPE, (tmp_path / "study.db").read_bytes()).json()["uid"])["prior"]
    assert by_name == {"told": whole, "skipped": first["complete"] - whole}
    assert by_file["told"] == whole > 0


def test_the_name_of_a_study_without_its_file_is_refused(server):
    assert error_of(send(server, TPE, study="lost"))["field"] == "prior"


@pytest.fixture(scope="module")
def study(server, tmp_path_factory):
    """The path of a study, made from a search."""
    path = tmp_path_factory.mktemp("study") / "study.db"
    name = server.search(NOOP, {"maxJobNum": 5}, SPACE, hpoName="to be a study")
    server.wait_search(name)
    export(server, name, path)
    return path


def changed(study, tmp_path, sql):
    path = tmp_path / "changed.db"
    shutil.copy(study, path)
    with sqlite3.connect(path) as db:
        db.executescript(sql)
    return path.read_bytes()


def test_one_of_several_studies_is_named(server, study, tmp_path):
    two = changed(study, tmp_path, "INSERT INTO studies VALUES (2, 'other');"
                                   "INSERT INTO study_directions VALUES (2, 'MINIMIZE', 2, 0);")
    error = error_of(send(server, TPE, two))
    assert error["field"] == "priorStudy" and '"to be a study", "other"' in error["message"]
    record = server.wait_search(send(server, TPE, two, priorStudy="to be a study").json()["uid"])
    assert record["prior"] == {"told": 5, "skipped": 0}


@pytest.mark.parametrize("sql, word", [
    ("UPDATE study_directions SET direction = 'MAXIMIZE'", "maximizes"),
    ("DROP TABLE trial_values", "no table trial_values"),
    ("DROP TABLE trials; CREATE VIEW trials AS SELECT * FROM studies", "no table trials"),
    ("INSERT INTO study_directions VALUES (2, 'MINIMIZE', 1, 1)", "several objectives"),
])
def test_a_study_that_cannot_be_used_is_refused_with_a_sentence(server, study, tmp_path, sql, word):
    error = error_of(send(server, TPE, changed(study, tmp_path, sql)))
    assert word in error["message"] and error["field"] == "prior"


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite format 3\0", b"PK\3\4" + bytes(5000), b"SQLite format 3\0" + bytes(8000)])
def test_a_file_that_is_no_study_is_refused_and_leaves_nothing(make_server, content):
    server = make_server()
    error = error_of(send(server, TPE, content))
    assert error["field"] == "prior" and error["message"]
    assert server.get("/hypersearch").json() == []
    assert list((server.data / "uploads").iterdir()) == list((server.data / "searches").iterdir()) == []


def test_a_damaged_study_is_refused(server, study):
    content = bytearray(study.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096:page * 4096 + 64] = b"\x5a" * 64
    assert "damaged" in error_of(send(server, TPE, bytes(content)))["message"]


def test_the_study_is_no_file_of_the_experiments(server, study):
    script = REPORT + "assert not os.path.exists('study.db')\nreport(loss=config['x'])\n"
    record = server.wait_search(send(server, TPE, study.read_bytes(), script=script).json()["uid"])
    assert record["failed"] == 0 and record["prior"]["told"] == 5


def test_a_name_that_is_taken_is_a_conflict_with_a_prior_too(server, study):
    assert error_of(send(server, TPE, study.read_bytes(), hpoName="to be a study"), 409)
    reply = submit(server, document({"algorithm": "Tpe"}, hpoName="to be a study"))
    assert reply.status_code == 409
