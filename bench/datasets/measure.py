# SPDX-License-Identifier: Apache-2.0
"""measure.py FOLDER [--rounds N]: one table of images per second, and of images per second of processor time, which other load
disturbs less; the ratio of both. FOLDER was made by generate.py. See bench/datasets/run."""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAM = ROOT / "build/trainyard-dataset"
PYTHON = {"pillow": "/usr/bin/python3", "torchvision": "/usr/bin/python3", "tensorflow": ROOT / "build-bench/tensorflow/bin/python"}
NAMES = {"libjpeg-turbo": "{} decoding 1/{}", "kernel": "{} copying, threads: {}"}
# what, our orders, folder, peers and their work, goal against the first of them
ROWS = [
    ("photos, bytes as they are, LMDB", {"backend": "LMDB", "encoded": True}, {}, "photos", [("pillow", "stored", 10), ("kernel", "1", None), ("kernel", "2", None)]),
    ("photos, bytes as they are, TFRecord", {"backend": "TFrecords", "encoded": True}, {}, "photos", [("tensorflow", "stored", None)]),
    ("photos, 256 x 256 and JPEG again", {"backend": "LMDB", "encoded": True}, {"width": 256, "height": 256}, "photos",
     [("pillow", "encode256", 1.8), ("torchvision", "encode256", None)]),
    ("photos, 256 x 256, pixels", {"backend": "LMDB"}, {"width": 256, "height": 256}, "photos",
     [("pillow", "raw256", None), ("torchvision", "raw256", None), ("libjpeg-turbo", "1", None)]),
    ("photos, 256 x 256, pixels, TFRecord", {"backend": "TFrecords"}, {"width": 256, "height": 256}, "photos", [("tensorflow", "raw256", None)]),
    ("photos, 128 x 128, pixels", {"backend": "LMDB"}, {"width": 128, "height": 128}, "photos",
     [("pillow", "raw128", 3), ("torchvision", "raw128", None), ("libjpeg-turbo", "1", 0.85), ("libjpeg-turbo", "2", None)]),
    ("Fashion-MNIST, PNG, pixels", {"backend": "LMDB"}, {}, "fashion", [("pillow", "raw", None), ("torchvision", "raw", None)]),
]


def ours(orders, image, folder, where):
    target = Path(tempfile.mkdtemp(dir=where))
    document = {"version": 1, "name": "bench", "kind": "IMAGEFORCLASSIFICATION", "target": str(target), "roots": [str(folder)],
                "image": {"trainImages": str(folder), **image}, **orders}
    file = target.with_suffix(".json")
    file.write_text(json.dumps(document))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([PROGRAM, "build", file], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads((target / "report.json").read_text())
    shutil.rmtree(target)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return report["images_per_s"], report["splits"][0]["records"] / cpu_s


def theirs(peer, work, folder, where):
    target = Path(tempfile.mkdtemp(dir=where))
    if peer == "kernel":
        command = [where / "copy", work, target / "out", *sorted(map(str, folder.rglob("*.jpg")))]
    elif peer == "libjpeg-turbo":
        command = [where / "decode", work, *sorted(map(str, folder.rglob("*.jpg")))]
    else:
        command = [PYTHON[peer], HERE / "peers.py", peer, work, folder, target / "out" if peer == "tensorflow" else target]
    wall, cpu = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    shutil.rmtree(target)
    return float(wall), float(cpu)


def memory_mib():
    """Of the largest child so far: our program, when it is the only one that ran."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    where = Path(tempfile.mkdtemp(prefix="trainyard-bench-", dir=args.folder.parent))
    try:
        for _, orders, image, folder, _ in ROWS:
            ours(orders, image, args.folder / folder, where)
        print(f"resident at most: {memory_mib():.0f} MiB (goal: below 200)", flush=True)
        for program in ("copy", "decode"):
            subprocess.run(["cc", "-O2", "-pthread", HERE / f"{program}.c", "-o", where / program, "-ljpeg"], check=True)
        print(f"{'what':<36} {'images/s':>9} {'/CPU s':>7}  {'peer':<26} {'images/s':>9} {'/CPU s':>7} {'ratio':>6} {'CPU':>6}  goal")
        for what, orders, image, folder, peers in ROWS:
            if args.only not in what:
                continue
            runs = [[] for _ in range(len(peers) + 1)]
            for _ in range(args.rounds):
                runs[0].append(ours(orders, image, args.folder / folder, where))
                for got, (peer, work, _) in zip(runs[1:], peers):
                    got.append(theirs(peer, work, args.folder / folder, where))
            (mine, my_cpu), *others = [tuple(map(statistics.median, zip(*r))) for r in runs]
            for (peer, work, goal), (other, cpu) in zip(peers, others):
                verdict = "" if goal is None else f">= {goal:g} {'met' if mine / other >= goal else 'MISSED'}"
                name = NAMES.get(peer, "{} {}").format(peer, work)
                print(f"{what:<36} {mine:>9.0f} {my_cpu:>7.0f}  {name:<26} {other:>9.0f} {cpu:>7.0f} {mine / other:>6.2f} {my_cpu / cpu:>6.2f}  {verdict}",
                      flush=True)
    finally:
        shutil.rmtree(where, ignore_errors=True)


os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.exit(main())
