# SPDX-License-Identifier: Apache-2.0
"""The text log of a training script: lines for people that notebooks also draw as charts.

    from elog import ELog

    with ELog.open() as log:
        log.recordText("starting")
        log.recordTrain("Train", iteration, global_steps, loss, accuracy, worker)
        log.recordTest("Test", loss, accuracy, worker)

Lines go to ``stdout`` in the process's log folder.
"""

import os
import time

from emetrics import log_folder

_BETWEEN = ",\t"


def _rounded(value):
    return str(float("%.5f" % value))


class ELog(object):
    def __init__(self, subId, file):
        self._file = file

    @staticmethod
    def open(subId=None):
        return ELog(subId, open(os.path.join(log_folder(subId), "stdout"), "a", encoding="utf-8"))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()

    def recordText(self, text):
        self._file.write(time.strftime("[%Y-%m-%d %H:%M:%S] ") + text + "\n")
        self._file.flush()

    def recordTrain(self, title, iteration, global_steps, loss, accuracy, worker=None):
        self._record(title, [("Global steps", str(global_steps)), ("Iteration", str(iteration)),
                             ("Loss", _rounded(loss)), ("Accuracy", _rounded(accuracy))])

    def recordTest(self, title, loss, accuracy, worker=None):
        self._record(title, [("Loss", _rounded(loss)), ("Accuracy", _rounded(accuracy))])

    def _record(self, title, values):
        stamp = ("Timestamp", str(int(time.time() * 1000)))
        self.recordText(_BETWEEN.join([title] + ["%s: %s" % pair for pair in [stamp] + values]))

    def close(self):
        self._file.close()
