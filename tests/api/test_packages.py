# SPDX-License-Identifier: Apache-2.0
"""What may be sent as a task's program, and what may not."""
import io
import os
import shutil
import tarfile
import zipfile

import harness
import pytest

MAIN = "import os, sys; print('ran in', os.path.basename(os.getcwd()), sys.argv[1:])\n"


def tar(files, mode="w", links=(), devices=()):
    """A tar of {name: text}; a name that ends in / is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name.rstrip("/"))
            if name.endswith("/"):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
                continue
            data = text if isinstance(text, bytes) else text.encode()
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
        for name in devices:
            info = tarfile.TarInfo(name)
            info.type, info.devmajor, info.devminor = tarfile.CHRTYPE, 1, 3
            archive.addfile(info)
    return out.getvalue()


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def submit(server, package, args="--model-main main.py", name="m.modelDir.tar"):
    return server.post("/execs", params={"args": f"--exec-start tensorflow {args}"}, files={"file": (name, package)})


def output(server, reply):
    assert reply.status_code == 200, reply.text
    done = server.wait_exec(reply.json()["id"])
    assert done["state"] == "FINISHED", done
    return server.get(f"/execs/{done['id']}/log").text


def left(server):
    return [p for p in server.data.glob("run/*")] + [p for p in server.data.glob("results/*/batchworkdir/*")] \
        + [p for p in server.data.glob("uploads/*")]


@pytest.fixture
def refuses(make_server):
    """Checks that a package is refused with these words and that nothing of it stays."""
    server = make_server("packages.entries_max = 50\npackages.unpacked_max = 1\n")

    def check(package, *words, args="--model-main main.py", name="m.modelDir.tar"):
        reply = submit(server, package, args, name)
        assert reply.status_code == 400, reply.text
        for word in words:
            assert word in reply.text, reply.text
        assert left(server) == [] and server.get("/execs").json() == []

    check.server = server
    return check


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_with_a_top_folder_runs_in_it(server, mode):
    package = tar({"model/": "", "model/main.py": MAIN, "model/lib.py": ""}, mode)
    assert output(server, submit(server, package, "--model-dir model --model-main main.py")) == "ran in model []\n"


def test_a_tar_without_a_top_folder_runs_where_it_was_unpacked(server):
    package = tar({"./main.py": MAIN, "./pkg/lib.py": ""})
    assert output(server, submit(server, package)) == "ran in _submitted_code []\n"


def test_a_zip_is_known_by_its_content(server):
    package = zipped({"model/main.py": MAIN})
    assert output(server, submit(server, package, name="model.bin")) == "ran in model []\n"


def test_the_only_folder_is_used_when_model_dir_names_another(server):
    package = tar({"model/main.py": MAIN})
    assert output(server, submit(server, package, "--model-dir other --model-main main.py")) == "ran in model []\n"
    assert output(server, submit(server, package, "--model-dir /home/me/model/ --model-main /home/me/model/main.py")) \
        == "ran in model []\n"


def test_a_main_file_in_a_folder_of_the_package(server):
    package = tar({"model/src/train.py": MAIN, "model/other.txt": ""})
    assert output(server, submit(server, package, "--model-dir model --model-main src/train.py")) == "ran in model []\n"


def test_without_model_main_the_obvious_file_runs(server):
    assert output(server, submit(server, tar({"d/train.py": MAIN, "d/data.csv": ""}), "")) == "ran in d []\n"
    assert output(server, submit(server, tar({"main.py": MAIN, "other.py": ""}), "")) == "ran in _submitted_code []\n"
    assert output(server, submit(server, MAIN, "", name="only.py")) == "ran in _submitted_code []\n"


def test_what_a_mac_adds_is_passed_over(server):
    package = tar({"model/main.py": MAIN, "model/._main.py": "junk", "model/.DS_Store": "junk", "._model": "junk"})
    assert output(server, submit(server, package, "")) == "ran in model []\n"


def test_links_inside_the_package_stay(server):
    package = tar({"model/real.py": MAIN}, links=[("model/main.py", "real.py")])
    assert output(server, submit(server, package)) == "ran in model []\n"


def test_packages_without_a_main_file_name_what_they_have(refuses):
    refuses(tar({"d/a.py": "", "d/b.py": ""}), "a.py", "b.py", "--model-main", args="")
    refuses(tar({"d/a.py": "", "d/b.py": ""}), "main.py", "not in the package", "a.py, b.py")
    refuses(tar({"d/a.txt": "", "d/b.txt": "", "d/c.txt": "", "d/d.txt": "", "d/e.txt": "", "d/f.txt": ""}), "1 more")
    refuses(tar({}), "main.py")


@pytest.mark.parametrize("name", ["/etc/evil.py", "../evil.py", "d/../../evil.py", "d/..", "a\x01b.py"])
def test_names_that_lead_out_are_refused(refuses, name):
    refuses(tar({"main.py": MAIN, name: "evil"}))
    assert not os.path.exists("/etc/evil.py")


def test_links_that_lead_out_are_refused(refuses):
    refuses(tar({"main.py": MAIN}, links=[("out", "/etc")]), "out")
    refuses(tar({"main.py": MAIN}, links=[("d/out", "../../..")]), "out")


def test_devices_are_refused(refuses):
    refuses(tar({"main.py": MAIN}, devices=["null"]), "null")


def test_too_many_files_are_refused(refuses):
    refuses(tar({f"f{i}.py": "" for i in range(60)}), "50")


def test_a_bomb_is_refused_before_it_fills_the_disk(refuses):
    refuses(zipped({"main.py": MAIN, "big": b"\0" * (64 << 20)}))


def test_a_broken_archive_is_refused(refuses):
    whole = tar({"main.py": MAIN, "data": os.urandom(50000)}, "w:gz")
    refuses(whole[:len(whole) // 2])


def test_a_full_disk_is_told_and_leaves_nothing(make_server):
    if os.geteuid() != 0:
        pytest.skip("needs root to make a small disk")
    server = make_server()
    server.stop()
    results = server.data / "results"
    if os.system(f"mount -t tmpfs -o size=2m tmpfs {results} 2>/dev/null") != 0:
        pytest.skip("cannot mount a small disk here")
    try:
        server.start()
        reply = submit(server, tar({"main.py": MAIN, "data": os.urandom(4 << 20)}))
        assert reply.status_code in (500, 507) and "space" in reply.text, reply.text
        assert left(server) == []
        assert output(server, submit(server, tar({"main.py": MAIN}))) == "ran in _submitted_code []\n"
        server.stop_everything()
    finally:
        if server.process:
            server.stop()
        os.system(f"umount {results}")


def test_without_the_code_for_archives_single_files_still_run(tmp_path, make_server, monkeypatch):
    """An installation with a file missing: archives are refused, nothing else is."""
    for name in ("trainyard", "trainyard-shepherd"):
        shutil.copy(harness.BUILD / name, tmp_path)
    monkeypatch.setattr(harness, "BUILD", tmp_path)
    server = make_server(f"paths.frameworks = {harness.ROOT}/frameworks\npaths.runtime = {harness.ROOT}/runtime/python\n")
    assert submit(server, tar({"main.py": MAIN})).status_code == 500
    assert "trainyard-archive.so" in server.log_text()
    assert left(server) == []
    assert output(server, submit(server, MAIN, name="main.py")).startswith("ran in")
