# SPDX-License-Identifier: Apache-2.0
"""Datasets: created from paths and uploads, built by a task, looked at, used and deleted."""
import io
import json
import os
import signal
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from witness import Gate, builder_of, gated, processes, until

NO_IMAGE = dict.fromkeys(["isusingtext", "traintextpath", "height", "width", "imagetype", "valpercentage"])


@pytest.fixture
def source(server):
    """source("pets", {"train/a.txt": "..."}) makes a folder in the data root and gives its path."""
    def make(name, files):
        folder = server.data / "data" / name
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(text.encode() if isinstance(text, str) else text)
        return folder
    return make


@pytest.fixture
def folders(source, request):
    return source(request.node.name, {"train/a.txt": "one", "train/b.txt": "two", "test/c.txt": "three"})


def document(name, kind="OTHER", backend="Other", **members):
    return {"name": name, "datasourcetype": kind, "dbbackend": backend, "sigid": "any", **members}


def create(server, doc, user="ann"):
    reply = server.post("/datasets", json=doc, user=user)
    assert reply.status_code == 201, reply.text
    return doc["name"]


def show(server, name, user="ann"):
    reply = server.get(f"/datasets/{name}", user=user)
    assert reply.status_code == 200, reply.text
    return reply.json()


def wait(server, name, user="ann", until=("FINISHED", "ERROR", "KILLED")):
    with server.notices(name, user) as notices:
        while (record := show(server, name, user))["status"] not in until:
            next(notices)
    return record


def build(server, doc, user="ann"):
    """The record of a dataset that was built."""
    record = wait(server, create(server, doc, user), user)
    assert record["status"] == "FINISHED", record
    return record


def refused(server, doc, field, status=400, user="ann"):
    reply = server.post("/datasets", json=doc, user=user, headers={"Accept": "application/json"})
    assert reply.status_code == status, reply.text
    assert reply.json()["error"]["field"] == field, reply.text
    return reply.json()["error"]["message"]


# --- by reference and copied ---

def test_a_dataset_of_folders_stays_where_it_is(server, folders):
    record = build(server, document("folders", trainpath=str(folders / "train"), testpath=str(folders / "test")))
    assert record["createUser"] == "ann" and record["datasourcetype"] == "OTHER" and record["dbbackend"] == "Other"
    assert record["trainpath"] == str(folders / "train") and record["sigid"] == "any" and record["signame"] == "default"
    assert record["paths"]["train"] == str(folders / "train") and record["paths"]["test"] == str(folders / "test")
    assert record["sparkappid"].startswith("ann-") and record["driverid"].startswith("driver-")
    assert record["size"] == pytest.approx(11e-6) and record["runduration"] >= 0
    assert not (server.data / "datasets/folders/train").exists()


def test_a_copy_is_of_its_own(server, folders):
    record = build(server, document("copied", trainpath=str(folders / "train"), testpath=str(folders / "test"), copy=True))
    copy = server.data / "datasets/copied"
    assert record["paths"]["dir"] == str(copy) and record["paths"]["train"] == str(copy / "train")
    assert sorted(p.name for p in (copy / "train").iterdir()) == ["a.txt", "b.txt"]


def test_relative_paths_are_below_the_data_root(server, folders):
    record = build(server, document("relative", trainpath=f"{folders.name}/train"))
    assert record["paths"]["train"] == str(folders / "train")


def test_words_are_read_in_any_case_and_nulls_are_absent(server, folders):
    doc = document("cased", "other", "OTHER", trainpath=str(folders / "train"), valpath=None, meanfilepath="", imagedetail=NO_IMAGE,
                   byclass=True, shards=None)
    record = build(server, doc)
    assert (record["datasourcetype"], record["dbbackend"], record["byclass"]) == ("OTHER", "Other", True)
    assert "valpath" not in record and "shards" not in record


def test_the_answer_names_the_dataset(server, folders):
    reply = server.post("/datasets", json=document("named me", trainpath=str(folders / "train")))
    assert reply.status_code == 201
    assert reply.json() == {"uid": "named me", "href": "/platform/rest/deeplearning/v1/datasets/named%20me"}
    assert reply.headers["Location"] == reply.json()["href"]
    assert wait(server, "named me")["name"] == "named me"


# --- what is refused ---

def test_a_name_is_taken_once(server, folders):
    doc = document("taken", trainpath=str(folders / "train"))
    build(server, doc)
    assert "already" in refused(server, doc, "name", user="bob")


@pytest.mark.parametrize("name", ["", "a/b", "..", ".new", "a,b", "upload", "x" * 129, "a\nb"])
def test_a_name_must_be_that_of_a_folder(server, folders, name):
    refused(server, document(name, trainpath=str(folders / "train")), "name")


@pytest.mark.parametrize("members, field", [
    ({"datasourcetype": "VIDEO"}, "datasourcetype"), ({"dbbackend": "Parquet"}, "dbbackend"),
    ({"dbbackend": "LMDB"}, "dbbackend"), ({"shards": 0}, "shards"), ({"maxBroken": 2}, "maxBroken"),
    ({"trainpath": None}, "trainpath"), ({"trainpath": 7, "shards": "many"}, "shards"),
    ({"imagedetail": {"valpercentage": 60, "testpercentage": 40}}, "imagedetail.valpercentage"),
    ({"valpath": "train", "imagedetail": {"valpercentage": 10}}, "imagedetail.valpercentage"),
    ({"imagedetail": {"resizetransformation": "stretch"}}, "imagedetail.resizetransformation"),
    ({"datasourcetype": "IMAGEFORCLASSIFICATION", "dbbackend": "LMDB"}, "imagedetail.trainimagepath"),
    ({"datasourcetype": "PLUGIN"}, "plugin"), ({"threads": 10000}, "threads"), ({"threads": 200}, "threads"),
])
def test_bad_members_are_refused_by_name(server, folders, members, field):
    refused(server, {**document("bad", trainpath=str(folders / "train")), **members}, field)
    assert server.get("/datasets/bad").status_code == 404


@pytest.mark.parametrize("path", ["/etc", "/etc/shadow", "/no/such/thing", "/"])
def test_paths_outside_of_the_data_roots_tell_nothing(server, path):
    message = refused(server, document("outside", trainpath=path), "trainpath")
    assert message == f"{path} is not inside the data roots"


def test_links_and_dots_do_not_lead_out(server, folders):
    (folders / "out").symlink_to("/etc")
    (folders / "in").symlink_to(folders / "train")
    assert "not inside" in refused(server, document("out", trainpath=str(folders / "out")), "trainpath")
    assert "not inside" in refused(server, document("out", trainpath=str(folders / "out/passwd")), "trainpath")
    assert ".." in refused(server, document("out", trainpath=str(folders / "train/../../../../trainyard.db")), "trainpath")
    assert ".." in refused(server, document("out", trainpath="../trainyard.db"), "trainpath")
    assert build(server, document("inside", trainpath=str(folders / "in")))["paths"]["train"] == str(folders / "train")


def test_what_is_not_there_is_named(server, folders):
    message = refused(server, document("missing", trainpath=str(folders / "train"), valpath=str(folders / "val")), "valpath")
    assert message == f"there is no {folders / 'val'}"


def test_roots_are_a_setting(make_server, tmp_path):
    (tmp_path / "sets/train").mkdir(parents=True)
    (tmp_path / "sets/train/a").write_text("a")
    server = make_server(f"datasets.roots = {tmp_path}/sets:{tmp_path}/none\n")
    build(server, document("configured", trainpath=f"{tmp_path}/sets/train"))
    refused(server, document("data", trainpath=str(server.data / "data")), "trainpath")


def test_a_build_that_fails_says_why_and_leaves_nothing(server, folders):
    (folders / "train/link").symlink_to("/etc/passwd")
    record = wait(server, create(server, document("failing", trainpath=str(folders / "train"), copy=True)))
    assert record["status"] == "ERROR" and "leads out of the data folders" in record["message"]
    assert record["report"]["ok"] is False and "paths" not in record
    assert not (server.data / "datasets/failing").exists()
    until(server, lambda: not list((server.data / "datasets/.new").iterdir()), "what was begun was left behind")
    assert server.delete("/datasets/failing").status_code == 200


# --- who sees what ---

def test_a_dataset_is_its_owners(server, folders):
    build(server, document("private", trainpath=str(folders / "train")))
    assert server.get("/datasets/private", user="bob").status_code == 404
    assert server.delete("/datasets/private", user="bob").status_code == 404
    assert "private" not in [d["name"] for d in server.get("/datasets", user="bob").json()]
    assert show(server, "private", user="admin")["createUser"] == "ann"
    assert server.get("/datasets", user=None).status_code == 401


def test_a_shared_dataset_is_read_by_all_and_changed_by_its_owner(server, folders):
    build(server, document("shared", trainpath=str(folders / "train"), shared=True))
    assert show(server, "shared", user="bob")["shared"] is True
    assert "shared" in [d["name"] for d in server.get("/datasets", user="bob").json()]
    assert server.delete("/datasets/shared", user="bob").status_code == 403
    assert server.put("/datasets/shared/stop", user="bob").status_code == 403
    assert server.delete("/datasets/shared", user="admin").status_code == 200


def test_the_list_has_whole_records(server, folders):
    name = build(server, document("listed", trainpath=str(folders / "train")))["name"]
    [record] = [d for d in server.get("/datasets").json() if d["name"] == name]
    assert record["status"] == "FINISHED" and record["createUser"] == "ann" and record["paths"]["train"]


# --- stop and delete ---

def test_delete_removes_what_was_built_and_never_the_source(server, folders):
    task = build(server, document("gone", trainpath=str(folders / "train"), copy=True))["sparkappid"]
    reply = server.delete("/datasets/gone")
    assert (reply.status_code, reply.content) == (200, b"")
    assert server.get("/datasets/gone").status_code == 404
    assert not (server.data / "datasets/gone").exists() and (folders / "train/a.txt").read_text() == "one"
    assert server.get(f"/execs/{task}").status_code == 400
    build(server, document("gone", trainpath=str(folders / "train")))      # the name is free


def test_what_is_not_there_is_404(server):
    for method, path in [("GET", ""), ("DELETE", ""), ("PUT", "/stop")]:
        assert server.request(method, f"/datasets/nothing{path}").status_code == 404


def test_what_has_ended_cannot_be_stopped(server, folders):
    build(server, document("ended", trainpath=str(folders / "train")))
    reply = server.put("/datasets/ended/stop")
    assert reply.status_code == 400 and "FINISHED" in reply.text


@pytest.fixture
def gate(tmp_path):
    with Gate(tmp_path) as g:
        yield g


def test_a_build_that_waits_for_slots_can_be_stopped_and_deleted(make_server, gate):
    server = make_server("group.default.slots = 1\ngroup.default.gpus = none\n")
    gated(server, gate)
    (server.data / "data/train").mkdir()
    task = show(server, create(server, document("waiting", trainpath="train")))["sparkappid"]
    assert show(server, "waiting")["status"] == "SUBMITTED"
    reply = server.delete("/datasets/waiting")
    assert reply.status_code == 409 and "stop it first" in reply.text
    reply = server.put("/datasets/waiting/stop")
    assert (reply.status_code, reply.content) == (200, b"")
    assert wait(server, "waiting")["status"] == "KILLED"
    assert server.get(f"/execs/{task}").json()["state"] == "KILLED"
    assert server.delete("/datasets/waiting").status_code == 200
    gate.open()


def test_deleting_all_tasks_leaves_builds_alone(make_server, gate):
    server = make_server("group.default.slots = 1\ngroup.default.gpus = none\n")
    gated(server, gate)
    (server.data / "data/train").mkdir()
    create(server, document("spared", trainpath="train"))
    assert server.delete("/execs").status_code == 204
    assert wait(server, "spared")["status"] == "FINISHED"


def test_a_dataset_whose_task_is_deleted_is_killed(make_server, gate):
    server = make_server("group.default.slots = 1\ngroup.default.gpus = none\n")
    gated(server, gate)
    (server.data / "data/train").mkdir()
    task = show(server, create(server, document("orphan", trainpath="train")))["sparkappid"]
    assert server.delete(f"/execs/{task}").status_code == 204
    assert wait(server, "orphan")["status"] == "KILLED"
    gate.open()


STUBBORN = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.makedirs("train", exist_ok=True)
open("train/half", "w").write("half of it")
open({ready!r}, "w").write("ready\\n")
open({go!r}).readline()
"""


@pytest.mark.parametrize("kind, backend", [("PLUGIN", "Other"), ("CSV", "CSV")])
def test_a_build_whose_plugin_does_not_want_to_end_is_stopped(make_server, gate, kind, backend):
    server = make_server("tasks.stop_grace = 1\n")
    ready, go = map(str, gate.paths)
    (server.data / "data/plugin.py").write_text(STUBBORN.format(ready=ready, go=go))
    (server.data / "data/in.csv").write_text("n\n1\n")
    task = show(server, create(server, document("stubborn", kind, backend, trainpath="in.csv", plugin="plugin.py")))["sparkappid"]
    gate.wait()
    assert not (server.data / "datasets/stubborn").exists() and "paths" not in show(server, "stubborn")
    assert server.put("/datasets/stubborn/stop").status_code == 200
    assert wait(server, "stubborn")["status"] == "KILLED"
    until(server, lambda: not list((server.data / "datasets/.new").iterdir()), "what was begun was left behind")
    assert not (server.data / "datasets/stubborn").exists() and processes(task) == []


# --- uploads ---

def tar_of(files, mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def zip_of(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, text in files.items():
            z.writestr(name, text)
    return out.getvalue()


def upload(server, doc, *files):
    return server.post("/datasets/upload", data={"data": json.dumps(doc)}, files=[("file", f) for f in files])


FILES = {"train/a.txt": "one", "test/b.txt": "two"}


@pytest.mark.parametrize("name, content", [("tar.tar", tar_of(FILES, "w")), ("tgz.tar.gz", tar_of(FILES)), ("zip.zip", zip_of(FILES)),
                                           ("top.zip", zip_of({f"top/{k}": v for k, v in FILES.items()}))],
                         ids=["tar", "tar.gz", "zip", "zip of a folder"])
def test_an_archive_is_unpacked_and_its_folders_named(server, name, content):
    reply = upload(server, document(f"up-{name}", trainpath="train", testpath="test"), (name, content))
    assert reply.status_code == 201, reply.text
    record = wait(server, f"up-{name}")
    copy = server.data / "datasets" / f"up-{name}"
    assert record["status"] == "FINISHED" and record["paths"]["test"] == str(copy / "test")
    assert (copy / "train/a.txt").read_text() == "one" and record["trainpath"] == "train"
    until(server, lambda: not list((server.data / "datasets/.new").iterdir()), "the upload was left behind")


def test_files_are_taken_as_they_are(server):
    assert upload(server, document("plain files"), ("a.bin", b"1"), ("b.bin", b"22")).status_code == 201
    record = wait(server, "plain files")
    assert sorted(os.listdir(record["paths"]["train"])) == ["a.bin", "b.bin"] and record["size"] == pytest.approx(3e-6)


@pytest.mark.parametrize("files, field", [
    ({"../out": "x"}, "file"), ({"/etc/out": "x"}, "file"), ({"train/a": "x"}, "trainpath"),
])
def test_an_upload_stays_in_its_place(server, files, field):
    doc = document("escaping", trainpath="train/../../x" if field == "trainpath" else "train")
    reply = upload(server, doc, ("a.tar", tar_of(files, "w")))
    assert reply.status_code == 400, reply.text
    assert server.get("/datasets/escaping").status_code == 404
    assert list((server.data / "datasets/.new").iterdir()) == []


def test_a_link_in_an_upload_does_not_lead_out(server):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        link = tarfile.TarInfo("train")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    assert upload(server, document("linked", trainpath="train"), ("a.tar", out.getvalue())).status_code == 400


def test_a_bomb_is_stopped_while_it_is_unpacked(make_server):
    server = make_server("datasets.unpacked_max = 1\ndatasets.entries_max = 3\n")
    reply = upload(server, document("bomb", trainpath="."), ("a.zip", zip_of({"a": "0" * 2_000_000})))
    assert reply.status_code == 400 and "1048576" in reply.text
    assert upload(server, document("many", trainpath="."), ("a.zip", zip_of({str(i): "" for i in range(9)}))).status_code == 400
    assert list((server.data / "datasets/.new").iterdir()) == []


@pytest.mark.parametrize("parts", [{"data": json.dumps(document("empty"))}, {"data": "no json"}, {}])
def test_an_upload_needs_a_document_and_a_file(server, parts):
    files = [] if "kind" in str(parts) or "datasource" in str(parts) else [("file", ("a", b"1"))]
    reply = server.post("/datasets/upload", data=parts, files=files or [("other", ("", b""))])
    assert reply.status_code == 400


# --- used by a task ---

READER = """
import json, os
print(json.dumps({k: v for k, v in os.environ.items() if k.startswith("DATASET")}))
"""


def test_a_task_is_told_where_a_dataset_is(server, folders):
    record = build(server, document("read", trainpath=str(folders / "train"), testpath=str(folders / "test")))
    done = server.wait_exec(server.submit(READER, "--msd-dataset read")["id"])
    assert done["state"] == "FINISHED"
    told = json.loads((server.data / "run" / done["id"] / "worker-0.out").read_text())
    assert told == {"DATASET": "read", "DATASET_DIR": record["paths"]["dir"], "DATASET_TRAIN": str(folders / "train"),
                    "DATASET_TEST": str(folders / "test")}
    apps = server.get("/scheduler/applications", params={"applicationid": done["id"]}).json()
    assert [a["dataset"] for a in apps] == ["read"]


def test_a_build_shows_in_the_applications(server, folders):
    record = build(server, document("shown", trainpath=str(folders / "train")))
    [app] = server.get("/scheduler/applications", params={"applicationid": record["sparkappid"]}).json()
    assert (app["dataset"], app["dltype"], app["applicationname"]) == ("shown", "dataset", "dataset shown")


def test_a_dataset_that_a_task_reads_is_not_deleted(server, folders, gate):
    build(server, document("needed", trainpath=str(folders / "train")))
    task = gated(server, gate, framework="tensorflow --msd-dataset needed")
    reply = server.delete("/datasets/needed")
    assert reply.status_code == 409 and task in reply.text
    gate.open()
    server.wait_exec(task)
    assert server.delete("/datasets/needed").status_code == 200


def test_a_dataset_that_a_search_reads_is_not_deleted(server, folders, gate):
    for name in ["searched", "sear"]:
        build(server, document(name, trainpath=str(folders / "train")))
    script = f"open({str(gate.paths[0])!r}, 'w').write('ready\\n'); open({str(gate.paths[1])!r}).readline()"
    search = server.search(script, {"maxJobNum": 1}, [{"name": "x", "type": "Range", "dataType": "double", "minDbVal": 0, "maxDbVal": 1}],
                           args="--msd-dataset searched")
    gate.wait()
    assert server.delete("/datasets/searched").status_code == 409
    assert server.delete("/datasets/sear").status_code == 200
    gate.open()
    server.wait_search(search)
    assert server.delete("/datasets/searched").status_code == 200


@pytest.mark.parametrize("name, user", [("nothing", "ann"), ("hidden", "bob")])
def test_a_task_can_only_read_what_its_user_sees(server, folders, name, user):
    if server.get("/datasets/hidden").status_code == 404:
        build(server, document("hidden", trainpath=str(folders / "train")))
    reply = server.post("/execs", user=user, files={"file": ("main.py", "pass")},
                        params={"args": f"--exec-start tensorflow --msd-dataset {name}"})
    assert reply.status_code == 400 and f'there is no dataset "{name}"' in reply.text


# --- looking ---

def test_pages_are_of_their_own_kind(server, folders):
    name = build(server, document("kindless", trainpath=str(folders / "train")))["name"]
    for what in ["csvs", "objectimages"]:
        reply = server.get(f"/datasets/{name}/{what}", params={"type": "Train"})
        assert reply.status_code == 400 and "OTHER" in reply.text
        assert server.get(f"/datasets/nothing/{what}", params={"type": "Train"}).status_code == 404
        assert server.get(f"/datasets/{name}/{what}", params={"type": "Train"}, user="bob").status_code == 404


def test_the_whole_report_can_be_read(server, folders):
    name = build(server, document("reported", trainpath=str(folders / "train")))["name"]
    report = server.get(f"/datasets/{name}/report").json()
    assert report["ok"] is True and [s["name"] for s in report["splits"]] == ["train"] and report["broken"]["list"] == []
    assert "list" not in show(server, name)["report"]["broken"]


# --- images ---

def picture(colour, size=(12, 8), kind="PNG"):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def pets(n):
    """n different pictures of cats and as many of dogs."""
    return {f"{label}/{i}.png": picture((i, red, 7)) for label, red in [("cat", 0), ("dog", 255)] for i in range(n)}


# What the lab's scripts send: nulls for what is not used, and a spelling of their own.
def lab_document(name, folder):
    image = {"isusingtext": False, "traintextpath": None, "valtextpath": None, "testtextpath": None, "labeltextpath": None,
             "trainimagepath": str(folder), "valimagepath": None, "testimagepath": None, "imagetype": "Color", "height": None,
             "width": None, "resizetransformation": "Squash", "valpercentage": 10, "testpercentage": 20,
             "splitalgorithm": "hold-out"}
    return {"name": name, "datasourcetype": "IMAGEFORCLASSIFICATION", "dbbackend": "TFRecords", "sigid": "8a1b", "byclass": True,
            "trainpath": None, "valpath": None, "testpath": None, "meanfilepath": None, "imagedetail": image, "plugin": None}


def test_the_lab_builds_records_of_images(server, source):
    record = build(server, lab_document("lab", source("lab", pets(10))))
    assert record["dbbackend"] == "TFrecords" and record["sigid"] == "8a1b"
    assert record["trainlabels"] == [["cat", "7"], ["dog", "7"]]
    assert record["vallabels"] == [["cat", "1"], ["dog", "1"]] and record["testlabels"] == [["cat", "2"], ["dog", "2"]]
    files = record["paths"]["train"].split(",")
    assert [Path(f).name for f in files] == ["train-cat.tfrecords", "train-dog.tfrecords"]
    assert all(Path(f).is_file() for f in files)
    assert (Path(files[0]).parent.parent / "labels.txt").read_text() == "cat\ndog\n"      # where the samples look for it
    assert record["paths"]["labels"] == str(server.data / "datasets/lab/labels.txt")
    assert record["report"]["height"] == 8 and record["report"]["broken"] == {"count": 0}


def test_caffe_gets_environments_and_a_mean_file(server, source):
    source("caffe", pets(4))
    record = build(server, document("caffe", "IMAGEFORCLASSIFICATION", "LMDB", imagedetail={
        "trainimagepath": "caffe", "height": 4, "width": 4, "imagetype": "grayscale"}))
    assert Path(record["paths"]["train"], "data.mdb").is_file() and Path(record["paths"]["mean_file"]).is_file()
    assert record["report"]["channels"] == 1 and record["report"]["height"] == 4


def test_broken_images_are_counted_named_and_bounded(server, source):
    folder = source("broken", {**pets(10), "cat/bad.png": "no picture"})
    doc = document("broken", "IMAGEFORCLASSIFICATION", "LMDB", imagedetail={"trainimagepath": str(folder)})
    record = build(server, doc)
    assert record["report"]["broken"] == {"count": 1}
    assert server.get("/datasets/broken/report").json()["broken"]["list"][0]["path"].endswith("bad.png")
    record = wait(server, create(server, {**doc, "name": "strict", "maxBroken": 0}))
    assert record["status"] == "ERROR" and "bad.png" in record["message"]


def test_a_task_reads_the_records_of_a_dataset(server, source):
    build(server, lab_document("trained", source("trained", pets(10))))
    script = """
import os
files = os.environ["DATASET_TRAIN"].split(",")
labels = open(os.environ["DATASET_LABELS"]).read().split()
print(len(files), labels, all(os.path.getsize(f) for f in files))
"""
    done = server.wait_exec(server.submit(script, "--msd-dataset trained")["id"])
    assert (server.data / "run" / done["id"] / "worker-0.out").read_text() == "2 ['cat', 'dog'] True\n"


def test_images_of_an_upload_are_built(server):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in pets(3).items():
            z.writestr(f"pets/{name}", data)
    assert upload(server, document("sent", "IMAGEFORCLASSIFICATION", "TFrecords", shards=2), ("pets.zip", out.getvalue())).status_code == 201
    record = wait(server, "sent")
    assert record["status"] == "FINISHED" and record["trainlabels"] == [["cat", "3"], ["dog", "3"]]
    assert len(record["paths"]["train"].split(",")) == 2


@pytest.fixture
def many(server, source):
    """A folder of images that takes a moment to build."""
    one, folder = picture((1, 2, 3), (300, 200), "JPEG"), source("many", {})
    for i in range(2000):
        (folder / "cat").mkdir(parents=True, exist_ok=True)
        (folder / f"cat/{i}.jpg").write_bytes(one + str(i).encode())
    return folder


def test_a_build_that_runs_tells_how_far_it_is_and_can_be_stopped(server, many):
    doc = document("long", "IMAGEFORCLASSIFICATION", "LMDB", imagedetail={"trainimagepath": str(many), "height": 64, "width": 64})
    task = show(server, create(server, doc))["sparkappid"]
    record = wait(server, "long", until=("RUNNING", "FINISHED"))
    assert record["status"] == "RUNNING" and record["runduration"] >= 0
    builder = builder_of(server, task)
    os.kill(builder, signal.SIGSTOP)
    assert not (server.data / "datasets/long").exists() and "paths" not in show(server, "long")
    assert server.get("/datasets/long/report").status_code == 400
    assert server.put("/datasets/long/stop").status_code == 200
    os.kill(builder, signal.SIGCONT)
    assert wait(server, "long")["status"] == "KILLED"
    until(server, lambda: not list((server.data / "datasets/.new").iterdir()), "what was begun was left behind")
    assert not (server.data / "datasets/long").exists() and processes(task) == []
