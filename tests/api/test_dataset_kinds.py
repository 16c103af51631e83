# SPDX-License-Identifier: Apache-2.0
"""Every kind of dataset through the API: built by trainyard-dataset, looked at, read by a task and deleted."""
import io
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
from harness import BUILD, Server
from PIL import Image
from test_datasets import build, create, document, picture, source, wait  # noqa: F401


def page(server, name, what="csvs", part="Train", **params):
    reply = server.get(f"/datasets/{name}/{what}", params={"type": part, **params})
    assert reply.status_code == 200, reply.text
    return reply.json()


def jpeg(server, name, index, part="Train", **params):
    reply = server.get(f"/datasets/{name}/samples/{index}", params={"type": part, **params})
    assert reply.status_code == 200 and reply.headers["Content-Type"] == "image/jpeg", reply.text
    return Image.open(io.BytesIO(reply.content))


def pets(n):
    return {f"{label}/{i}.png": picture((i, 0, 200) if label == "cat" else (200, 0, i)) for label in ["cat", "dog"] for i in range(n)}


# --- tables ---

def test_a_csv_is_paged_as_a_data_frame_is_split(server, source):
    folder = source("table", {"train.csv": "n,word\n" + "".join(f'{i},"w, {i}"\n' for i in range(300)), "test.csv": "n,word\n1,x\n"})
    record = build(server, document("table", "CSV", "CSV", trainpath=str(folder / "train.csv"), testpath=str(folder / "test.csv")))
    assert Path(record["paths"]["train"]) == server.data / "datasets/table/train.csv"
    assert record["paths"]["train_dir"] == str(server.data / "datasets/table")
    found = page(server, "table", start="10", length="2")
    assert found["columns"] == ["n", "word"] and found["index"] == ["10", "11"] and found["data"] == [[10.0, 0.0], [11.0, 0.0]]
    assert json.loads(found["JSONString"])["data"] == [[10, "w, 10"], [11, "w, 11"]]
    assert len(page(server, "table")["index"]) == 100 and len(page(server, "table", length="99999")["index"]) == 300
    assert page(server, "table", start="300")["data"] == [] and page(server, "table", part="test")["data"] == [[1, 0]]
    assert page(server, "table", part="VAL")["columns"] == []


def test_any_page_of_a_long_csv_is_found(server, source):
    folder = source("long-table", {"train.csv": "n,square\n" + "".join(f"{i},{i * i}\n" for i in range(100_000))})
    build(server, document("long-table", "CSV", "CSV", trainpath=str(folder / "train.csv")))
    for start in [0, 255, 256, 50_001, 99_999, 100_000]:
        assert page(server, "long-table", start=start, length=3)["data"] == [[i, i * i] for i in range(start, min(start + 3, 100_000))]


def test_a_table_without_a_header_has_numbered_columns(server, source):
    folder = source("bare", {"train.csv": "1,2\n3,4\n"})
    build(server, document("bare", "CSV", "CSV", trainpath=str(folder / "train.csv")))
    assert page(server, "bare") == {"columns": ["0", "1"], "index": ["0", "1"], "data": [[1, 2], [3, 4]],
                                    "JSONString": '{"columns":["0","1"],"index":[0,1],"data":[[1,2],[3,4]]}'}


def test_a_table_that_changed_is_still_read(server, source):
    folder = source("changed", {"train.csv": "n\n1\n2\n"})
    build(server, document("changed", "CSV", "CSV", trainpath=str(folder / "train.csv")))
    (server.data / "datasets/changed/train.csv").write_text("m\n5\n6\n7\n")
    assert page(server, "changed", start=1)["data"] == [[6], [7]]


def test_a_plugin_makes_another_table(server, source):
    folder = source("plugged", {"train.csv": "n\n1\n2\n", "double.py": """
import sys
rows = open(sys.argv[1]).read().split()
open(sys.argv[2], "w").write("\\n".join([rows[0]] + [str(2 * int(r)) for r in rows[1:]]) + "\\n")
"""})
    build(server, document("plugged", "CSV", "CSV", trainpath=str(folder / "train.csv"), plugin=str(folder / "double.py")))
    assert page(server, "plugged")["data"] == [[2], [4]]


@pytest.mark.parametrize("params, field", [({}, "type"), ({"type": "Validation"}, "type"), ({"type": "Train", "start": "-1"}, "start"),
                                           ({"type": "Train", "start": "x"}, "start"), ({"type": "Train", "length": "1.5"}, "length")])
def test_bad_pages_are_refused_by_name(server, source, params, field):
    if server.get("/datasets/paged").status_code == 404:
        build(server, document("paged", "CSV", "CSV", trainpath=str(source("paged", {"train.csv": "a\n1\n"}) / "train.csv")))
    reply = server.get("/datasets/paged/csvs", params=params, headers={"Accept": "application/json"})
    assert reply.status_code == 400 and reply.json()["error"]["field"] == field


def locks(server):
    """What the server has locked of its database."""
    inode = (server.data / "trainyard.db").stat().st_ino
    found = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {tuple(words[-6:]) for words in found if words[-4] == str(server.process.pid) and words[-3].endswith(f":{inode}")}


def test_a_file_that_became_a_link_is_not_followed_out(server, source):
    build(server, document("linked", "CSV", "CSV", trainpath=str(source("linked", {"train.csv": "a\n1\n"}) / "train.csv")))
    folder, before = server.data / "datasets/linked", locks(server)
    for name, secret in [("train.csv", "trainyard.db"), ("report.json", "tls/key.pem")]:
        (folder / name).unlink()
        (folder / name).symlink_to(server.data / secret)
    assert server.get("/datasets/linked/csvs", params={"type": "Train"}).status_code == 404
    assert server.get("/datasets/linked/report").status_code == 404
    assert locks(server) >= before       # of the database; a process that closes it anywhere loses them all


# --- boxes ---

def voc(n):
    files = {"ImageSets/Main/train.txt": "".join(f"{i:03d}\n" for i in range(n))}
    for i in range(n):
        files[f"JPEGImages/{i:03d}.jpg"] = picture((255, 255, 255 - i), (40, 30), "JPEG")
        files[f"Annotations/{i:03d}.xml"] = """<annotation><size><width>40</width><height>30</height><depth>3</depth></size>
            <object><name>cat</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>20</xmax><ymax>25</ymax></bndbox></object>
            <object><name>dog</name><bndbox><xmin>22</xmin><ymin>5</ymin><xmax>38</xmax><ymax>25</ymax></bndbox></object></annotation>"""
    return files


@pytest.mark.parametrize("copy", [False, True], ids=["in place", "copied"])
def test_pictures_with_boxes_are_listed_and_drawn(server, source, copy):
    name = f"street {copy}"
    folder = source(name, voc(5))
    record = build(server, document(name, "IMAGEFOROBJECTDETECTION", "ObjectDetection", trainpath=str(folder), copy=copy))
    lists = Path(record["paths"]["train"])
    assert lists.parts[-3:] == ("ImageSets", "Main", "train.txt")
    assert (lists.parent / "../../JPEGImages/003.jpg").exists()      # where the samples look, from the list
    assert record["trainlabels"] == [["cat", "5"], ["dog", "5"]]
    found = page(server, name, "objectimages", start="3", length="9")
    assert [(p["name"], p["labels"]) for p in found] == [("003", "cat,dog"), ("004", "cat,dog")]
    assert all(Path(p["path"]).is_file() for p in found)
    plain, boxed = jpeg(server, name, 2), jpeg(server, name, 2, boxes="true")
    assert plain.size == boxed.size == (40, 30)
    assert plain.getpixel((5, 15))[0] > 240 and boxed.getpixel((5, 15)) != plain.getpixel((5, 15))
    assert server.delete(f"/datasets/{name}").status_code == 200
    assert (folder / "JPEGImages/003.jpg").exists()


# --- images ---

@pytest.mark.parametrize("backend, more", [("LMDB", {}), ("LMDB", {"encoded": True}), ("TFrecords", {"shards": 3}),
                                           ("TFrecords", {"byclass": True, "encoded": True})])
def test_samples_of_images_can_be_seen(server, source, backend, more):
    name = f"seen {backend} {len(more)}"
    folder = source("seen", pets(6))
    build(server, document(name, "IMAGEFORCLASSIFICATION", backend, imagedetail={"trainimagepath": str(folder)}, **more))
    samples = page(server, name, "samples")
    assert sorted(s["label"] for s in samples) == ["cat"] * 6 + ["dog"] * 6
    dogs = page(server, name, "samples", label="dog", length=2)
    assert len(dogs) == 2 and {s["label"] for s in dogs} == {"dog"}
    image = jpeg(server, name, dogs[0]["index"])
    assert image.size == (12, 8) and image.convert("RGB").getpixel((5, 5))[0] > 150
    assert server.get(f"/datasets/{name}/samples/12", params={"type": "Train"}).status_code == 404
    assert server.get(f"/datasets/{name}/samples/0", params={"type": "Val"}).status_code == 404


@pytest.mark.parametrize("params, field", [({"size": "8"}, "size"), ({"size": "5000"}, "size"), ({"type": "x"}, "type")])
def test_bad_wishes_for_samples_are_refused_by_name(server, source, params, field):
    if server.get("/datasets/wished").status_code == 404:
        build(server, document("wished", "IMAGEFORCLASSIFICATION", "LMDB", imagedetail={"trainimagepath": str(source("wished", pets(1)))}))
    reply = server.get("/datasets/wished/samples/0", params={"type": "Train", **params}, headers={"Accept": "application/json"})
    assert reply.status_code == 400 and reply.json()["error"]["field"] == field
    for index in ["-1", "x", "99999999999999999999"]:
        assert server.get(f"/datasets/wished/samples/{index}", params={"type": "Train"}).status_code == 400
    assert server.get("/datasets/wished/samples/0", params={"type": "Train"}, user="bob").status_code == 404


def test_what_was_built_elsewhere_is_imported(server, source):
    folder = source("imported", pets(4))
    made = {b: build(server, document(f"made {b}", "IMAGEFORCLASSIFICATION", b, imagedetail={"trainimagepath": str(folder)}))
            for b in ["LMDB", "TFrecords"]}
    for backend, record in made.items():
        here = server.data / "data/imported" / backend
        shutil.copytree(record["paths"]["train_dir"], here)
        for copy in [False, True]:
            found = build(server, document(f"{backend} {copy}", backend.upper(), backend, trainpath=f"imported/{backend}", copy=copy))
            inside = found["paths"]["train_dir"].startswith(str(server.data / "datasets"))
            assert inside == copy and here.exists(), found["paths"]
            assert jpeg(server, f"{backend} {copy}", 0).size == (12, 8)
            assert server.delete(f"/datasets/{backend} {copy}").status_code == 200 and any(here.iterdir())


@pytest.mark.parametrize("members", [{"trainpath": "vectors/train.txt"},
                                     {"imagedetail": {"isusingtext": True, "traintextpath": "vectors/train.txt"}}], ids=["path", "text"])
def test_images_come_with_their_vectors(server, source, members):
    name = f"vectors {list(members)[0]}"
    source("vectors", {"train.txt": "a/1.png 0.5 1\na/2.png 0.25 7\n", "a/1.png": picture((1, 2, 3)), "a/2.png": picture((200, 2, 3))})
    record = build(server, document(name, "IMGTOVECTOR", "ImageVector", **members))
    lines = (server.data / "datasets" / name / "train.txt").read_text().splitlines()
    assert sorted(line.split()[1:] for line in lines) == [["0.25", "7"], ["0.5", "1"]]
    assert all(Path(record["paths"]["dir"], line.split()[0]).is_file() for line in lines)
    assert jpeg(server, name, 0).size == (12, 8)


# --- texts and plug-ins ---

def test_texts_get_a_vocabulary_and_numbers(server, source):
    folder = source("texts", {"train.txt": "good\\a fine film\nbad\\a poor film\n"})
    record = build(server, document("texts", "NLP", "Other", trainpath=str(folder / "train.txt")))
    root = server.data / "datasets/texts"
    assert record["trainlabels"] == [["bad", "1"], ["good", "1"]]
    assert (root / "csv/train/train.csv").read_text() == "good\\a fine film\nbad\\a poor film\n"
    assert (root / "csv/ctx.txt").read_text().split()[:4] == ["<pad>", "<unk>", "a", "film"]
    assert Path(record["paths"]["train"]).exists() and Path(record["paths"]["labels"]).read_text() == "bad\ngood\n"


WRITER = """
from dataset_plugin import Plugin

with Plugin() as plugin:
    folder = plugin.folder("train")
    for i in plugin.progress(range(3), "files"):
        (folder / f"{i}.txt").write_text(str(i))
        plugin.count("train", label="odd" if i % 2 else "even")
"""


def test_a_program_of_ones_own_builds_a_dataset(server, source):
    folder = source("own", {"writer.py": WRITER})
    record = build(server, document("own", "PLUGIN", "Other", plugin=str(folder / "writer.py")))
    assert record["trainlabels"] == [["even", "2"], ["odd", "1"]]
    assert sorted(p.name for p in Path(record["paths"]["train"]).iterdir()) == ["0.txt", "1.txt", "2.txt"]


def test_a_plugin_that_fails_says_why(server, source):
    folder = source("failing plugin", {"writer.py": "raise SystemExit('the moon is full')"})
    record = wait(server, create(server, document("failing plugin", "PLUGIN", "Other", plugin=str(folder / "writer.py"))))
    assert record["status"] == "ERROR" and record["message"]
    log = server.get(f"/execs/{record['sparkappid']}/log", params={"logType": "errlog"}).text
    assert "the moon is full" in log


def test_raw_data_are_kept_as_they_are(server, source):
    folder = source("raw", {"a/b/c.bin": "123"})
    record = build(server, document("raw", "RAWDATA", "Other", trainpath=str(folder), copy=True))
    assert Path(record["paths"]["train"], "a/b/c.bin").read_text() == "123"


# --- another user's rights ---

@pytest.fixture(scope="module")
def server_of_nobody():
    if any(path.stat().st_mode & 0o001 == 0 for path in (BUILD, *BUILD.parents)):
        pytest.skip("others may not enter the build folder")
    folder = Path(tempfile.mkdtemp(prefix="trainyard-"))       # pytest's own folders are closed to others
    folder.chmod(0o711)
    try:
        with Server(folder, "group.default.user = nobody\n") as s:
            s.data.chmod(0o711)
            yield s
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run tasks as another user")
def test_what_the_groups_user_may_not_read_is_not_built(server_of_nobody):
    server = server_of_nobody
    secret = server.data / "data/secret/train"
    secret.mkdir(parents=True)
    (secret / "a.bin").write_text("1")
    secret.parent.chmod(0o700)
    record = wait(server, create(server, document("secret", trainpath="secret/train", copy=True)))
    assert record["status"] == "ERROR" and "Permission denied" in record["message"], record
    assert not (server.data / "datasets/secret").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run tasks as another user")
def test_the_groups_user_builds_and_looks(server_of_nobody):
    server = server_of_nobody
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in pets(2).items():
            z.writestr(name, data)
    doc = document("theirs", "IMAGEFORCLASSIFICATION", "LMDB")
    assert server.post("/datasets/upload", data={"data": json.dumps(doc)}, files={"file": ("a.zip", out.getvalue())}).status_code == 201
    record = wait(server, "theirs")
    assert record["status"] == "FINISHED", record
    assert Path(record["paths"]["train"], "data.mdb").owner() == "nobody"
    assert jpeg(server, "theirs", 0).size == (12, 8)
    (server.data / "datasets/theirs/train_db/data.mdb").chmod(0)
    os.chown(server.data / "datasets/theirs/train_db/data.mdb", 0, 0)       # what that user may not read is not shown
    assert server.get("/datasets/theirs/samples/0", params={"type": "Train"}).status_code == 404
    assert server.delete("/datasets/theirs").status_code == 200
    assert list((server.data / "datasets").iterdir()) == [server.data / "datasets/.new"]
