# SPDX-License-Identifier: Apache-2.0
"""The same two calls in FastAPI with SQLite: a signed-in user's task, and a search with its experiments. The rows are
copied from a running Trainyard's answers, the password is checked once and remembered, as Trainyard does."""
import base64
import hashlib
import json
import os
import sqlite3
import threading

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response

app = FastAPI()
local = threading.local()
remembered = set()


def database():
    if not hasattr(local, "db"):
        local.db = sqlite3.connect(os.environ["PEER_DB"], check_same_thread=False)
    return local.db


def sign_in(request):
    given = request.headers.get("authorization", "")
    if given in remembered:
        return
    name, _, password = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
    salt, stored = database().execute("SELECT salt, hash FROM user WHERE name = ?", (name,)).fetchone()
    if hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1) != stored:
        raise HTTPException(401)
    remembered.add(given)


@app.get("/execs/{exec_id}")
def show_exec(exec_id: str, request: Request):
    sign_in(request)
    cursor = database().execute("SELECT * FROM exec WHERE id = ?", (exec_id,))
    names = [column[0] for column in cursor.description]
    return {name: value for name, value in zip(names, cursor.fetchone()) if value is not None}


@app.get("/hypersearch/{name}")
def show_search(name: str, request: Request):
    sign_in(request)
    record = json.loads(database().execute("SELECT record FROM search WHERE name = ?", (name,)).fetchone()[0])
    record["experiments"] = [
        {"id": number, "state": state, "metricVal": metric, "appId": task, "hyperParams": json.loads(values)}
        for number, state, metric, task, values in database().execute(
            "SELECT id, state, metric, task, hyperparams FROM experiment WHERE search = ? ORDER BY id", (name,))]
    return Response(json.dumps(record), media_type="application/json")
