# SPDX-License-Identifier: Apache-2.0
"""Training code written long before this server: where it looks for its folders, values and siblings, and where it
leaves what it made."""
import importlib.util
import io
import tarfile

import pytest

RATE = {"name": "learning_rate", "type": "Range", "dataType": "DOUBLE", "minDbVal": 0.001, "maxDbVal": 0.1}
ONE_GROUP = "group.default.slots = 3\n"


def packed(files, mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def outcome(server, record):
    done = server.wait_exec(record["id"], timeout=120)
    assert done["state"] == "FINISHED", (done, server.get(f"/execs/{done['id']}/log?logType=outerrlog").text)
    return server.data / "results" / done["creator"] / "batchworkdir" / done["id"], \
        server.get(f"/execs/{done['id']}/log").text


torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


@torch
def test_torch_saves_into_a_model_folder_nobody_made(server):
    code = 'import os, torch\ntorch.save(torch.nn.Linear(2, 1), os.environ["RESULT_DIR"] + "/model/net.pt")\n'
    folder, _ = outcome(server, server.submit(code, framework="PyTorch"))
    assert (folder / "model/net.pt").stat().st_size > 0


def test_a_tensorflow_program_makes_its_model_folder_itself(server):
    code = 'import os\nos.mkdir(os.path.join(os.environ["RESULT_DIR"], "model"))\n'
    folder, _ = outcome(server, server.submit(code))
    assert (folder / "model").is_dir()


def test_the_result_folder_is_found_without_its_variable(server):
    code = """
import os
path = "%s/%s/batchworkdir/%s" % (os.environ["DLI_RESULT_FS"], os.environ["USER"], os.environ["DLI_EXECID"])
assert os.path.samefile(path, os.environ["RESULT_DIR"])
with open(path + "/val_dict_list.json", "w") as f:
    f.write('[{"mse_val": 0.25}]')
"""
    folder, _ = outcome(server, server.submit(code))
    assert (folder / "val_dict_list.json").read_text() == '[{"mse_val": 0.25}]'


def test_the_data_folder_exists_and_can_be_written(server):
    code = """
import os
os.makedirs(os.environ["DATA_DIR"], exist_ok=True)
open(os.environ["DATA_DIR"] + "/downloaded", "w").close()
print(os.path.relpath(os.environ["DATA_DIR"], os.environ["DLI_DATA_FS"]))
"""
    _, log = outcome(server, server.submit(code, "--cs-datastore-meta type=fs,data_path=sets/mnist"))
    assert log == "sets/mnist\n" and (server.data / "data/sets/mnist/downloaded").exists()


METRICS = """
import json, os, time
from pathlib import PurePath
sub = os.environ.get("SUBID")
folder = os.environ["LOG_DIR"] if sub is None else str(PurePath(os.environ["LOG_DIR"], sub))
if not os.path.exists(folder):
    os.makedirs(folder)
with open(str(PurePath(folder, "evaluation-metrics.txt")), "a") as f:
    for step in (1, 2, 3):
        f.write(json.dumps({"meta": {"training_id": os.environ["TRAINING_ID"], "time": int(time.time() * 1000)},
                            "grouplabel": "test",
                            "etimes": {"iteration": {"type": 2, "value": str(step)}},
                            "values": {"loss": {"type": 3, "value": str(1 / step)}}}) + "\\n")
with open(str(PurePath(os.environ["RESULT_DIR"], "val_dict_list.json")), "w") as f:
    f.write(json.dumps([{"steps": 3, "loss": 0.3}]))
"""


def charted(server, exec_id, series):
    """Waits until the series has its three points: they are stored just after the task's end is."""
    with server.notices(exec_id) as notices:
        while True:
            found = {s["name"]: s["n"] for s in server.get(f"/execs/{exec_id}/metrics").json()["series"]}
            if found.get(series) == 3:
                return True
            next(notices)


def test_metrics_written_beside_the_log_are_charted(server):
    record = server.submit(METRICS)
    folder, _ = outcome(server, record)
    assert len(list(folder.glob("log/*/evaluation-metrics.txt"))) == 1
    assert charted(server, record["id"], "test/loss")


def test_metrics_of_an_experiment_lie_under_its_number(server):
    name = server.search(METRICS, {"maxJobNum": 2}, [RATE])
    record = server.wait_search(name)
    assert record["state"] == "FINISHED" and record["best"]["metricVal"] == 0.3
    for experiment in record["experiments"]:
        folder = server.data / "results/ann/batchworkdir" / experiment["appId"]
        path, = folder.glob("log/*/*/evaluation-metrics.txt")
        assert path.parent.name == str(experiment["id"])
        assert charted(server, experiment["appId"], "test/loss")


def test_config_json_of_an_experiment_replaces_the_one_in_the_package(server):
    code = """
import json, os
with open("config.json", "r") as f:
    rate = float(json.load(f)["learning_rate"])
with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as f:
    json.dump([{"loss": rate}], f)
"""
    package = packed({"net/main.py": code, "net/config.json": '{"learning_rate": 99}'})
    record = server.wait_search(server.search(package, {"maxJobNum": 2}, [RATE], args="--model-dir net"))
    assert all(0.001 <= e["metricVal"] <= 0.1 for e in record["experiments"])


@pytest.mark.slow
@torch
def test_processes_of_one_torch_task_meet(make_server):
    code = """
import os, torch, torch.distributed as d
d.init_process_group("gloo", init_method="tcp://" + os.environ["MASTER_ADDR"] + ":" + os.environ["MASTER_PORT"],
                     rank=int(os.environ["RANK"]), world_size=int(os.environ["WORLD_SIZE"]))
value = torch.tensor([float(d.get_rank() + 1)])
d.all_reduce(value)
print("sum", int(value.item()))
if d.get_rank() == 0:
    torch.save(value, os.path.join(os.environ["RESULT_DIR"], "model", "sum.pt"))
"""
    server = make_server(ONE_GROUP)
    record = server.submit(code, "--numWorker 2 --workerMemory 1G", framework="distPyTorch")
    folder, log = outcome(server, record)
    assert log.count("sum 3") == 2 and (folder / "model/sum.pt").exists()


def test_processes_of_one_tensorflow_task_know_each_other(make_server):
    code = 'import json, os\nc = json.loads(os.environ["TF_CONFIG"])\n' \
           'print("I am", c["task"]["type"], int(c["task"]["index"]), "of", len(c["cluster"]["worker"]))\n'
    server = make_server(ONE_GROUP)
    record = server.submit(code, "--numWorker 3 --workerMemory 1G --workerDeviceType cpu", framework="disttensorflow")
    _, log = outcome(server, record)
    assert sorted(x for x in log.splitlines() if x.startswith("I am")) == [f"I am worker {n} of 3" for n in range(3)]
