# SPDX-License-Identifier: Apache-2.0
"""dlpd.conf from the outside: what is refused at start, what is public, and that its manual is true."""
import subprocess

import pytest
from harness import BUILD, ROOT


def serve(folder, conf):
    path = folder / "dlpd.conf"
    path.write_text(conf)
    command = [BUILD / "trainyard", "serve", "--data", folder / "data", "--conf", path]
    return subprocess.run(command, text=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("conf, says", [
    ("http.listne = x\n", "dlpd.conf:1: there is no setting http.listne; did you mean http.listen?"),
    ("# fine\n\nevents.keep = never\n", "dlpd.conf:3: events.keep = never: expected a whole number of days"),
    ("http.csrf = maybe\n", "expected one of required, lenient"),
    ("paths.data = here\n", "expected a path that starts with /"),
    ("group.gpu.slots = 2\n", "cluster.default_group is default, but only these groups are described: gpu"),
])
def test_a_wrong_line_keeps_the_server_from_starting(tmp_path, conf, says):
    done = serve(tmp_path, conf)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stdout == ""


def test_the_public_settings_are_strings_and_no_secrets(server):
    conf = server.get("/conf").json()
    assert {"DLI_SHARED_FS", "DL_NFS_PATH", "DLI_DATA_FS", "DLI_RESULT_FS", "DLI_CONDA_HOME", "DLI_DEFAULT_CONDA_ENV",
            "MSD_ENABLED", "METRICS_STREAMING", "PARM_MGR_DIR", "CwS_REST_URL", "DLI_VERSION"} <= set(conf)
    assert all(isinstance(value, str) for value in conf.values())
    assert conf["MSD_ENABLED"] == "true"
    assert conf["DLI_RESULT_FS"] == str(server.data / "results")
    assert not [key for key in conf if "KEY" in key or "SECRET" in key or "PASSWORD" in key]


def test_the_manual_is_what_the_program_prints():
    done = subprocess.run([BUILD / "trainyard", "serve", "--help-config"], text=True, capture_output=True, check=True)
    page = (ROOT / "docs" / "admin" / "settings.md").read_text()
    assert page.split("```\n")[1] == done.stdout
