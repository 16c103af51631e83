# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

RUNTIME = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../runtime/python"))
sys.path.insert(0, RUNTIME)


@pytest.fixture
def job(tmp_path, monkeypatch):
    """The folders and variables of a task's process."""
    for name in ("LOG_DIR", "JOB_STATE_DIR", "TRAINING_ID", "DLI_EXECID", "SUBID", "RESULT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOG_DIR", str(tmp_path / "log/worker-0"))
    monkeypatch.setenv("RESULT_DIR", str(tmp_path))
    return tmp_path
