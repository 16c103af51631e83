# SPDX-License-Identifier: Apache-2.0
"""Looking into datasets that were built."""
import io
import json
import subprocess

import numpy as np
import pytest
from PIL import Image

from pictures import photo, plant

IMAGES = {"kind": "IMAGEFORCLASSIFICATION"}
FORMS = [("LMDB", False), ("LMDB", True), ("TFrecords", False), ("TFrecords", True)]


def show(builder, target, *words):
    return subprocess.run([builder.program, "show", target, *map(str, words)], capture_output=True)


def samples(builder, target, *words):
    done = show(builder, target, "samples", "--split", "train", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sample(builder, target, index, *words):
    done = show(builder, target, "sample", "--split", "train", "--index", index, *words)
    assert done.returncode == 0, done.stderr
    return Image.open(io.BytesIO(done.stdout))


def difference(image, path):
    return np.abs(np.asarray(image.convert("RGB"), int) - np.asarray(Image.open(path).convert("RGB"), int)).mean()


@pytest.mark.parametrize("backend, encoded", FORMS)
def test_a_sample_is_a_jpeg_of_its_record(builder, backend, encoded):
    folder = plant(builder.data / "pets", 3)
    target, _ = builder.build(**IMAGES, backend=backend, encoded=encoded, shards=2, image={"trainImages": folder, "split": "sequential"})
    for index, path in enumerate(sorted(folder.rglob("*.png"))):
        image = sample(builder, target, index)
        assert (image.format, image.size) == ("JPEG", (60, 40)) and difference(image, path) < 8


@pytest.mark.parametrize("backend, encoded", FORMS)
def test_a_sample_is_made_smaller_but_never_larger(builder, backend, encoded):
    folder = plant(builder.data / "pets", 1)
    target, _ = builder.build(**IMAGES, backend=backend, encoded=encoded, image={"trainImages": folder})
    assert sample(builder, target, 0, "--size", 30).size == (30, 20)
    assert sample(builder, target, 0, "--size", 4096).size == (60, 40)


def test_grey_samples_are_grey(builder):
    folder = plant(builder.data / "pets", 1)
    target, _ = builder.build(**IMAGES, backend="LMDB", image={"trainImages": folder, "type": "grayscale"})
    assert sample(builder, target, 0).mode == "L"


@pytest.mark.parametrize("backend", ["LMDB", "TFrecords"])
def test_samples_are_listed_with_their_classes(builder, backend):
    folder = plant(builder.data / "pets", 3)
    target, report = builder.build(**IMAGES, backend=backend, image={"trainImages": folder})
    everything = samples(builder, target)
    assert [s["index"] for s in everything] == list(range(9))
    dogs = samples(builder, target, "--label", "dog", "--count", 2)
    assert dogs == [s for s in everything if s["label"] == "dog"][:2]
    assert samples(builder, target, "--label", "wolf") == []
    if backend == "LMDB":
        assert all(s["path"].startswith(s["label"] + "/") for s in everything)


def test_imported_environments_can_be_looked_at(builder):
    folder = plant(builder.data / "pets", 2)
    built, _ = builder.build(**IMAGES, backend="LMDB", image={"trainImages": folder, "split": "sequential"})
    target, _ = builder.build(kind="LMDB", backend="LMDB", train=built / "train_db", roots=[str(builder.folder)])
    assert difference(sample(builder, target, 3), folder / "dog/1.png") < 8
    assert samples(builder, target)[3] == {"index": 3, "label": "1", "path": "dog/1.png"}


def test_folders_show_the_images_that_lie_in_them(builder):
    folder = plant(builder.data / "pets", 2)
    photo(1).save(folder / "zebra.jpg")
    (folder / "cat/notes.txt").write_text("no image")
    target, _ = builder.build(kind="OTHER", train=folder, copy=True)
    found = samples(builder, target)
    assert [(s["path"], s.get("label")) for s in found[-2:]] == [("fox/1.png", "fox"), ("zebra.jpg", None)]
    assert len(found) == 7 and difference(sample(builder, target, 2), folder / "dog/0.png") < 8


@pytest.mark.parametrize("words, sentence", [
    (["sample", "--split", "train", "--index", "9"], "the train data have no sample 9"),
    (["sample", "--split", "val", "--index", "0"], "the dataset has no val data"),
])
def test_what_is_not_there_is_said(builder, words, sentence):
    folder = plant(builder.data / "pets", 1)
    for backend in "LMDB", "TFrecords":
        target, _ = builder.build(**IMAGES, backend=backend, image={"trainImages": folder})
        done = show(builder, target, *words)
        assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", sentence + "\n")


def test_a_folder_without_a_report_is_no_data_set(builder):
    done = show(builder, builder.data, "samples", "--split", "train")
    assert done.returncode == 1 and done.stderr.startswith(b"there is no file ")


@pytest.mark.parametrize("words", [["sample"], ["sample", "--split"], ["sample", "--split", "train", "--index", "-1"],
                                   ["sample", "--split", "train", "--size", "0"], ["samples", "--split", "train", "--count", "x"],
                                   ["sample", "--split", "train", "--zoom", "2"], ["movie", "--split", "train"]])
def test_another_call_is_a_usage_error(builder, words):
    done = show(builder, builder.data, *words)
    assert done.returncode == 2 and done.stderr.startswith(b"usage: ")
