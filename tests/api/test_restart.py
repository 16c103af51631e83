# SPDX-License-Identifier: Apache-2.0
"""What outlives the server: its tasks, its queue, its wishes and its tokens, after a clean stop and after a kill."""
import os
import signal

import pytest
import requests

from witness import GATED_OUT, Gate, end_process, files, gated, processes, query, shepherd_of, until, wait_end

NOOP = "pass\n"
ONE_SLOT = "group.default.slots = 1\ngroup.default.gpus = none\n"

# Leaves the usual group of processes behind: a child, and one in a session of its own whose parent is gone.
FAMILY = """
import os, subprocess, sys
subprocess.Popen(["sleep", "600"])
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "601"])
    os._exit(0)
os.wait()
open(sys.argv[1], "w").write("ready\\n")
open(sys.argv[2]).readline()
"""

STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write("ready\\n")
open(sys.argv[2]).readline()
"""

ENDS = {"stopped": lambda server: server.stop(), "killed": lambda server: server.kill()}
both_ends = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())


@pytest.fixture
def gate(tmp_path):
    with Gate(tmp_path) as g:
        yield g


# --- tasks that run ---

@both_ends
@pytest.mark.parametrize("code, state", [(0, "FINISHED"), (7, "ERROR")])
def test_a_task_goes_on_after_a_restart_and_ends_as_it_ends(make_server, gate, end, code, state):
    server = make_server()
    task = gated(server, gate, code)
    pids = set(processes(task))
    end(server)
    assert set(processes(task)) == pids
    server.start()
    assert server.get(f"/execs/{task}").json()["state"] == "RUNNING"
    gate.open()
    done = server.wait_exec(task)
    assert done["state"] == state and done["exitCode"] == code
    assert server.get(f"/execs/{task}/log", params={"logType": "outlog"}).text == GATED_OUT
    assert server.get(f"/execs/{task}/log", params={"logType": "errlog"}).text == "last words\n"
    assert query(server, "SELECT count(*) FROM event WHERE subject = ? AND data LIKE '%RUNNING%'", task) == [(1,)]


@both_ends
@pytest.mark.parametrize("code, state", [(0, "FINISHED"), (7, "ERROR")])
def test_a_task_that_ends_while_nobody_looks_is_found_ended(make_server, gate, end, code, state):
    server = make_server()
    task = gated(server, gate, code)
    shepherd = shepherd_of(server, task)
    end(server)
    gate.open()
    wait_end(shepherd)
    server.start()
    done = server.wait_exec(task)
    assert done["state"] == state and done["exitCode"] == code
    assert server.get(f"/execs/{task}/log", params={"logType": "outlog"}).text == GATED_OUT
    assert processes(task) == []


def test_a_task_outlives_many_restarts(make_server, gate):
    server = make_server()
    task = gated(server, gate)
    for end in [ENDS["killed"], ENDS["stopped"]] * 3:
        end(server)
        server.start()
        assert server.get(f"/execs/{task}").json()["state"] == "RUNNING"
    gate.open()
    assert server.wait_exec(task)["state"] == "FINISHED"


# --- wishes ---

@both_ends
def test_a_stop_that_was_acknowledged_is_carried_out(make_server, gate, end):
    server = make_server("tasks.stop_grace = 1\n")
    task = gated(server, gate, script=STUBBORN)
    assert server.post(f"/execs/{task}/stop").status_code == 204
    end(server)
    server.start()
    assert server.wait_exec(task)["state"] == "KILLED"
    assert processes(task) == []


def test_a_stop_that_was_only_stored_is_carried_out(make_server, gate):
    server = make_server("tasks.stop_grace = 1\n" + ONE_SLOT)
    runs, waits = gated(server, gate, script=STUBBORN), server.submit(NOOP)["id"]
    server.kill()
    query(server, "UPDATE exec SET stop_asked = 1", write=True)    # as if killed between the two
    server.start()
    assert server.wait_exec(runs)["state"] == "KILLED"
    done = server.wait_exec(waits)
    assert done["state"] == "KILLED" and "startTime" not in done
    assert processes(runs) == processes(waits) == []


@both_ends
def test_a_deletion_that_was_acknowledged_is_carried_out(make_server, gate, end):
    server = make_server("tasks.stop_grace = 1\n")
    kept = server.submit(NOOP)["id"]
    server.wait_exec(kept)
    task = gated(server, gate, script=STUBBORN)
    assert server.delete(f"/execs/{task}").status_code == 204
    end(server)
    server.start()
    assert server.get(f"/execs/{task}").status_code == 400
    assert [record["id"] for record in server.get("/execs").json()] == [kept]
    until(server, lambda: not any(task in name for name in files(server)), "its files stay")
    until(server, lambda: query(server, "SELECT 1 FROM exec WHERE id = ?", task) == [], "its row stays")
    assert processes(task) == []


# --- the queue ---

@both_ends
def test_waiting_tasks_keep_their_order(make_server, gate, end):
    server = make_server(ONE_SLOT)
    first = gated(server, gate)
    waiting = {name: server.submit(NOOP, args=f"--msd-priority {priority}")["id"]
               for name, priority in [("a", 100), ("b", 1), ("c", 9000), ("d", 100), ("e", 9000)]}
    for task in waiting.values():
        assert server.wait_exec(task, {"PENDING_CRD_SCHEDULER"})["state"] == "PENDING_CRD_SCHEDULER"
    end(server)
    server.start()
    with server.notices() as notices:
        gate.open()
        started, left = [], set(waiting.values())
        while left:
            kind, data = next(notices)
            if kind == "exec.state" and data["state"] == "RUNNING":
                started.append(data["id"])
            if kind == "exec.state" and data["state"] == "FINISHED":
                left.discard(data["id"])
    names = {task: name for name, task in waiting.items()}
    assert [names[task] for task in started if task != first] == ["c", "e", "a", "d", "b"]


# --- sign-in and events ---

def test_tokens_survive_a_kill_and_revoked_ones_stay_revoked(make_server):
    server = make_server()
    logon = lambda: server.post("/auth/v1/logon").json()["accessToken"]
    bearer = lambda token: {"Authorization": f"Bearer {token}"}
    good, revoked = logon(), logon()
    assert requests.post(server.address("/auth/v1/logoff"), headers=bearer(revoked), timeout=60).status_code == 200
    server.kill()
    server.start()
    get = lambda token: requests.get(server.address("/execs"), headers=bearer(token), timeout=60).status_code
    assert get(good) == 200 and get(revoked) == 401


def event_ids(server, since, n):
    reply = server.get("/events", params={"since": since}, stream=True)
    ids = []
    for line in reply.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("id:"):
            ids.append(int(line[3:]))
        if len(ids) == n and line == "":
            reply.close()
            return ids
    raise AssertionError("the event stream ended")


@both_ends
def test_event_ids_go_on_and_nothing_is_missed(make_server, end):
    server = make_server()
    server.wait_exec(server.submit(NOOP)["id"])
    last = query(server, "SELECT max(id) FROM event")[0][0]
    assert event_ids(server, 0, last) == list(range(1, last + 1))
    end(server)
    server.start()
    server.wait_exec(server.submit(NOOP)["id"])
    newest = query(server, "SELECT max(id) FROM event")[0][0]
    assert newest > last
    assert event_ids(server, last, newest - last) == list(range(last + 1, newest + 1))


# --- processes that are killed ---

def lost(server, task):
    done = server.wait_exec(task)
    assert done["state"] == "ERROR" and "shepherd was killed" in done["events"], done
    assert "nothing of it runs any more" in done["events"]
    assert processes(task) == []
    assert server.wait_exec(server.submit(NOOP)["id"])["state"] == "FINISHED"      # its slots are free again


def test_a_shepherd_killed_takes_its_task_with_it(make_server, gate):
    server = make_server(ONE_SLOT)
    task = gated(server, gate, script=FAMILY)
    assert len(processes(task)) >= 3
    end_process(shepherd_of(server, task))
    lost(server, task)


@both_ends
def test_a_shepherd_killed_while_the_server_is_down_is_found_out(make_server, gate, end):
    server = make_server(ONE_SLOT)
    task = gated(server, gate, script=FAMILY)
    shepherd = shepherd_of(server, task)
    end(server)
    end_process(shepherd)
    server.start()
    lost(server, task)


def test_a_clock_that_was_set_forward_hides_nothing_of_a_task(make_server, gate):
    server = make_server(ONE_SLOT)
    task = gated(server, gate, script=FAMILY)
    os.utime(server.data / "run" / task / "lock", (1, 1))      # long before the machine started, by its clock of today
    end_process(shepherd_of(server, task))
    lost(server, task)


def test_an_adopted_shepherd_that_is_killed_is_found_out(make_server, gate):
    server = make_server(ONE_SLOT)
    task = gated(server, gate, script=FAMILY)
    server.kill()
    server.start()
    end_process(shepherd_of(server, task))
    lost(server, task)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_program_that_is_killed_ends_its_task_by_that_signal(make_server, gate, number):
    server = make_server()
    task = gated(server, gate)
    [program] = [pid for pid in processes(task) if pid != shepherd_of(server, task)]
    end_process(program, number)
    done = server.wait_exec(task)
    assert done["state"] == "ERROR" and done["exitCode"] == 128 + number
    assert f"signal {int(number)}" in done["events"]
    assert server.get(f"/execs/{task}/log", params={"logType": "outlog"}).text == "before\n"
    assert processes(task) == []
