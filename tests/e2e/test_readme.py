# SPDX-License-Identifier: Apache-2.0
"""The README's examples, run as they stand there; only the address and the account are this test's."""
import re
import subprocess
import sys

import pytest

from harness import ROOT

TRAIN = ("import json, os\n"
         "lr = json.load(open('config.json'))['lr'] if os.path.exists('config.json') else 0.1\n"
         "json.dump([{'step': 1, 'loss': lr}], open(os.environ['RESULT_DIR'] + '/val_dict_list.json', 'w'))\n"
         "print('trained with', lr)\n")


def example(heading, server):
    """The indented block below a heading."""
    text = (ROOT / "README.md").read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    return "\n".join(lines).replace("http://127.0.0.1:9280", server.url).replace("demo", "ann")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.py").write_text(TRAIN)
    return tmp_path


def test_the_curl_example(server, folder):
    script = example("Five lines with curl", server)
    done = subprocess.run(["bash", "-ec", script], cwd=folder, env={"PASSWORD": "ann-secret", "PATH": "/usr/bin:/bin"},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.search(r'"state":"(SUBMITTED|PENDING_CRD_SCHEDULER|RUNNING|FINISHED)"', done.stdout), done.stdout
    assert (folder / "result.zip").read_bytes()[:2] == b"PK"


def test_the_python_example(server, folder):
    script = 'password = "ann-secret"\n' + example("Five lines with Python", server)
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+/12", done.stdout.strip())
    name = server.get("/hypersearch").json()[-1]["hpoName"]
    assert server.wait_search(name)["state"] == "FINISHED"
