# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import BUILD, Server  # noqa: E402


class Cli:
    """The command line of one person: a login file of its own."""

    def __init__(self, home, url, user="ann"):
        self.env = {**os.environ, "XDG_CONFIG_HOME": str(home), "NO_COLOR": "1"}
        for name in ("TRAINYARD_URL", "TRAINYARD_TOKEN", "TRAINYARD_USER", "TRAINYARD_PASSWORD"):
            self.env.pop(name, None)
        if url:
            self.run("login", url, "--user", user, "--password-stdin", input=f"{user}-secret\n", code=0)

    def run(self, *words, code=None, **kw):
        done = subprocess.run([BUILD / "trainyard", *map(str, words)], capture_output=True, text=True, env=self.env,
                              timeout=120, **kw)
        if code is not None:
            assert done.returncode == code, f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("server")) as s:
        yield s


@pytest.fixture(scope="module")
def cli(server, tmp_path_factory):
    return Cli(tmp_path_factory.mktemp("home"), server.url)


@pytest.fixture
def stranger(tmp_path):
    """Somebody who has not signed in."""
    return Cli(tmp_path, None)
