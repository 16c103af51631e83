# SPDX-License-Identifier: Apache-2.0
"""The machine lets the server down: full disks, read-only folders, damaged and missing files. Each ends in a clear
sentence, keeps what was there, and is over as soon as the cause is."""
import contextlib
import errno
import io
import os
import shutil
import sqlite3
import subprocess
import tarfile
from pathlib import Path

import pytest

from harness import BUILD, FINAL_EXEC, Server, template_data
from witness import GATED_OUT, Gate, files, gated, nothing_left, processes, query, refused, shepherd_of, until, wait_end

NOOP = "pass\n"
KIB, MIB = 1 << 10, 1 << 20
ONE_SLOT = "group.default.slots = 1\ngroup.default.gpus = none\n"
COMMAND = {"args": "--exec-start tensorflow --user-cmd -- echo hello"}
SCRIPT = {"args": "--exec-start tensorflow --model-main main.py"}


def mount(*args):
    done = subprocess.run(["mount", *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")


def unmount(path):
    subprocess.run(["umount", "-l", path], check=True)


class Disk:
    """A small disk of our own."""

    def __init__(self, path):
        self.path = path
        self.filler = path / "filler"

    def fill(self, leave=0):
        with open(self.filler, "ab", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 64 * KIB)
            except OSError as e:
                assert e.errno == errno.ENOSPC
            size = f.tell()
        os.truncate(self.filler, max(0, size - leave))

    def free(self):
        self.filler.unlink()


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "small" / "data"
    path.mkdir(parents=True)
    mount("-t", "tmpfs", "-o", "size=48m,mode=0711", "tmpfs", path)
    shutil.copytree(template_data(), path, dirs_exist_ok=True)
    yield Disk(path)
    unmount(path)


@pytest.fixture
def server(disk):
    """Its data is on the small disk, its log is not."""
    with Server(disk.path.parent, ONE_SLOT) as s:
        yield s


@pytest.fixture
def gate(tmp_path):
    with Gate(tmp_path) as g:
        yield g


def works(server):
    """Everything a user does, once."""
    task = server.submit("print('hello')")["id"]
    assert server.wait_exec(task)["state"] == "FINISHED"
    assert server.get(f"/execs/{task}/log").text == "hello\n"
    assert server.get(f"/execs/{task}/result").status_code == 200
    assert server.post("/auth/v1/logon").status_code == 200
    with server.notices(subject=task) as notices:
        assert server.delete(f"/execs/{task}").status_code == 204
        while next(notices)[0] != "exec.deleted":
            pass
    assert not any(task in name for name in files(server))


# --- a full disk ---

def test_an_upload_that_does_not_fit_is_507(server, disk):
    script = {"file": ("main.py", b"#" * MIB)}
    for leave in (0, 100 * KIB, 600 * KIB):
        disk.fill(leave)
        with nothing_left(server):
            refused(server.post("/execs", params=SCRIPT, files=script), "No space left", status=507)
        disk.free()
    works(server)


def test_a_package_that_does_not_fit_once_unpacked_is_507(server, disk):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, size in [("main.py", 5), ("weights.bin", 8 * MIB)]:
            info = tarfile.TarInfo(name)
            info.size = size
            tar.addfile(info, io.BytesIO(b"pass\n" + bytes(size)))
    disk.fill(2 * MIB)
    with nothing_left(server):
        refused(server.post("/execs", params=SCRIPT, files={"file": ("model.tgz", packed.getvalue())}), status=507)
    disk.free()
    works(server)


def test_a_full_database_refuses_changes_and_still_answers(server, disk):
    kept = server.submit("print('hello')")["id"]
    server.wait_exec(kept)
    tokens = server.get("/tokens").json()
    changes = [lambda: server.post("/execs", params=COMMAND),       # needs no file, only a row
               lambda: server.post("/users", user="admin", json={"name": "eve", "password": "long enough"}),
               lambda: server.delete(f"/execs/{kept}"), lambda: server.post("/auth/v1/logon")]
    disk.fill()
    with nothing_left(server):
        for change in changes:
            disk.fill()     # what a refused one gave back
            refused(change(), "no space left", status=507)
        for path in ("/execs", f"/execs/{kept}", f"/execs/{kept}/log", "/status", "/tokens"):
            assert server.get(path).status_code == 200, path
        assert server.get("/tokens").json() == tokens
    disk.free()
    assert server.get(f"/execs/{kept}").json()["state"] == "FINISHED"
    works(server)


def test_a_task_outlives_a_full_disk(server, disk, gate):
    task = gated(server, gate)
    waiting = server.submit(NOOP)["id"]
    server.wait_exec(waiting, {"PENDING_CRD_SCHEDULER"})
    shepherd = shepherd_of(server, task)
    disk.fill()
    refused(server.post(f"/execs/{waiting}/stop"), status=507)
    gate.open()
    wait_end(shepherd)
    until(server, lambda: "exec.move" in server.log_text() and "no space left" in server.log_text(), "nothing was said")
    assert server.get(f"/execs/{task}").json()["state"] == "RUNNING"
    disk.free()
    done = server.wait_exec(task)
    assert done["exitCode"] == 0 and done["state"] in FINAL_EXEC
    log = server.get(f"/execs/{task}/log", params={"logType": "outlog"}).text
    assert log.startswith("before\n") and GATED_OUT.startswith(log.split("\n")[0])
    if log != GATED_OUT:        # the record says that its log has a hole
        assert "bytes of its output were dropped" in done["events"]
    assert done["state"] == "FINISHED"
    then = server.wait_exec(waiting)        # its turn may have come before there was room
    assert then["state"] == "FINISHED" or "No space left" in then["events"], then
    works(server)


def test_many_changes_wait_for_room_and_none_is_lost(server, disk, gate):
    task = gated(server, gate)
    waiting = [server.submit(NOOP)["id"] for _ in range(5)]
    for name in waiting:
        server.wait_exec(name, {"PENDING_CRD_SCHEDULER"})
    disk.fill()
    gate.open()
    until(server, lambda: "no space left" in server.log_text(), "nothing was said")
    disk.free()
    assert server.wait_exec(task)["state"] in ("FINISHED", "ERROR")
    for name in waiting:
        done = server.wait_exec(name)
        assert done["state"] == "FINISHED" or "No space left" in done["events"], done
    works(server)


def fails_to_start(folder, *words, conf=ONE_SLOT, data=None):
    """The server says one sentence and ends with 1."""
    (folder / "dlpd.conf").write_text(conf)
    command = [BUILD / "trainyard", "serve", "--data", data or folder / "data", "--conf", folder / "dlpd.conf",
               "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if line.startswith("trainyard serve: ")]
    assert done.returncode == 1 and done.stdout == "" and len(said) == 1, done
    assert "failed to" not in said[0] and "Sanitizer" not in done.stderr, done.stderr
    for word in words:
        assert word in said[0], said[0]


def test_a_dataset_that_does_not_fit_says_so_and_leaves_nothing(server, disk):
    """Its table would fit; what tells the rows apart does not."""
    (server.data / "data").mkdir(exist_ok=True)
    (server.data / "data/in.csv").write_text("n\n" + "1\n" * 700_000)
    disk.fill(8 * MIB)
    document = {"name": "table", "datasourcetype": "CSV", "dbbackend": "CSV", "trainpath": "in.csv"}
    assert server.post("/datasets", json=document).status_code == 201
    with server.notices("table") as notices:
        while (record := server.get("/datasets/table").json())["status"] not in ("FINISHED", "ERROR"):
            next(notices)
    assert record["status"] == "ERROR"
    assert "what tells duplicates apart" in record["message"] and "No space left on device" in record["message"]
    until(server, lambda: not list((server.data / "datasets/.new").iterdir()), "what was begun was left behind")
    disk.free()
    works(server)


def test_a_full_disk_at_start_is_a_sentence(disk):
    disk.fill()
    fails_to_start(disk.path.parent)
    disk.free()
    with Server(disk.path.parent, ONE_SLOT) as server:
        works(server)


# --- a disk that cannot be written ---

def test_a_read_only_disk_at_start_is_a_sentence(disk):
    with Server(disk.path.parent, ONE_SLOT) as server:
        works(server)
    mount("-o", "remount,ro", disk.path)
    fails_to_start(disk.path.parent, "ead-only")
    mount("-o", "remount,rw", disk.path)
    with Server(disk.path.parent, ONE_SLOT) as server:
        works(server)


@contextlib.contextmanager
def read_only(path):
    mount("--bind", path, path)
    mount("-o", "remount,bind,ro", path)
    yield
    unmount(path)


@pytest.mark.parametrize("name", ["uploads", "results", "run"])
def test_a_folder_that_becomes_read_only_refuses_and_recovers(server, name):
    kept = server.submit("print('hello')")["id"]
    server.wait_exec(kept)
    with read_only(server.data / name), nothing_left(server):
        refused(server.post("/execs", params=SCRIPT, files={"file": ("main.py", NOOP)}), "ead-only", status=503)
        for path in ("/execs", f"/execs/{kept}", f"/execs/{kept}/log", f"/execs/{kept}/result", "/status"):
            assert server.get(path).status_code in (200, 503), path
        assert server.get(f"/execs/{kept}/log").text == "hello\n"
    works(server)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("error, status", [("ENOSPC", 507), ("EIO", 500)])
def test_a_database_that_cannot_be_written_refuses_and_recovers(server, error, status):
    kept = server.submit("print('hello')")["id"]
    server.wait_exec(kept)
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(server.process.pid), "-e", "trace=pwrite64",
                               "-e", f"inject=pwrite64:error={error}"], stderr=subprocess.PIPE, text=True)
    try:
        until(server, lambda: tracer.poll() is not None or traced(server.process.pid), "strace does not come up")
        if tracer.poll() is not None:
            pytest.skip(f"strace cannot trace here: {tracer.stderr.read()}")
        with nothing_left(server):
            refused(server.post("/execs", params=COMMAND), status=status)
            refused(server.delete(f"/execs/{kept}"), status=status)
            assert server.get(f"/execs/{kept}").status_code == 200
            assert server.get("/execs").status_code == 200
    finally:
        tracer.terminate()
        tracer.wait()
        tracer.stderr.close()
    works(server)


def traced(pid):
    return all("TracerPid:\t0\n" not in open(f"/proc/{pid}/task/{thread}/status").read()
               for thread in os.listdir(f"/proc/{pid}/task"))


@pytest.mark.parametrize("data, words", [("file", ["file"]), ("file/below", ["file"]), ("/proc/nowhere", ["/proc/nowhere"])])
def test_a_data_directory_that_cannot_be_is_a_sentence(tmp_path, data, words):
    (tmp_path / "file").write_text("in the way")
    fails_to_start(tmp_path, *words, data=data if data.startswith("/") else tmp_path / data)


@pytest.mark.parametrize("name", ["results", "run", "uploads", "searches", "tls", "trainyard.db"])
def test_something_else_in_the_way_is_named(tmp_path, name):
    shutil.copytree(template_data(), tmp_path / "data")
    place = tmp_path / "data" / name
    if name == "trainyard.db":
        place.unlink()
        place.mkdir()
    else:
        place.write_text("in the way")
    fails_to_start(tmp_path, name)


def test_a_data_directory_in_use_is_a_sentence(tmp_path):
    with Server(tmp_path, ONE_SLOT) as server:
        fails_to_start(tmp_path, "another server", str(tmp_path))
        works(server)


# --- a damaged database ---

@pytest.mark.parametrize("damage", [lambda old: b"no database at all" * 500, lambda old: b"\0" * len(old),
                                    lambda old: old[:16] + os.urandom(84) + old[100:], lambda old: old[:1000],
                                    lambda old: old[:100] + b"\xff" * (len(old) - 100)],
                         ids=["text", "zeros", "header", "cut", "pages"])
def test_a_damaged_database_is_refused_and_left_alone(tmp_path, damage):
    shutil.copytree(template_data(), tmp_path / "data")
    place = tmp_path / "data" / "trainyard.db"
    for beside in ("trainyard.db-wal", "trainyard.db-shm"):
        (tmp_path / "data" / beside).unlink(missing_ok=True)
    damaged = damage(place.read_bytes())
    place.write_bytes(damaged)
    fails_to_start(tmp_path, "trainyard.db", "damaged")
    assert place.read_bytes() == damaged


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    shutil.copytree(template_data(), tmp_path / "data")
    place = tmp_path / "data" / "trainyard.db"
    with contextlib.closing(sqlite3.connect(place)) as db:
        db.execute("PRAGMA user_version = 999")
    fails_to_start(tmp_path, "newer", "999")
    with contextlib.closing(sqlite3.connect(place)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (999,)
        assert len(db.execute("SELECT name FROM user").fetchall()) == 3


# --- damaged and missing files ---

GOOD = "code=0\nsignal=0\nstopped=0\nreason=\nstarted_ms=1\nended_ms=2\n"


@pytest.mark.parametrize("record", [b"", b"code=", GOOD[:-9].encode(), b"\0" * 100, b"\xff" * 64 * KIB, b"x" * MIB,
                                    GOOD.replace("code=0", "code=99999999999999999999").encode(),
                                    GOOD.replace("signal=0", "signal=-1").encode()],
                         ids=["empty", "begun", "cut", "zeros", "long", "huge", "code", "signal"])
def test_an_exit_record_that_makes_no_sense_is_an_error(make_server, gate, record):
    server = make_server(ONE_SLOT)
    task = gated(server, gate)
    shepherd = shepherd_of(server, task)
    server.kill()
    gate.open()
    wait_end(shepherd)
    place = server.data / "run" / task / "exit"
    place.write_bytes(record)
    server.start()
    done = server.wait_exec(task)
    assert done["state"] == "ERROR" and done["events"], done
    assert server.delete(f"/execs/{task}").status_code == 204
    works(server)


def somebody_sits_in(folder):
    """Whether a process has this working directory, removed or not."""
    for place in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if os.readlink(place).startswith(str(folder)):
                return True
        except OSError:
            pass
    return False


def test_a_task_whose_run_folder_is_gone_is_never_run_twice(make_server, gate):
    server = make_server(ONE_SLOT)
    task = gated(server, gate)
    server.kill()
    shutil.rmtree(server.data / "run" / task)
    server.start()
    done = server.wait_exec(task)
    assert done["state"] == "ERROR" and done["events"], done
    until(server, lambda: processes(task) == [], "it runs on")
    until(server, lambda: not somebody_sits_in(server.data / "run" / task), "its shepherd waits for a server that cannot find it")
    assert server.get(f"/execs/{task}/log").status_code == 200
    works(server)


def test_a_run_folder_removed_under_a_running_task_costs_its_log_only(make_server, gate):
    server = make_server(ONE_SLOT)
    task = gated(server, gate)
    shutil.rmtree(server.data / "run" / task)
    gate.open()
    done = server.wait_exec(task)
    assert done["state"] == "FINISHED" and done["exitCode"] == 0
    assert server.get(f"/execs/{task}/log").text == ""
    works(server)


def test_a_result_folder_removed_by_hand_is_a_sentence(make_server):
    server = make_server(ONE_SLOT)
    task = server.submit("print('hello')")["id"]
    server.wait_exec(task)
    shutil.rmtree(server.data / "results" / "ann" / "batchworkdir" / task)
    refused(server.get(f"/execs/{task}/result"), task)
    assert server.get(f"/execs/{task}").json()["state"] == "FINISHED"
    assert server.get(f"/execs/{task}/log").text == "hello\n"
    assert server.get(f"/execs/{task}/metrics").status_code == 200
    with server.notices(subject=task) as notices:
        assert server.delete(f"/execs/{task}").status_code == 204
        while next(notices)[0] != "exec.deleted":
            pass
    works(server)


def test_a_task_whose_code_was_removed_while_it_waited_says_so(make_server, gate):
    server = make_server(ONE_SLOT)
    first = gated(server, gate)
    record = server.submit(NOOP)
    server.wait_exec(record["id"], {"PENDING_CRD_SCHEDULER"})
    shutil.rmtree(record["workDir"])
    gate.open()
    assert server.wait_exec(first)["state"] == "FINISHED"
    done = server.wait_exec(record["id"])
    assert done["state"] == "ERROR" and "_submitted_code" in done["events"], done
    works(server)


def test_a_search_whose_package_was_removed_ends_with_the_reason(make_server, gate):
    server = make_server(ONE_SLOT)
    first = gated(server, gate)
    space = [{"name": "x", "type": "Range", "dataType": "double", "minDbVal": -1, "maxDbVal": 1}]
    name = server.search(NOOP, {}, space)
    for folder in (server.data / "searches").iterdir():
        shutil.rmtree(folder)
    gate.open()
    server.wait_exec(first)
    done = server.wait_search(name)
    assert done["state"] == "FAILED", done
    assert server.delete(f"/hypersearch/{name}").status_code in (200, 204)
    works(server)
