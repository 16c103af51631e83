# SPDX-License-Identifier: Apache-2.0
"""Searches that run with an installed algorithm: what it is given, what it may answer, what happens when it misbehaves, and
that nothing is lost or told twice when the server is killed."""
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import ROOT, Server
from plugin_kit import EXAMPLES, SAMPLES, TRIAL, X, folder, installed, log, plugin, plugin_processes, start, tar, values
from witness import Gate, query, until, wait_end

GRID_SPACE = [{"name": "x", "type": "range", "dataType": "double", "minDbVal": 0, "maxDbVal": 1},
              {"name": "n", "type": "Discrete", "dataType": "INT", "discreteIntVal": [1, 2]},
              {"name": "s", "type": "discrete", "dataType": "string", "discreateStrVal": ["a", "b"]}]
GRID = sorted((x, n, s) for x in ("0.0", "0.5", "1.0") for n in ("1", "2") for s in ("a", "b"))

# Suggests 0, 1, 2 ..., as many as are wanted, and keeps what it was told in its state and in the file of parameter "out".
COUNTER = """
def __init__(self, name, hyper_parameters, **kwargs):
    super().__init__(name, hyper_parameters, **kwargs)
    self.state = {"next": 0, "told": []}

def search(self, n, results):
    self.state["told"] += [(r["id"], r["state"], r["score"]) for r in results]
    first, self.state["next"] = self.state["next"], self.state["next"] + n
    if "out" in self.kwargs:
        with open(self.kwargs["out"], "a") as f:
            f.write(json.dumps([n, results]) + "\\n")
    if "ready" in self.kwargs and first >= int(self.kwargs.get("gate_from", 0)):
        open(self.kwargs["ready"], "w").write("ready\\n")
        open(self.kwargs["go"]).readline()
    logger.info("told %s in all", self.state["told"])
    return [{"x": float(i)} for i in range(first, first + n)]
"""
WITH_STATE = COUNTER + """
def get_state(self): return self.state
def set_state(self, state): self.state = state
"""


@pytest.fixture
def gate(tmp_path):
    with Gate(tmp_path) as g:
        yield g


def gates(gate):
    return {"ready": str(gate.paths[0]), "go": str(gate.paths[1])}


def run(server, name, files, **kw):
    """The record of a search with a plugin made for it."""
    installed(server, name, files)
    return server.wait_search(start(server, name, **kw))


def calls(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def wait_complete(server, search, n):
    with server.notices(search) as notices:
        while server.get(f"/hypersearch/{search}").json()["complete"] < n:
            next(notices)


# --- the two samples ---

def test_the_random_sample_draws_what_it_draws_anywhere(server):
    """Seed 2 on a step of 0.002: the values that were recorded for this plugin elsewhere. NumPy's state goes on."""
    space = [{"name": "x", "type": "Range", "dataType": "DOUBLE", "minDbVal": 0.001, "maxDbVal": 0.1, "step": 0.002}]
    record = run(server, "random-sample", SAMPLES / "random", space=space, params={"random_seed": "2"}, maxJobNum=3)
    assert record["state"] == "FINISHED" and values(record) == ["0.081", "0.031", "0.091"]
    assert "INFO random-sample starts with random_seed 2" in log(server, record["hpoName"])


def test_the_grid_sample_tries_each_combination_once_and_ends_the_search(server):
    record = run(server, "grid-sample", SAMPLES / "gridsearch", space=GRID_SPACE, maxParalleJobNum=3)
    assert record["state"] == "FINISHED" and record["progress"] == "12/-" and "message" not in record
    assert sorted(zip(values(record), values(record, "n"), values(record, "s"))) == GRID
    assert values(record, "x")[0] == "0.0" and record["best"]["id"] == 0


# --- what a plugin is given ---

def test_it_is_given_the_space_in_the_words_it_compares_with(server, tmp_path):
    out = tmp_path / "given"
    space = [
        {"name": "x", "type": "RANGE", "dataType": "float", "minDbVal": 1, "maxDbVal": 2},
        {"name": "i", "type": "range", "dataType": "integer", "minIntVal": 1, "maxIntVal": 9, "minDbVal": 0},
        {"name": "step", "type": "Range", "dataType": "DOUBLE", "minDbVal": 0.1, "maxDbVal": 0.3, "step": "0.1"},
        {"name": "istep", "type": "Range", "dataType": "INT", "minIntVal": 0, "maxIntVal": 5, "step": 2},
        {"name": "power", "type": "Range", "dataType": "DOUBLE", "minDbVal": -3, "maxDbVal": 0, "power": "10"},
        {"name": "ipower", "type": "Range", "dataType": "INT", "minIntVal": 1, "maxIntVal": 2, "power": 2, "step": 0.5},
        {"name": "db", "type": "Discreate", "dataType": "double", "discreteDbVal": [1, 2.5]},
        {"name": "int", "type": "Discrete", "dataType": "int", "discreteIntVal": [4, 5], "discreateStrVal": []},
        {"name": "str", "type": "discrete", "dataType": "STRING", "discreateStrVal": ["a", "b"]},
        {"name": "fixed", "type": "Fix", "dataType": "int", "fixedVal": 7}]
    script = TRIAL + f"\nopen({str(out)!r} + '.config', 'w').write(json.dumps(config))\n"
    record = run(server, "given", plugin("""
        def search(self, n, results):
            with open(self.kwargs["out"], "w") as f:
                json.dump([self.name, self.hyper_parameters, self.kwargs, n, results], f)
            return [{"x": 1.5, "i": 3.0, "step": 0.2, "istep": 4, "power": -2, "ipower": 1.5, "db": 2.5, "int": "5", "str": "b"}]
        """), space=space, params={"out": str(out), "Count": 3, "flag": True}, script=script, maxJobNum=1)
    name, given, kwargs, n, results = json.loads(out.read_text())
    assert record["state"] == "FINISHED", record
    assert name == "given" and (n, results) == (1, [])
    assert kwargs == {"out": str(out), "Count": "3", "flag": "true"}
    assert given == [
        {"name": "x", "type": "Range", "dataType": "DOUBLE", "minDbVal": 1.0, "maxDbVal": 2.0},
        {"name": "i", "type": "Range", "dataType": "INT", "minIntVal": 1, "maxIntVal": 9},
        {"name": "step", "type": "Discrete", "dataType": "DOUBLE", "discreteDbVal": [0.1, 0.2, 0.3]},
        {"name": "istep", "type": "Discrete", "dataType": "INT", "discreteIntVal": [0, 2, 4]},
        {"name": "power", "type": "Range", "dataType": "DOUBLE", "minDbVal": -3.0, "maxDbVal": 0.0},
        {"name": "ipower", "type": "Discrete", "dataType": "DOUBLE", "discreteDbVal": [1.0, 1.5, 2.0]},
        {"name": "db", "type": "Discrete", "dataType": "DOUBLE", "discreteDbVal": [1.0, 2.5]},
        {"name": "int", "type": "Discrete", "dataType": "INT", "discreteIntVal": [4, 5]},
        {"name": "str", "type": "Discrete", "dataType": "STR", "discreateStrVal": ["a", "b"], "discreteStrVal": ["a", "b"]}]
    config = json.loads((tmp_path / "given.config").read_text())
    assert config == {"x": 1.5, "i": 3, "step": 0.2, "istep": 4, "power": 0.01, "ipower": 3, "db": 2.5, "int": 5, "str": "b",
                      "fixed": 7}
    assert type(config["i"]) is int
    assert [(p["name"], p["dataType"], p["fixedVal"]) for p in record["experiments"][0]["hyperParams"]][:2] == [
        ("x", "double", "1.5"), ("i", "int", "3")]


def test_values_are_not_held_to_the_bounds(server):
    record = run(server, "beyond", plugin("def search(self, n, results): return [{'x': 99.5}]"), maxJobNum=1)
    assert record["state"] == "FINISHED" and values(record) == ["99.5"]


def test_it_is_told_how_every_experiment_ended_once(server, tmp_path):
    script = TRIAL + "\nif config['x'] == 1: raise SystemExit(3)\n"
    out = tmp_path / "out"
    record = run(server, "told", plugin(COUNTER), params={"out": str(out)}, script=script, maxJobNum=4,
                 additionalMetrics={"steps": "latest"})
    assert record["state"] == "FINISHED" and record["failed"] == 1
    told = [r for _, results in calls(out) for r in results]
    assert [r["id"] for r in told] == [0, 1, 2]     # nobody asks after the last
    fine, failed = record["experiments"][0], record["experiments"][1]
    assert told[0] == {"id": 0, "state": "FINISHED", "score": 0.0, "metricVal": 0.0, "objective": "minimize",
                       "hyperparameters": {"x": 0.0}, "hyperParams": {"x": 0.0}, "metrics": fine["metrics"],
                       "startTime": fine["startTime"], "endTime": fine["endTime"], "message": None}
    assert told[1] == {"id": 1, "state": "FAILED", "score": 9999.99, "metricVal": None, "objective": "minimize",
                       "hyperparameters": {"x": 1.0}, "hyperParams": {"x": 1.0}, "metrics": [],
                       "startTime": failed["startTime"], "endTime": failed["endTime"], "message": failed["message"]}


def test_it_is_told_the_values_that_it_gave(server, tmp_path):
    space = [{"name": "x", "type": "Range", "dataType": "INT", "minIntVal": 0, "maxIntVal": 9, "power": 2},
             {"name": "f", "type": "Fix", "dataType": "int", "fixedVal": 7}]
    out = tmp_path / "out"
    record = run(server, "exponents", plugin(COUNTER), space=space, params={"out": str(out)}, maxJobNum=3)
    assert values(record) == ["1", "2", "4"]
    assert [r["hyperparameters"] for _, results in calls(out) for r in results] == [{"x": 0.0}, {"x": 1.0}]


def test_it_is_asked_for_as_many_as_there_are_free_slots(server, tmp_path, gate):
    script = TRIAL + "\nif config['x'] == 0: open(%r, 'w').write('.'); open(%r).readline()\n" % tuple(map(str, gate.paths))
    out = tmp_path / "out"
    installed(server, "slots", plugin(COUNTER))
    name = start(server, "slots", params={"out": str(out)}, script=script, maxParalleJobNum=3, maxJobNum=7)
    gate.wait()
    wait_complete(server, name, 6)
    gate.open()
    record = server.wait_search(name)
    asked = [n for n, _ in calls(out)]
    assert asked[0] == 3 and sum(asked) == 7 and max(asked[1:]) <= 2    # one slot is taken to the end
    assert values(record) == [f"{i}.0" for i in range(7)]


def test_fewer_than_asked_for_are_taken_and_none_is_the_end(server, tmp_path):
    record = run(server, "fewer", plugin("""
        count = 0
        def search(self, n, results):
            self.count += 1
            return [{"x": float(self.count)}] if self.count <= 4 else []
        """), maxParalleJobNum=3)
    assert record["state"] == "FINISHED" and values(record) == ["1.0", "2.0", "3.0", "4.0"]


def test_nothing_at_all_is_a_search_without_experiments(server):
    record = run(server, "none", plugin("def search(self, n, results): return []"))
    assert record["state"] == "FAILED" and record["message"] == "no experiment was run"


def test_prints_and_log_lines_land_in_its_log(server):
    record = run(server, "prints", plugin("""
        def search(self, n, results):
            print("printed")
            os.system("echo from a child")
            os.write(1, b"from below\\n")
            logger.debug("not this"), logger.info("info %d", 1), logger.error("error")
            return [{"x": 1.0}]
        """), maxJobNum=1)
    text = log(server, record["hpoName"])
    assert record["state"] == "FINISHED"
    for words in ("printed", "from a child", "from below", "INFO info 1", "ERROR error"):
        assert words in text
    assert "not this" not in text


def test_the_log_level_is_the_one_of_the_installation(server):
    installed(server, "quiet", plugin("""
        def search(self, n, results):
            logger.warning("a warning"), logger.error("an error")
            return [{"x": 1.0}]
        """), logLevel="error")
    record = server.wait_search(start(server, "quiet", maxJobNum=1))
    assert "an error" in log(server, record["hpoName"]) and "a warning" not in log(server, record["hpoName"])


def test_it_may_bring_modules_and_finds_its_own_folder_and_a_place_to_write(server):
    files = plugin("""
        def search(self, n, results):
            import helper
            with open("notes", "a") as f:
                f.write(open(os.path.join(os.path.dirname(__file__), "data.txt")).read())
            return [{"x": helper.VALUE}]
        """)
    record = run(server, "modules", {**files, "helper.py": "VALUE = 0.25", "data.txt": "42"}, maxJobNum=1)
    assert values(record) == ["0.25"]
    assert (folder(server, record["hpoName"]) / "work/notes").read_text() == "42"


def test_a_conda_environment_runs_it(server, tmp_path):
    home = tmp_path / "conda"
    (home / "envs/mine/bin").mkdir(parents=True)
    (home / "envs/mine/bin/python").write_text('#!/bin/sh\nexport IN_ENV=yes\nexec /usr/bin/python3 "$@"\n')
    (home / "envs/mine/bin/python").chmod(0o755)
    installed(server, "conda", plugin("""
        def search(self, n, results):
            print(os.environ["IN_ENV"], os.environ["HPO_PLUGIN_CONDA_HOME"], os.environ["HPO_PLUGIN_CONDA_ENV"])
            return [{"x": 1.0}]
        """), condaHome=str(home), condaEnv="mine")
    record = server.wait_search(start(server, "conda", maxJobNum=1))
    assert record["state"] == "FINISHED" and f"yes {home} mine" in log(server, record["hpoName"])


def test_a_missing_environment_fails_the_search_with_a_sentence(server):
    installed(server, "no-env", plugin("def search(self, n, results): return []"), condaHome="/opt/conda", condaEnv="gone")
    record = server.wait_search(start(server, "no-env"))
    assert record["state"] == "FAILED" and "environment gone is not in /opt/conda/envs" in record["message"]


def test_remote_execution_is_kept_and_runs_the_same_way(server):
    installed(server, "remote", plugin("def search(self, n, results): return [{'x': 1.0}]"), remoteExec="true")
    assert server.get("/hypersearch/algorithm/remote").json()["remoteExec"] is True
    assert server.wait_search(start(server, "remote", maxJobNum=1))["state"] == "FINISHED"


def test_a_search_without_files_can_have_one(server):
    installed(server, "bare", plugin("def search(self, n, results): return [{'x': 1.0}]"))
    args = "--exec-start tensorflow --user-cmd -- /bin/sh -c 'echo [{\\\"loss\\\":1}] > $RESULT_DIR/val_dict_list.json'"
    data = {"modelSpec": {"args": args}, "hyperParams": X,
            "algoDef": {"algorithm": "bare", "objectiveMetric": "loss", "maxJobNum": 2}}
    reply = server.post("/hypersearch", files={"none": (None, "")}, data={"data": json.dumps(data)})
    assert reply.status_code == 200, reply.text
    assert server.wait_search(reply.json()["uid"])["state"] == "FINISHED"


def test_a_step_with_too_many_values_is_refused(server):
    installed(server, "long-list", plugin("def search(self, n, results): return []"))
    space = [{"name": "x", "type": "Range", "dataType": "INT", "minIntVal": 0, "maxIntVal": 1000000, "step": 1}]
    data = {"modelSpec": {"args": "--exec-start tensorflow --model-main main.py"}, "hyperParams": space,
            "algoDef": {"algorithm": "long-list", "objectiveMetric": "loss"}}
    reply = server.post("/hypersearch", files={"file": ("main.py", TRIAL)}, data={"data": json.dumps(data)})
    assert reply.status_code == 400 and "1000001 values" in reply.text


# --- whose rights it has ---

@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it as somebody else")
def test_it_runs_as_the_user_of_the_group():
    if any(path.stat().st_mode & 0o001 == 0 for path in (ROOT, *ROOT.parents)):
        pytest.skip("others may not enter the source tree")
    place = Path(tempfile.mkdtemp(prefix="trainyard-rights-"))     # pytest's own folders are closed to others
    place.chmod(0o711)
    try:
        server = Server(place, "group.default.user = nobody\n")
        server.data.chmod(0o711)        # as the server makes it
        with server:
            check_rights(server)
    finally:
        shutil.rmtree(place)


def check_rights(server):
    record = run(server, "rights", plugin("""
        def search(self, n, results):
            open("mine", "w").close()
            for path in sys.argv[1], __file__, os.path.join(self.kwargs["data"], "trainyard.db"):
                print(path, os.access(path, os.R_OK), os.access(path, os.W_OK))
            print("runs as", os.getuid(), os.getgroups())
            return [{"x": 1.0}]
        """), params={"data": str(server.data)}, maxJobNum=1)
    text, nobody = log(server, record["hpoName"]), pwd.getpwnam("nobody")
    assert record["state"] == "FINISHED", (record["message"], text)
    assert f"runs as {nobody.pw_uid} [{nobody.pw_gid}]" in text
    assert f"{server.data}/trainyard.db False False" in text and "rights True False" in text and "optimizer.py True False" in text
    assert (folder(server, record["hpoName"]) / "work/mine").stat().st_uid == nobody.pw_uid


# --- what goes wrong ---

@pytest.mark.parametrize("methods, words", [
    ("def search(self, n, results): raise ValueError('no more ideas')", "search() raised ValueError: no more ideas"),
    ("def search(self, n, results): sys.exit(4)", "search() called sys.exit(4)"),
    ("def search(self, n, results): os._exit(3)", "it ended with exit code 3"),
    ("def search(self, n, results): os.kill(os.getpid(), 9)", "it was ended by signal 9"),
    ("def search(self, n, results): return None", "search() returned NoneType, not a list"),
    ("def search(self, n, results): return [1]", "search() returned a list with int"),
    ("def search(self, n, results): return [{'x': 1.0}] * 2", "it gave 2 suggestions, and was asked for 1"),
    ("def search(self, n, results): return [{'x': 1.0, 'y': 2}]", 'its suggestion 1 sets "y", which is not one of'),
    ("def search(self, n, results): return [{}]", 'its suggestion 1 has no value for "x"'),
    ("def search(self, n, results): return [{'x': 'much'}]", 'gives "x" the value "much", which is not a finite number'),
    ("def search(self, n, results): return [{'x': float('nan')}]", "which is not a finite number"),
    ("def search(self, n, results): return [{'x': None}]", 'gives "x" the value null'),
    ("def search(self, n): return []", "search() raised TypeError"),
    ("def __init__(self, *args, **kwargs): raise OSError('not today')", "PluginOptimizer() raised OSError: not today"),
    ("pass", "PluginOptimizer has no method search"),
    ("def get_state(self): 1 / 0\ndef search(self, n, results): return []", "get_state() raised ZeroDivisionError"),
    ("def get_state(self): return lambda: 0\ndef search(self, n, results): return []", "pickling what get_state() returned"),
    ("def search(self, n, results): os.closerange(3, 100); return []", "it ended with exit code 1"),
], ids=range(18))
def test_a_plugin_that_fails_fails_the_search_with_a_sentence(server, request, methods, words):
    name = f"fails-{request.node.callspec.id}"
    record = run(server, name, plugin(methods))
    assert record["state"] == "FAILED" and words in record["message"], record
    assert record["message"].startswith(f'the algorithm "{name}" failed: ')


@pytest.mark.parametrize("files, words", [
    ({"optimizer.py": "import nothing_of_this_name"}, "optimizer.py raised ModuleNotFoundError: No module named 'nothing_of_"),
    ({"optimizer.py": "def broken(:"}, "optimizer.py raised SyntaxError"),
    ({"optimizer.py": "x = 1"}, "optimizer.py has no class PluginOptimizer"),
    ({"optimizer": ("#!/bin/sh\necho nonsense; cat >&2", 0o755)}, "its answer is not a JSON object"),
    ({"optimizer": ("#!/bin/sh\necho '[1]'; cat >&2", 0o755)}, "its answer is not a JSON object"),
    ({"optimizer": ("#!/bin/sh\necho '{}'; cat >&2", 0o755)}, "its answer has no list `suggestions`"),
    ({"optimizer": ("#!/bin/sh\necho '{\"error\":\"out of\\tideas\"}'; cat >&2", 0o755)}, "failed: out of ideas"),
    ({"optimizer": ("#!/bin/sh\nyes", 0o755)}, "it wrote a line that nobody asked for"),
    ({"optimizer": ("#!/bin/sh\nyes | tr -d '\\n'", 0o755)}, "it wrote a line of more than 16 MiB"),
    ({"optimizer": ("#!/bin/sh\nexit 0", 0o755)}, "it ended with exit code 0"),
    ({"optimizer": ("#!/no/such/interpreter\n", 0o755)}, "cannot start"),
    ({"optimizer": ("#!/bin/sh\nexec >&-; cat >&2", 0o755)}, "it closed its standard output"),
], ids=range(12))
def test_nonsense_fails_the_search_with_a_sentence(server, request, files, words):
    record = run(server, f"nonsense-{request.node.callspec.id}", files)
    assert record["state"] == "FAILED" and words in record["message"], record


def test_the_traceback_is_in_the_log(server):
    record = run(server, "traces", plugin("def search(self, n, results): raise ValueError('here')"))
    until(server, lambda: "ValueError: here" in log(server, record["hpoName"]), "its log is not whole")
    assert "Traceback (most recent call last)" in log(server, record["hpoName"])


def test_experiments_that_run_end_before_the_search_fails(server, gate):
    script = TRIAL + "\nif config['x'] == 0: open(%r, 'w').write('.'); open(%r).readline()\n" % tuple(map(str, gate.paths))
    installed(server, "late", plugin("""
        def search(self, n, results):
            if results: raise ValueError("after the first")
            return [{"x": float(i)} for i in range(n)]
        """))
    name = start(server, "late", script=script, maxParalleJobNum=2)
    gate.wait()
    wait_complete(server, name, 1)
    gate.open()
    record = server.wait_search(name)
    assert record["state"] == "FAILED" and "after the first" in record["message"]
    assert [e["state"] for e in record["experiments"]] == ["FINISHED", "FINISHED"] and record["best"]["id"] == 0


def test_a_plugin_that_thinks_too_long_is_killed(make_server):
    server = make_server("search.plugin_limit = 1\n")
    record = run(server, "thinker", plugin("""
        def search(self, n, results):
            import signal
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True: signal.pause()
        """))
    assert record["state"] == "FAILED" and "took longer than 1 s for one answer" in record["message"]
    until(server, lambda: not plugin_processes(server, record["hpoName"]), "it lives on")


def test_a_plugin_that_does_not_listen_is_killed(make_server):
    server = make_server("search.plugin_limit = 1\n")
    record = run(server, "deaf", {"optimizer": ("#!/bin/sh\nexec 0<&-; exec sleep 600", 0o755)})
    assert record["state"] == "FAILED" and "took longer than 1 s" in record["message"]


def test_its_log_is_bounded(make_server):
    server = make_server("search.plugin_log_max = 1\n")
    record = run(server, "chatty", plugin("""
        def search(self, n, results):
            for i in range(40000): print("line", i, "x" * 100)
            print("the last line", flush=True)
            return [{"x": 1.0}]
        """), maxJobNum=1)
    home = folder(server, record["hpoName"])
    until(server, lambda: not plugin_processes(server, record["hpoName"]), "it lives on")
    assert record["state"] == "FINISHED"
    assert (home / "plugin.log").read_text().endswith("the last line\n")
    assert (home / "plugin.log").stat().st_size + (home / "plugin.log.old").stat().st_size <= 1 << 20


def test_while_it_floods_the_server_answers(server, gate):
    installed(server, "flood", plugin("""
        def search(self, n, results):
            open(self.kwargs["ready"], "w").write("ready\\n")
            while True: os.write(1, b"x" * 65536)
        """))
    name = start(server, "flood", params=gates(gate))
    gate.wait()
    for _ in range(20):
        assert server.get("/status").status_code == 200
    server.put(f"/hypersearch/{name}")
    assert server.wait_search(name)["state"] == "STOPPED"
    until(server, lambda: not plugin_processes(server, name), "it lives on")


# --- its life ---

def test_it_ends_with_its_search_and_so_does_what_it_started(server):
    record = run(server, "forks", plugin("""
        def search(self, n, results):
            import signal
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                    while True: signal.pause()
                os._exit(0)
            os.wait()
            return [{"x": 1.0}]
        """), maxJobNum=2)
    assert record["state"] == "FINISHED"
    until(server, lambda: not plugin_processes(server, record["hpoName"]), "it lives on")


@pytest.mark.parametrize("how", ["", "/force"])
def test_a_stop_does_not_wait_for_it(server, gate, how):
    name = "waits" + how.strip("/")
    installed(server, name, plugin(COUNTER))
    search = start(server, name, params=gates(gate))
    gate.wait()
    assert plugin_processes(server, search)
    assert server.put(f"/hypersearch/{search}{how}").status_code == 200
    assert server.wait_search(search)["state"] == "STOPPED"
    until(server, lambda: not plugin_processes(server, search), "it lives on")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_it_does_not_outlive_the_server(make_server, gate, end):
    server = make_server()
    installed(server, "leashed", plugin("""
        def search(self, n, results):
            import subprocess
            subprocess.Popen(["sleep", "600"], start_new_session=True)
            open(self.kwargs["ready"], "w").write("ready\\n")
            open(self.kwargs["go"]).readline()
            return [{"x": 1.0}]
        """))
    search = start(server, "leashed", params=gates(gate), maxJobNum=1)
    gate.wait()
    until(server, lambda: len(plugin_processes(server, search)) == 2, "its child has not begun")
    pids = plugin_processes(server, search)
    getattr(server, end)()
    for pid in pids:
        wait_end(pid)
    server.start()
    gate.wait()
    gate.open()
    assert server.wait_search(search)["state"] == "FINISHED"


def test_what_a_killed_shepherd_leaves_behind_is_killed(server, gate):
    installed(server, "orphan", plugin("""
        def search(self, n, results):
            import subprocess
            subprocess.Popen(["sleep", "600"], start_new_session=True)
            open(self.kwargs["ready"], "w").write("ready\\n")
            open(self.kwargs["go"]).readline()
        """))
    search = start(server, "orphan", params=gates(gate))
    gate.wait()
    until(server, lambda: len(plugin_processes(server, search)) == 2, "its child has not begun")
    pids = plugin_processes(server, search)
    lock = (folder(server, search) / "lock").read_text()
    os.kill(int(lock.split("shepherd ")[1].split()[0]), 9)
    record = server.wait_search(search)
    assert record["state"] == "FAILED" and "its shepherd was killed" in record["message"]
    for pid in pids:
        wait_end(pid)


def test_deleting_a_search_takes_the_plugins_files_along(server):
    record = run(server, "tidy", plugin("def search(self, n, results): return [{'x': 1.0}]"), maxJobNum=1)
    home = folder(server, record["hpoName"])
    assert (home / "plugin.log").exists() and (home / "work").is_dir()
    assert server.delete(f"/hypersearch/{record['hpoName']}").status_code == 200
    assert not home.exists()
    assert query(server, "SELECT count(*) FROM suggestion WHERE search = ?", record["hpoName"]) == [(0,)]
    assert query(server, "SELECT count(*) FROM plugin_call WHERE search = ?", record["hpoName"]) == [(0,)]


def test_what_a_search_tells_outlives_its_algorithm(server):
    record = run(server, "forgotten", SAMPLES / "random", params={"random_seed": "1"}, maxJobNum=6)
    name = record["hpoName"]
    assert server.delete("/hypersearch/algorithm/forgotten").status_code == 204
    assert server.get(f"/hypersearch/{name}").json() == record
    assert len(server.get(f"/hypersearch/{name}/curve").json()["points"]) >= 1
    assert server.get(f"/hypersearch/{name}/importance").status_code == 200
    later = server.search(TRIAL, {"algorithm": "Tpe", "algoParams": [{"name": "WarmStart", "value": name}]}, X)
    assert server.wait_search(later)["prior"] == {"told": 6, "skipped": 0}


# --- over restarts ---

def interrupted(server, search, ends, at):
    """Ends the server each time so many experiments have ended, and starts it again; returns the record at the end."""
    for end, n in zip(ends, at):
        wait_complete(server, search, n)
        getattr(server, end)()
        server.start()
    return server.wait_search(search)


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["random", "gridsearch"])
def test_a_restart_in_the_middle_changes_nothing(make_server, sample):
    server = make_server()
    installed(server, "sample", SAMPLES / sample)
    params = {"random_seed": "7"} if sample == "random" else {}
    undisturbed = server.wait_search(start(server, "sample", space=GRID_SPACE, params=params, maxJobNum=10))
    record = interrupted(server, start(server, "sample", space=GRID_SPACE, params=params, maxJobNum=10),
                         ["kill", "stop", "kill", "kill"], [1, 3, 4, 7])
    assert record["state"] == "FINISHED"
    assert [values(record, name) for name in "xns"] == [values(undisturbed, name) for name in "xns"]


@pytest.mark.slow
@pytest.mark.parametrize("methods", [WITH_STATE, COUNTER], ids=["state", "replay"])
@pytest.mark.parametrize("parallel", [1, 3])
def test_kills_lose_no_suggestion_and_tell_nothing_twice(make_server, methods, parallel):
    server = make_server()
    installed(server, "counter", plugin(methods))
    search = start(server, "counter", script=TRIAL + "\nif config['x'] % 5 == 3: raise SystemExit(1)\n",
                   maxJobNum=16, maxParalleJobNum=parallel)
    record = interrupted(server, search, ["kill"] * 6, [1, 2, 5, 7, 10, 13])
    assert record["state"] == "FINISHED"
    assert sorted(map(float, values(record))) == list(range(16))
    # What the last life of the plugin was told in all, from its state or from repeated calls:
    told = eval([line for line in log(server, search).splitlines() if " told " in line][-1].split("told ", 1)[1].rsplit(" in all")[0])
    ended = {e["id"]: (e["state"], e["metricVal"]) for e in record["experiments"]}
    assert len({i for i, _, _ in told}) == len(told) >= 16 - 2 * parallel
    assert all(ended[i] == (state, score) for i, state, score in told)


def test_a_state_of_megabytes_is_kept(make_server):
    server = make_server()
    installed(server, "big", plugin("""
        state = b""
        def search(self, n, results):
            if self.state: assert len(self.state) == 4000000 and self.state[-1] == 7
            self.state = bytes(range(8)) * 500000
            return [{"x": 1.0}]
        def get_state(self): return self.state
        def set_state(self, state): self.state = state
        """))
    record = interrupted(server, start(server, "big", maxJobNum=4), ["kill", "stop"], [1, 3])
    assert record["state"] == "FINISHED", record["message"]


def test_a_call_that_was_not_answered_is_made_again(make_server, gate, tmp_path):
    """Killed while it thinks: the same outcomes are told again to what does not know them."""
    server = make_server()
    installed(server, "again", plugin(WITH_STATE))
    out = tmp_path / "out"
    search = start(server, "again", params={"out": str(out), "gate_from": "2", **gates(gate)}, maxJobNum=4)
    for end in ("kill", "stop"):
        gate.wait()
        getattr(server, end)()
        server.start()
    for _ in range(2):
        gate.wait()
        gate.open()
    record = server.wait_search(search)
    assert values(record) == ["0.0", "1.0", "2.0", "3.0"]
    made = [(n, [r["id"] for r in results]) for n, results in calls(out)]
    assert made == [(1, []), (1, [0]), (1, [1]), (1, [1]), (1, [1]), (1, [2])]


def test_suggestions_that_were_never_run_are_run_by_the_next_server(make_server, gate):
    """Four are suggested at once, and only as many as there are slots become experiments before the kill."""
    server = make_server("group.default.slots = 1\ngroup.default.gpus = none\n")
    installed(server, "batch", plugin("""
        def search(self, n, results):
            assert n == 4 and not results, "it is asked once"
            return [{"x": float(i)} for i in range(4)]
        def get_state(self): return "asked"
        """))
    script = TRIAL + "\nopen(%r, 'w').write('.'); open(%r).readline()\n" % tuple(map(str, gate.paths))
    search = start(server, "batch", script=script, maxJobNum=4, maxParalleJobNum=4)
    gate.wait()
    server.kill()
    query(server, "DELETE FROM exec WHERE search = ? AND id IN (SELECT exec FROM experiment WHERE id > 1)", search, write=True)
    query(server, "DELETE FROM experiment WHERE search = ? AND id > 1", search, write=True)     # as if killed before
    server.start()
    for i in range(4):
        gate.open()
        if i < 3:
            gate.wait()
    record = server.wait_search(search)
    assert record["state"] == "FINISHED" and values(record) == ["0.0", "1.0", "2.0", "3.0"]


def test_a_stopped_search_goes_on_where_it_was(server, gate):
    script = TRIAL + "\nif config['x'] == 2: open(%r, 'w').write('.'); open(%r).readline()\n" % tuple(map(str, gate.paths))
    installed(server, "stopped", plugin(WITH_STATE))
    search = start(server, "stopped", script=script, maxJobNum=4)
    gate.wait()
    server.put(f"/hypersearch/{search}")
    assert server.wait_search(search)["state"] == "STOPPED"
    assert server.put(f"/hypersearch/{search}/restart").status_code == 200
    gate.wait()
    gate.open()
    record = server.wait_search(search)
    assert record["state"] == "FINISHED" and values(record) == ["0.0", "1.0", "2.0", "3.0"]


# --- any executable ---

def test_the_python_example_learns(server):
    record = run(server, "example-python", EXAMPLES / "python", params={"random_seed": "1"}, maxJobNum=12, maxParalleJobNum=2)
    assert record["state"] == "FINISHED" and float(record["best"]["metricVal"]) < 0.3
    assert "is the best so far" in log(server, record["hpoName"])


def test_the_shell_example_goes_through_a_list(make_server):
    server = make_server()
    installed(server, "example-shell", EXAMPLES / "shell")
    space = [{"name": "x", "type": "Discrete", "dataType": "INT", "discreteIntVal": [8, 16, 32, 64, 128]}]
    record = interrupted(server, start(server, "example-shell", space=space, maxParalleJobNum=2), ["kill", "stop"], [1, 3])
    assert record["state"] == "FINISHED" and values(record) == ["8", "16", "32", "64", "128"]
    assert "asked for 2" in log(server, record["hpoName"])


@pytest.fixture
def c_example(tmp_path):
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    subprocess.run(["cc", "-Wall", "-Werror", "-O2", "-o", tmp_path / "optimizer", EXAMPLES / "c/optimizer.c"], check=True)
    return tar({"optimizer": ((tmp_path / "optimizer").read_bytes(), 0o755)})


@pytest.mark.parametrize("other", [
    {"type": "Range", "dataType": "INT", "minIntVal": 1, "maxIntVal": 9}, {"type": "Discrete", "dataType": "DOUBLE", "discreteDbVal": [1, 2]},
    {"type": "Range", "dataType": "DOUBLE", "minDbVal": 0, "maxDbVal": 1, "step": 0.5},
], ids=["int", "list", "step"])
def test_the_c_example_says_what_it_cannot_search(server, c_example, request, other):
    name = f"c-{request.node.callspec.id}"
    record = run(server, name, c_example, space=[{"name": "n", **other}, *X])
    assert record["state"] == "FAILED" and "it can search ranges of double only" in record["message"]


def test_the_c_example_draws_the_same_after_a_kill(make_server, c_example):
    server = make_server()
    installed(server, "example-c", c_example)
    space = [*X, {"name": "y", "type": "Range", "dataType": "DOUBLE", "minDbVal": -1, "maxDbVal": 1}]
    undisturbed = server.wait_search(start(server, "example-c", space=space, maxJobNum=7))
    record = interrupted(server, start(server, "example-c", space=space, maxJobNum=7), ["kill"], [3])
    for name in "xy":
        assert values(record, name) == values(undisturbed, name) and len(set(values(record, name))) == 7
