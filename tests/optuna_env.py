# SPDX-License-Identifier: Apache-2.0
"""A Python with the newest Optuna from PyPI, in a virtual environment below the repository that is made once."""
import fcntl
import json
import subprocess

import pytest

from harness import ROOT

FOLDER = ROOT / "build-optuna"
PYTHON = FOLDER / "venv/bin/python"
INSTALL_S = 300


def _install():
    """None, or why it cannot be had."""
    for command in (["/usr/bin/python3", "-m", "venv", FOLDER / "venv"], [PYTHON, "-m", "pip", "install", "-q", "optuna"]):
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_S)
        except (OSError, subprocess.SubprocessError) as e:
            return f"Optuna cannot be installed here: {(getattr(e, 'stderr', None) or str(e)).strip()[-300:]}"
    (FOLDER / "ready").touch()
    return None


@pytest.fixture(scope="session")
def optuna():
    """optuna(script, *args) runs a script, which has `optuna`, `json` and `args`, and gives what it printed as JSON."""
    FOLDER.mkdir(exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        why = None if (FOLDER / "ready").exists() else _install()
    if why:
        pytest.skip(why)

    def run(script, *args):
        head = "import json, sys, optuna\nargs = sys.argv[1:]\noptuna.logging.set_verbosity(optuna.logging.ERROR)\n"
        done = subprocess.run([PYTHON, "-W", "error::FutureWarning", "-c", head + script, *map(str, args)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    return run
