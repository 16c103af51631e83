# SPDX-License-Identifier: Apache-2.0
"""Programs of others, the newest from PyPI, each in a virtual environment below the repository that is made once."""
import fcntl
import json
import subprocess

import pytest

from harness import ROOT

INSTALL_S = 600


def _install(folder, package):
    """None, or why it cannot be had."""
    for command in (["/usr/bin/python3", "-m", "venv", folder / "venv"],
                    [folder / "venv/bin/python", "-m", "pip", "install", "-q", package]):
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_S)
        except (OSError, subprocess.SubprocessError) as e:
            return f"{package} cannot be installed here: {(getattr(e, 'stderr', None) or str(e)).strip()[-300:]}"
    (folder / "ready").touch()
    return None


def _runner(package, head, *options):
    """run(script, *args) runs a script, which begins with `head` and has `json` and `args`, and gives what it printed as JSON."""
    folder = ROOT / f"build-{package}"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        why = None if (folder / "ready").exists() else _install(folder, package)
    if why:
        pytest.skip(why)

    def run(script, *args):
        done = subprocess.run([folder / "venv/bin/python", *options, "-c", f"import json, sys\nargs = sys.argv[1:]\n{head}\n{script}",
                               *map(str, args)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    return run


@pytest.fixture(scope="session")
def optuna():
    return _runner("optuna", "import optuna; optuna.logging.set_verbosity(optuna.logging.ERROR)", "-W", "error::FutureWarning")


@pytest.fixture(scope="session")
def tensorflow():
    return _runner("tensorflow-cpu", "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'; import tensorflow as tf")
