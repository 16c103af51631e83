# SPDX-License-Identifier: Apache-2.0
"""Every instant of a dataset's life at which the server can be killed, made by hand: nothing half-built is ever seen, and
what was acknowledged comes true."""
import io
import json
import os
import shutil
import signal

import pytest
from PIL import Image

from harness import Server
from witness import Gate, builder_of, end_process, gated, query, shepherd_of, until

ONE_SLOT = "group.default.slots = 1\ngroup.default.gpus = none\ntasks.stop_grace = 1\n"
DEAD = 4194304 + 1      # no process can have this number
FINAL = {"FINISHED", "ERROR", "KILLED"}


@pytest.fixture
def server(tmp_path):
    s = Server(tmp_path, ONE_SLOT)
    (s.data / "data/train").mkdir(parents=True)
    for i in range(20):
        (s.data / f"data/train/{i}.bin").write_bytes(bytes(1000))
    yield s
    s.__exit__()


@pytest.fixture
def gate(tmp_path):
    with Gate(tmp_path) as g:
        yield g


def create(server, name="set", **members):
    reply = server.post("/datasets", json={"name": name, "datasourcetype": "OTHER", "dbbackend": "Other", "trainpath": "train",
                                           "copy": True, **members})
    assert reply.status_code == 201, reply.text
    return server.get(f"/datasets/{name}").json()["sparkappid"]


def wait(server, name="set"):
    with server.notices(name) as notices:
        while (record := server.get(f"/datasets/{name}").json())["status"] not in FINAL:
            next(notices)
    return record


def built(server, name="set"):
    """A finished dataset, with the server killed."""
    create(server, name)
    assert wait(server, name)["status"] == "FINISHED"
    server.kill()


def is_whole(server, name="set"):
    return len(list((server.data / "datasets" / name / "train").iterdir())) == 20


def folders(server):
    top = server.data / "datasets"
    return sorted(str(p.relative_to(top)) for p in [*top.iterdir(), *(top / ".new").iterdir()])


def as_if_running(server, target):
    """The end of the build's task is stored, the dataset's is not."""
    query(server, "UPDATE dataset SET status = 'RUNNING', ended_ms = NULL, input = NULL, report = NULL, target = ?", target,
          write=True)


@pytest.mark.parametrize("moved", [False, True], ids=["before the rename", "after the rename"])
def test_an_end_that_was_not_stored_is_found(server, moved):
    server.start()
    built(server)
    as_if_running(server, "here")
    if not moved:
        (server.data / "datasets/set").rename(server.data / "datasets/.new/here")
    server.start()
    record = wait(server)
    assert record["status"] == "FINISHED" and is_whole(server) and record["paths"]["train"].endswith("/datasets/set/train")
    until(server, lambda: folders(server) == [".new", "set"], "a folder was left behind")


def test_a_report_of_failure_that_was_not_stored_is_found(server):
    server.start()
    built(server)
    as_if_running(server, "here")
    target = server.data / "datasets/.new/here"
    (server.data / "datasets/set").rename(target)
    (target / "report.json").write_text(json.dumps({"ok": False, "error": "too many broken images", "splits": []}))
    query(server, "UPDATE exec SET state = 'ERROR', exitCode = 1", write=True)
    server.start()
    record = wait(server)
    assert (record["status"], record["message"]) == ("ERROR", "too many broken images")
    until(server, lambda: folders(server) == [".new"], "what was begun was left behind")


def test_a_build_without_a_whole_report_is_no_dataset(server):
    server.start()
    built(server)
    as_if_running(server, "here")
    (server.data / "datasets/set").rename(server.data / "datasets/.new/here")
    (server.data / "datasets/.new/here/report.json").write_text('{"ok":tr')
    server.start()
    assert wait(server)["status"] == "ERROR"
    until(server, lambda: folders(server) == [".new"], "what was begun was left behind")


def test_a_build_goes_on_while_no_server_is_there(server, gate):
    server.start()
    blocker = gated(server, gate)
    create(server)
    server.kill()
    gate.open()
    server.start()
    server.wait_exec(blocker)
    assert wait(server)["status"] == "FINISHED" and is_whole(server)


def test_a_build_that_was_lost_with_its_machine_is_begun_again(server, gate):
    server.start()
    blocker = gated(server, gate)
    task = create(server)
    server.kill()
    end_process(shepherd_of(server, blocker))
    (server.data / "run" / task / "lock").write_text(f"shepherd {DEAD}\n")
    query(server, "UPDATE exec SET state = 'RUNNING', started_ms = 1 WHERE id = ?", task, write=True)
    [(target,)] = query(server, "SELECT target FROM dataset")
    (server.data / "datasets/.new" / target / "half").write_text("half of it")
    server.start()
    record = wait(server)
    assert record["status"] == "FINISHED" and is_whole(server) and record["sparkappid"] != task
    assert not (server.data / "datasets/set/half").exists()
    assert query(server, "SELECT n_tries FROM dataset") == [(2,)]
    until(server, lambda: folders(server) == [".new", "set"], "the lost build was left behind")


def test_a_build_that_is_lost_again_and_again_is_given_up(server, gate):
    server.start()
    blocker = gated(server, gate)
    task = create(server)
    server.kill()
    end_process(shepherd_of(server, blocker))
    (server.data / "run" / task / "lock").write_text(f"shepherd {DEAD}\n")
    query(server, "UPDATE exec SET state = 'RUNNING', started_ms = 1 WHERE id = ?", task, write=True)
    query(server, "UPDATE dataset SET n_tries = 3", write=True)
    server.start()
    record = wait(server)
    assert record["status"] == "ERROR" and "shepherd was killed" in record["message"]


@pytest.mark.parametrize("there", [True, False], ids=["before the files", "after the files"])
def test_a_delete_that_was_cut_off_is_finished(server, there):
    server.start()
    built(server)
    query(server, "UPDATE dataset SET deleted = 1", write=True)
    if not there:
        shutil.rmtree(server.data / "datasets/set")
    server.start()
    assert server.get("/datasets/set").status_code == 404
    assert query(server, "SELECT count(*) FROM dataset") == [(0,)]
    until(server, lambda: folders(server) == [".new"], "files were left behind")


def test_folders_that_no_dataset_names_are_removed(server):
    server.start()
    built(server)
    for name in [".new/begun", "stranger"]:
        os.makedirs(server.data / "datasets" / name / "train")
    server.start()
    until(server, lambda: folders(server) == [".new", "set"], "strangers were left")
    assert is_whole(server) and (server.data / "data/train/1.bin").exists()


def test_a_builder_that_is_killed_while_it_compares_rows_leaves_nothing(server):
    os.mkfifo(server.data / "data/rows.csv")
    server.start()
    task = create(server, datasourcetype="CSV", dbbackend="CSV", trainpath="rows.csv", copy=False)
    with open(server.data / "data/rows.csv", "w") as rows:
        rows.write("n\n" + "1\n" * 600_000)      # more than are compared in memory
        rows.flush()
        builder = builder_of(server, task)
        server.kill()
        end_process(builder)
    server.start()
    assert wait(server)["status"] == "ERROR"
    until(server, lambda: folders(server) == [".new"], "what was begun was left behind")
    (server.data / "data/rows.csv").unlink()
    (server.data / "data/rows.csv").write_text("n\n1\n")
    assert server.delete("/datasets/set").status_code == 200
    create(server, datasourcetype="CSV", dbbackend="CSV", trainpath="rows.csv", copy=False)
    assert wait(server)["status"] == "FINISHED"
    assert sorted(p.name for p in (server.data / "datasets/set").iterdir()) == ["report.json", "train.csv", "train.csv.index"]


def test_a_server_that_is_killed_in_the_middle_of_a_build_shows_no_half_of_it(server):
    picture = io.BytesIO()
    Image.new("RGB", (300, 200), (1, 2, 3)).save(picture, "JPEG")
    (server.data / "data/many/cat").mkdir(parents=True)
    for i in range(2000):
        (server.data / f"data/many/cat/{i}.jpg").write_bytes(picture.getvalue() + str(i).encode())
    server.start()
    task = create(server, datasourcetype="IMAGEFORCLASSIFICATION", dbbackend="LMDB", trainpath=None,
                  imagedetail={"trainimagepath": "many", "height": 64, "width": 64})
    builder = builder_of(server, task)
    os.kill(builder, signal.SIGSTOP)
    server.kill()
    assert not (server.data / "datasets/set").exists()
    os.kill(builder, signal.SIGCONT)
    server.start()
    record = wait(server)
    assert record["status"] == "FINISHED" and record["sparkappid"] == task and record["trainlabels"] == [["cat", "2000"]]
    until(server, lambda: folders(server) == [".new", "set"], "a folder was left behind")
