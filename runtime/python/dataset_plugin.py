# SPDX-License-Identifier: Apache-2.0
"""A plug-in that builds a dataset, in Python.

    from dataset_plugin import Plugin

    with Plugin() as plugin:
        for part, source in plugin.sources.items():         # "train", and "val" and "test" where there are such
            folder = plugin.folder(part)
            for path in plugin.progress(sorted(source.iterdir()), "files"):
                (folder / path.name).write_bytes(path.read_bytes())
                plugin.count(part, label=path.stem)

The platform starts the plug-in in the folder that becomes the dataset, with the path of a JSON document as its only
argument; what this module writes at the end of the ``with`` is the document that the platform reads. docs/guide/datasets.md
describes both, for plug-ins in other languages.
"""
import json
import os
import sys
import time
import traceback
from pathlib import Path

PARTS = ("train", "val", "test")
_SENTENCE_MAX = 400         # bytes that the platform takes


class Refused(Exception):
    """The data cannot be used: the sentence is what the user is told. Raised by Plugin.refuse()."""


def _sentence(text):
    return str(text).encode(errors="replace")[:_SENTENCE_MAX].decode(errors="ignore").strip() or "nothing was said"


class Plugin:
    """What was ordered, and what was done.

    name     of the dataset
    target   the folder to write into, the current one
    sources  {"train": Path, ...}: those parts that a source was named for
    labels   the path of a labels file, or None
    image    a dict: type, resize, split, height, width, valPercentage, testPercentage
    shards, byclass, encoded, seed, threads      as ordered; threads is None when it was left open
    """

    def __init__(self, request=None):
        """Reads the document at `request`, by default the program's first argument."""
        with open(request or sys.argv[1], encoding="utf-8") as f:
            orders = json.load(f)
        self.name = orders["name"]
        self.target = Path(orders["target"])
        self.sources = {part: Path(orders[part]) for part in PARTS if orders[part]}
        self.labels = Path(orders["labels"]) if orders["labels"] else None
        for option in ("image", "shards", "byclass", "encoded", "seed", "threads"):
            setattr(self, option, orders[option])
        self._result_path = orders["result"]
        self._parts = {}
        self._result = {"warnings": [], "broken": []}

    def folder(self, part):
        """The folder of a part, made when it is not there."""
        path = self.target / part
        path.mkdir(parents=True, exist_ok=True)
        return path

    def count(self, part, n=1, label=None):
        """n more records of a part, of a class when it has one. Without any call every file counts as a record."""
        entry = self._parts.setdefault(part, {"records": 0, "labels": {}})
        entry["records"] += n
        if label is not None:
            entry["labels"][str(label)] = entry["labels"].get(str(label), 0) + n

    def path(self, part, path):
        """Where a part lies when it is not called after it: a folder or a file below the target."""
        entry = self._parts.setdefault(part, {"records": 0, "labels": {}})
        entry["path"] = str(path)

    def classes(self, labels):
        """The classes in their order. Without a call they are those that were counted, in alphabetical order."""
        self._result["labels"] = [str(label) for label in labels]

    def broken(self, path, reason):
        """Something in the source that cannot be used: it is named in the report."""
        self._result["broken"].append({"path": str(path), "reason": _sentence(reason)})

    def warn(self, sentence):
        """Something that whoever uses the dataset should know."""
        self._result["warnings"].append(_sentence(sentence))

    def refuse(self, sentence):
        """Ends the build: the data cannot be used, and why."""
        raise Refused(sentence)

    @staticmethod
    def progress(items, unit="records"):
        """The items one by one, while the task's progress and speed are told once a second."""
        items = list(items)
        start = said = time.monotonic()
        print(f"Total iterations: {len(items)}", flush=True)
        for done, item in enumerate(items):
            if time.monotonic() - said >= 1:
                said = time.monotonic()
                Plugin._say(done, len(items), unit, said - start)
            yield item
        Plugin._say(len(items), len(items), unit, time.monotonic() - start)

    @staticmethod
    def _say(done, total, unit, seconds):
        speed = done / seconds if seconds > 0 else 0.0
        print(f"Iteration {done}: tag train_{unit}_per_s, simple_value {speed:.1f}")
        print(f"{done} of {total} {unit}, {speed:.0f} {unit}/s", flush=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        result = dict(self._result)
        for part, entry in self._parts.items():
            labels = [{"label": label, "count": n} for label, n in entry["labels"].items()]
            result[part] = {key: value for key, value in {**entry, "labels": labels}.items() if value}
        if isinstance(error, Refused):
            result["error"] = _sentence(error)
        elif isinstance(error, Exception):
            traceback.print_exception(kind, error, trace)
            result["error"] = _sentence(f"{kind.__name__}: {error}")
        aside = self._result_path + ".new"
        with open(aside, "w", encoding="utf-8") as f:
            json.dump(result, f)
        os.replace(aside, self._result_path)
        if isinstance(error, Exception):
            sys.exit(1)
