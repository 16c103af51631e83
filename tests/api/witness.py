# SPDX-License-Identifier: Apache-2.0
"""What tests of trouble share: seeing everything the server keeps, the processes of a task, and programs that
wait until the test lets them go."""
import contextlib
import os
import select
import signal
import sqlite3
import time
from pathlib import Path

TABLES = ["user", "token", "exec", "event", "metric", "search", "experiment", "algorithm", "plugin_call", "suggestion",
          "dataset"]
KEPT = ["run", "results", "uploads", "searches", "datasets"]        # folders below the data directory
PATIENCE_S = 60

# Prints, says "ready" to the test, waits for its word, prints a lot and ends with the code it was given.
GATED = """
import sys
ready, gate, code = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("before", flush=True)
open(ready, "w").write("ready\\n")
open(gate).readline()
for i in range(3000): print("line", i, flush=i % 100 == 0)
print("last words", file=sys.stderr)
sys.exit(code)
"""
GATED_OUT = "before\n" + "".join(f"line {i}\n" for i in range(3000))


class Gate:
    """Two fifos between a test and a program: the program says it is ready, the test lets it go on."""

    def __init__(self, folder, name="gate"):
        self.paths = [Path(folder) / f"{name}.ready", Path(folder) / f"{name}.go"]
        for path in self.paths:
            os.mkfifo(path)
            path.chmod(0o666)       # for programs of other users, whatever the umask
        self.ready, self.go = (os.open(path, os.O_RDWR) for path in self.paths)

    def args(self, code=0):
        return f"{self.paths[0]} {self.paths[1]} {code}"

    def wait(self):
        assert select.select([self.ready], [], [], PATIENCE_S)[0], "the program never became ready"
        os.read(self.ready, 100)

    def open(self):
        os.write(self.go, b"go\n")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        os.close(self.ready)
        os.close(self.go)


def gated(server, gate, code=0, script=GATED, **kw):
    """The id of a task that runs and has reached its gate."""
    record = server.submit(script, args=gate.args(code), **kw)
    gate.wait()
    assert server.wait_exec(record["id"], {"RUNNING"})["state"] == "RUNNING"
    return record["id"]


# --- what is kept ---

def query(server, sql, *values, write=False):
    with contextlib.closing(sqlite3.connect(server.data / "trainyard.db", timeout=30)) as db:
        rows = db.execute(sql, values).fetchall()
        if write:
            db.commit()
    return rows


def rows(server):
    return {table: query(server, f"SELECT * FROM {table} ORDER BY 1") for table in TABLES}


def files(server):
    """Every path, but for the folders of users, which stay once they have had a task. What is being removed may be
    there or not."""
    found = set()
    for top in KEPT:
        for folder, folders, names in os.walk(server.data / top):
            for entry in folders + names:
                name = Path(folder, entry).relative_to(server.data)
                if top != "results" or len(name.parts) > 3:
                    found.add(str(name))
    return found


def until(server, check, what):
    """Asks the server, which is a moment each, until check() holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not check():
        assert time.monotonic() < deadline, f"{what}\n{server.log_text()}"
        server.get("/status", user="admin")


@contextlib.contextmanager
def nothing_left(server):
    """What happens inside leaves no row and no file behind. The spool is emptied once a reply is sent."""
    before_rows, before_files = rows(server), files(server)
    yield
    until(server, lambda: files(server) == before_files, "files were left behind")
    after = rows(server)
    for table in TABLES:
        assert after[table] == before_rows[table], f"table {table} changed"


def refused(reply, *words, status=400):
    """A refusal is one line: a sentence that names the thing."""
    assert reply.status_code == status, (reply.status_code, reply.text[:500])
    assert reply.text.startswith(f"Error {status}: ") and reply.text.endswith("\n"), reply.text
    assert reply.text.count("\n") == 1 and "failed to" not in reply.text.lower(), reply.text
    for word in words:
        assert word in reply.text, reply.text


# --- processes ---

def processes(exec_id):
    """Every process whose environment says it belongs to the task, zombies left out."""
    mark = f"TRAINYARD_TASK={exec_id}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def shepherd_of(server, exec_id):
    """A task may be RUNNING for a moment before its shepherd has written down who it is."""
    lock = server.data / "run" / exec_id / "lock"

    def pids():
        lines = lock.read_text().splitlines() if lock.exists() else []
        return [int(line.split()[1]) for line in lines if line.startswith("shepherd ")]

    until(server, pids, "its shepherd has not begun")
    return pids()[-1]


def builder_of(server, exec_id):
    """The process that builds a dataset, once it is more than its shepherd's child."""
    def pids():
        found = []
        for pid in processes(exec_id):
            with contextlib.suppress(OSError):
                found += [pid] if b"trainyard-dataset" in Path(f"/proc/{pid}/cmdline").read_bytes() else []
        return found

    until(server, pids, "its builder has not begun")
    return pids()[0]


def end_process(pid, number=signal.SIGKILL):
    """Signals a process and waits until it is gone (or its parent has it to bury)."""
    fd = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(fd, number)
        assert select.select([fd], [], [], PATIENCE_S)[0], f"process {pid} lives on"
    finally:
        os.close(fd)


def wait_end(pid):
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], PATIENCE_S)[0], f"process {pid} lives on"
    finally:
        os.close(fd)
