# SPDX-License-Identifier: Apache-2.0
"""LMDB environments and TFRecord files that exist already."""
import os

import lmdb
import pytest

from pictures import plant
from readers import Datum, read_lmdb, read_tfrecords

IMAGES = {"kind": "IMAGEFORCLASSIFICATION"}


@pytest.fixture
def lmdbs(builder):
    """Two environments of images, and a mean file, that lie in a data folder."""
    folder = plant(builder.folder / "pets", 4)
    image = {"trainImages": folder, "testPercentage": 25}
    return builder.build(**IMAGES, backend="LMDB", image=image, roots=[str(builder.folder)])[0].rename(builder.data / "lmdb")


@pytest.fixture
def records(builder):
    folder = plant(builder.folder / "pets", 4)
    image = {"trainImages": folder, "testPercentage": 25}
    target = builder.build(**IMAGES, backend="TFrecords", image=image, shards=2, roots=[str(builder.folder)])[0]
    return target.rename(builder.data / "records")


def test_lmdb_environments_are_used_where_they_lie(builder, lmdbs):
    before = os.listdir(lmdbs / "train_db")
    target, report = builder.build(kind="LMDB", backend="LMDB", train=lmdbs / "train_db", test=lmdbs / "test_db",
                                   labels=lmdbs / "labels.txt", meanfile=lmdbs / "mean.binaryproto")
    train, test = report["splits"]
    assert (train["path"], train["records"], train["labels"]) == (str(lmdbs / "train_db"), 9, [["cat", 3], ["dog", 3], ["fox", 3]])
    assert (test["path"], test["records"], test["labels"]) == (str(lmdbs / "test_db"), 3, [["cat", 1], ["dog", 1], ["fox", 1]])
    assert report["meanfile"] == str(lmdbs / "mean.binaryproto")
    assert (report["height"], report["width"], report["channels"]) == (40, 60, 3)
    assert sorted(os.listdir(target)) == ["labels.txt", "report.json"]
    assert os.listdir(lmdbs / "train_db") == before


def test_lmdb_environments_are_copied(builder, lmdbs):
    target, report = builder.build(kind="LMDB", backend="LMDB", train=lmdbs / "train_db", copy=True, meanfile=lmdbs / "mean.binaryproto")
    assert read_lmdb(target / "train_db") == read_lmdb(lmdbs / "train_db")
    assert (target / "mean.binaryproto").read_bytes() == (lmdbs / "mean.binaryproto").read_bytes()
    assert (report["splits"][0]["path"], report["meanfile"]) == ("train_db", "mean.binaryproto")
    assert (target / "labels.txt").read_text() == "0\n1\n2\n"


def test_records_that_are_no_images_are_a_warning(builder):
    with lmdb.open(str(builder.data / "db")) as env, env.begin(write=True) as txn:
        txn.put(b"a", b"\xff\xff")
        txn.put(b"b", Datum(channels=1, height=1, width=1, data=b"x", label=0).SerializeToString())
    _, report = builder.build(kind="LMDB", backend="LMDB", train=builder.data / "db")
    assert report["warnings"] == ["train: 1 of 2 records are no images with a label"]
    assert report["splits"][0]["labels"] == [["0", 1]]


def test_a_folder_without_an_environment_is_refused(builder):
    (builder.data / "db").mkdir()
    assert "holds no LMDB environment" in builder.refused(kind="LMDB", backend="LMDB", train=builder.data / "db")["error"]
    (builder.data / "db/data.mdb").write_bytes(bytes(8192))
    assert "holds no LMDB environment" in builder.refused(kind="LMDB", backend="LMDB", train=builder.data / "db")["error"]


def test_tfrecord_files_are_used_where_they_lie(builder, records):
    (records / "train_db/_SUCCESS").touch()
    (records / "train_db/notes.txt").write_text("not records")
    target, report = builder.build(kind="TFRECORDS", backend="TFRecords", train=records / "train_db",
                                   test=records / "test_db/test-00001-of-00002.tfrecords", labels=records / "labels.txt")
    train, test = report["splits"]
    assert (train["path"], train["files"]) == (str(records / "train_db"), [f"train-0000{i}-of-00002.tfrecords" for i in range(2)])
    assert (train["records"], train["labels"]) == (9, [["cat", 3], ["dog", 3], ["fox", 3]])
    assert (test["path"], test["files"]) == (str(records / "test_db"), ["test-00001-of-00002.tfrecords"])
    assert train["bytes"] == sum(os.path.getsize(records / "train_db" / f) for f in train["files"])
    assert (target / "labels.txt").read_text() == "cat\ndog\nfox\n"
    assert report["backend"] == "TFrecords"


def test_tfrecord_files_are_copied_below_the_labels(builder, records):
    target, report = builder.build(kind="TFRECORDS", backend="TFrecords", train=records / "train_db", copy=True)
    split = report["splits"][0]
    assert split["path"] == "train_db"
    for name in split["files"]:
        assert read_tfrecords(target / "train_db" / name) == read_tfrecords(records / "train_db" / name)


def test_a_damaged_record_is_refused_by_its_number(builder, records):
    path = records / "train_db/train-00000-of-00002.tfrecords"
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    report = builder.refused(kind="TFRECORDS", backend="TFrecords", train=records / "train_db")
    assert report["error"] == f"{path}: record 4 has a wrong checksum" and report["field"] == "train"
    path.write_bytes(data[:-100])
    assert builder.refused(kind="TFRECORDS", backend="TFrecords", train=path)["error"] == f"{path}: record 4 is cut off"


@pytest.mark.parametrize("kind, backend", [("LMDB", "LMDB"), ("TFRECORDS", "TFrecords")])
def test_training_records_must_be_named(builder, kind, backend):
    assert builder.refused(kind=kind, backend=backend)["field"] == "train"


def test_a_folder_without_records_is_refused(builder):
    (builder.data / "empty").mkdir()
    report = builder.refused(kind="TFRECORDS", backend="TFrecords", train=builder.data / "empty")
    assert report["error"] == f"there are no records in {builder.data}/empty" and report["field"] == "train"
