# SPDX-License-Identifier: Apache-2.0
"""A 200-trial Random search of a no-op script: CPU seconds beyond the script's own, against Optuna with SQLite storage and
a subprocess per trial. CPU is that of the whole machine's processes of either side, children included."""
import os
import statistics
import subprocess
import sys
from pathlib import Path

from common import VENV, Row, Wire, interleaved, new_folder, server

TRIALS = 200
GAP_MS = 10
SCRIPT = """import json, os
x = json.load(open("config.json"))["x"]
json.dump([{"loss": x * x}], open(os.path.join(os.environ.get("RESULT_DIR", "."), "val_dict_list.json"), "w"))
"""
SPACE = [{"name": "x", "type": "Range", "dataType": "double", "minDbVal": -1, "maxDbVal": 1}]
PYTHON = "/usr/bin/python3"

OPTUNA = """
import json, optuna, os, subprocess, sys, tempfile
folder = sys.argv[1]
optuna.logging.set_verbosity(optuna.logging.ERROR)

def objective(trial):
    where = tempfile.mkdtemp(dir=folder)
    json.dump({"x": trial.suggest_float("x", -1, 1)}, open(where + "/config.json", "w"))
    with open(where + "/stdout", "w") as out:
        subprocess.run([sys.argv[2], folder + "/main.py"], cwd=where, check=True, stdout=out)
    return json.load(open(where + "/val_dict_list.json"))[0]["loss"]

study = optuna.create_study(storage=f"sqlite:///{folder}/study.db", sampler=optuna.samplers.RandomSampler())
study.optimize(objective, n_trials=int(sys.argv[3]), n_jobs=2)
"""


def cpu_of(pid):
    """CPU seconds of a process and its waited-for children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(x) for x in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def children_cpu():
    times = os.times()
    return times.children_user + times.children_system


def script_cpu():
    """The script alone, run as often as there are trials."""
    folder = new_folder("script")
    (folder / "main.py").write_text(SCRIPT)
    (folder / "config.json").write_text('{"x": 0.5}')
    began = children_cpu()
    for _ in range(TRIALS):
        subprocess.run([PYTHON, "-u", "main.py"], cwd=folder, check=True)
    return children_cpu() - began


def our_cpu():
    """The server, its shepherds and the scripts: the server is our child, shepherds account for their programs and the
    server waits for shepherds."""
    with server() as s, Wire(s.url) as events:
        finished = events.count(rb'"hpoName":"[^"]*","state":"FINISHED"', 1)
        began = cpu_of(s.process.pid)
        s.search(SCRIPT, {"maxJobNum": TRIALS}, SPACE)
        finished()
        return cpu_of(s.process.pid) - began


def optuna_cpu():
    folder = new_folder("optuna")
    (folder / "main.py").write_text(SCRIPT)
    began = children_cpu()
    subprocess.run([VENV / "python", "-c", OPTUNA, folder, PYTHON, str(TRIALS)], check=True, stdout=sys.stderr)
    return children_cpu() - began


def gap_ms():
    """From a trial's exit to the next trial's start, one at a time; the median of 40, by the scheduler's own times."""
    with server() as s:
        name = s.search(SCRIPT, {"maxJobNum": 41, "maxParalleJobNum": 1}, SPACE)
        s.wait_search(name, timeout=300)
        times = sorted((a["timestamp"], a["endtime"]) for a in s.get("/scheduler/applications").json() if a["tunningname"] == name)
    return statistics.median(start - end for (_, end), (start, _) in zip(times, times[1:]))


def rows():
    own, ours, peer = interleaved(script_cpu, our_cpu, optuna_cpu)
    ours, peer = max(ours - own, 0.01), max(peer - own, 0.01)
    yield Row(f"{TRIALS}-trial Random search, CPU s beyond the script's", f"{ours:.2f}", f"{peer:.2f}", peer / ours, 5)
    (gap,) = interleaved(gap_ms)
    yield Row("exit of a trial to the start of the next, ms (limit)", f"{gap:.0f}", str(GAP_MS), gap / GAP_MS, 1, less=True)
