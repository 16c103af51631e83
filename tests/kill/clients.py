# SPDX-License-Identifier: Apache-2.0
"""Clients that never rest: they submit, stop and delete tasks, searches and datasets while the server is killed under them, and
remember what they asked for and what was acknowledged."""
import io
import json
import random
import tarfile
import threading
import zipfile

import requests

TRIALS = 25
SAMPLES = {f"{i}.bin": bytes([i]) * 3000 for i in range(40)}      # of every dataset
RAN = 'echo ran >> $RESULT_DIR/ran'
TASK = '--exec-start tensorflow --user-cmd -- /bin/sh -c "' + RAN + '; sleep {seconds}"'
LONG = 600      # seconds; such a task ends only when it is stopped

# Fails when the package is not complete.
CHECKED = """
import hashlib, os
with open(os.environ["RESULT_DIR"] + "/ran", "a") as f: f.write("ran\\n")
assert sorted(os.listdir(".")) == sorted(["main.py"] + ["part%d" % i for i in range(20)])
for i in range(20): assert len(open("part%d" % i).read()) == 20000, i
"""
TRIAL = """
import json, os
import numpy         # so that a warm interpreter starts it, if the server lives long enough
x = json.load(open("config.json"))["x"]
with open(os.environ["RESULT_DIR"] + "/ran", "a") as f: f.write("ran\\n")
with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as f: json.dump([{"steps": 1, "loss": x * x}], f)
"""


def package():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in [("main.py", CHECKED)] + [(f"part{i}", "x" * 20000) for i in range(20)]:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in SAMPLES.items():
            z.writestr(f"train/{name}", data)
    return out.getvalue()


class Wishes:
    """What was asked of one thing: acknowledged ones must come true, the others may."""

    def __init__(self):
        self.asked, self.done = set(), set()


class Clients:
    def __init__(self, server, seed):
        self.server = server
        self.tasks = {}         # id: Wishes; with "long" in asked if it ends only by a stop
        self.searches = {}      # name: Wishes
        self.datasets = {}      # name: Wishes
        self.complaints = []    # answers that no kill excuses
        self.up = threading.Event()
        self.over = threading.Event()
        self.package = package()
        self.archive = archive()
        self.place_samples()
        self.token = None       # a kill does not end a sign-in, and no hash of a password is made for each request
        loops = [self.submit, self.upload, self.search, self.dataset, self.meddle]
        self.threads = [threading.Thread(target=self.loop, args=(step, random.Random(f"{seed} {i}")))
                        for i, step in enumerate(loops)]
        for thread in self.threads:
            thread.start()

    def loop(self, step, rng):
        while not self.over.is_set():
            if not self.up.wait(0.05):
                continue
            try:
                step(rng)
            except requests.RequestException:
                self.over.wait(0.01)    # killed in the middle: not acknowledged, so nothing is owed

    def sign_in(self):
        self.token = self.server.post("/auth/v1/logon").json()["accessToken"]

    def ask(self, method, path, expected=(200, 204), **kw):
        reply = requests.request(method, self.server.address(path), headers={"Authorization": f"Bearer {self.token}"},
                                 timeout=30, **kw)
        if reply.status_code not in expected:
            self.complaints.append((method, path, reply.status_code, reply.text[:300]))
            return None
        return reply

    def submit(self, rng):
        seconds = rng.choice([0, 0, 0, 0.05, 0.3, LONG])
        reply = self.ask("POST", "/execs", params={"args": TASK.format(seconds=seconds)})
        if reply:
            wishes = Wishes()
            wishes.asked |= {"long"} if seconds == LONG else set()
            self.tasks[reply.json()["id"]] = wishes
            if seconds == LONG:
                self.wish(self.tasks, reply.json()["id"], rng.choice(["stop", "delete"]))
        self.over.wait(0.03)

    def upload(self, rng):
        reply = self.ask("POST", "/execs", params={"args": "--exec-start tensorflow --model-main main.py"},
                         files={"file": ("model.tar.gz", self.package)})
        if reply:
            self.tasks[reply.json()["id"]] = Wishes()
        self.over.wait(0.15)

    def search(self, rng):
        if len(self.searches) < 2 + len(self.tasks) // 150:
            document = {"modelSpec": {"args": "--exec-start tensorflow --model-main main.py"},
                        "algoDef": {"algorithm": "Random", "maxJobNum": TRIALS, "maxParalleJobNum": 2,
                                    "objectiveMetric": "loss", "objective": "minimize"},
                        "hyperParams": [{"name": "x", "type": "Range", "dataType": "double", "minDbVal": -1, "maxDbVal": 1}]}
            reply = self.ask("POST", "/hypersearch", files={"file": ("main.py", TRIAL)}, data={"data": json.dumps(document)})
            if reply:
                answer = reply.json()
                self.searches[answer if isinstance(answer, str) else answer["uid"]] = Wishes()
        self.over.wait(0.1)

    def place_samples(self):
        folder = self.server.data / "data/samples/train"
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in SAMPLES.items():
            (folder / name).write_bytes(data)

    def dataset(self, rng):
        """From a path or an upload; some are stopped or deleted soon after."""
        name = f"set-{rng.getrandbits(40):x}"
        document = {"name": name, "datasourcetype": "OTHER", "dbbackend": "Other", "copy": True}
        if rng.random() < 0.5:
            reply = self.ask("POST", "/datasets", (201,), json={**document, "trainpath": "samples/train"})
        else:
            reply = self.ask("POST", "/datasets/upload", (201,), data={"data": json.dumps(document)},
                             files={"file": ("a.zip", self.archive)})
        if reply is not None:
            self.datasets[name] = Wishes()
            if rng.random() < 0.4:
                self.over.wait(rng.uniform(0, 0.2))
                self.wish_dataset(name, rng.choice(["stop", "delete"]))
        self.over.wait(0.1)

    def wish_dataset(self, name, what):
        wishes = self.datasets[name]
        wishes.asked.add(what)
        reply = self.ask(*{"stop": ("PUT", f"/datasets/{name}/stop"), "delete": ("DELETE", f"/datasets/{name}")}[what],
                         expected=(200, 400, 409))
        if reply is not None and reply.status_code == 200:
            wishes.done.add(what)

    def meddle(self, rng):
        """Stops or deletes something of the last few, or lets a search stop and go on."""
        self.over.wait(rng.uniform(0, 0.3))
        tasks, searches = list(self.tasks)[-4:], list(self.searches)[-3:]
        if tasks and rng.random() < 0.5:
            self.wish(self.tasks, rng.choice(tasks), rng.choice(["stop", "delete"]))
        elif searches:
            self.wish(self.searches, rng.choice(searches), rng.choice(["stop", "force", "restart", "restart", "restart"]))

    def wish(self, things, name, what):
        """400 and 409 are fine where a wish may come too late, too early or for what has been deleted."""
        tasks = things is self.tasks
        path = f"/execs/{name}" if tasks else f"/hypersearch/{name}"
        method, end = {("stop", True): ("POST", "/stop"), ("delete", True): ("DELETE", ""), ("stop", False): ("PUT", ""),
                       ("force", False): ("PUT", "/force"), ("restart", False): ("PUT", "/restart")}[what, tasks]
        things[name].asked.add(what)
        reply = self.ask(method, path + end, expected=(200, 204, 400, 409))
        if reply is not None and reply.status_code in (200, 204):
            things[name].done.add(what)

    def end(self):
        self.over.set()
        self.up.set()
        for thread in self.threads:
            thread.join()
