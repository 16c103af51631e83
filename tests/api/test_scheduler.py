# SPDX-License-Identifier: Apache-2.0
"""/scheduler and /resplans: tasks and instance groups as the scheduler's clients see them."""
import pytest

FIELDS = {
    "sparkinstancegroupid": str, "applicationid": str, "applicationname": str, "type": str, "state": str,
    "uiport": str, "driver": dict, "executors": list, "slots": int, "demandslots": int, "hosts": int,
    "coresused": float, "memused": float, "username": str, "driverexecutionuser": str,
    "executorexecutionuser": str, "timestamp": int, "submittedtime": int, "masterUrl": str, "endtime": int,
    "scheduleName": str, "issharedapp": str, "apprunduration": float, "masterSeqNo": int, "masterService": str,
    "model": str, "dataset": str, "dltype": str, "tunningname": str, "sigName": str, "historyServerUrl": str,
    "task0": dict, "task12n": list,
}


def applications(server, user="ann", **params):
    reply = server.get("/scheduler/applications", user=user, params=params)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.fixture(scope="module")
def done(server):
    """Three finished tasks, the second one named."""
    tasks = [server.submit("print('out')\nimport sys\nprint('bad', file=sys.stderr)", args=args)
             for args in ("", "--appName Special", "")]
    return [server.wait_exec(task["id"]) for task in tasks]


@pytest.fixture
def running(server):
    task = server.submit("import time\nprint('begun', flush=True)\ntime.sleep(600)")
    yield server.wait_exec(task["id"], {"RUNNING"})
    server.delete(f"/execs/{task['id']}")


def test_a_record_has_every_field_with_its_type(server, done):
    record, = applications(server, applicationid=done[0]["id"])
    assert list(record) == list(FIELDS)
    assert {k: type(v) for k, v in record.items()} == FIELDS
    assert record["driver"]["id"] == done[0]["submissionId"]
    assert record["executors"][0]["id"] == "0-" + done[0]["submissionId"][-36:]
    assert record["task12n"] == [{"id": 1, "state": "FINISHED", "ip": "127.0.0.1", "host": record["task0"]["host"]}]
    assert record["endtime"] >= record["timestamp"] >= record["submittedtime"] > 1.6e12
    assert record["slots"] == record["coresused"] == record["demandslots"] == 0


def test_a_running_task_holds_what_it_was_granted(server, running):
    record, = applications(server, applicationid=running["appId"])
    assert record["state"] == "RUNNING" and record["slots"] >= 1 and record["coresused"] >= 1
    assert record["hosts"] == 1 and record["endtime"] == 0 and record["apprunduration"] >= 0
    assert [a["applicationid"] for a in applications(server, state="RUNNING")] == [running["id"]]
    assert applications(server, driverid=running["submissionId"])[0]["applicationid"] == running["id"]


def test_lists_are_filtered_sorted_and_cut(server, done):
    ids = [task["id"] for task in done]

    def of(**params):
        return [a["applicationid"] for a in applications(server, **params) if a["applicationid"] in ids]

    assert of() == of(sort="submittedtime") == ids
    assert of(sort="-submittedtime") == of(sort="submittedtime", order="desc") == ids[::-1]
    assert of(sort="-applicationid") == sorted(ids, reverse=True)
    assert of(applicationname="Special") == of(search="specia") == [ids[1]]
    assert of(applicationname="Special", start=0, length=5) == [ids[1]]
    assert of(state="finished,KILLED") == ids and of(state="KILLED") == []
    assert of(state="NEW,LAUNCHING") == [] and of(state="NEW,FINISHED") == ids
    assert of(sigId=done[0]["sigId"]) == ids and of(sigId="none") == []
    assert of(applicationid="nobody") == []
    assert of(applicationid=ids[0], state="KILLED") == []
    assert len(applications(server, length=2)) == 2 and applications(server, length=0) == []
    assert applications(server, start=1, length=1)[0] == applications(server)[1]


def test_a_start_beyond_the_end_is_416(server, done):
    n = len(applications(server))
    reply = server.get("/scheduler/applications", params={"start": n})
    assert reply.status_code == 416 and f"only {n} applications" in reply.text
    assert server.get("/scheduler/applications", params={"start": 1, "applicationname": "Special"}).status_code == 416
    assert server.get("/scheduler/applications", params={"start": n - 1}).status_code == 200
    assert server.get("/scheduler/applications", params={"start": 9, "state": "KILLED"}).status_code == 200


@pytest.mark.parametrize("params,field", [
    ({"start": "x"}, "start"), ({"length": "-1"}, "length"), ({"sort": "colour"}, "sort"),
    ({"order": "up"}, "order"), ({"state": "HAPPY"}, "state"),
])
def test_bad_parameters_are_refused_by_name(server, done, params, field):
    reply = server.get("/scheduler/applications", params=params, headers={"Accept": "application/json"})
    assert reply.status_code == 400
    assert reply.json()["error"]["field"] == field


def test_users_see_their_own_and_administrators_all(server, done):
    assert applications(server, user="bob") == []
    assert applications(server, user="bob", applicationid=done[0]["id"]) == []
    assert {t["id"] for t in done} <= {a["applicationid"] for a in applications(server, user="admin")}
    for path in ("driver/logs/stdout", "executor/1/logs/stdout"):
        assert server.get(f"/scheduler/applications/{done[0]['id']}/{path}", user="bob").status_code == 404
    assert server.put(f"/scheduler/applications/{done[0]['id']}/stop", user="bob").status_code == 404


def test_instance_groups_are_listed(server):
    group, = server.get("/scheduler/instances").json()
    assert list(group) == ["uuid", "name", "version", "masterUrl", "executionUser", "state", "historyServerUrl"]
    assert group["name"] == "default" and group["state"] == "STARTED"
    assert len(group["uuid"]) == 36


def test_logs_are_found_by_process(server, done):
    def log(path, **params):
        reply = server.get(f"/scheduler/applications/{done[0]['id']}/{path}", params=params)
        assert reply.status_code == 200, reply.text
        return reply.text

    assert log("executor/1/logs/stdout") == "out\n"
    assert log("executor/1/logs/stderr") == "bad\n"
    launcher = log("driver/logs/launcherlog")
    assert launcher and launcher == log("driver/logs/stdout") == log("executor/1/logs/launcherlog")
    assert log("driver/logs/stderr") == ""
    assert log("driver/logs/stdout", lastlines=1) == launcher.splitlines(keepends=True)[-1]
    base = f"/scheduler/applications/{done[0]['id']}"
    assert server.get(f"{base}/executor/2/logs/stdout").status_code == 404
    assert server.get(f"{base}/executor/0/logs/stdout").status_code == 400
    assert server.get(f"{base}/executor/1/logs/passwd").status_code == 400
    assert server.get(f"{base}/driver/logs/stdout", params={"lastlines": "x"}).status_code == 400
    assert server.get("/scheduler/applications/nobody/driver/logs/stdout").status_code == 404


def test_engine_applications_have_what_the_cli_reads(server, done, running):
    reply = server.get("/scheduler/engine/applications",
                       params={"start": 0, "length": 10000, "sort": "-submit_time",
                               "state": "NEW,SUBMITTED,PENDING_JOB_SCHEDULER,PENDING_CRD_SCHEDULER,LAUNCHING,RUNNING,"
                                        "RECOVERING,UNKNOWN"})
    app, = reply.json()
    assert app["id"] == running["id"] and app["submit_user"] == "ann" and app["type"] == "training"
    assert app["state"] == "RUNNING" and app["tag"] == "" and app["kernels"] == [] and app["is_packing"] is False
    assert app["task12n_num"] == len(app["task12n"]) == 1 and app["used_cpu"] >= 1
    assert app["task12n_resreq"].startswith("ncpus=")
    assert "task0_resreq" not in app
    for name in ("submit_time", "start_time", "end_time", "priority"):
        assert type(app[name]) is int
    one = server.get(f"/scheduler/engine/applications/{done[0]['id']}").json()
    assert [a["id"] for a in one] == [done[0]["id"]] and one[0]["end_time"] > 0
    assert server.get("/scheduler/engine/applications/nobody").json() == []
    assert server.get(f"/scheduler/engine/applications/{done[0]['id']}", user="bob").json() == []


def test_an_application_is_stopped_once_or_twice(server):
    task = server.submit("import time\ntime.sleep(600)")
    server.wait_exec(task["id"], {"RUNNING"})
    assert server.put(f"/scheduler/applications/{task['id']}/stop", json={}).status_code == 204
    assert server.wait_exec(task["id"])["state"] == "KILLED"
    assert server.put(f"/scheduler/applications/{task['id']}/stop").status_code == 204
    assert server.put("/scheduler/applications/nobody/stop").status_code == 404


def test_a_task_in_the_form_of_a_kubernetes_object(server, done, running):
    assert server.get("/scheduler/kubernetesobjects", params={"type": "pod"}).json() == {"items": []}
    found = server.get("/scheduler/kubernetesobjects", params={"type": "paralleljob", "name": running["id"]}).json()
    assert found["status"]["jobStatus"] == "Running" and found["status"]["jobPendingReason"] == ""
    assert found["status"]["creationTimestamp"] == running["createTime"] and found["spec"]["taskGroups"] == []
    assert server.get("/scheduler/kubernetesobjects", params={"name": "nobody"}).status_code == 404


def test_there_is_one_resource_plan(server):
    tree = {"id": "default", "pid": "", "childTreeDto": []}
    assert server.get("/resplans/resplantree").json() == server.get("/resplans/resplan/default").json() == tree
    assert server.get("/resplans/resplan/other").status_code == 404
    refused = server.delete("/resplans/resplan/default", user="admin")
    assert refused.status_code == 403 and "built in" in refused.text
