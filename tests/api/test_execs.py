# SPDX-License-Identifier: Apache-2.0
"""Tasks: submit, watch, read, stop, delete, and every way to ask wrongly."""
import io
import json
import re
import signal
import time
import zipfile

import pytest

NOOP = "pass\n"
WAITS = "import time, sys\nprint('ready', flush=True)\ntime.sleep(600)\n"
RECORD_ID = re.compile(r"^ann-\d+-\d+$")


def submit(server, args, files=None, user="ann", sig=None, **kw):
    params = {"args": args} if args is not None else {}
    if sig is not None:
        params["sigName"] = sig
    return server.post("/execs", user=user, params=params, files=files, **kw)


def folders(server):
    """What tasks have on disk, by name."""
    run = [p.name for p in (server.data / "run").iterdir()]
    results = [p.name for p in (server.data / "results").glob("*/batchworkdir/*")]
    return sorted(run + results)


@pytest.fixture
def nothing_left(server):
    """The call under test leaves no task, no folder and no upload."""
    before = folders(server), len(server.get("/execs", user="admin").json())
    yield
    assert (folders(server), len(server.get("/execs", user="admin").json())) == before
    uploads = server.data / "uploads"
    assert not uploads.exists() or not list(uploads.iterdir())


def refused(reply, *words, status=400):
    assert reply.status_code == status, reply.text
    assert reply.text.startswith(f"Error {status}: ") and reply.text.endswith("\n"), reply.text
    for word in words:
        assert word in reply.text, reply.text
    assert "failed to" not in reply.text.lower()


# --- the record ---

def test_a_task_runs_and_its_record_says_so(server):
    record = server.submit("print('hello')")
    assert RECORD_ID.match(record["id"])
    assert record["state"] == "SUBMITTED"
    assert record["appId"] == record["id"]
    assert re.match(r"^driver-\d{14}-\d{4}-[0-9a-f-]{36}$", record["submissionId"])
    assert record["creator"] == record["userName"] == "ann"
    assert record["framework"] == "tensorflow"
    assert record["numWorker"] == 1 and record["elastic"] is False
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", record["createTime"])
    assert record["workDir"].endswith(f"/ann/batchworkdir/{record['id']}/_submitted_code")
    assert record["args"] == "--exec-start tensorflow --model-main main.py "
    assert record["sigName"] and record["sigId"] and record["masterURL"] and record["schedulerUrl"]
    assert "events" not in record and "exitCode" not in record

    done = server.wait_exec(record["id"])
    assert done["state"] == "FINISHED" and done["exitCode"] == 0
    assert done["startTime"] <= done["endTime"]
    assert done["createTime"] == record["createTime"]
    assert all(not isinstance(v, (list, dict)) for v in done.values())


def test_either_id_and_a_trailing_slash_find_it(server):
    record = server.submit(NOOP)
    assert server.get(f"/execs/{record['submissionId']}").json()["id"] == record["id"]
    assert server.get(f"/execs/{record['appId']}/").json()["id"] == record["id"]


def test_a_program_that_fails_is_an_error_with_a_reason(server):
    done = server.wait_exec(server.submit("import sys; sys.exit(3)")["id"])
    assert done["state"] == "ERROR" and done["exitCode"] == 3
    assert "exit code 3" in done["events"] and done["failReason"] == done["events"]


def test_a_program_that_is_killed_is_an_error_not_killed(server):
    done = server.wait_exec(server.submit("import os; os.kill(os.getpid(), 9)")["id"])
    assert done["state"] == "ERROR" and done["exitCode"] == 128 + signal.SIGKILL
    assert "signal 9" in done["events"]


def test_states_never_go_back(server):
    order = ["SUBMITTED", "PENDING_CRD_SCHEDULER", "RUNNING", "FINISHED"]
    with server.notices() as notices:
        record = server.submit(NOOP)
        seen = []
        while not seen or seen[-1] != "FINISHED":
            kind, data = next(notices)
            if kind == "exec.state" and data["id"] == record["id"]:
                seen.append(data["state"])
    assert [order.index(s) for s in seen] == sorted({order.index(s) for s in seen})


def test_arguments_reach_the_program(server):
    record = server.submit("import sys; print(sys.argv[1:])", args='--epochs 3 "two words" -- --numWorker 9')
    server.wait_exec(record["id"])
    log = server.get(f"/execs/{record['id']}/log", headers={"Accept": "text/plain"}).text
    assert log.strip() == "['--epochs', '3', 'two words', '--numWorker', '9']"


def test_secrets_are_not_echoed(server):
    record = server.submit(NOOP, args="--password hunter2 --jwt-token abc.def")
    assert "hunter2" not in record["args"] and "abc.def" not in record["args"]


def test_an_ampersand_in_args_is_put_back(server):
    script = "import sys; print(sys.argv[1:])"
    address = server.address("/execs") + "?args=--exec-start tensorflow --model-main main.py a&b=c"
    reply = server.session("ann").post(address, files={"file": ("main.py", script)})
    assert reply.status_code == 200, reply.text
    server.wait_exec(reply.json()["id"])
    log = server.get(f"/execs/{reply.json()['id']}/log").text
    assert log.strip() == "['a&b=c']"


# --- the ways real clients send it ---

def test_the_file_part_may_be_named_anything(server):
    reply = submit(server, "--exec-start tensorflow --model-main train.py", {"train.py": ("train.py", NOOP)})
    assert reply.status_code == 200
    assert server.wait_exec(reply.json()["id"])["state"] == "FINISHED"


def test_the_file_part_may_have_no_filename(server):
    reply = submit(server, "--exec-start tensorflow --model-main train.py", {"file": (None, "print('x')")})
    assert reply.status_code == 200, reply.text
    assert server.wait_exec(reply.json()["id"])["state"] == "FINISHED"


def test_a_windows_path_as_filename_is_shortened(server):
    reply = submit(server, r"--exec-start tensorflow --model-main 'C:\work\train.py'",
                   {"file": (r"C:\work\train.py", NOOP)})
    assert reply.status_code == 200, reply.text
    assert server.wait_exec(reply.json()["id"])["state"] == "FINISHED"


def test_args_and_resources_may_come_in_data(server):
    data = {"args": "--exec-start tensorflow --model-main main.py",
            "hardwareSpec": {"nodes": {"num_nodes": 1, "mem": {"size": "64m"}, "cpu": {"units": "0.25"}}},
            "dataSource": [{"type": "fs", "location": {"paths": "mnist"}}]}
    for text in (json.dumps(data), str(data)):
        reply = submit(server, None, {"file": ("main.py", "import os; print(os.environ['DATA_DIR'])")},
                       data={"data": text})
        assert reply.status_code == 200, reply.text
        server.wait_exec(reply.json()["id"])
        assert server.get(f"/execs/{reply.json()['id']}/log").text.strip().endswith("/mnist")


def test_a_user_command_needs_no_file(server):
    reply = submit(server, "--exec-start tensorflow --user-cmd -- echo from the command")
    assert reply.status_code == 200, reply.text
    assert server.wait_exec(reply.json()["id"])["state"] == "FINISHED"
    assert server.get(f"/execs/{reply.json()['id']}/log").text == "from the command\n"


def test_more_files_lie_beside_the_first(server):
    reply = submit(server, "--exec-start tensorflow --model-main main.py",
                   [("file", ("main.py", "print(open('extra.yaml').read())")), ("file", ("extra.yaml", "a: 1"))])
    assert reply.status_code == 200, reply.text
    server.wait_exec(reply.json()["id"])
    assert server.get(f"/execs/{reply.json()['id']}/log").text.strip() == "a: 1"


def test_an_administrator_may_submit_for_another(server):
    reply = submit(server, "--exec-start tensorflow --model-main main.py --submit-user ann",
                   {"file": ("main.py", NOOP)}, user="admin")
    assert reply.status_code == 200, reply.text
    assert reply.json()["creator"] == "ann"


# --- lists ---

def test_a_list_filters_sorts_and_pages(make_server):
    server = make_server()
    ids = [server.submit(NOOP, args=f"--appName app{i}")["id"] for i in range(4)]
    for exec_id in ids:
        server.wait_exec(exec_id)
    names = [r["id"] for r in server.get("/execs").json()]
    assert names == ids
    assert [r["id"] for r in server.get("/execs/", params={"limit": 2}).json()] == ids[:2]
    assert [r["id"] for r in server.get("/execs", params={"start": 1, "limit": 2}).json()] == ids[1:3]
    assert [r["id"] for r in server.get("/execs", params={"offset": 3}).json()] == ids[3:]
    assert [r["id"] for r in server.get("/execs", params={"after": ids[1]}).json()] == ids[2:]
    assert [r["id"] for r in server.get("/execs", params={"sort_by": "appName:desc"}).json()] == ids[::-1]
    assert [r["id"] for r in server.get("/execs", params={"sort": "-createTime"}).json()] == ids[::-1]
    assert [r["id"] for r in server.get("/execs", params={"search": "APP2"}).json()] == [ids[2]]
    assert server.get("/execs", params={"state": "RUNNING,KILLED"}).json() == []
    assert len(server.get("/execs", params={"state": "finished"}).json()) == 4
    assert server.get("/execs", params={"framework": "PyTorch"}).json() == []


@pytest.mark.parametrize("params, word", [
    ({"limit": "many"}, "limit"), ({"limit": "0"}, "limit"), ({"start": "-1"}, "start"),
    ({"start": "1.5"}, "start"), ({"state": "DONE"}, "DONE"), ({"sort_by": "colour"}, "colour"),
    ({"sort_by": "id:up"}, "up"), ({"after": "nobody-1"}, "nobody-1")])
def test_a_list_asked_for_wrongly_is_refused(server, params, word):
    refused(server.get("/execs", params=params), word)


def test_users_see_their_own_tasks_and_administrators_all(server):
    record = server.submit(NOOP)
    ids = lambda user, **params: [r["id"] for r in server.get("/execs", user=user, params=params).json()]
    assert record["id"] in ids("ann") and record["id"] in ids("admin")
    assert record["id"] not in ids("bob") and ids("bob", creator="ann") == []
    assert record["id"] in ids("admin", creator="ann") and record["id"] not in ids("admin", creator="bob")
    for method, path in [("GET", ""), ("GET", "/log"), ("GET", "/result"), ("POST", "/stop"), ("DELETE", "")]:
        theirs = server.request(method, f"/execs/{record['id']}{path}", user="bob")
        unknown = server.request(method, f"/execs/nobody-1-2{path}", user="bob")
        refused(theirs, f"there is no task {record['id']}")
        refused(unknown, "there is no task nobody-1-2")
    assert server.get(f"/execs/{record['id']}", user="admin").status_code == 200


def test_nobody_without_a_name_sees_anything(server):
    for method, path in [("GET", "/execs"), ("POST", "/execs"), ("DELETE", "/execs"), ("GET", "/execs/x"),
                         ("GET", "/status")]:
        assert server.request(method, path, user="").status_code == 401


# --- bad input ---

def test_unknown_frameworks_are_named(server, nothing_left):
    refused(submit(server, "--exec-start nosuch --model-main main.py", {"file": ("main.py", NOOP)}), "nosuch")


def test_args_must_be_there(server, nothing_left):
    refused(submit(server, None, {"file": ("main.py", NOOP)}), "args")
    refused(submit(server, "   ", {"file": ("main.py", NOOP)}), "args")
    refused(submit(server, "--model-main main.py", {"file": ("main.py", NOOP)}), "--exec-start")


def test_unknown_groups_are_named_with_those_that_exist(server, nothing_left):
    refused(submit(server, "--exec-start tensorflow --model-main main.py", {"file": ("main.py", NOOP)},
                   sig="nosuch"), "nosuch", "default")


@pytest.mark.parametrize("option, word", [
    ("--numWorker two", "--numWorker"), ("--numWorker 0", "numWorker"), ("--numWorker 99999999", "numWorker"),
    ("--workerDeviceType tpu", "--workerDeviceType"), ("--workerMemory lots", "--workerMemory"),
    ("--msd-priority high", "--msd-priority"), ("--msd-priority 0", "--msd-priority"),
    ("--msd-pending-timeout soon", "--msd-pending-timeout"), ("--numPs -1", "--numPs"),
    ("--workerDeviceNum 0", "--workerDeviceNum"), ("--appName", "--appName"),
    ("--cs-datastore-meta type=fs,data_path=../..", "data_path"),
    ("--cs-datastore-meta type=fs,data_path=/etc", "data_path"),
    ("--data-source [", "--data-source"), ("--appName " + "x" * 257, "--appName"),
    ("--submit-user bob", "--submit-user"), ("--pbmodel-name ResNet18", "--pbmodel"),
    ("--pbmodel-name ResNet18 --pbmodel-cmd train", "prebuilt")])
def test_options_that_cannot_be_are_refused_by_name(server, nothing_left, option, word):
    refused(submit(server, f"--exec-start tensorflow --model-main main.py {option}", {"file": ("main.py", NOOP)}),
            word)


def test_what_can_never_fit_is_refused_with_what_there_is(make_server):
    server = make_server("group.default.slots = 2\ngroup.default.memory_mib = 1000\ngroup.default.gpus = none\n")
    for option, word in [("--workerDeviceNum 3 --workerDeviceType cpu", "2"), ("--workerMemory 4G", "1000"),
                         ("--workerDeviceType gpu", "GPU")]:
        refused(submit(server, f"--exec-start tensorflow --model-main main.py {option}",
                       {"file": ("main.py", NOOP)}), word)
    assert folders(server) == []


def test_a_task_without_any_file_is_refused(server, nothing_left):
    refused(submit(server, "--exec-start tensorflow --model-main main.py"), "no file was sent", "file")
    refused(submit(server, "--exec-start tensorflow --model-main main.py", data={"data": "{}"}), "file")


def test_a_main_file_that_is_not_there_is_named(server, nothing_left):
    refused(submit(server, "--exec-start tensorflow --model-main other.py", {"file": ("main.py", NOOP)}),
            "other.py", "main.py")
    refused(submit(server, "--exec-start tensorflow --model-main ../../etc/passwd", {"file": ("main.py", NOOP)}),
            "passwd")


def test_two_files_of_one_name_are_refused(server, nothing_left):
    refused(submit(server, "--exec-start tensorflow --model-main main.py",
                   [("file", ("main.py", NOOP)), ("file", ("main.py", "other"))]), "main.py", "two files")


def test_data_that_is_not_an_object_is_refused(server, nothing_left):
    for data in ("[1]", "{'a': ", "not json", '{"a": "\x00"}'):
        refused(submit(server, "--exec-start tensorflow --model-main main.py", {"file": ("main.py", NOOP)},
                       data={"data": data}), "data")


def test_hardware_of_the_wrong_type_is_refused_by_path(server, nothing_left):
    data = {"hardwareSpec": {"nodes": {"num_nodes": "many"}}}
    refused(submit(server, "--exec-start tensorflow --model-main main.py", {"file": ("main.py", NOOP)},
                   data={"data": json.dumps(data)}), "num_nodes")


def test_names_that_no_file_may_have_are_refused(server, nothing_left):
    body = (b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"..\"\r\n\r\npass\r\n--b--\r\n")
    refused(submit(server, "--exec-start tensorflow --model-main main.py", data=body,
                   headers={"Content-Type": "multipart/form-data; boundary=b"}), "name")


def test_bytes_that_are_no_text_are_refused(server, nothing_left):
    for args in ("--exec-start tensorflow --appName %FF%FE", "--exec-start tensorflow%00 --model-main main.py"):
        reply = server.session("ann").post(server.address("/execs") + "?args=" + args,
                                           files={"file": ("main.py", NOOP)})
        refused(reply)


def test_a_name_of_a_megabyte_is_refused(server, nothing_left):
    big = "x" * (1 << 20)
    data = json.dumps({"args": f"--exec-start tensorflow --appName {big}"})
    refused(submit(server, None, {"file": ("main.py", NOOP)}, data={"data": data}), "data", status=413)
    reply = submit(server, "--exec-start tensorflow --model-main main.py", {"file": ("x" * 300, NOOP)})
    refused(reply, "name")


def test_a_refusal_in_json_names_the_field(server, nothing_left):
    reply = submit(server, "--exec-start tensorflow --model-main main.py --numWorker two",
                   {"file": ("main.py", NOOP)}, headers={"Accept": "application/json"})
    error = reply.json()["error"]
    assert reply.status_code == 400 and error["code"] == "bad_input" and error["field"] == "--numWorker"
    assert error["message"] and error["requestId"]


def test_wrong_methods_say_which_are_right(server):
    reply = server.put("/execs")
    assert reply.status_code == 405 and {"GET", "POST", "DELETE"} <= set(reply.headers["Allow"].split(", "))


# --- logs ---

PRINTS = "import sys\nprint('out 1', flush=True)\nprint('err 1', file=sys.stderr, flush=True)\nprint('out 2')\n"


def test_logs_come_in_every_form(server):
    exec_id = server.submit(PRINTS)["id"]
    server.wait_exec(exec_id)
    text = lambda **params: server.get(f"/execs/{exec_id}/log", params=params).text
    assert text() == "out 1\nout 2\n"
    assert text(logType="outlog") == "out 1\nout 2\n"
    assert text(logType="errlog") == "err 1\n"
    both = text(logType="outerrlog")
    assert sorted(both.splitlines()) == ["err 1", "out 1", "out 2"]
    assert text(lastlines=1) == "out 2\n"
    assert text(lastlines=0) == ""
    assert text(lastlines=50) == "out 1\nout 2\n"
    reply = server.get(f"/execs/{exec_id}/log", params={"offset": 6})
    assert reply.text == "out 2\n" and reply.headers["X-Log-Size"] == "12"
    assert text(offset=12) == "" and text(offset=1000) == ""
    json_form = server.get(f"/execs/{exec_id}/log", headers={"Accept": "application/json"})
    assert json_form.json() == "out 1\nout 2\n"
    for accept in ("text/plain", "application/octet-stream", "*/*"):
        reply = server.get(f"/execs/{exec_id}/log", headers={"Accept": accept})
        assert reply.text == "out 1\nout 2\n"
    refused(server.get(f"/execs/{exec_id}/log", params={"logType": "all"}), "logType")
    refused(server.get(f"/execs/{exec_id}/log", params={"lastlines": "few"}), "lastlines")


def test_a_program_that_only_complains_shows_that(server):
    exec_id = server.submit("import sys\nprint('trouble', file=sys.stderr)")["id"]
    server.wait_exec(exec_id)
    assert server.get(f"/execs/{exec_id}/log").text == "trouble\n"
    assert server.get(f"/execs/{exec_id}/log", params={"logType": "outlog"}).text == ""


def test_half_a_character_in_a_json_log_is_replaced(server):
    exec_id = server.submit("import sys\nsys.stdout.buffer.write(b'ab\\xe2\\x82')")["id"]
    server.wait_exec(exec_id)
    reply = server.get(f"/execs/{exec_id}/log", headers={"Accept": "application/json"})
    assert reply.json().startswith("ab\ufffd")
    assert server.get(f"/execs/{exec_id}/log").content == b"ab\xe2\x82"


# --- results ---

SAVES = """
import os
os.makedirs(os.path.join(os.environ['RESULT_DIR'], 'model'), exist_ok=True)
open(os.path.join(os.environ['RESULT_DIR'], 'model', 'weights.bin'), 'wb').write(b'w' * 1000)
open(os.path.join(os.environ['RESULT_DIR'], 'val_dict_list.json'), 'w').write('[{"steps": 1, "loss": 0.5}]')
"""


def test_a_result_is_a_zip_with_the_header_clients_cut_up(server):
    exec_id = server.submit(SAVES)["id"]
    server.wait_exec(exec_id)
    for accept in ("application/json", "application/octet-stream", "text/plain"):
        reply = server.get(f"/execs/{exec_id}/result", headers={"Accept": accept})
        assert reply.status_code == 200
        disposition = reply.headers["Content-Disposition"]
        assert re.match(rf"^attachment;filename=dlpd-model[^;\" ]*{exec_id}-result\.zip;size=\d+$", disposition)
        assert int(disposition.split("size=")[1]) == len(reply.content) == int(reply.headers["Content-Length"])
        names = zipfile.ZipFile(io.BytesIO(reply.content)).namelist()
        assert "model/weights.bin" in names and "val_dict_list.json" in names
        assert not any(n.startswith("_submitted_code") for n in names)
    reply = server.get(f"/execs/{exec_id}/result", params={"all": "True"})
    assert "_submitted_code/main.py" in zipfile.ZipFile(io.BytesIO(reply.content)).namelist()


# --- stop and delete ---

def running(server, script=WAITS, **kw):
    record = server.submit(script, **kw)
    assert server.wait_exec(record["id"], {"RUNNING"})["state"] == "RUNNING"
    return record["id"]


def test_a_stop_kills_and_is_safe_to_repeat(server):
    exec_id = running(server)
    assert server.post(f"/execs/{exec_id}/stop").status_code == 204
    done = server.wait_exec(exec_id)
    assert done["state"] == "KILLED" and "events" not in done
    again = server.post(f"/execs/{exec_id}/stop")
    assert again.status_code == 204 and again.content == b""
    assert server.get(f"/execs/{exec_id}").json() == done


def test_a_stop_of_a_finished_task_changes_nothing(server):
    exec_id = server.submit(NOOP)["id"]
    done = server.wait_exec(exec_id)
    assert server.post(f"/execs/{exec_id}/stop").status_code == 204
    assert server.get(f"/execs/{exec_id}").json() == done


def test_a_waiting_task_is_stopped_without_ever_running(make_server):
    server = make_server("group.default.slots = 1\n")
    first = running(server)
    second = server.submit(NOOP)["id"]
    assert server.wait_exec(second, {"PENDING_CRD_SCHEDULER"})["state"] == "PENDING_CRD_SCHEDULER"
    assert server.post(f"/execs/{second}/stop").status_code == 204
    done = server.wait_exec(second)
    assert done["state"] == "KILLED" and "startTime" not in done
    server.post(f"/execs/{first}/stop")


def test_priority_decides_who_is_next(make_server):
    server = make_server("group.default.slots = 1\n")
    first = running(server)
    low = server.submit(NOOP, args="--msd-priority 1")["id"]
    high = server.submit(NOOP, args="--msd-priority 9000")["id"]
    with server.notices() as notices:
        server.post(f"/execs/{first}/stop")
        started = []
        while len(started) < 2:
            kind, data = next(notices)
            if kind == "exec.state" and data["state"] == "RUNNING":
                started.append(data["id"])
    assert started == [high, low]


def test_waiting_too_long_ends_with_the_reason(make_server):
    server = make_server("group.default.slots = 1\n")
    running(server)
    late = server.submit(NOOP, args="--msd-pending-timeout 1")["id"]
    done = server.wait_exec(late)
    assert done["state"] == "ERROR" and "--msd-pending-timeout" in done["events"]


def test_delete_removes_the_record_and_its_files(server):
    record = server.submit(SAVES)
    server.wait_exec(record["id"])
    assert server.delete(f"/execs/{record['id']}").status_code == 204
    refused(server.get(f"/execs/{record['id']}"), "there is no task")
    refused(server.delete(f"/execs/{record['id']}"), "there is no task")
    wait_gone(server, record["id"])


def wait_gone(server, exec_id):
    deadline = time.monotonic() + 30
    while exec_id in folders(server):
        assert time.monotonic() < deadline, "the files stay"
        time.sleep(0.02)


def test_deleting_a_running_task_stops_it_first(server):
    exec_id = running(server)
    with server.notices(subject=exec_id) as notices:
        assert server.delete(f"/execs/{exec_id}").status_code == 204
        assert server.get(f"/execs/{exec_id}").status_code == 400
        while next(notices)[0] != "exec.deleted":
            pass
    wait_gone(server, exec_id)


def test_delete_all_is_only_of_the_caller(make_server):
    server = make_server()
    mine = [server.submit(NOOP)["id"] for _ in range(3)] + [running(server)]
    theirs = server.submit(NOOP, user="bob")["id"]
    assert server.delete("/execs").status_code == 204
    assert server.get("/execs").json() == []
    assert [r["id"] for r in server.get("/execs", user="bob").json()] == [theirs]
    for exec_id in mine:
        wait_gone(server, exec_id)


# --- restarts ---

def test_a_running_task_lives_through_a_restart(make_server):
    server = make_server()
    exec_id = running(server, "import sys\nprint('ready', flush=True)\nsys.stdin = open(sys.argv[1])\n"
                              "sys.stdin.read()\nprint('went on')\n", args=str(fifo(make_server, server)))
    server.stop()
    server.start()
    assert server.get(f"/execs/{exec_id}").json()["state"] == "RUNNING"
    (server.folder / "go").write_text("go")
    done = server.wait_exec(exec_id)
    assert done["state"] == "FINISHED"
    assert server.get(f"/execs/{exec_id}/log").text == "ready\nwent on\n"


def fifo(_, server):
    import os
    path = server.folder / "go"
    os.mkfifo(path)
    return path


def test_a_task_that_ended_meanwhile_is_found_ended(make_server):
    server = make_server()
    exec_id = running(server, "import sys\nprint('ready', flush=True)\nopen(sys.argv[1]).read()\n",
                      args=str(fifo(make_server, server)))
    server.kill()
    (server.folder / "go").write_text("go")
    time.sleep(0.3)     # the program ends while nobody looks
    server.start()
    done = server.wait_exec(exec_id)
    assert done["state"] == "FINISHED" and done["exitCode"] == 0


def test_waiting_tasks_are_queued_again(make_server):
    server = make_server("group.default.slots = 1\n")
    first = running(server)
    second = server.submit(NOOP)["id"]
    server.kill()
    server.start()
    assert server.get(f"/execs/{first}").json()["state"] == "RUNNING"
    server.post(f"/execs/{first}/stop")
    assert server.wait_exec(first)["state"] == "KILLED"
    assert server.wait_exec(second)["state"] == "FINISHED"


def test_what_an_interrupted_submission_left_is_removed(make_server):
    server = make_server()
    kept = server.submit(NOOP)["id"]
    server.wait_exec(kept)
    server.stop()
    for leftover in (server.data / "run" / "ann-1-1", server.data / "results/ann/batchworkdir/ann-1-1"):
        leftover.mkdir()
        (leftover / "file").write_text("x")
    server.start()
    wait_gone(server, "ann-1-1")
    assert folders(server) == [kept, kept]


# --- status ---

def test_status_counts(server):
    status = server.get("/status").json()
    assert status["status"] == "ok" and status["version"]
    assert isinstance(status["uptime"], int)
    assert set(status["execs"]) == {"running", "pending"} and set(status["hpo"]) == {"running"}
