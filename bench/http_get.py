# SPDX-License-Identifier: Apache-2.0
"""Authenticated GET of one task and of a search with 100 experiments, 64 connections, against nginx returning a constant
and against the same two calls in FastAPI with uvicorn and SQLite."""
import contextlib
import hashlib
import json
import os
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

from common import BASIC, VENV, Row, interleaved, new_folder, server, wrk
from harness import BASE

TRIAL = 'import json, os; json.dump([{"loss": json.load(open("config.json"))["x"]}], open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w"))'


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port):
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)


@contextlib.contextmanager
def running(command, port, **kw):
    process = subprocess.Popen(command, **kw)
    try:
        wait_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def nginx(body):
    port, folder = free_port(), new_folder("nginx")
    text = body.replace("\\", "\\\\").replace("'", "\\'").replace("$", "")
    (folder / "nginx.conf").write_text(
        f"worker_processes auto; pid {folder}/pid; error_log /dev/null; daemon off;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; "
        f"return 200 '{text}'; }} }} }}\n")
    return running(["nginx", "-c", folder / "nginx.conf", "-p", folder], port, stderr=subprocess.DEVNULL)


def fill_peer(path, record, search):
    db = sqlite3.connect(path)
    salt = os.urandom(16)
    db.execute("CREATE TABLE user(name TEXT PRIMARY KEY, salt BLOB, hash BLOB)")
    db.execute("INSERT INTO user VALUES ('ann', ?, ?)", (salt, hashlib.scrypt(b"ann-secret", salt=salt, n=2**14, r=8, p=1)))
    db.execute(f"CREATE TABLE exec({', '.join(k + (' PRIMARY KEY' if k == 'id' else '') for k in record)})")
    db.execute(f"INSERT INTO exec VALUES ({', '.join('?' * len(record))})", list(record.values()))
    db.execute("CREATE TABLE search(name TEXT PRIMARY KEY, record TEXT)")
    db.execute("INSERT INTO search VALUES (?, ?)",
               (search["hpoName"], json.dumps({k: v for k, v in search.items() if k != "experiments"})))
    db.execute("CREATE TABLE experiment(search, id, state, metric, task, hyperparams, PRIMARY KEY (search, id))")
    db.executemany("INSERT INTO experiment VALUES (?, ?, ?, ?, ?, ?)",
                   [(search["hpoName"], e["id"], e["state"], e.get("metricVal"), e.get("appId"), json.dumps(e["hyperParams"]))
                    for e in search["experiments"]])
    db.commit()
    db.close()


def fastapi(record, search):
    port, folder = free_port(), new_folder("fastapi")
    fill_peer(folder / "peer.db", record, search)
    command = [VENV / "uvicorn", "fastapi_app:app", "--port", str(port), "--workers", str(os.cpu_count()), "--log-level",
               "error", "--no-access-log"]
    return running(command, port, cwd=Path(__file__).parent / "peers", env={**os.environ, "PEER_DB": str(folder / "peer.db")})


def rows():
    with server() as s:
        record = s.wait_exec(s.submit("print(1)")["id"])
        name = s.search(TRIAL, {"maxJobNum": 100}, [{"name": "x", "type": "Range", "dataType": "double", "minDbVal": 0, "maxDbVal": 1}])
        search = s.wait_search(name, timeout=300)
        one, many = f"{s.url}{BASE}/execs/{record['id']}", f"{s.url}{BASE}/hypersearch/{name}"
        with nginx(json.dumps(record)) as constant, fastapi(record, search) as peer:
            ours, ngx, fast = interleaved(lambda: wrk(one, [BASIC]), lambda: wrk(constant),
                                          lambda: wrk(f"{peer}/execs/{record['id']}", [BASIC]))
            yield Row("GET /execs/{id}, requests/s, against nginx constant", f"{ours:.0f}", f"{ngx:.0f}", ours / ngx, 0.8)
            yield Row("GET /execs/{id}, requests/s, against FastAPI", f"{ours:.0f}", f"{fast:.0f}", ours / fast, 10)
            ours, fast = interleaved(lambda: wrk(many, [BASIC]), lambda: wrk(f"{peer}/hypersearch/{name}", [BASIC]))
            yield Row("GET /hypersearch/{name} of 100, against FastAPI", f"{ours:.0f}", f"{fast:.0f}", ours / fast, 10)
