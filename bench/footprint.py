# SPDX-License-Identifier: Apache-2.0
"""Idle resident size, start to first answer, size of the program."""
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import requests
from common import Row, interleaved, server
from harness import BASE, BUILD

IDLE_MIB, START_MS, BINARY_MIB = 10, 50, 3


def resident_mib(pid):
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def start_ms(s):
    s.stop()
    began = time.monotonic()
    s.start()
    with requests.Session() as session:
        session.get(f"{s.url}{BASE}/openapi.json").raise_for_status()
    return (time.monotonic() - began) * 1000


def stripped_mib():
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(BUILD / "trainyard", folder))
        subprocess.run(["strip", copy], check=True)
        return copy.stat().st_size / 2**20


def rows():
    with server() as s:
        s.get("/conf")
        idle = resident_mib(s.process.pid)
        (start,) = interleaved(lambda: start_ms(s), rounds=7)
    size = stripped_mib()
    yield Row("idle resident size, MiB (limit)", f"{idle:.1f}", str(IDLE_MIB), idle / IDLE_MIB, 1, less=True)
    yield Row("start to first answer, ms (limit)", f"{start:.0f}", str(START_MS), start / START_MS, 1, less=True)
    yield Row("stripped program, MiB (limit)", f"{size:.2f}", str(BINARY_MIB), size / BINARY_MIB, 1, less=True)
