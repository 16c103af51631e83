# SPDX-License-Identifier: Apache-2.0
"""Search algorithms as things: the list, installing, describing and deleting them."""
import io
import json
import os
import re
import tarfile

import pytest

from harness import ROOT
from plugin_kit import SAMPLES, install, installed, plugin, start, tar
from witness import refused, until

GRID = SAMPLES / "gridsearch"
NOTHING = plugin("def search(self, n, results): return []")
BUILT_INS = ["Random", "TPE", "Bayesian", "Hyperband", "ExperimentGridSearch", "Sobol", "CmaEs", "Asha",
             "Bohb", "Auto"]


def names(server, **kw):
    return [r["name"] for r in server.get("/hypersearch/algorithm", **kw).json()]


def place(server, name=""):
    return server.data / "shared/tools/tune/plugins" / name


def by_path(server, name, path, user="admin", **data):
    """As the notebook does it: no file, and two parts named data."""
    text = json.dumps({"name": name, "path": str(path), **data})
    return server.post("/hypersearch/algorithm/install", user=user,
                       files=[("data", (None, text)), ("data", ("data", text, "application/json"))])


# --- built-ins ---

def test_the_built_ins_are_listed_in_the_documented_order(make_server):
    server = make_server()
    records = server.get("/hypersearch/algorithm").json()
    assert [r["name"] for r in records] == BUILT_INS
    assert all(r == {"name": r["name"], "type": "BUILD_IN", "remoteExec": False} for r in records)
    assert server.get("/hypersearch/algorithm?type=BUILD_IN").json() == records
    assert server.get("/hypersearch/algorithm?type=USER_PLUGIN").json() == []
    reply = server.get("/hypersearch/algorithm?type=OTHER")
    assert reply.status_code == 400 and "USER_PLUGIN" in reply.text


def test_one_algorithm_is_found_in_any_case(server):
    assert server.get("/hypersearch/algorithm/random").json()["name"] == "Random"


def test_an_unknown_algorithm_is_an_empty_object_unless_configured(server, make_server):
    reply = server.get("/hypersearch/algorithm/mine")
    assert (reply.status_code, reply.json()) == (200, {})
    strict = make_server("search.unknown_algorithm = refuse\n")
    assert strict.get("/hypersearch/algorithm/mine").status_code == 400


def test_built_ins_cannot_be_deleted_and_others_are_not_there(server):
    assert server.delete("/hypersearch/algorithm/tpe").status_code == 400
    assert server.delete("/hypersearch/algorithm/mine").status_code == 404


# --- installing ---

@pytest.mark.parametrize("path", ["/hypersearch/algorithm/install", "/hypersearch/algorithm"])
def test_an_uploaded_plugin_is_unpacked_and_described(server, path):
    name = "up-" + path.rsplit("/", 1)[1]
    reply = server.post(path, files={"file": ("plugin.tar", tar(GRID))}, data={"data": str(
        {"name": name, "condaHome": "/opt/conda", "condaEnv": "dlipy3", "remoteExec": True, "logLevel": "debug"})})
    assert reply.status_code == 200
    assert reply.json() == {"uid": name, "href": f"/platform/rest/deeplearning/v1/hypersearch/algorithm/{name}"}
    record = server.get(reply.json()["href"]).json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", record.pop("createtime"))
    assert record == {"name": name, "path": str(place(server, name)), "condaHome": "/opt/conda", "condaEnv": "dlipy3",
                      "creator": "ann", "type": "USER_PLUGIN", "remoteExec": True, "logLevel": "DEBUG"}
    assert [p.name for p in place(server, name).iterdir()] == ["optimizer.py"]


def test_what_was_not_given_is_not_shown(server):
    installed(server, "plain", NOTHING)
    assert set(server.get("/hypersearch/algorithm/plain").json()) == {"name", "path", "creator", "createtime", "type",
                                                                    "remoteExec"}


def test_plugins_follow_the_built_ins_in_order_of_installation_and_everyone_sees_them(make_server):
    server = make_server()
    for name in ("zebra", "ape"):
        installed(server, name, NOTHING)
    assert names(server) == names(server, user="bob") == BUILT_INS + ["zebra", "ape"]
    assert names(server, params={"type": "USER_PLUGIN"}) == ["zebra", "ape"]
    assert names(server, params={"type": "BUILD_IN"}) == BUILT_INS
    assert server.get("/hypersearch/algorithm/ape", user="bob").json()["creator"] == "ann"


@pytest.mark.parametrize("pack", [
    lambda: tar(GRID, mode="w"), lambda: tar(GRID, top="./"), lambda: tar(GRID, top="gridsearch/"), lambda: tar(GRID, mode="w:xz"),
], ids=["plain", "dots", "folder", "xz"])
def test_archives_come_in_many_forms(server, pack, request):
    name = "form-" + request.node.callspec.id
    assert install(server, name, pack()).status_code == 200
    assert (place(server, name) / "optimizer.py").exists()


def test_a_program_named_optimizer_is_a_plugin_too(server):
    installed(server, "program", {"optimizer": ("#!/bin/sh\n", 0o755)})
    reply = install(server, "not-executable", {"optimizer": "#!/bin/sh\n"})
    refused(reply, "optimizer", "not executable")


def test_a_file_sent_under_the_name_of_the_description_is_taken(server):
    reply = server.post("/hypersearch/algorithm/install", data={"data": '{"name": "same-name"}'},
                        files={"data": ("mine.tar", tar(GRID), "application/x-tar")})
    assert reply.status_code == 200, reply.text


def test_a_folder_of_the_server_is_copied(server, tmp_path):
    mine = tmp_path / "mine"
    (mine / "lib").mkdir(parents=True)
    (mine / "optimizer.py").write_text(NOTHING["optimizer.py"])
    (mine / "lib/tool").write_text("#!/bin/sh\n")
    (mine / "lib/tool").chmod(0o700)
    (mine / "link").symlink_to("lib/tool")
    assert by_path(server, "by-path", mine).json()["uid"] == "by-path"
    record = server.get("/hypersearch/algorithm/by-path").json()
    copy = place(server, "by-path")
    assert record["path"] == str(copy) and record["creator"] == "admin"
    assert sorted(p.name for p in copy.iterdir()) == ["lib", "link", "optimizer.py"]
    modes = {p.relative_to(copy).as_posix(): p.stat().st_mode & 0o7777 for p in [copy, *copy.rglob("*")]}
    assert modes == {".": 0o755, "lib": 0o755, "lib/tool": 0o755, "link": 0o755, "optimizer.py": 0o644}


def test_users_install_from_the_shared_folders_only(server, tmp_path):
    for root in ("shared", "data"):
        mine = server.data / root / "of-ann"
        mine.mkdir()
        (mine / "optimizer.py").write_text("")
        assert by_path(server, "from-" + root, mine, user="ann").status_code == 200
    (tmp_path / "optimizer.py").write_text("")
    refused(by_path(server, "from-elsewhere", tmp_path, user="ann"), "is not below", "administrator")
    refused(by_path(server, "from-root", server.data / "shared", user="ann"), "is not below")
    secret = server.data / "data/with-secret"
    secret.mkdir()
    (secret / "optimizer.py").write_text("")
    (secret / "private").write_text("")
    (secret / "private").chmod(0o600)
    refused(by_path(server, "with-secret", secret, user="ann"), '"private"', "not readable by everyone")
    assert "with-secret" not in names(server)


@pytest.mark.parametrize("above", ["shared/tools/tune/plugins", "shared/tools", "."])
def test_a_folder_that_would_be_copied_into_itself_is_refused(make_server, above):
    server = make_server()
    installed(server, "other", NOTHING)
    refused(by_path(server, "itself", server.data / above), "no optimizer.py")
    (server.data / above / "optimizer.py").write_text("")
    refused(by_path(server, "itself", server.data / above), "place", "installed to")
    assert sorted(p.name for p in place(server).iterdir() if p.is_dir()) == ["other"]


def test_a_folder_larger_than_a_package_may_be_is_refused(make_server, tmp_path_factory):
    server, mine = make_server("packages.unpacked_max = 1\n"), tmp_path_factory.mktemp("mine")
    (mine / "optimizer.py").write_text("")
    (mine / "large").write_bytes(bytes(1 << 20))
    assert by_path(server, "just-fits", mine).status_code == 200
    (mine / "one-more").write_text("x")
    refused(by_path(server, "too-large", mine), "1048576 bytes")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "lib/../../../x"])
def test_a_link_that_leads_out_of_the_folder_is_refused(server, tmp_path, target):
    (tmp_path / "optimizer.py").write_text("")
    (tmp_path / "way-out").symlink_to(target)
    refused(by_path(server, "links", tmp_path), '"way-out"', "leads out of the folder")
    assert not place(server, "links").exists() and not [p for p in place(server).iterdir() if p.name.startswith(".")]


def escaping():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        t.addfile(tarfile.TarInfo("optimizer.py"))
        t.addfile(tarfile.TarInfo("../outside"))
    return out.getvalue()


@pytest.mark.parametrize("data, file, words", [
    ({}, tar(GRID), ["name"]),
    ({"name": "RANDOM"}, tar(GRID), ["RANDOM", "built-in"]),
    ({"name": "tpe"}, tar(GRID), ["built-in"]),
    ({"name": "install"}, tar(GRID), ["API's own"]),
    ({"name": "a/b"}, tar(GRID), ["a/b"]),
    ({"name": ".hidden"}, tar(GRID), ["dot"]),
    ({"name": ".."}, tar(GRID), ["name"]),
    ({"name": "x" * 129}, tar(GRID), ["name"]),
    ({"name": "m", "logLevel": "LOUD"}, tar(GRID), ["logLevel"]),
    ({"name": "m"}, None, ["neither a file nor the path"]),
    ({"name": "m"}, b"not a tar", ["not an archive"]),
    ({"name": "m"}, tar({"readme": "x"}), ["no optimizer.py"]),
    ({"name": "m"}, tar({"a/optimizer.py": "", "b/x": ""}), ["no optimizer.py"]),
    ({"name": "m"}, escaping(), ["outside"]),
    ({"name": "m"}, tar({"optimizer.py": "", ".unnamed/x": ""}), [".unnamed"]),
    ({"name": "m"}, tar({"m/optimizer.py": "", "m/.unnamed": ""}), [".unnamed"]),
    ({"name": "m"}, tar(GRID)[:-200], ["archive"]),
    ({"name": "m", "path": "/etc/passwd"}, None, ["/etc/passwd", "not a folder"]),
    ({"name": "m", "path": "/nowhere"}, None, ["/nowhere", "not a folder"]),
    ({"name": "m", "path": "relative"}, None, ["relative"]),
    ({"name": "m", "path": "/etc/ssl"}, None, ["no optimizer.py"]),
], ids=range(21))
def test_what_cannot_be_installed_is_refused_and_leaves_nothing(server, data, file, words):
    before = names(server), sorted(place(server).iterdir()) if place(server).exists() else []
    files = {"file": ("m.tar", file)} if file is not None else {"none": (None, "")}
    reply = server.post("/hypersearch/algorithm/install", user="admin", files=files, data={"data": json.dumps(data)})
    refused(reply, *words)
    assert (names(server), sorted(place(server).iterdir()) if place(server).exists() else []) == before


def test_without_a_description_nothing_is_installed(server):
    refused(server.post("/hypersearch/algorithm/install", files={"file": ("m.tar", tar(GRID))}), "data", "missing")
    refused(server.post("/hypersearch/algorithm/install", files={"file": ("m.tar", tar(GRID))}, data={"data": "{"}), "data")


def test_a_name_is_taken_once(server):
    installed(server, "twice", NOTHING)
    refused(install(server, "twice", NOTHING, user="bob"), "twice", "already")
    (place(server) / "foreign").mkdir()
    (place(server) / "foreign/file").write_text("")
    refused(install(server, "foreign", NOTHING), "foreign", "already")
    assert (place(server) / "foreign/file").exists()


def test_a_setting_keeps_installing_to_administrators(make_server):
    server = make_server("search.plugin_install = admins\n")
    refused(install(server, "mine", NOTHING), "administrators", "search.plugin_install", status=403)
    installed(server, "mine", NOTHING, user="admin")


# --- deleting ---

def test_only_its_creator_and_administrators_delete_a_plugin(server):
    for name in ("mine", "mine-too"):
        installed(server, name, NOTHING)
    refused(server.delete("/hypersearch/algorithm/mine", user="bob"), "ann", status=403)
    assert server.delete("/hypersearch/algorithm/mine").status_code == 204
    assert server.delete("/hypersearch/algorithm/mine-too", user="admin").status_code == 204
    assert server.delete("/hypersearch/algorithm/mine").status_code == 404
    assert not place(server, "mine").exists() and "mine" not in names(server)
    assert not [p for p in place(server).iterdir() if p.name.startswith(".")]
    installed(server, "mine", NOTHING, user="bob")


def test_a_plugin_in_use_stays(make_server, tmp_path):
    server = make_server()
    installed(server, "used", plugin("def search(self, n, results): return [{'x': 1.0}]"))
    name = start(server, "used", script="import signal; signal.pause()")
    refused(server.delete("/hypersearch/algorithm/used"), "used", "in use", name)
    assert place(server, "used").exists() and not (place(server, "used") / ".unnamed").exists()
    server.put(f"/hypersearch/{name}")
    server.wait_search(name)
    assert server.delete("/hypersearch/algorithm/used").status_code == 204


def test_a_search_outlives_its_algorithm_but_cannot_be_restarted(server):
    installed(server, "gone", plugin("def search(self, n, results): return [{'x': 1.0}]"))
    name = start(server, "gone", script="import signal; signal.pause()")
    server.put(f"/hypersearch/{name}")
    server.wait_search(name)
    assert server.delete("/hypersearch/algorithm/gone").status_code == 204
    record = server.get(f"/hypersearch/{name}").json()
    assert record["algoDef"]["algorithm"] == "gone" and record["hyperParams"][0]["name"] == "x"
    refused(server.put(f"/hypersearch/{name}/restart"), "gone", "not installed any more")
    assert server.get(f"/hypersearch/{name}").json()["state"] == "STOPPED"


def test_an_algorithm_that_is_not_there_is_refused(server):
    reply = server.post("/hypersearch", files={"file": ("main.py", "")}, data={"data": json.dumps(
        {"modelSpec": {"args": "--exec-start tensorflow --model-main main.py"}, "hyperParams": [
            {"name": "x", "type": "Range", "dataType": "INT", "minIntVal": 1, "maxIntVal": 2}],
         "algoDef": {"algorithm": "nobody", "objectiveMetric": "loss"}})})
    refused(reply, "nobody", "GET /hypersearch/algorithm")


# --- after a crash ---

@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_was_installed_is_there_after_a_restart(make_server, end):
    server = make_server()
    installed(server, "kept", GRID, logLevel="WARN")
    before = server.get("/hypersearch/algorithm").json()
    getattr(server, end)()
    server.start()
    assert server.get("/hypersearch/algorithm").json() == before
    assert place(server, "kept").exists()


def test_leftovers_of_a_crash_go_at_the_next_start_and_nothing_else(make_server):
    server = make_server()
    installed(server, "kept", NOTHING)
    server.kill()
    for name in ("half-installed", ".aside-1-abcdef", "not-ours"):
        place(server, name).mkdir()
        (place(server, name) / "optimizer.py").write_text("")
    for name in ("half-installed", "kept"):     # "kept": killed before the marker was removed, or while being deleted
        (place(server, name) / ".unnamed").write_text("")
    server.start()
    assert sorted(p.name for p in place(server).iterdir()) == ["kept", "not-ours"]
    assert [p.name for p in place(server, "kept").iterdir()] == ["optimizer.py"]


def test_a_deletion_is_whole_or_not_at_all(make_server):
    """Killed at any instant of it, the plugin is there with its files, or gone without a trace."""
    server = make_server()
    for i in range(6):
        if "torn" not in names(server):
            installed(server, "torn", GRID)
        pid = os.fork()
        if pid == 0:
            try:
                server.delete("/hypersearch/algorithm/torn", timeout=5)
            finally:
                os._exit(0)
        until(server, lambda: i % 2 or not place(server, "torn").exists() or (place(server, "torn") / ".unnamed").exists(), "it")
        server.kill()
        os.waitpid(pid, 0)
        server.start()
        there = "torn" in names(server)
        assert [p.name for p in place(server).iterdir()] == (["torn"] if there else [])
        assert not there or [p.name for p in place(server, "torn").iterdir()] == ["optimizer.py"]


def test_the_shipped_examples_can_be_installed(server):
    for example in ("python", "shell"):
        installed(server, "example-" + example, ROOT / "examples/plugins" / example)
