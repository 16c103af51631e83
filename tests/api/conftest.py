# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the API tests: `server` is shared by a module, `make_server` starts one with its own settings."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from harness import Server  # noqa: E402


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("server")) as s:
        yield s


@pytest.fixture
def make_server(tmp_path):
    """make_server("http.csrf = lenient\\n", args=[...], env={...}) starts a server that ends with the test."""
    servers = []

    def make(conf="", args=(), env=None):
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        servers.append(Server(folder, conf, args, env))
        return servers[-1].start()

    yield make
    for s in servers:
        s.__exit__()
