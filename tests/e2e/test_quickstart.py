# SPDX-License-Identifier: Apache-2.0
"""The README's first command, as typed."""
import json
import os
import re
import subprocess

import pytest
import requests

from harness import BASE, ROOT

pytestmark = pytest.mark.slow


def quickstart(folder, *words):
    env = {**os.environ, "TRAINYARD_QUICKSTART": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    return subprocess.run([ROOT / "quickstart", *words], capture_output=True, text=True, env=env, timeout=600)


def test_quickstart_searches_shows_and_stops(tmp_path):
    try:
        first = quickstart(tmp_path)
        assert first.returncode == 0, first.stdout + first.stderr
        assert "Best trials" in first.stdout and "Try next" in first.stdout
        api = re.search(r"address\s+(\S+)", first.stdout).group(1)
        password = (tmp_path / "data/password").read_text().strip()
        searches = requests.get(f"{api}/hypersearch", auth=("demo", password)).json()
        assert [s["state"] for s in searches] == ["FINISHED"] and searches[0]["complete"] == 12
        assert searches[0]["best"]["metricVal"] > 0.7, "accuracy on Fashion-MNIST"
        for e in searches[0]["experiments"]:
            task = requests.get(f"{api}/execs/{e['appId']}/log", auth=("demo", password), headers={"Accept": "text/plain"})
            assert "epoch 2 took" in task.text
            result = requests.get(f"{api}/execs/{e['appId']}/result", auth=("demo", password))
            assert result.content[:2] == b"PK"

        again = quickstart(tmp_path)
        assert again.returncode == 0, again.stdout + again.stderr
        assert len(requests.get(f"{api}/hypersearch", auth=("demo", password)).json()) == 1, "a second run shows the first"
    finally:
        stopped = quickstart(tmp_path, "--stop")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    with pytest.raises(requests.ConnectionError):
        requests.get(api.removesuffix(BASE))
    assert "Nothing of ours is running" in quickstart(tmp_path, "--stop").stdout


def test_quickstart_refuses_unknown_words(tmp_path):
    assert quickstart(tmp_path, "--sideways").returncode == 2
    assert "--again" in quickstart(tmp_path, "--help").stdout


def test_the_example_runs_without_a_server(tmp_path):
    subprocess.run(["/usr/bin/python3", ROOT / "examples/fashion-mnist/main.py", "--images", "500", "--epochs", "1"],
                   check=True, cwd=tmp_path, env={**os.environ, "RESULT_DIR": str(tmp_path)}, capture_output=True)
    assert json.loads((tmp_path / "val_dict_list.json").read_text())[0]["steps"] == 1
