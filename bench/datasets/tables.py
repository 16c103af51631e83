# SPDX-License-Identifier: Apache-2.0
"""tables.py [ROWS [FOLDER]]: builds a dataset of a CSV table of ROWS (10,000,000) rows, about 28 bytes each, into three parts, and
prints seconds, seconds of processor time and the most memory; once with rows that all differ, once with equal ones. FOLDER
(/dev/shm) takes five times the table while it runs."""
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "build/trainyard-dataset"


def build(folder, what, rows):
    table, target, orders = folder / "in.csv", folder / "out", folder / "orders.json"
    with open(table, "w") as f:
        f.write("id,a,b,label\n")
        f.writelines(rows)
    target.mkdir()
    orders.write_text(json.dumps({"version": 1, "name": "bench", "kind": "CSV", "backend": "CSV", "train": str(table),
                                  "target": str(target), "roots": [str(folder)], "image": {"valPercentage": 10, "testPercentage": 10}}))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([PROGRAM, "build", orders], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads((target / "report.json").read_text())
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{what}: {sum(s['records'] for s in report['splits'])} rows, {table.stat().st_size / 1e6:.0f} MB in {report['seconds']:.1f} s, "
          f"{cpu_s:.1f} s of processor time, at most {after.ru_maxrss / 1024:.0f} MiB; duplicates between parts: "
          f"{report['duplicates']['count']}", flush=True)
    shutil.rmtree(target)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    draw = random.Random(1)
    folder = Path(tempfile.mkdtemp(prefix="trainyard-bench-", dir=sys.argv[2] if len(sys.argv) > 2 else "/dev/shm"))
    try:
        build(folder, "different", (f"{i},{draw.random():.6f},{draw.random():.6f},{'ab'[i & 1]}\n" for i in range(n)))
        build(folder, "equal", ("1234567,0.123456,0.654321,a\n" for _ in range(n)))
    finally:
        shutil.rmtree(folder)


main()
