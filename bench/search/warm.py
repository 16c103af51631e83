# SPDX-License-Identifier: Apache-2.0
"""A search of 60 trials of a PyTorch script that takes about a second from its start to its end, two at a time: seconds from
the request to the end, started warm, started anew by the same server, and by Optuna with a process for each trial. Every
round has all three in turn."""
import statistics
import subprocess
import sys
import time

from common import VENV, Row, Wire, interleaved, new_folder, server
from search_overhead import OPTUNA, PYTHON, SPACE, children_cpu

TRIALS = 60
ONE_THREAD = {"OMP_NUM_THREADS": "1"}       # what our trials get with one slot each
SCRIPT = """import json, os
import torch

rate = 10 ** (2 * json.load(open("config.json"))["x"] - 2)
torch.manual_seed(1)
x = torch.randn(2000, 30)
y = (x[:, :5].sum(1) > 0).long()
net = torch.nn.Sequential(torch.nn.Linear(30, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=rate)
loss_of = torch.nn.CrossEntropyLoss()
for epoch in range(16):
    for i in range(0, len(x), 50):
        optimizer.zero_grad()
        loss = loss_of(net(x[i:i + 50]), y[i:i + 50])
        loss.backward()
        optimizer.step()
json.dump([{"loss": loss.item()}], open(os.path.join(os.environ.get("RESULT_DIR", "."), "val_dict_list.json"), "w"))
"""


def script_cpu(source):
    """CPU seconds of one run by itself, median of 5."""
    folder = new_folder("script")
    (folder / "main.py").write_text(source)
    (folder / "config.json").write_text('{"x": 0.5}')
    taken = []
    for _ in range(5):
        began = children_cpu()
        subprocess.run([PYTHON, "main.py"], cwd=folder, check=True, env=ONE_THREAD)
        taken.append(children_cpu() - began)
    return statistics.median(taken)


def our_seconds(s, args):
    with Wire(s.url) as events:
        finished = events.count(rb'"hpoName":"[^"]*","state":"FINISHED"', 1)
        began = time.monotonic()
        s.search(SCRIPT, {"maxJobNum": TRIALS}, SPACE, args=args)
        finished()
        return time.monotonic() - began


def optuna_seconds():
    folder = new_folder("optuna")
    (folder / "main.py").write_text(SCRIPT)
    began = time.monotonic()
    subprocess.run([VENV / "python", "-c", OPTUNA, folder, PYTHON, str(TRIALS)], check=True, stdout=sys.stderr,
                   env=ONE_THREAD)
    return time.monotonic() - began


def rows():
    print(f"the script takes {script_cpu(SCRIPT):.2f} s of CPU, of which {script_cpu('import torch'):.2f} s are the import of PyTorch")
    with server("group.default.slots = 2\n") as s:
        warm, anew, peer = interleaved(lambda: our_seconds(s, ""), lambda: our_seconds(s, "--msd-warm-interpreter false"),
                                       optuna_seconds)
    what = f"{TRIALS} PyTorch trials by warm interpreters, s"
    yield Row(f"{what}, against starts anew", f"{warm:.1f}", f"{anew:.1f}", anew / warm, 2)
    yield Row(f"{what}, against Optuna", f"{warm:.1f}", f"{peer:.1f}", peer / warm, 2)
