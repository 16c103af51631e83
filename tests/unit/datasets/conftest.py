# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from harness import BUILD     # noqa: E402


class Builder:
    """trainyard-dataset with folders of one test: `data` is a root that sources may lie in."""
    program = BUILD / "trainyard-dataset"

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir()
        self.n = 0

    def orders(self, **members):
        """Orders for a target of its own, as the server writes them."""
        self.n += 1
        target = self.folder / f"set{self.n}"
        target.mkdir()
        image = {"text": False, **dict.fromkeys(["trainText", "valText", "testText", "labelText", "trainImages", "valImages",
                 "testImages", "height", "width"]), "type": "color", "resize": "squash", "valPercentage": 0,
                 "testPercentage": 0, "split": "hold-out", **members.pop("image", {})}
        return {"version": 1, "name": "pets", "backend": "Other", "target": str(target), "roots": [str(self.data)],
                **dict.fromkeys(["train", "val", "test", "meanfile", "labels", "plugin"]), "image": image, "shards": 1,
                "byclass": False, "encoded": False, "copy": False, "seed": 1, "maxBroken": 0, "threads": 2,
                "python": "/usr/bin/python3", **members}

    def _file(self, orders):
        file = self.folder / "orders.json"
        file.write_text(json.dumps(orders, default=str))
        return file

    def start(self, orders):
        return subprocess.Popen([self.program, "build", self._file(orders)], stdout=subprocess.PIPE)

    def run(self, orders):
        """What the program ended with, and the report; None when there is none."""
        done = subprocess.run([self.program, "build", self._file(orders)], capture_output=True, text=True)
        report = Path(orders["target"]) / "report.json"
        return done, json.loads(report.read_text()) if report.exists() else None

    def build(self, **members):
        """Builds; gives the target and the report."""
        orders = self.orders(**members)
        done, report = self.run(orders)
        assert done.returncode == 0, done.stderr
        assert report["ok"] and report["error"] is None
        return Path(orders["target"]), report

    def refused(self, **members):
        """Does not build; gives the report."""
        done, report = self.run(self.orders(**members))
        assert done.returncode == 1, done.stderr
        assert not report["ok"]
        assert done.stderr.endswith(report["error"] + "\n")
        return report


@pytest.fixture
def builder(tmp_path):
    return Builder(tmp_path)
