# SPDX-License-Identifier: Apache-2.0
"""`trainyard dataset` against a real server: what is guessed, sent, shown, stopped and removed."""
import json
import re

import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """folder("pets", {"train/cat/1.jpg": ""}) makes a folder of one's own."""
    def make(name, files):
        for path, text in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text)
        return tmp_path / name
    return make


def record(cli, name):
    return json.loads(cli.run("dataset", "show", name, "--json", code=0).stdout)


@pytest.mark.parametrize("files, kind, backend, parts, why", [
    ({"train/cat/1.jpg": "", "train/dog/2.PNG": "", "test/cat/3.jpg": ""}, "IMAGEFORCLASSIFICATION", "TFrecords",
     {"imagedetail": {"trainimagepath": "train", "testimagepath": "test"}}, "train holds 2 folders of images"),
    ({"cat/1.jpg": "", "dog/2.webp": ""}, "IMAGEFORCLASSIFICATION", "TFrecords", {"imagedetail": {"trainimagepath": "."}},
     "it holds 2 folders of images"),
    ({"train.txt": "cat/1.jpg 0\n", "val.txt": "", "labels.txt": "cat\n", "cat/1.jpg": ""}, "IMAGEFORCLASSIFICATION",
     "TFrecords", {"imagedetail": {"traintextpath": "train.txt", "valtextpath": "val.txt", "labeltextpath": "labels.txt"}},
     "train.txt has a path and a label a line"),
    ({"train.txt": "a name with blanks.jpg cat\n", "labels.txt": "cat\n"}, "IMAGEFORCLASSIFICATION", "TFrecords",
     {"imagedetail": {"traintextpath": "train.txt", "labeltextpath": "labels.txt"}}, "train.txt has a path and a label a line"),
    ({"train.txt": "1.jpg 0.5 1 7\n", "1.jpg": ""}, "IMGTOVECTOR", "ImageVector", {"imagedetail": {"traintextpath": "train.txt"}},
     "train.txt has a path and numbers a line"),
    ({"JPEGImages/1.jpg": "", "Annotations/1.xml": ""}, "IMAGEFOROBJECTDETECTION", "ObjectDetection", {"trainpath": "."},
     "it has folders JPEGImages and Annotations"),
    ({"train_db/data.mdb": "", "test_db/data.mdb": "", "mean.binaryproto": "", "labels.txt": ""}, "LMDB", "LMDB",
     {"trainpath": "train_db", "testpath": "test_db", "meanfilepath": "mean.binaryproto", "labels": "labels.txt"},
     "train_db holds data.mdb"),
    ({"train/a.tfrecords": "", "validation/b.tfrecord": ""}, "TFRECORDS", "TFrecords",
     {"trainpath": "train", "valpath": "validation"}, "train holds 1 record files"),
    ({"train.csv": "a\n1\n", "test.csv": "a\n1\n"}, "CSV", "CSV", {"trainpath": "train.csv", "testpath": "test.csv"},
     "it has a file train.csv"),
    ({"iris.csv": "a\n1\n", "readme.md": ""}, "CSV", "CSV", {"trainpath": "iris.csv"}, "iris.csv is the only table in it"),
    ({"train/x.bin": "", "test/y.bin": ""}, "OTHER", "Other", {"trainpath": "train", "testpath": "test"},
     "nothing in it tells more"),
], ids=["classes", "bare classes", "text list", "named labels", "vectors", "voc", "lmdb", "tfrecords", "csv", "one csv", "other"])
def test_add_guesses_the_kind_from_a_folder_and_says_so(cli, folder, request, files, kind, backend, parts, why):
    name = request.node.callspec.id
    done = cli.run("dataset", "add", folder(name, files), code=0)
    assert done.stderr == f"{name} looks like {kind}: {why}\n" and done.stdout == f"{name}\n"
    found = record(cli, name)
    assert (found["datasourcetype"], found["dbbackend"]) == (kind, backend)
    for key, value in parts.items():
        assert found[key] == value if isinstance(value, str) else value.items() <= found[key].items(), found


def test_add_uploads_a_folder_and_watches_the_build(cli, folder):
    path = folder("mine", {"train/a.bin": "12", "test/b.bin": "3"})
    done = cli.run("dataset", "add", path, "--watch", code=0)
    assert done.stdout.startswith("mine FINISHED, 0.0 MB in ")
    assert record(cli, "mine")["paths"]["train"].endswith("/datasets/mine/train")


def test_add_takes_a_path_on_the_server(cli, server):
    (server.data / "data/there/train").mkdir(parents=True)
    (server.data / "data/there/train/a.bin").write_text("1")
    done = cli.run("dataset", "add", server.data / "data/there", "--on-server", "--name", "far", "-w", code=0)
    assert "far looks like OTHER" in done.stderr
    assert record(cli, "far")["paths"]["train"] == str(server.data / "data/there/train")
    assert cli.run("dataset", "add", "elsewhere", "--on-server", code=2).stderr.startswith("trainyard dataset add: PATH cannot be")
    assert "no elsewhere" in cli.run("dataset", "add", "elsewhere", "--on-server", "--kind", "raw", code=1).stderr


def test_options_are_sent_with_the_document(cli, folder):
    path = folder("options", {"cat/1.jpg": ""})
    cli.run("dataset", "add", path, "--lmdb", "--height", "32", "--width", "16", "--grey", "--resize", "crop", "--val", "10",
            "--test", "20", "--encoded", "--shared", code=0)
    found = record(cli, "options")
    assert found["dbbackend"] == "LMDB" and found["encoded"] and found["shared"]
    assert {"height": 32, "width": 16, "imagetype": "Grayscale", "resizetransformation": "Crop", "valpercentage": 10,
            "testpercentage": 20}.items() <= found["imagedetail"].items()


def test_what_is_refused_says_why(cli, folder):
    path = folder("refused", {"train/a.bin": "1"})
    assert "--kind is one of images" in cli.run("dataset", "add", path, "--kind", "video", code=2).stderr
    assert "which folder" in cli.run("dataset", "add", code=2).stderr
    assert "there is no file or folder nowhere" in cli.run("dataset", "add", "nowhere", code=1).stderr
    assert "resizetransformation" in cli.run("dataset", "add", path, "--resize", "stretch", code=1).stderr
    assert "one of add, ls" in cli.run("dataset", code=2).stderr


def test_a_build_that_fails_ends_with_its_own_code(cli, server):
    (server.data / "data/broken/train").mkdir(parents=True)
    (server.data / "data/broken/train/link").symlink_to("/etc/passwd")
    done = cli.run("dataset", "add", server.data / "data/broken", "--on-server", "-w", code=5)
    assert "broken ERROR" in done.stdout and "leads out of the data folders" in done.stderr


def test_datasets_are_listed_shown_and_removed(cli, folder):
    cli.run("dataset", "add", folder("listed", {"train/a.bin": "1"}), "-w", code=0)
    table = cli.run("dataset", "ls", code=0).stdout
    assert table.splitlines()[0].split() == ["NAME", "STATE", "KIND", "FORMAT", "SIZE", "USER", "CREATED"]
    assert re.search(r"listed +FINISHED +OTHER +Other +0\.0 MB ", table)
    assert "listed" in [d["name"] for d in json.loads(cli.run("dataset", "ls", "--json", code=0).stdout)]
    shown = cli.run("dataset", "show", "listed", code=0).stdout
    assert "FINISHED" in shown and "train" in shown and "PART" in shown
    assert cli.run("dataset", "show", "listed", "--report", code=0).stdout.startswith("nothing is broken")
    assert json.loads(cli.run("dataset", "show", "listed", "--report", "--json", code=0).stdout)["ok"]
    assert "FINISHED" in cli.run("dataset", "stop", "listed", code=1).stderr
    assert cli.run("dataset", "rm", "listed", code=0).stdout == "removed listed\n"
    assert "there is no dataset" in cli.run("dataset", "rm", "listed", code=1).stderr
    assert "which dataset" in cli.run("dataset", "rm", code=2).stderr


def test_head_shows_rows_of_a_table(cli, folder):
    cli.run("dataset", "add", folder("rows", {"train.csv": "n,word\n" + "".join(f"{i}.1,w{i}\n" for i in range(20))}), "-w", code=0)
    lines = cli.run("dataset", "head", "rows", "-n", "2", code=0).stdout.splitlines()
    assert [line.split() for line in lines] == [["n", "word"], ["0.1", "w0"], ["1.1", "w1"]]
    assert len(json.loads(cli.run("dataset", "head", "rows", "--json", code=0).stdout)["data"]) == 10
    assert cli.run("dataset", "head", "rows", "--part", "val", code=0).stdout == ""
    assert "no part of a dataset" in cli.run("dataset", "head", "rows", "--part", "dev", code=1).stderr


def test_head_lists_samples_and_saves_a_picture(cli, folder, tmp_path):
    path = folder("seen", {"cat/x": "", "dog/x": ""})
    for label, colour in [("cat", (200, 0, 0)), ("dog", (0, 0, 200))]:
        for i in range(3):
            Image.new("RGB", (8, 6), (*colour[:2], colour[2] + i)).save(path / label / f"{i}.png")
        (path / label / "x").unlink()
    cli.run("dataset", "add", path, "--lmdb", "-w", code=0)
    samples = json.loads(cli.run("dataset", "head", "seen", "--label", "dog", "--json", code=0).stdout)
    assert len(samples) == 3 and "NUMBER  LABEL" in cli.run("dataset", "head", "seen", code=0).stdout
    out = tmp_path / "dog.jpg"
    assert cli.run("dataset", "head", "seen", "--sample", samples[0]["index"], "-o", out, code=0).stdout == f"{out}\n"
    assert Image.open(out).convert("RGB").getpixel((4, 3))[2] > 150
    assert cli.run("dataset", "head", "seen", "--sample", "77", "-o", tmp_path / "none.jpg", code=1).stderr
    assert not (tmp_path / "none.jpg").exists()


def test_run_gives_a_dataset_to_the_program(cli, folder):
    cli.run("dataset", "add", folder("read", {"train/a.bin": "1"}), "-w", code=0)
    path = folder("reader", {"t.py": "import os\nprint(os.environ['DATASET_TRAIN'])\n"}) / "t.py"
    done = cli.run("run", path, "--dataset", "read", "--follow", code=0)
    assert done.stdout.rstrip().endswith("/datasets/read/train")
    assert 'there is no dataset "nosuch"' in cli.run("run", path, "--dataset", "nosuch", code=1).stderr
