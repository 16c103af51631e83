# SPDX-License-Identifier: Apache-2.0
"""Metrics of a training script, one JSON object per line, read by the platform while the script runs.

    from emetrics import EMetrics

    with EMetrics.open() as metrics:
        metrics.record(EMetrics.TEST_GROUP, 40, {"loss": 0.345, "accuracy": 0.9})

Records go to ``evaluation-metrics.txt`` in the process's log folder. A trial of a search passes the number
of its trial, ``EMetrics.open(os.environ["SUBID"])``: its records go to a folder of that name, and its test
records are written to ``val_dict_list.json`` in RESULT_DIR when it is closed, which is where the search
looks for its metric.
"""

import json
import numbers
import os
import time

TEST_GROUP = "test"
TRAIN_GROUP = "train"

_INTEGER, _REAL = 2, 3      # type codes of the format; text has none


def log_folder(sub_id=None):
    """The folder for a process's own logs, made if it is not there."""
    if os.environ.get("LOG_DIR"):
        folder = os.environ["LOG_DIR"]
    elif os.environ.get("JOB_STATE_DIR"):
        folder = os.path.join(os.environ["JOB_STATE_DIR"], "logs")
    else:
        folder = "/tmp"
    if sub_id is not None:
        folder = os.path.join(folder, str(sub_id))
    os.makedirs(folder, exist_ok=True)
    return folder


def _plain(value):
    """A value as Python's own number or text; numbers of NumPy and one-element tensors are unwrapped."""
    if isinstance(value, bool) or isinstance(value, str):
        return str(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if hasattr(value, "item"):
        return _plain(value.item())
    return str(value)


def _typed(value):
    """A value as the format has it: a text with a type code."""
    value = _plain(value)
    if isinstance(value, int):
        return {"type": _INTEGER, "value": str(value)}
    if isinstance(value, float):
        return {"type": _REAL, "value": str(value)}
    return {"value": value}


class EMetrics(object):
    TEST_GROUP = TEST_GROUP
    TRAIN_GROUP = TRAIN_GROUP

    def __init__(self, subId, file):
        self._sub_id = None if subId is None else str(subId)
        self._file = file
        self._records = 0
        self._tests = []

    @staticmethod
    def open(subId=None):
        path = os.path.join(log_folder(subId), "evaluation-metrics.txt")
        return EMetrics(subId, open(path, "a", encoding="utf-8"))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()

    def record(self, group, iteration, values):
        """Writes one record: the values, by name, at an iteration."""
        now = time.time()
        self._records += 1
        meta = {
            "training_id": os.environ.get("TRAINING_ID") or os.environ.get("DLI_EXECID") or "",
            "time": int(now * 1000),
            "rindex": self._records,
        }
        if self._sub_id is not None:
            meta["subid"] = self._sub_id
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(now))
        line = json.dumps({
            "meta": meta,
            "grouplabel": group,
            "etimes": {
                "iteration": _typed(iteration),
                "time_stamp": {"value": "%s.%d" % (stamp, now)},
            },
            "values": {name: _typed(value) for name, value in values.items()},
        })
        self._file.write(line + "\n")
        self._file.flush()
        if group == TEST_GROUP:
            test = {"steps": _plain(iteration)}
            test.update((name, _plain(value)) for name, value in values.items())
            self._tests.append(test)

    def close(self):
        """Ends the records. Safe to repeat."""
        if self._file.closed:
            return
        self._file.close()
        if self._sub_id is not None and os.environ.get("RESULT_DIR"):
            self._write_tests(os.path.join(os.environ["RESULT_DIR"], "val_dict_list.json"))

    def _write_tests(self, path):
        """Writes aside and renames, so that nobody reads half a file."""
        aside = "%s.%d" % (path, os.getpid())
        with open(aside, "w", encoding="utf-8") as file:
            json.dump(self._tests, file)
        os.replace(aside, path)
