# SPDX-License-Identifier: Apache-2.0
"""Every instant at which a server can be killed, made by hand: what it would have left in the database and on the disk
is put there, and a started server must come to the right end. tests/kill/test_kill.py looks for instants nobody
thought of."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import Server
from witness import Gate, end_process, gated, processes, query, shepherd_of, until

ONE_SLOT = "group.default.slots = 1\ngroup.default.gpus = none\ntasks.stop_grace = 1\n"
ONCE = """
import os, sys
with open(os.environ["RESULT_DIR"] + "/ran", "a") as f: f.write("ran\\n")
"""
TRIAL = ONCE + """
import json
x = json.load(open("config.json"))["x"]
with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as f: json.dump([{"steps": 1, "loss": x * x}], f)
"""
STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write("ready\\n")
open(sys.argv[2]).readline()
sys.exit(5)
"""
SPACE = [{"name": "x", "type": "Range", "dataType": "double", "minDbVal": -1, "maxDbVal": 1}]
RECORD = "code={code}\nsignal={signal}\nstopped={stopped}\nreason={reason}\nstarted_ms=1700000000000\nended_ms=1700000001500\n"
DEAD = 4194304 + 1      # no process can have this number


@pytest.fixture
def server(tmp_path):
    s = Server(tmp_path, ONE_SLOT)
    yield s
    s.__exit__()


@pytest.fixture
def gate(tmp_path):
    with Gate(tmp_path) as g:
        yield g


def run_dir(server, task):
    return server.data / "run" / task


def n_runs(server, task):
    ran = server.data / "results/ann/batchworkdir" / task / "ran"
    return ran.read_text().count("ran") if ran.exists() else 0


def stored(server, gate, n=1):
    """Ids of tasks that are stored and wait for their turn, with a server that was killed and nothing that runs."""
    server.start()
    blocker = gated(server, gate)
    tasks = [server.submit(ONCE)["id"] for _ in range(n)]
    for task in tasks:
        assert server.wait_exec(task, {"PENDING_CRD_SCHEDULER"})["state"] == "PENDING_CRD_SCHEDULER"
    server.kill()
    end_process(shepherd_of(server, blocker))
    return tasks


# --- a task between its row and its end ---

@pytest.mark.parametrize("left", [[], ["launcher.log"], ["gpus", "launcher.log"], ["lock"], ["launcher.log", "lock"]],
                         ids=lambda left: "+".join(left) or "nothing")
def test_a_launch_that_was_cut_off_is_done_once(server, gate, left):
    [task] = stored(server, gate)
    for name in left:
        (run_dir(server, task) / name).write_text("")
    server.start()
    assert server.wait_exec(task)["state"] == "FINISHED"
    assert n_runs(server, task) == 1


def test_a_task_told_to_run_whose_shepherd_never_began_runs_once(server, gate):
    [task] = stored(server, gate)
    (run_dir(server, task) / "lock").write_text("")
    query(server, "UPDATE exec SET state = 'RUNNING', started_ms = 1 WHERE id = ?", task, write=True)
    server.start()
    done = server.wait_exec(task)
    assert done["state"] == "FINISHED" and n_runs(server, task) == 1
    assert done["startTime"] > "2000"


def test_a_task_told_to_run_that_waits_again_can_be_stopped(server, gate):
    first, task = stored(server, gate, 2)
    for name in [first, task]:
        (run_dir(server, name) / "lock").write_text("")
        query(server, "UPDATE exec SET state = 'RUNNING', started_ms = 1 WHERE id = ?", name, write=True)
    query(server, "UPDATE exec SET stop_asked = 1 WHERE id = ?", task, write=True)
    server.start()
    assert server.wait_exec(task)["state"] == "KILLED" and n_runs(server, task) == 0
    assert server.wait_exec(first)["state"] == "FINISHED"


@pytest.mark.parametrize("n_prepared", [1, 2])
def test_what_was_about_to_be_launched_is_not_overtaken(server, gate, n_prepared):
    tasks = stored(server, gate, 4)
    query(server, "UPDATE exec SET state = 'FINISHED' WHERE state = 'RUNNING'", write=True)     # the slot is free
    for task in tasks[:n_prepared]:
        (run_dir(server, task) / "launcher.log").write_text("")
    server.start()
    for task in tasks:
        assert server.wait_exec(task)["state"] == "FINISHED"
    started = query(server, "SELECT subject FROM event WHERE data LIKE '%\"RUNNING\"%' ORDER BY id")
    assert [name for (name,) in started if name in tasks] == tasks


@pytest.mark.parametrize("state", ["PENDING_CRD_SCHEDULER", "RUNNING"])
@pytest.mark.parametrize("record, ends", [
    ({"code": 0}, ("FINISHED", 0)), ({"code": 3}, ("ERROR", 3)), ({"code": -1, "signal": 9}, ("ERROR", 137)),
    ({"code": -1, "signal": 15, "stopped": 1}, ("KILLED", 143))])
def test_an_end_that_was_recorded_but_not_stored_counts(server, gate, state, record, ends):
    [task] = stored(server, gate)
    (run_dir(server, task) / "lock").write_text(f"shepherd {DEAD}\ngroup {DEAD}\n")
    (run_dir(server, task) / "exit").write_text(RECORD.format(**{"signal": 0, "stopped": 0, "reason": "", **record}))
    query(server, "UPDATE exec SET state = ? WHERE id = ?", state, task, write=True)
    server.start()
    done = server.wait_exec(task)
    assert (done["state"], done["exitCode"]) == ends
    assert done["startTime"] == "2023-11-14T22:13:20Z" and done["endTime"] == "2023-11-14T22:13:21Z"
    assert n_runs(server, task) == 0


@pytest.mark.parametrize("left", [{}, {"exit.new": RECORD[:20]}, {"exit": ""}, {"exit": "code=0\nsignal=0\n"}, {"exit": "\0" * 90}])
def test_without_a_whole_exit_record_a_begun_task_is_lost_and_not_run_again(server, gate, left):
    [task] = stored(server, gate)
    (run_dir(server, task) / "lock").write_text(f"shepherd {DEAD}\n")
    for name, text in left.items():
        (run_dir(server, task) / name).write_text(text)
    server.start()
    done = server.wait_exec(task)
    assert done["state"] == "ERROR" and "shepherd was killed" in done["events"]
    assert n_runs(server, task) == 0


@pytest.fixture
def stranger():
    """A process group that is none of ours."""
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("lines", ["machine of-yesterday\nshepherd {dead} 5\ngroup {group} 9000000000000\n",
                                   "machine {boot}\nshepherd {dead} 5\ngroup {group} 5\n"],
                         ids=["before the machine started anew", "before the number was given out again"])
def test_a_number_that_was_a_group_of_a_task_is_left_alone(server, gate, stranger, lines):
    [task] = stored(server, gate)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    (run_dir(server, task) / "lock").write_text(lines.format(dead=DEAD, group=stranger.pid, boot=boot))
    server.start()
    assert server.wait_exec(task)["state"] == "ERROR"
    assert stranger.poll() is None


# --- a shepherd that lives but does not answer ---

@pytest.fixture
def frozen(server, gate):
    """A running task whose shepherd is stopped, found by a new server."""
    server.start()
    task = gated(server, gate, script=STUBBORN)
    shepherd = shepherd_of(server, task)
    os.kill(shepherd, signal.SIGSTOP)
    server.kill()
    server.start()
    yield task, shepherd
    try:
        os.kill(shepherd, signal.SIGCONT)
    except ProcessLookupError:
        pass


def test_a_deaf_shepherd_is_waited_for(server, gate, frozen):
    task, shepherd = frozen
    assert server.get(f"/execs/{task}").json()["state"] == "RUNNING"
    os.kill(shepherd, signal.SIGCONT)
    gate.open()
    assert server.wait_exec(task)["exitCode"] == 5


def test_a_stop_reaches_a_shepherd_that_was_deaf(server, frozen):
    task, shepherd = frozen
    assert server.post(f"/execs/{task}/stop").status_code == 204
    os.kill(shepherd, signal.SIGCONT)
    assert server.wait_exec(task)["state"] == "KILLED"
    assert processes(task) == []


def test_a_deaf_shepherd_that_is_killed_is_noticed(server, frozen):
    task, shepherd = frozen
    end_process(shepherd)
    done = server.wait_exec(task)
    assert done["state"] == "ERROR" and "shepherd was killed" in done["events"]
    assert processes(task) == []


# --- searches ---

def finished(server, n=4):
    """A search that has ended, its server killed."""
    server.start()
    name = server.search(TRIAL, {"maxJobNum": n, "maxParalleJobNum": 1, "randomSeed": 3}, SPACE)
    before = server.wait_search(name)
    assert before["state"] == "FINISHED"
    server.kill()
    return name, before


def reopen(server, name, trial=None, **row):
    """Sets a search, and one of its experiments, back to before their end."""
    query(server, "UPDATE search SET state = 'RUNNING', ended_ms = NULL WHERE name = ?", name, write=True)
    if trial is None:
        return
    query(server, "UPDATE search SET n_running = 1, n_complete = n_complete - 1, best = NULL, best_metric = NULL"
                  " WHERE name = ?", name, write=True)
    query(server, "UPDATE experiment SET state = 'RUNNING', metric = NULL, ended_ms = NULL WHERE search = ? AND id = ?",
          name, trial, write=True)


def same_search(server, name, before):
    after = server.wait_search(name)
    assert after["state"] == "FINISHED", after
    short = lambda record: [(e["id"], e["state"], e["hyperParams"], e["metricVal"]) for e in record["experiments"]]
    assert short(after) == short(before)
    assert query(server, "SELECT n_running, n_complete, n_failed FROM search") == [(0, len(before["experiments"]), 0)]
    for experiment in after["experiments"]:
        assert n_runs(server, experiment["appId"]) == 1
    return after


def test_the_end_of_a_search_that_was_not_stored_is_stored(server):
    name, before = finished(server)
    reopen(server, name)
    server.start()
    after = same_search(server, name, before)
    assert after["best"] == before["best"]


def test_the_end_of_an_experiment_that_was_not_stored_is_stored(server):
    name, before = finished(server)
    reopen(server, name, trial=3)
    server.start()
    after = same_search(server, name, before)
    assert [e["appId"] for e in after["experiments"]] == [e["appId"] for e in before["experiments"]]


def test_a_search_without_its_last_experiments_runs_them_with_the_same_values(server):
    name, before = finished(server)
    reopen(server, name)
    query(server, "UPDATE search SET n_complete = 1 WHERE name = ?", name, write=True)
    query(server, "DELETE FROM experiment WHERE search = ? AND id > 0", name, write=True)
    server.start()
    same_search(server, name, before)


def test_an_experiment_lost_while_nobody_looked_runs_again(server):
    name, before = finished(server)
    reopen(server, name, trial=1)
    lost = before["experiments"][1]["appId"]
    query(server, "UPDATE exec SET state = 'ERROR', exitCode = NULL WHERE id = ?", lost, write=True)
    server.start()
    after = same_search(server, name, before)
    assert after["experiments"][1]["appId"] != lost


@pytest.mark.parametrize("change", ["UPDATE exec SET deleted = 1 WHERE id = ?", "DELETE FROM exec WHERE id = ?"],
                         ids=["marked", "gone"])
def test_a_search_ends_though_the_task_of_an_experiment_was_deleted(server, change):
    name, before = finished(server)
    reopen(server, name, trial=2)
    query(server, change, before["experiments"][2]["appId"], write=True)
    server.start()
    after = server.wait_search(name)
    assert after["state"] == "FINISHED" and [e["id"] for e in after["experiments"]] == [0, 1, 2, 3]
    allowed = {"KILLED"} if "DELETE" in change else {"KILLED", "FAILED", "FINISHED"}    # its files may go first
    assert after["experiments"][2]["state"] in allowed


def test_a_forced_stop_that_was_only_stored_reaches_its_tasks(server, gate):
    server.start()
    name = server.search(STUBBORN, {"maxJobNum": 1, "maxParalleJobNum": 1}, SPACE, args=gate.args())
    gate.wait()
    [[task]] = query(server, "SELECT id FROM exec WHERE search = ?", name)
    server.wait_exec(task, {"RUNNING"})
    server.kill()
    query(server, "UPDATE search SET state = 'STOPPED', ended_ms = 1, wish = 'force', n_running = 0", write=True)
    query(server, "UPDATE experiment SET state = 'KILLED', ended_ms = 1", write=True)
    server.start()
    assert server.wait_exec(task)["state"] == "KILLED"
    assert processes(task) == []
    assert query(server, "SELECT wish FROM search") == [("",)]


def test_a_search_whose_files_are_gone_says_so(server):
    name, _ = finished(server)
    reopen(server, name, trial=1)
    [[package]] = query(server, "SELECT package FROM search")
    (server.data / "searches" / package / "package").rename(server.data / "elsewhere")
    server.start()
    record = server.wait_search(name)
    assert record["state"] == "RECOVERFAILED"


# --- what lies around ---

def test_what_no_row_names_is_removed_and_the_rest_stays(server):
    server.start()
    task = server.submit(ONCE)["id"]
    server.wait_exec(task)
    name = server.search(TRIAL, {"maxJobNum": 1}, SPACE)
    server.wait_search(name)
    server.kill()
    work = server.data / "results/ann/batchworkdir"
    strangers = [work / "ann-1-1/_submitted_code", server.data / "run/ann-1-1", server.data / "searches/1-1/package",
                 work / f"{task}x", server.data / "uploads/part"]
    kept = set(work.iterdir()) | set((server.data / "run").iterdir()) | set((server.data / "searches").iterdir())
    for path in strangers:
        path.mkdir(parents=True)
        (path / "half").write_text("a file")
    server.start()
    until(server, lambda: not any(path.exists() for path in strangers), "strangers stay")
    assert kept == set(work.iterdir()) | set((server.data / "run").iterdir()) | set((server.data / "searches").iterdir())


# --- how long it takes ---

@pytest.mark.slow
def test_a_start_with_many_tasks_takes_less_than_a_second(server):
    """20,000 finished tasks, all in one folder, 100 that wait, and a search of 2,000 experiments."""
    n = 20000
    server.start()
    task = server.submit(ONCE)["id"]
    server.wait_exec(task)
    name = server.search(TRIAL, {"maxJobNum": 1}, SPACE)
    server.wait_search(name)
    server.kill()
    columns = [row[1] for row in query(server, "PRAGMA table_info(exec)") if row[1] not in {"seq", "id", "submissionId"}]
    query(server, f"""
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n})
        INSERT INTO exec (id, submissionId, {", ".join(columns)})
        SELECT 'ann-7-' || i, 'driver-' || i, {", ".join(columns)} FROM n, exec WHERE id = ?""", task, write=True)
    query(server, """
        INSERT INTO event (time_ms, owner, kind, subject, data)
        SELECT e.time_ms, e.owner, e.kind, t.id, e.data FROM exec t, event e WHERE e.subject = ? AND t.id <> ?""",
          task, task, write=True)
    for i in range(1, n + 1):
        (server.data / f"run/ann-7-{i}").mkdir()
        (server.data / f"results/ann/batchworkdir/ann-7-{i}").mkdir()
    query(server, f"""
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        INSERT INTO experiment (search, id, cube, hyperparams, state, metric, exec, started_ms, ended_ms)
        SELECT search, i, cube, hyperparams, state, metric, 'ann-7-' || i, started_ms, ended_ms FROM n, experiment""",
          write=True)
    [[spec]] = query(server, "SELECT spec FROM search")
    spec = json.loads(spec)
    spec["algoDef"]["maxJobNum"] = 2001
    query(server, "UPDATE search SET state = 'RUNNING', ended_ms = NULL, spec = ?, planned = 2001", json.dumps(spec), write=True)
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        server.start()
        seconds.append(time.monotonic() - began)
        server.kill()
    print("seconds to listen:", seconds)
    assert min(seconds) < 1
    server.start()
    assert len(server.wait_search(name)["experiments"]) == 2001
    assert (server.data / "run/ann-7-1").exists()
    server.kill()           # and not delete them one by one
