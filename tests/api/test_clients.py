# SPDX-License-Identifier: Apache-2.0
"""Programs written for this API long before this server: each test sends what one kind of client sends, byte for byte
in the places where they differ, and reads the answers the way that client reads them."""
import base64
import io
import json
import tarfile
import zipfile

import pytest
import requests

from harness import BASE, USERS

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS")     # these clients trust any certificate

ANN = ("ann", USERS["ann"])
CONDUCTOR = "/platform/rest/conductor/v1"
ACTIVE = "NEW,SUBMITTED,PENDING_JOB_SCHEDULER,PENDING_CRD_SCHEDULER,LAUNCHING,RUNNING,RECOVERING,UNKNOWN"
FINAL = "FINISHED,KILLED,ERROR"

TRAIN = """
import os, sys
print("arguments", sys.argv[1:])
print("complaint", file=sys.stderr)
os.makedirs(os.environ["RESULT_DIR"] + "/model", exist_ok=True)
with open(os.environ["RESULT_DIR"] + "/model/weights.txt", "w") as f:
    f.write("0.5")
"""
TRIAL = """
import json, os
values = json.loads(open("config.json").read())
rate = float(values.get("learning_rate", "0.01"))
with open("{}/val_dict_list.json".format(os.environ["RESULT_DIR"]), "w") as f:
    json.dump([{"steps": 1, "loss": rate, "accuracy": 1 - rate}], f)
"""
FOREVER = "import signal\nsignal.pause()\n"
RANGE = {"name": "learning_rate", "type": "Range", "dataType": "DOUBLE", "minDbVal": 0.001, "maxDbVal": 0.1,
         "minIntVal": 0, "maxIntVal": 0, "discreteDbVal": [], "discreteIntVal": [], "discreateStrVal": []}


def folder_of(path, files):
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def packed(folder, arcname, mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        archive.add(folder, arcname=arcname)
    return out.getvalue()


def search_of(args, **more):
    return {"modelSpec": {"args": args, **more},
            "algoDef": {"algorithm": "Random", "maxRunTime": 60, "maxJobNum": 2, "maxParalleJobNum": 2,
                        "objectiveMetric": "loss", "objective": "minimize"},
            "hyperParams": [RANGE]}


# --- the command line tool ---

class CommandLine:
    """The requests of the vendor's command line tool: a token from logon, https first, args pasted into the address."""

    def __init__(self, server):
        self.server = server
        self.host = server.https_url[len("https://"):]
        self.token = None

    def logon(self, password=ANN[1]):
        reply = requests.get(f"https://{self.host}/auth/v1/logon", verify=False, auth=("ann", password),
                             headers={"Accept": "application/json"})
        if reply.ok:
            self.token = json.loads(reply.text)["accessToken"]
        return reply

    def find_base(self, host):
        """The tool tries https and takes plain http only when TLS itself failed."""
        self.base = f"https://{host}{BASE}"
        try:
            reply = self.call("GET", "/conf")
        except requests.exceptions.SSLError:
            self.base = f"http://{host}{BASE}"
            reply = self.call("GET", "/conf")
        assert reply.ok, reply.text
        return json.loads(reply.text)

    def call(self, method, path, accept="application/json", **kw):
        return requests.request(method, self.base + path, cookies={}, auth=None, verify=False, timeout=60,
                                headers={"Accept": accept, "Authorization": "Bearer " + self.token}, **kw)

    def get(self, path):
        reply = self.call("GET", path)
        assert reply.ok, reply.text
        return json.loads(reply.text)

    def text(self, path):
        reply = self.call("GET", path, "text/plain")
        assert reply.ok, reply.text
        return reply.text

    def start(self, args, files=(), data=None):
        """Returns the id of a submitted task; `files` are paths, opened as they are."""
        parts = [("file", open(path, "rb")) for path in files]
        reply = self.call("POST", "/execs/?args=" + args, files=parts, **({"data": data} if data else {}))
        for _, part in parts:
            part.close()
        assert reply.ok, reply.text
        body = json.loads(reply.text)
        assert body["appId"] and body["id"]
        return body["id"]

    def done(self, exec_id):
        record = self.server.wait_exec(exec_id)
        assert record["state"] == "FINISHED", record
        return record


@pytest.fixture
def tool(server):
    tool = CommandLine(server)
    assert tool.logon().ok
    tool.find_base(tool.host)
    return tool


def test_the_tool_logs_on_and_reads_its_token(server):
    tool = CommandLine(server)
    assert tool.logon("wrong").status_code == 401
    body = tool.logon().json()
    middle = body["accessToken"].split(".")[1]
    claims = json.loads(base64.b64decode(middle + "=" * (len(middle) % 4)))
    assert claims["username"] == "ann" and isinstance(claims["exp"], int)
    assert str(tool.find_base(tool.host)["MSD_ENABLED"]).lower() == "true"
    assert tool.get("/status")
    assert requests.post(f"https://{tool.host}/auth/v1/logoff", verify=False,
                         headers={"Authorization": "Bearer " + tool.token}).ok
    assert tool.call("GET", "/conf").status_code == 401


def test_the_tool_falls_back_to_plain_http(server):
    tool = CommandLine(server)
    assert tool.logon().ok
    tool.find_base(server.url[len("http://"):])
    assert tool.base.startswith("http://") and tool.get("/execs/") is not None


def test_the_tool_lists_frameworks(tool):
    for framework in tool.get("/execs/frameworks"):
        assert framework["name"] and isinstance(framework.get("frameworkVersion", ""), str)
        assert all(isinstance(line, str) for line in framework["desc"])


def test_the_tool_runs_a_script_and_fetches_everything_of_it(tool, tmp_path):
    script = folder_of(tmp_path, {"train.py": TRAIN}) / "train.py"
    one = tool.start(f"--exec-start tensorflow --cs-datastore-meta type=fs,data_path=mnist --model-main {script}"
                     " --debug-level debug --epochs 3", [script])
    record = tool.done(one)
    assert tool.get(f"/execs/{one}")["appId"] == record["appId"]
    listed = tool.get("/execs/?limit=10&state=FINISHED&sort_by=id:desc")
    row, = [r for r in listed if r["id"] == one]
    assert (row["creator"], row["framework"], row["numWorker"]) == ("ann", "tensorflow", 1)
    assert row["appName"] and row["elastic"] is False and row["createTime"].endswith("Z")

    def log(kind, command):
        return tool.text(f"/execs/{one}/log?logType={kind}&args={command} {one}")

    assert log("outlog", "--exec-trainoutlogs") == "arguments ['--epochs', '3']\n"
    assert log("errlog", "--exec-trainerrlogs") == "complaint\n"
    assert sorted(log("outerrlog", "--exec-trainlogs").splitlines()) == ["arguments ['--epochs', '3']", "complaint"]

    app, = tool.get(f"/scheduler/applications?applicationid={record['appId']}")
    assert app["task0"] and len(app["task12n"]) == 1
    place = f"/scheduler/applications/{record['appId']}"
    assert one in tool.text(f"{place}/driver/logs/launcherlog")
    assert tool.text(f"{place}/executor/1/logs/stdout") == "arguments ['--epochs', '3']\n"
    assert tool.text(f"{place}/executor/1/logs/stderr") == "complaint\n"


def test_the_tool_finds_the_name_of_a_result_in_its_header(tool, tmp_path):
    script = folder_of(tmp_path, {"train.py": TRAIN}) / "train.py"
    one = tool.start("--exec-start tensorflow --model-main train.py", [script])
    tool.done(one)
    reply = tool.call("GET", f"/execs/{one}/result?args=--exec-trainresult {one}", "text/plain", stream=True)
    names = [item[len("filename="):] for item in reply.headers["Content-Disposition"].split(";")
             if item.startswith("filename=")]
    assert len(names) == 1 and names[0].startswith("dlpd-model") and names[0].endswith(".zip")
    whole = b"".join(reply.iter_content(chunk_size=128))
    assert len(whole) == int(reply.headers["Content-Disposition"].split("size=")[1])
    assert zipfile.ZipFile(io.BytesIO(whole)).read("model/weights.txt") == b"0.5"


def test_the_tool_sends_a_folder_with_data_sources_and_words_for_the_program(tool, tmp_path):
    folder = folder_of(tmp_path / "net", {"main.py": TRAIN, "layers/deep.py": ""})
    package = tmp_path / "tmp0abc.modelDir.tar"
    package.write_bytes(packed(folder, "net"))
    extra = folder_of(tmp_path, {"env.yml": "name: x\n"}) / "env.yml"
    sources = [{"type": "fs", "location": {"paths": "mnist"}}]
    one = tool.start("--exec-start tensorflow --appName mine --workerDeviceType cpu --model-main main.py"
                     f" --model-dir net --conda-env-yaml {extra} -- --epochs 10 --no-cuda true",
                     [package, extra], data={"data": json.dumps({"dataSource": sources})})
    record = tool.done(one)
    assert record["appName"] == "mine" and record["workDir"].endswith("/_submitted_code/net")
    assert tool.text(f"/execs/{one}/log?logType=outlog&args=") \
        == "arguments ['--epochs', '10', '--no-cuda', 'true']\n"


def test_the_tool_runs_a_command_without_any_file(tool):
    one = tool.start("--exec-start tensorflow --user-cmd --msd-env COLOUR=blue -- printenv COLOUR")
    tool.done(one)
    assert tool.text(f"/execs/{one}/log?logType=outlog&args=") == "blue\n"


def test_the_tool_stops_and_deletes(tool, tmp_path):
    script = folder_of(tmp_path, {"wait.py": FOREVER}) / "wait.py"
    one, two = (tool.start("--exec-start tensorflow --model-main wait.py", [script]) for _ in range(2))
    tool.server.wait_exec(one, {"RUNNING"})
    assert isinstance(tool.get(f"/scheduler/kubernetesobjects?type=paralleljob&name={one}")["status"], dict)
    assert tool.call("POST", f"/execs/{one}/stop").ok
    assert tool.server.wait_exec(one)["state"] == "KILLED"
    assert tool.call("DELETE", f"/execs/{one}").ok
    assert tool.call("GET", f"/execs/{one}").status_code == 400
    assert tool.call("DELETE", "/execs").ok
    assert tool.get("/execs/") == [] and tool.call("GET", f"/execs/{two}").status_code == 400


def test_the_tool_is_told_that_results_cannot_be_deployed_yet(tool):
    one = tool.start("--exec-start tensorflow --user-cmd -- true")
    reply = tool.call("POST", f"/execs/{one}/deploy", json={"name": "x", "kernel": "kernel.py"})
    assert reply.status_code == 501 and "not part of" in reply.json()["error"]["message"]


def test_the_tool_watches_analyses_and_stops_applications(tool, tmp_path):
    script = folder_of(tmp_path, {"wait.py": FOREVER}) / "wait.py"
    one = tool.start("--exec-start tensorflow --model-main wait.py", [script])
    tool.server.wait_exec(one, {"RUNNING"})
    page = "/scheduler/engine/applications?start=0&length=10000&sort=-submit_time"
    job, = [j for j in tool.get(f"{page}&state={ACTIVE}") if j["id"] == one]
    assert isinstance(job["submit_time"], int) and isinstance(job["start_time"], int)
    granted = dict(pair.split("=") for pair in job["task12n_resreq"].split(","))
    assert float(granted["ncpus"]) >= 1 and float(granted["mem"]) > 0 and float(granted["ngpus"]) >= 0
    assert "task0_resreq" not in job or job["task0_resreq"]
    assert not job["is_packing"] and not job["pack_id"] and job["consumer"].startswith("/")
    for item in tool.get(page):
        assert item["type"] + "_" + item["tag"] and item["state"] and item["submit_time"]
    assert tool.get("/scheduler/kubernetesobjects?type=pod")["items"] == []
    tree = tool.get("/resplans/resplantree")
    assert job["consumer"] == "/" + tree["id"] and tree["childTreeDto"] == []
    assert tool.call("PUT", f"/scheduler/applications/{one}/stop").ok
    tool.server.wait_exec(one)
    assert [j["state"] for j in tool.get(f"/scheduler/engine/applications/{one}")] == ["KILLED"]
    assert one in [j["id"] for j in tool.get(f"{page}&state={FINAL}")]
    assert tool.get("/scheduler/engine/applications/nosuch") == []


def test_the_tool_starts_follows_and_deletes_a_search(tool, tmp_path):
    package = tmp_path / "x.modelDir.tar"
    package.write_bytes(packed(folder_of(tmp_path / "net", {"main.py": TRIAL}), "net"))
    body = {"data": json.dumps(search_of("--exec-start tensorflow --model-main main.py --model-dir net"))}
    with open(package, "rb") as f:
        reply = tool.call("POST", "/hypersearch", files=[("file", f)], data=body)
    assert reply.ok, reply.text
    name = reply.json()["uid"]
    tool.server.wait_search(name)
    task, = [t for t in tool.get("/hypersearch") if t["hpoName"] == name]
    assert (task["state"], task["progress"], task["creator"]) == ("FINISHED", "2/2", "ann")
    assert (task["running"], task["complete"], task["failed"]) == (0, 2, 0)
    assert len(task["createtime"]) == 19 and len(task["duration"]) == 8
    assert all(e["appId"] and e["driverId"] and e["endTime"] and e["metricVal"] for e in task["experiments"])
    assert tool.call("PUT", f"/hypersearch/{name}").status_code == 400          # it has ended
    assert tool.call("PUT", f"/hypersearch/{name}/restart").status_code == 400
    assert {"name": "Random", "type": "BUILD_IN", "remoteExec": False} in tool.get("/hypersearch/algorithm")
    assert tool.get("/hypersearch/algorithm/Random")["type"] == "BUILD_IN"
    assert tool.call("DELETE", f"/hypersearch/{name}").ok
    assert tool.call("DELETE", "/hypersearch").ok
    assert tool.get("/hypersearch") == []


# --- notebooks with instance groups and two ports ---

def test_a_notebook_of_the_first_generation_searches(server, tmp_path):
    """Basic on every call, Python text as data, the bare name as answer, appId of every listed experiment."""
    headers = {"Accept": "application/json"}
    logon = requests.get(server.https_url + CONDUCTOR + "/auth/logon", verify=False, auth=ANN, headers=headers)
    assert logon.ok and logon.json()["csrftoken"]
    base, req = server.https_url + BASE, requests.Session()
    assert isinstance(req.get(base + "/hypersearch", headers=headers, verify=False, auth=ANN).json(), list)
    package = tmp_path / "x.modelDir.tar"
    package.write_bytes(packed(folder_of(tmp_path / "pytorch_hpo", {"hpo.py": TRIAL}), "pytorch_hpo"))
    data = search_of("--exec-start PyTorch --cs-datastore-meta type=fs --python-version 3.6                     "
                     "--gpuPerWorker 1 --model-main hpo.py --model-dir pytorch_hpo --debug-level debug",
                     sigName="default")
    with open(package, "rb") as f:
        reply = req.post(base + "/hypersearch", headers=headers, data={"data": str(data)}, files={"file": f},
                         verify=False, auth=ANN)
    assert reply.ok, reply.text
    name = reply.json()
    assert isinstance(name, str)
    with server.notices(name) as notices:
        record = req.get(base + "/hypersearch/" + name, headers=headers, verify=False, auth=ANN).json()
        while record["state"] in ["SUBMITTED", "RUNNING"]:
            assert "/" in record["progress"]
            for experiment in record["experiments"]:
                url = base + "/execs/" + experiment["appId"]
                assert requests.get(url, auth=ANN, headers=headers, verify=False).json()["state"]
            next(notices)
            record = req.get(base + "/hypersearch/" + name, headers=headers, verify=False, auth=ANN).json()
    assert record["state"] == "FINISHED" and record["best"] in record["experiments"]
    assert record["best"]["metricVal"] == min(e["metricVal"] for e in record["experiments"])
    assert [p["name"] for p in record["best"]["hyperParams"]] == ["learning_rate"]


def test_a_notebook_of_the_first_generation_trains_and_downloads(server, tmp_path):
    headers = {"Accept": "application/json"}
    base, conductor = server.https_url + BASE, server.https_url + CONDUCTOR
    frameworks = requests.get(base + "/execs/frameworks", auth=ANN, headers=headers, verify=False).json()
    assert {"PyTorch", "distPyTorch", "tensorflow", "disttensorflow"} <= {f["name"] for f in frameworks}
    package = packed(folder_of(tmp_path / "net", {"main.py": TRAIN}), "net")
    args = "--exec-start PyTorch         --cs-datastore-meta type=fs,data_path=mnist         --model-dir net" \
           "         --gpuPerWorker 1         --model-main main.py         --epochs 10          "
    reply = requests.post(base + "/execs?sigName=default&args=" + args, files={"file": ("x.modelDir.tar", package)},
                          auth=ANN, headers=headers, verify=False)
    assert reply.ok, reply.text
    exec_id, group, driver = (reply.json()[k] for k in ("id", "sigId", "submissionId"))
    for job in requests.get(f"{conductor}/instances/{group}/applications?state=RUNNING", auth=ANN, headers=headers,
                            verify=False).json():
        assert job["driver"]["id"] and job["driver"]["state"] and job["executors"][0]["id"]
        assert job["apprunduration"] >= 0 and job["gpuslots"] >= 0
        assert job["gpumemused"]["total"] >= 0 and job["gpudevutil"]["total"] >= 0
    assert server.wait_exec(exec_id)["state"] == "FINISHED"
    log = requests.get(f"{base}/execs/{exec_id}/log", auth=ANN, headers=headers, verify=False).json()
    assert log.splitlines()[-1] == "arguments ['--epochs', '10']"
    result = requests.get(f"{base}/execs/{exec_id}/result", auth=ANN, headers=headers, stream=True, verify=False)
    size = int(result.headers.get("Content-Disposition").split("size=")[1])
    assert sum(len(piece) for piece in result.iter_content(1024)) == size
    jobs = requests.get(f"{conductor}/instances/{group}/applications", auth=ANN, headers=headers, verify=False).json()
    executor, = [e["id"] for job in jobs if job["driver"]["id"] == driver for e in job["executors"]]
    for place in (driver, f"{driver}/{executor}"):
        for kind in ("stdout", "stderr"):
            url = f"{conductor}/instances/{group}/applications/{place}/logs/{kind}/download"
            assert requests.get(url, auth=ANN, headers={"Accept": "application/octet-stream"}, verify=False).ok


def test_a_script_with_the_cookie_of_its_logon_needs_no_password_again(server):
    jar = requests.Session()
    shown = jar.get(server.https_url + CONDUCTOR + "/auth/logon", auth=ANN, verify=False).json()["csrftoken"]
    base, jar.verify = server.https_url + BASE, False
    submit = f"{base}/execs?csrftoken={shown}&args=--exec-start tensorflow --user-cmd -- true"
    one = jar.post(submit).json()["id"]
    assert server.wait_exec(one)["state"] == "FINISHED"
    assert jar.get(f"{base}/execs/{one}").json()["id"] == one
    assert jar.delete(f"{base}/execs/{one}").status_code == 403
    assert jar.delete(f"{base}/execs/{one}?csrftoken={shown}").status_code == 204
    assert jar.get(server.https_url + CONDUCTOR + "/auth/logoff").ok
    assert jar.get(base + "/execs").status_code == 401


def test_groups_of_old_notebooks_are_configured_or_mapped(make_server):
    def submit(server):
        return server.post("/execs?sigName=spark233&args=--exec-start tensorflow --model-main a.py",
                           files={"file": ("a.py", "")})

    refused = submit(make_server())
    assert refused.status_code == 400 and refused.text.startswith("Error 400: ") and "spark233" in refused.text
    for conf in ("cluster.unknown_group = default\n", "group.default.slots = 1\ngroup.spark233.slots = 1\n"):
        assert submit(make_server(conf)).ok


# --- notebooks with a token ---

def test_a_notebook_of_the_second_generation_searches(server):
    """A token in X-Auth-Token, GET with a JSON body, the file part named after the script."""
    body = {"username": ANN[0], "password": ANN[1]}
    basic = {"Authorization": "Basic " + base64.b64encode(":".join(ANN).encode()).decode()}
    token = requests.get(server.https_url + "/auth/v1/logon", headers=basic, verify=False,
                         json=body).json()["accessToken"]
    headers, req = {"accept": "application/json", "X-Auth-Token": token}, requests.Session()
    base = server.https_url + BASE
    for item in req.get(base + "/hypersearch", headers=headers, verify=False, json=body).json():
        assert item["hpoName"] and item["state"]
    data = search_of("--exec-start PyTorch  --workerDeviceNum 1 --cs-datastore-meta type=fs,data_path=pytorch_mnist"
                     "                      --appName hpo-gpu  --model-main HPO_script.py --batch-size 64 ")
    reply = req.post(base + "/hypersearch", headers=headers, data={"data": json.dumps(data)}, verify=False, json=body,
                     files={"HPO_script.py": io.BytesIO(TRIAL.encode())})
    assert reply.ok, reply.text
    name = reply.json()["uid"]
    assert reply.json()["href"] == f"{BASE}/hypersearch/{name}"
    server.wait_search(name)
    record = req.get(base + "/hypersearch/" + name, headers=headers, verify=False, json=body).json()
    assert record["state"] == "FINISHED" and len({tuple(sorted(e)) for e in record["experiments"]}) == 1


def test_a_notebook_of_the_second_generation_trains(server, tmp_path):
    token = requests.get(server.https_url + "/auth/v1/logon", auth=ANN, verify=False).json()["accessToken"]
    base, headers = server.https_url + BASE, {"accept": "application/json", "X-Auth-Token": token}

    def get(path, accept="application/json"):
        return requests.get(base + path, headers={**headers, "accept": accept}, verify=False)

    package = packed(folder_of(tmp_path / "net", {"main.py": TRAIN}), "net")
    args = "--exec-start distPyTorch --cs-datastore-meta type=fs  --numWorker 2                      " \
           "--model-main main.py --model-dir net"
    reply = requests.post(base + "/execs?args=" + args, files={"file": ("x.modelDir.tar", package)}, headers=headers,
                          verify=False)
    assert reply.ok, reply.text
    one = reply.json()["id"]
    with server.notices(one) as notices:
        while (record := get(f"/execs/{one}").json())["state"] in ["PENDING_CRD_SCHEDULER", "SUBMITTED", "RUNNING"]:
            assert not any(isinstance(v, (list, dict)) for v in record.values())    # a table row is made of it
            next(notices)
    assert record["state"] == "FINISHED"
    for n in (1, 2):
        log = get(f"/scheduler/applications/{one}/executor/{n}/logs/stdout?lastlines=1000", "text/plain")
        assert log.text == "arguments []\n"
    assert get(f"/scheduler/applications/{one}/driver/logs/stderr?lastlines=10", "text/plain").ok
    result = get(f"/execs/{one}/result", "application/octet-stream")
    assert "model/weights.txt" in zipfile.ZipFile(io.BytesIO(result.content)).namelist()


# --- submissions with everything in `data` ---

def test_a_submission_of_the_newest_generation_has_everything_in_data(make_server, tmp_path):
    """A form made by curl: data and a plain tar of "." beside it, hardware in its own words, a command to run."""
    server = make_server("group.default.slots = 4\n")
    token = server.get("/auth/v1/logon").json()["accessToken"]
    show = 'echo "$WMLA_NWORKER $WMLA_WORKER_NDEVICE $NODE_RANK $RANK $WORLD_SIZE ${MASTER_PORT:+port} $@"\n'
    package = packed(folder_of(tmp_path / "code", {"launch.sh": show, "train.py": ""}), ".", "w")
    data = {"args": "--exec-start distPyTorch   --msd-image-name registry/image  --msd-env HF_HOME=/tmp"
                    "  --user-cmd -- bash launch.sh train.py --deepspeed ds.config",
            "hardwareSpec": {"nodes": {"num_nodes": 2, "mem": {"size": "1g"}, "gpu": {"num_gpu": 0},
                                       "cpu": {"units": "0.25"}}}}
    reply = requests.post(server.https_url + BASE + "/execs", verify=False, data={"data": json.dumps(data)},
                          files={"file": ("llm_train.modelDir.tar", package)},
                          headers={"Authorization": "Bearer " + token, "Accept": "application/json"})
    assert reply.ok, reply.text
    done = server.wait_exec(reply.json()["id"])
    assert (done["state"], done["numWorker"]) == ("FINISHED", 2), done
    lines = sorted(x for x in server.get(f"/execs/{done['id']}/log").text.splitlines() if "train.py" in x)
    assert lines == [f"2 1 {n} {n} 2 port train.py --deepspeed ds.config" for n in (0, 1)]


# --- the generated Python SDK ---

def test_the_sdk_sends_a_part_without_a_file_name(server):
    reply = server.post("/execs", params={"sigName": "", "args": "--exec-start tensorflow --model-main a.py --lr 0.1"},
                        files=[("file", (None, io.BytesIO(TRAIN.encode())))])
    assert reply.ok, reply.text
    one = reply.json()["id"]
    assert server.wait_exec(one)["state"] == "FINISHED"
    headers = {"Accept": "application/json"}
    assert server.get(f"/execs/{one}/log", headers=headers).json() == "arguments ['--lr', '0.1']\n"
    assert server.get(f"/execs/{one}/result", headers=headers).content.startswith(b"PK")
    assert server.post(f"/execs/{one}/stop").status_code == 204


def test_the_sdk_builds_its_classes_from_the_answers(server):
    """The classes refuse an object that lacks a member which the API document calls required."""
    data = search_of("--exec-start tensorflow --model-main a.py", sigName="")
    reply = server.post("/hypersearch", headers={"Accept": "application/json"}, files=[
        ("file", (None, io.BytesIO(TRIAL.encode()), "application/octet-stream")),
        ("data", (None, str(data), "text/plain"))])
    assert reply.ok, reply.text
    record = server.wait_search(reply.json()["uid"])
    for experiment in record["experiments"] + [record["best"]]:
        assert {"id", "hyperParams", "state"} <= set(experiment)
        assert all({"name", "type", "dataType"} <= set(p) for p in experiment["hyperParams"])
    assert all({"name", "type", "dataType"} <= set(p) for p in record["hyperParams"])


def test_the_sdk_spells_booleans_like_python(server):
    assert server.get("/hypersearch", params={"limit": "1", "unknown": "True"}).ok
    one = server.submit(TRAIN)["id"]
    server.wait_exec(one)
    names = zipfile.ZipFile(io.BytesIO(server.get(f"/execs/{one}/result", params={"all": True}).content)).namelist()
    assert any(name.startswith("_submitted_code/") for name in names)


def test_the_sdk_deletes_all_tasks_with_what_looks_like_one(make_server):
    server = make_server()
    for _ in range(2):
        server.wait_exec(server.submit("")["id"])
    assert server.delete("/execs").status_code == 204 and server.get("/execs").json() == []


def test_the_sdk_gets_both_tokens_for_inference(server):
    reply = server.post("/dlim/v1/auth/token", headers={"Content-Type": "application/json"})
    assert reply.ok and reply.json()["user_token"] and reply.json()["service_token"]
    assert requests.get(server.url + BASE + "/execs", headers={"X-Auth-Token": reply.json()["user_token"]}).ok


@pytest.mark.parametrize("method, path", [
    ("GET", "/modeltemplates"), ("POST", "/modeltemplates"),
    ("GET", "/models"), ("GET", "/models/x/trainings"), ("POST", "/models/x/hypersearch"),
    ("GET", "/models/x/validations"), ("GET", "/inferences"), ("POST", "/inferences/startpredict"),
    ("GET", "/edimodels"), ("POST", "/edimodels/new"), ("PUT", "/edimodels/x"), ("GET", "/edimodels/x/streaming")])
def test_the_sdk_is_told_what_is_not_built_yet(server, method, path):
    reply = server.request(method, path, headers={"Accept": "application/json"}, json={"name": "x"})
    assert reply.status_code == 501 and "not part of" in reply.json()["error"]["message"], reply.text
