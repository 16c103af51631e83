# SPDX-License-Identifier: Apache-2.0
"""Frameworks: what is listed, what runs, and what a site adds."""
import io
import json
import re
import zipfile

import pytest
from harness import ROOT

SHIPPED = {"PyTorch", "distPyTorch", "tensorflow", "disttensorflow", "keras", "dataset"}
LATER = {"edtPyTorch", "edtTensorflow", "edtKeras", "PowerAICaffeIBM"}

ENVIRONMENT = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]))"


def listed(server):
    reply = server.get("/execs/frameworks")
    assert reply.status_code == 200
    return {f["name"]: f for f in reply.json()}


def output(server, record, label="worker-0"):
    return (server.data / "run" / record["id"] / f"{label}.out").read_text()


def run(server, script, args="", framework="tensorflow", state="FINISHED"):
    record = server.wait_exec(server.submit(script, args, framework=framework)["id"])
    assert record["state"] == state, (record, server.get(f"/execs/{record['id']}/log").text)
    return record


def test_frameworks_are_listed_with_what_clients_read(server):
    frameworks = listed(server)
    assert set(frameworks) == SHIPPED | LATER
    pytorch = frameworks["PyTorch"]
    assert pytorch["description"] == "" and pytorch["deployMode"] == "cluster" and pytorch["hasTask0"] == ""
    assert pytorch["execMode"] == "single" and (pytorch["numWorkers"], pytorch["maxWorkers"]) == (1, 1)
    assert pytorch["appName"] == "SingleNodePytorchTrain" and pytorch["workerMemory"] == "4G"
    assert all(isinstance(line, str) for f in frameworks.values() for line in f["desc"])
    assert frameworks["disttensorflow"]["distributeStrategy"] == "MultiWorkerMirroredStrategy"
    assert frameworks["disttensorflow"]["numPs"] == 1
    for name in LATER:
        assert frameworks[name]["installed"] is False and "not part of this version" in frameworks[name]["missing"]
    for name in SHIPPED:
        assert frameworks[name]["installed"] is True and "missing" not in frameworks[name]


def test_the_version_is_that_of_the_installed_package(server):
    torch = pytest.importorskip("torch")
    assert torch.__version__.startswith(listed(server)["PyTorch"]["frameworkVersion"])


def test_listing_needs_a_login(server):
    for path in ("/execs/frameworks", "/frameworks", "/frameworks/all"):
        assert server.get(path, user=None).status_code == 401


def test_engines_are_those_that_are_installed(server):
    installed = {"PyTorch": "PyTorch", "tensorflow": "TensorFlow"}
    names = [installed[n] for n, f in listed(server).items() if n in installed and "frameworkVersion" in f]
    assert sorted(server.get("/frameworks/all").json()) == sorted(names)
    for engine in server.get("/frameworks").json():
        assert engine["name"] in names and engine["accelerator"] == "Native" and engine["psNum"] == "0"
        same = server.get("/frameworks", params={"backend": engine["backend"].lower()})
        assert same.json() == [engine]


def test_engines_of_a_backend_that_is_not_there_are_an_empty_list(server):
    assert server.get("/frameworks", params={"backend": "Caffe"}).json() == []


def test_an_unknown_backend_is_refused_by_name(server):
    reply = server.get("/frameworks", params={"backend": "Theano"}, headers={"Accept": "application/json"})
    assert reply.status_code == 400
    assert reply.json()["error"]["field"] == "backend"


@pytest.mark.parametrize("name, said", [
    ("PyTroch", "did you mean PyTorch?"),
    ("edtPyTorch", "elastic training is not part of this version"),
    ("Caffe", "Caffe is not part of this version"),
])
def test_a_framework_that_cannot_run_is_refused_with_the_reason(server, name, said):
    reply = server.post("/execs", files={"file": ("main.py", "pass")},
                        params={"args": f"--exec-start {name} --model-main main.py"})
    assert reply.status_code == 400
    assert said in reply.text


def test_a_script_finds_the_environment_it_was_promised(server):
    record = run(server, ENVIRONMENT, "--cs-datastore-meta type=fs,data_path=mnist --msd-env GREETING=hi "
                                      "--workerDeviceNum 1 --workerDeviceType cpu --lr 0.1", "pytorch")
    words, folder, env = json.loads(output(server, record))
    assert words == ["--lr", "0.1"]
    assert folder == env["DLI_WORK_DIR"]
    assert env["RESULT_DIR"] == f"{env['DLI_RESULT_FS']}/{env['USER']}/batchworkdir/{env['DLI_EXECID']}"
    assert env["LOG_DIR"] == env["RESULT_DIR"] + "/log/worker-0"
    assert env["DATA_DIR"] == env["DLI_DATA_FS"] + "/mnist"
    assert env["GREETING"] == "hi" and env["OMP_NUM_THREADS"] == "1" and env["CUDA_VISIBLE_DEVICES"] == ""
    assert env["FRAME_WORK"] == "PyTorch"
    assert not [name for name in env if name.startswith(("TRAINYARD_BUILD", "PYTEST"))]


def test_emetrics_can_be_imported_and_a_copy_in_the_package_wins(server):
    record = run(server, "import emetrics\nprint(emetrics.__file__)\n"
                         "with emetrics.EMetrics.open() as e: e.record('test', 1, {'loss': 1.0})")
    assert output(server, record).strip().endswith("runtime/python/emetrics.py")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as file:
        file.writestr("main.py", "import emetrics; print(emetrics.mine)")
        file.writestr("emetrics.py", "mine = 'mine'")
    reply = server.post("/execs", params={"args": "--exec-start PyTorch --model-main main.py"},
                        files={"file": ("model.zip", package.getvalue())})
    assert server.wait_exec(reply.json()["id"])["state"] == "FINISHED"
    assert output(server, reply.json()).strip() == "mine"


@pytest.mark.slow
def test_workers_of_torch_meet_and_add_up(make_server):
    pytest.importorskip("torch")
    server = make_server("group.default.slots = 2\n")
    script = ("import os, torch, torch.distributed as dist\n"
              "dist.init_process_group('gloo', init_method='env://')\n"
              "t = torch.tensor([float(dist.get_rank() + 1)])\n"
              "dist.all_reduce(t)\n"
              "print(dist.get_rank(), dist.get_world_size(), t.item())\n")
    record = run(server, script, "--numWorker 2 --workerDeviceType cpu", "distPyTorch")
    assert output(server, record, "worker-0") == "0 2 3.0\n"
    assert output(server, record, "worker-1") == "1 2 3.0\n"


def test_parameter_servers_are_told_and_stopped_when_the_workers_have_ended(make_server):
    server = make_server("group.default.slots = 2\n")
    script = ("import json, os, signal, socket, sys, time\n"
              "config = json.loads(os.environ['TF_CONFIG'])\n"
              "print(json.dumps([config, sys.argv[1:]]), flush=True)\n"
              "host, port = config['cluster']['ps'][0].rsplit(':', 1)\n"
              "if '--job_name=ps' in sys.argv:\n"
              "    listening = socket.create_server((host, int(port)))\n"
              "    signal.pause()\n"
              "while True:     # as real workers do, until their parameter server answers\n"
              "    try:\n"
              "        socket.create_connection((host, int(port)), 5)\n"
              "        break\n"
              "    except ConnectionRefusedError:\n"
              "        time.sleep(0.01)\n")
    record = run(server, script, "--numWorker 2 --numPs 1 --workerDeviceType cpu", "disttensorflow")
    seen = {label: json.loads(output(server, record, label)) for label in ("worker-0", "worker-1", "ps-0")}
    clusters = [config["cluster"] for config, _ in seen.values()]
    assert clusters[0] == clusters[1] == clusters[2]
    assert (len(clusters[0]["worker"]), len(clusters[0]["ps"])) == (2, 1)
    assert [config["task"] for config, _ in seen.values()] == [
        {"type": "worker", "index": 0}, {"type": "worker", "index": 1}, {"type": "ps", "index": 0}]
    assert "--task_id=1" in seen["worker-1"][1]


def refusal(server, args):
    before = {e["id"] for e in server.get("/execs").json()}
    reply = server.post("/execs", files={"file": ("main.py", "pass")}, headers={"Accept": "application/json"},
                        params={"args": f"--exec-start tensorflow --model-main main.py {args}"})
    assert {e["id"] for e in server.get("/execs").json()} == before
    return reply.status_code, reply.json()["error"]


def test_an_environment_that_is_missing_is_refused_by_name(make_server, tmp_path):
    (tmp_path / "conda/envs").mkdir(parents=True)
    server = make_server(f"paths.conda = {tmp_path}/conda\n")
    status, error = refusal(server, "--conda-env-name dlipy3")
    assert (status, error["field"]) == (400, "--conda-env-name")
    assert error["message"] == f"environment dlipy3 is not in {tmp_path}/conda/envs"

    (tmp_path / "conda/envs/dlipy3").symlink_to("/usr")
    record = run(server, "import sys; print(sys.executable)", "--conda-env-name dlipy3")
    assert output(server, record).strip() == f"{tmp_path}/conda/envs/dlipy3/bin/python3"


def test_a_site_without_its_interpreter_says_so(make_server):
    status, error = refusal(make_server("paths.python = /nowhere/python3\n"), "")
    assert status == 503
    assert error["message"] == "there is no Python interpreter at /nowhere/python3; set paths.python to one"


def example_files():
    """The files of the page on adding a framework: a name in backquotes, then a block."""
    page = (ROOT / "docs/admin/frameworks.md").read_text()
    return dict(re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", page, re.S | re.M))


def test_the_worked_example_of_a_site_plugin_runs_as_printed(server):
    files = example_files()
    assert len(files) == 3
    try:
        for name, text in files.items():
            path = server.data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        assert listed(server)["Greeter"]["desc"] == ["Runs a Python script that is greeted first."]
        record = run(server, "import os, sys; print(os.environ['GREETING'], sys.argv[1:], os.getcwd())",
                     "-- --name 'the world'", "greeter")
        assert output(server, record).strip() == (
            f"hello from the wrapper ['--name', 'the world'] {record['workDir']}")
        assert "planning GreeterTrain" in (server.data / "run" / record["id"] / "launcher.log").read_text()
    finally:
        (server.data / "plugins/Greeter.conf").unlink()
    assert "Greeter" not in listed(server)


def test_a_broken_plugin_is_listed_with_its_reason_and_harms_nothing(server):
    conf = server.data / "plugins/Broken.conf"
    conf.parent.mkdir(exist_ok=True)
    conf.write_text('{ "appName": ')
    try:
        broken = listed(server)["Broken"]
        assert broken["installed"] is False and "Broken.conf cannot be read: " in broken["missing"]
        run(server, "pass")
    finally:
        conf.unlink()
