# SPDX-License-Identifier: Apache-2.0
"""/platform/rest/conductor/v1: instance groups as clients of the cluster manager see them."""
import pytest

BASE = "/platform/rest/conductor/v1"


@pytest.fixture(scope="module")
def done(server):
    task = server.submit("print('out')\nimport sys\nprint('bad', file=sys.stderr)")
    return server.wait_exec(task["id"])


@pytest.fixture
def group(server):
    return server.get(BASE + "/instances", params={"name": "default"}).json()[0]


def test_groups_are_found_by_name_id_and_consumer(server, group):
    assert group["name"] == "default" and group["state"] == "STARTED"
    assert group["outputs"] == {} and group["connectors"] == [] and group["slots"] >= 1

    def of(**params):
        return server.get(BASE + "/instances", params=params).json()

    assert of() == of(id=group["id"], fields="state") == of(consumerpath=group["consumerpath"]) == [group]
    assert of(name="other") == of(id="other") == of(consumerpath="/other") == []
    assert server.get(f"{BASE}/instances/{group['id']}").json() == group
    assert server.get(f"{BASE}/instances/none").status_code == 404
    assert server.get(BASE + "/instances", user=None).status_code == 401


def test_groups_of_the_configuration_are_listed_with_what_they_have(make_server):
    server = make_server("group.default.slots = 3\ngroup.big.slots = 7\ngroup.big.consumer = /Research\n")
    groups = {g["name"]: g for g in server.get(BASE + "/instances").json()}
    assert groups["default"]["slots"] == 3 and groups["big"]["slots"] == 7
    assert groups["big"]["consumerpath"] == "/Research"
    assert groups["default"]["id"] != groups["big"]["id"]


def test_applications_of_a_group_are_listed_by_state(server, group, done):
    url = f"{BASE}/instances/{group['id']}/applications"
    app, = server.get(url, params={"state": "FINISHED"}).json()
    assert app["driver"] == {"id": done["submissionId"], "state": "FINISHED"}
    assert app["executors"] == [{"id": "0-" + done["submissionId"][-36:]}]
    assert app["gpuslots"] == 0 and app["gpumemused"] == {"total": 0} and app["gpudevutil"] == {"total": 0}
    assert isinstance(app["apprunduration"], float)
    assert server.get(url, params={"state": "RUNNING"}).json() == []
    assert server.get(url, user="bob").json() == []
    assert len(server.get(url, user="admin").json()) == 1
    assert server.get(f"{BASE}/instances/none/applications").status_code == 404


def test_logs_are_downloaded_by_driver_and_executor(server, group, done):
    url = f"{BASE}/instances/{group['id']}/applications/{done['submissionId']}"
    executor = "0-" + done["submissionId"][-36:]

    def log(path, **kw):
        return server.get(f"{url}/{path}/download", headers={"Accept": "application/octet-stream"}, **kw)

    assert log("logs/stdout").status_code == 200 and log("logs/stdout").text
    assert log(f"{executor}/logs/stdout").text == "out\n"
    assert log(f"{executor}/logs/stderr").text == "bad\n"
    assert log(f"1-{executor[2:]}/logs/stdout").status_code == 404
    assert log(f"0-{'0' * 36}/logs/stdout").status_code == 404
    assert log(f"{executor}/logs/passwd").status_code == 400
    assert log("logs/stdout", user="bob").status_code == 404
    other = url.replace(group["id"], "none")
    assert server.get(f"{other}/logs/stdout/download").status_code == 404


def test_what_is_so_already_is_answered_and_what_is_configuration_refused(server, group):
    url = f"{BASE}/instances/{group['id']}"
    for action in ("deploy", "start"):
        assert server.put(f"{url}/{action}", user="admin").status_code == 200
        assert server.put(f"{url}/{action}", user="ann").status_code == 403
        assert server.put(f"{BASE}/instances/none/{action}", user="admin").status_code == 404
    stop = server.put(f"{url}/stop", user="admin")
    assert stop.status_code == 409 and "dlpd.conf" in stop.text
    create = server.post(BASE + "/instances", user="admin", json={"name": "x"})
    assert create.status_code == 403 and "group.<name>.slots" in create.text
    assert server.post(BASE + "/instances", user="ann", json={}).status_code == 403


def test_the_conda_installation_is_listed_when_there_is_one(server, make_server, tmp_path):
    assert server.get(BASE + "/anaconda/instances").json() == []
    home = tmp_path / "conda"
    home.mkdir()
    found, = make_server(f"paths.conda = {home}\n").get(BASE + "/anaconda/instances").json()
    assert found["path"] == str(home)
