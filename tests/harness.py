# SPDX-License-Identifier: Apache-2.0
"""A real server for one test: own data directory, own port, real accounts. Used by tests/api and tests/kill.

    with Server(tmp_path) as s:
        reply = s.post("/execs", user="ann", params={"args": "--exec-start tensorflow ..."}, files={...})
        s.wait_exec(reply.json()["id"])

Paths are below the deep-learning base unless they start with /platform, /auth or /dlim.
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import requests
import urllib3

urllib3.disable_warnings()

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("TRAINYARD_BUILD", ROOT / "build")).resolve()
BASE = "/platform/rest/deeplearning/v1"
USERS = {"admin": "admin-secret", "ann": "ann-secret", "bob": "bob-secret"}     # admin is an administrator
FINAL_EXEC = {"FINISHED", "KILLED", "ERROR"}
FINAL_SEARCH = {"FINISHED", "FAILED", "STOPPED", "RECOVERFAILED"}

_template = None


def template_data():
    """A data directory with the accounts above, made once a process: hashing passwords is slow on purpose."""
    global _template
    if _template is None:
        _template = Path(tempfile.mkdtemp(prefix="trainyard-template-"))
        for name, password in USERS.items():
            command = [BUILD / "trainyard", "user", "add", name, "--data", _template, "--password-stdin"]
            subprocess.run(command + (["--admin"] if name == "admin" else []),
                           input=password + "\n", text=True, check=True, capture_output=True)
    return _template


class Server:
    def __init__(self, folder, conf="", args=(), env=None):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.conf = self.folder / "dlpd.conf"
        self.conf.write_text(conf)
        self.args = list(args)
        self.env = {**os.environ, **(env or {})}
        self.log = self.folder / "server.log"
        self.sessions = {}
        self.process = None
        if not self.data.exists():
            shutil.copytree(template_data(), self.data)

    # --- life ---
    def command(self):
        return [BUILD / "trainyard", "serve", "--data", self.data, "--conf", self.conf,
                "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", *self.args]

    def start(self):
        """Returns once every listener answers."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=log, text=True, env=self.env)
        self.url = self._listening("http://")
        self.https_url = self._listening("https://")
        for session in self.sessions.values():
            session.close()
        self.sessions = {}
        return self

    def _listening(self, scheme):
        line = self.process.stdout.readline().strip()
        prefix = "listening " + scheme
        assert line.startswith(prefix), f"expected '{prefix}...', got {line!r}\n{self.log_text()}"
        return line.split(" ", 1)[1]

    def stop(self):
        """A clean stop; running tasks go on."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self._forget()
        assert code == 0, f"the server ended with {code}\n{self.log_text()}"

    def kill(self):
        self.process.kill()
        self.process.wait(30)
        self._forget()

    def _forget(self):
        self.process.stdout.close()
        self.process = None

    def log_text(self):
        return self.log.read_text(errors="replace")[-8000:]

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        if self.process is not None:
            self.stop_everything()
            self.stop()

    def stop_everything(self):
        """Ends what tests left running, so that no process outlives them."""
        self.delete("/execs", user="admin")
        for record in self.get("/execs", user="admin").json():
            self.delete(f"/execs/{record['id']}", user="admin")

    # --- requests ---
    def session(self, user):
        if user not in self.sessions:
            self.sessions[user] = requests.Session()
            if user:
                self.sessions[user].auth = (user, USERS.get(user, user))
        return self.sessions[user]

    def address(self, path):
        return self.url + (path if path.startswith(("/platform", "/auth", "/dlim", "/ui")) else BASE + path)

    def request(self, method, path, user="ann", **kw):
        kw.setdefault("timeout", 60)
        return self.session(user).request(method, self.address(path), **kw)

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, **kw):
        return self.request("POST", path, **kw)

    def put(self, path, **kw):
        return self.request("PUT", path, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    # --- tasks and searches ---
    def submit(self, script, args="", user="ann", framework="tensorflow", name="main.py", **kw):
        """Submits one script as a plain Python task and returns its record."""
        reply = self.post("/execs", user=user, files={"file": (name, script)},
                          params={"args": f"--exec-start {framework} --model-main {name} {args}"}, **kw)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def search(self, script, algo, space, user="ann", args="", name="main.py", **more):
        """Starts a search over one script and returns its name."""
        algo = {"algorithm": "Random", "maxJobNum": 4, "maxParalleJobNum": 2, "objectiveMetric": "loss",
                "objective": "minimize", **algo}
        document = {"modelSpec": {"args": f"--exec-start tensorflow --model-main {name} {args}"},
                    "algoDef": algo, "hyperParams": space, **more}
        reply = self.post("/hypersearch", user=user, files={"file": (name, script)},
                          data={"data": json.dumps(document)})
        assert reply.status_code == 200, reply.text
        body = reply.json()
        return body if isinstance(body, str) else body["uid"]

    def notices(self, subject=None, user="ann", timeout=60, since=None):
        """Server-sent events as (kind, data) pairs, from now on."""
        params = {k: v for k, v in {"subject": subject, "since": since}.items() if v is not None}
        reply = self.request("GET", "/events", user=user, params=params, stream=True, timeout=timeout)
        assert reply.status_code == 200, reply.text
        return Notices(reply)

    def _wait(self, path, subject, final, user, timeout):
        with self.notices(subject, user, timeout) as notices:
            record = self.get(path, user=user).json()
            while record["state"] not in final:
                next(notices)
                record = self.get(path, user=user).json()
        return record

    def wait_exec(self, exec_id, states=FINAL_EXEC, user="ann", timeout=60):
        """The record once its state is one of `states` (or final)."""
        return self._wait(f"/execs/{exec_id}", exec_id, set(states) | FINAL_EXEC, user, timeout)

    def wait_search(self, name, states=FINAL_SEARCH, user="ann", timeout=120):
        return self._wait(f"/hypersearch/{name}", name, set(states) | FINAL_SEARCH, user, timeout)


class Notices:
    """Iterates over the events of an open stream; closes it on leaving."""

    def __init__(self, reply):
        self.reply = reply
        self.lines = reply.iter_lines(chunk_size=1, decode_unicode=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.reply.close()

    def __iter__(self):
        return self

    def __next__(self):
        kind, data = None, []
        for line in self.lines:
            if line.startswith("event:"):
                kind = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].strip())
            elif not line and data:
                return kind, json.loads("\n".join(data))
        raise AssertionError("the event stream ended")
