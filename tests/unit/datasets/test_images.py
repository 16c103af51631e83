# SPDX-License-Identifier: Apache-2.0
"""Images with a class each, into LMDB and TFRecord files, as other readers see them."""
import io
import os
import signal
import zlib

import numpy as np
import pytest
from PIL import Image

from pictures import photo, plant
from readers import BlobProto, datum_pixels, example_pixels, read_lmdb, read_tfrecords

KIND = {"kind": "IMAGEFORCLASSIFICATION"}
LMDB = {**KIND, "backend": "LMDB"}
TFRECORDS = {**KIND, "backend": "TFrecords"}


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


def file_of(folder, key):
    """The file that an LMDB key names."""
    return folder / key.decode().split("_", 1)[1]


# --- LMDB ---

def test_an_lmdb_record_is_a_caffe_datum_with_the_pixels_of_its_file(builder):
    folder = plant(builder.data / "pets", 3)
    target, report = builder.build(**LMDB, image={"trainImages": folder})
    records = read_lmdb(target / "train_db")
    assert [key[:9] for key, _ in records] == [f"{i:08d}_".encode() for i in range(9)]
    for key, datum in records:
        path = file_of(folder, key)
        assert (datum.channels, datum.height, datum.width, datum.encoded) == (3, 40, 60, False)
        assert np.array_equal(datum_pixels(datum), pixels(path))
        assert report["labels"][datum.label] == path.parent.name
    assert (target / "labels.txt").read_text() == "cat\ndog\nfox\n"
    assert report["splits"] == [{"name": "train", "path": "train_db", "files": [], "records": 9,
                                 "bytes": sum(len(d.SerializeToString()) - 2 * (not d.encoded and d.HasField("encoded")) for _, d in records),
                                 "labels": [["cat", 3], ["dog", 3], ["fox", 3]]}]
    assert (report["height"], report["width"], report["channels"]) == (40, 60, 3)


def test_training_records_are_shuffled_the_same_way_for_a_seed_and_any_number_of_threads(builder):
    folder = plant(builder.data / "pets", 8)

    def keys(**more):
        return [key for key, _ in read_lmdb(builder.build(**LMDB, image={"trainImages": folder}, **more)[0] / "train_db")]

    one = keys(threads=1)
    assert one == keys(threads=4)
    assert sorted(k[9:] for k in one) == sorted(k[9:] for k in keys(seed=2))
    assert one != keys(seed=2)
    labels = [k[9:12] for k in one]
    assert labels != sorted(labels)


def test_the_mean_file_is_the_mean_of_the_training_images(builder):
    train, val = plant(builder.data / "pets", 3), plant(builder.data / "more", 1)
    target, report = builder.build(**LMDB, image={"trainImages": train, "valImages": val})
    blob = BlobProto.FromString((target / "mean.binaryproto").read_bytes())
    images = np.stack([pixels(p) for p in sorted(train.rglob("*.png"))]).astype(np.float64)
    assert (blob.num, blob.channels, blob.height, blob.width) == (1, 3, 40, 60)
    planes = np.array(blob.data).reshape(3, 40, 60)
    assert np.abs(planes[::-1].transpose(1, 2, 0) - images.mean(0)).max() < 1e-4
    assert report["meanfile"] == "mean.binaryproto"
    assert np.allclose(report["mean"], images.mean((0, 1, 2)))
    assert np.allclose(report["std"], images.std((0, 1, 2)))


def test_images_of_several_sizes_have_no_mean_file(builder):
    folder = plant(builder.data / "pets", 2)
    photo(1, 30, 30).save(folder / "cat/small.png")
    target, report = builder.build(**LMDB, image={"trainImages": folder})
    assert not (target / "mean.binaryproto").exists() and report["meanfile"] is None
    assert (report["height"], report["width"]) == (None, None)
    assert report["sizes"] == [{"width": 60, "height": 40, "count": 6}, {"width": 30, "height": 30, "count": 1}]
    assert len(report["warnings"]) == 2


def test_grey_records_have_one_channel_of_luma(builder):
    folder = plant(builder.data / "pets", 2)
    target, report = builder.build(**LMDB, image={"trainImages": folder, "type": "grayscale"})
    for key, datum in read_lmdb(target / "train_db"):
        grey = np.asarray(Image.open(file_of(folder, key)).convert("L"))
        assert datum.channels == 1 and np.array_equal(datum_pixels(datum)[:, :, 0], grey)
    assert (report["channels"], len(report["mean"])) == (1, 1)


# --- TFRecord files ---

def test_a_tfrecord_is_an_example_with_raw_pixels(builder):
    folder = plant(builder.data / "pets", 3)
    target, report = builder.build(**TFRECORDS, image={"trainImages": folder})
    split = report["splits"][0]
    assert (split["path"], split["files"]) == ("train_db", ["train-00000-of-00001.tfrecords"])
    records = read_tfrecords(target / "train_db" / split["files"][0])
    files = {pixels(p).tobytes(): p.parent.name for p in folder.rglob("*.png")}
    assert len(records) == 9
    for r in records:
        assert set(r) == {"height", "width", "depth", "label", "image_raw"}
        assert example_pixels(r).shape == (40, 60, 3)
        assert files.pop(r["image_raw"]) == report["labels"][r["label"]]
    assert split["bytes"] == os.path.getsize(target / "train_db" / split["files"][0])
    assert (target / "labels.txt").exists() and report["meanfile"] is None


def test_shards_share_the_records_evenly_and_in_order(builder):
    folder = plant(builder.data / "pets", 4)
    one = builder.build(**TFRECORDS, image={"trainImages": folder})[0]
    target, report = builder.build(**TFRECORDS, image={"trainImages": folder}, shards=3)
    files = report["splits"][0]["files"]
    assert files == [f"train-0000{i}-of-00003.tfrecords" for i in range(3)]
    shards = [read_tfrecords(target / "train_db" / f) for f in files]
    assert [len(s) for s in shards] == [4, 4, 4]
    assert sum(shards, []) == read_tfrecords(one / "train_db/train-00000-of-00001.tfrecords")


def test_by_class_each_class_has_its_file(builder):
    folder = plant(builder.data / "pets", 3, classes=("cat", "big dog", "fox"))
    target, report = builder.build(**TFRECORDS, image={"trainImages": folder}, byclass=True, shards=2)
    assert report["splits"][0]["files"] == ["train-big_dog+0.tfrecords", "train-cat.tfrecords", "train-fox.tfrecords"]
    for label, name in enumerate(report["splits"][0]["files"]):
        assert [r["label"] for r in read_tfrecords(target / "train_db" / name)] == [label] * 3


# --- encoded bytes ---

@pytest.mark.parametrize("suffix, word", [("jpg", "jpeg"), ("png", "png"), ("webp", "webp"), ("gif", "gif"), ("bmp", "bmp"), ("tiff", "tiff")])
def test_encoded_records_without_a_size_hold_the_files_bytes(builder, suffix, word):
    folder = plant(builder.data / "pets", 2, suffix)
    files = {p.read_bytes() for p in folder.rglob("*.*")}
    target, report = builder.build(**TFRECORDS, image={"trainImages": folder}, encoded=True)
    records = read_tfrecords(target / "train_db" / report["splits"][0]["files"][0])
    assert {r["image/encoded"] for r in records} == files
    assert {(r["height"], r["width"], r["depth"], r["image/format"]) for r in records} == {(40, 60, 3, word.encode())}

    target, _ = builder.build(**LMDB, image={"trainImages": folder}, encoded=True)
    datums = [d for _, d in read_lmdb(target / "train_db")]
    assert {d.data for d in datums} == files and all(d.encoded and d.height == 40 for d in datums)


@pytest.mark.parametrize("suffix, kept", [("jpg", "JPEG"), ("png", "PNG"), ("bmp", "PNG")])
def test_encoded_records_of_another_size_are_encoded_again(builder, suffix, kept):
    folder = plant(builder.data / "pets", 2, suffix)
    target, _ = builder.build(**LMDB, image={"trainImages": folder, "height": 30, "width": 40}, encoded=True)
    for key, datum in read_lmdb(target / "train_db"):
        image = Image.open(io.BytesIO(datum.data))
        assert (image.format, image.size, datum.height, datum.width) == (kept, (40, 30), 30, 40)
        small = Image.open(file_of(folder, key)).convert("RGB").resize((40, 30), Image.BILINEAR)
        theirs = io.BytesIO()
        small.save(theirs, kept, quality=95)
        assert np.abs(np.asarray(image, int) - np.asarray(Image.open(theirs), int)).mean() < 1.5


# --- every kind of file ---

MODES = [("png", "1"), ("png", "L"), ("png", "P"), ("png", "RGB"), ("png", "RGBA"), ("png", "LA"), ("bmp", "1"), ("bmp", "L"), ("bmp", "P"),
         ("bmp", "RGB"), ("bmp", "RGBA"), ("gif", "P"), ("gif", "L"), ("tiff", "L"), ("tiff", "RGB"), ("tiff", "1"), ("jpg", "L"), ("jpg", "RGB"),
         ("jpg", "CMYK"), ("webp", "RGB")]


@pytest.mark.parametrize("suffix, mode", MODES)
def test_pixels_are_those_that_pillow_sees(builder, suffix, mode):
    folder = builder.data / "pets/a"
    folder.mkdir(parents=True)
    options = {"lossless": True} if suffix == "webp" else {}
    image = photo(5, 61, 41)
    (image.convert("P", palette=Image.ADAPTIVE) if mode == "P" else image.convert(mode)).save(folder / f"x.{suffix}", **options)
    (_, datum), = read_lmdb(builder.build(**LMDB, image={"trainImages": folder.parent})[0] / "train_db")
    difference = np.abs(datum_pixels(datum).astype(int) - pixels(folder / f"x.{suffix}"))
    assert difference.max() <= (1 if mode == "CMYK" else 0)


@pytest.mark.parametrize("suffix, options", [("jpg", {"progressive": True}), ("gif", {"interlace": 1}), ("tiff", {"compression": "tiff_lzw"}),
                                             ("tiff", {"compression": "tiff_adobe_deflate"})])
def test_other_ways_of_storing_give_the_same_pixels(builder, suffix, options):
    folder = builder.data / "pets/a"
    folder.mkdir(parents=True)
    photo(6).save(folder / f"x.{suffix}", **options)
    (_, datum), = read_lmdb(builder.build(**LMDB, image={"trainImages": folder.parent})[0] / "train_db")
    assert np.array_equal(datum_pixels(datum), pixels(folder / f"x.{suffix}"))


# --- transforms ---

def placed(image, size, scale):
    """What crop, fill and half-crop promise, by Pillow: scaled, then cut and padded at the middle."""
    scaled = image.resize((max(1, int(image.width * scale + 0.5)), max(1, int(image.height * scale + 0.5))), Image.BILINEAR)
    out = Image.new("RGB", size)
    left, top = (scaled.width - min(scaled.width, size[0])) // 2, (scaled.height - min(scaled.height, size[1])) // 2
    cut = scaled.crop((left, top, left + min(scaled.width, size[0]), top + min(scaled.height, size[1])))
    out.paste(cut, ((size[0] - cut.width) // 2, (size[1] - cut.height) // 2))
    return out


SIZES = [(30, 30), (31, 17), (120, 100), (17, 90), (60, 40)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resize", ["squash", "crop", "fill", "half_crop"])
def test_transforms_are_within_a_grey_level_of_pillow(builder, resize, size):
    folder = builder.data / "pets/a"
    folder.mkdir(parents=True)
    image = photo(7)
    image.save(folder / "x.png")
    x, y = size[0] / image.width, size[1] / image.height
    wanted = image.resize(size, Image.BILINEAR) if resize == "squash" else placed(
        image, size, {"crop": max(x, y), "fill": min(x, y), "half_crop": (x + y) / 2}[resize])
    (_, datum), = read_lmdb(builder.build(**LMDB, image={"trainImages": folder.parent, "width": size[0], "height": size[1],
                                                          "resize": resize})[0] / "train_db")
    assert np.abs(datum_pixels(datum).astype(int) - np.asarray(wanted)).max() <= 1


def test_a_jpeg_that_shrinks_a_lot_is_close_to_pillow(builder):
    folder = builder.data / "pets/a"
    folder.mkdir(parents=True)
    photo(8, 640, 480).save(folder / "x.jpg", quality=95)
    (_, datum), = read_lmdb(builder.build(**LMDB, image={"trainImages": folder.parent, "width": 100, "height": 75})[0] / "train_db")
    wanted = Image.open(folder / "x.jpg").resize((100, 75), Image.BILINEAR)
    assert np.abs(datum_pixels(datum).astype(int) - np.asarray(wanted)).mean() < 1.5


# --- splits ---

def counts(report):
    return {s["name"]: [n for _, n in s["labels"]] for s in report["splits"]}


def test_percentages_are_taken_from_the_training_images(builder):
    folder = plant(builder.data / "pets", 10)
    target, report = builder.build(**LMDB, image={"trainImages": folder, "valPercentage": 10, "testPercentage": 20})
    assert counts(report) == {"train": [7, 7, 7], "val": [1, 1, 1], "test": [2, 2, 2]}
    names = [file_of(folder, k) for s in ("train", "val", "test") for k, _ in read_lmdb(target / f"{s}_db")]
    assert sorted(names) == sorted(folder.rglob("*.png"))


def test_stratified_shares_are_exact_for_the_whole(builder):
    folder = plant(builder.data / "pets", 5)
    image = {"trainImages": folder, "valPercentage": 20, "testPercentage": 30}
    assert counts(builder.build(**LMDB, image={**image, "split": "hold-out"})[1]) == {"train": [2, 2, 2], "val": [1, 1, 1], "test": [2, 2, 2]}
    stratified = counts(builder.build(**LMDB, image={**image, "split": "stratified"})[1])
    assert {name: sum(n) for name, n in stratified.items()} == {"train": 7, "val": 3, "test": 5}


def test_a_sequential_split_keeps_the_order(builder):
    folder = plant(builder.data / "pets", 5)
    target, report = builder.build(**LMDB, image={"trainImages": folder, "valPercentage": 20, "testPercentage": 20, "split": "sequential"})
    names = [file_of(folder, k) for s in ("train", "val", "test") for k, _ in read_lmdb(target / f"{s}_db")]
    assert names == sorted(folder.rglob("*.png"))
    assert counts(report)["test"] == [0, 0, 3]


def test_folders_for_each_split_share_their_classes(builder):
    train, test = plant(builder.data / "train", 2), plant(builder.data / "test", 1, classes=("dog",))
    _, report = builder.build(**TFRECORDS, image={"trainImages": train, "testImages": test})
    assert counts(report) == {"train": [2, 2, 2], "test": [0, 1, 0]}
    plant(builder.data / "test", 1, classes=("wolf",))
    report = builder.refused(**TFRECORDS, image={"trainImages": train, "testImages": test})
    assert "the class wolf" in report["error"] and report["field"] == "image.testImages"


def test_a_labels_file_says_which_class_has_which_number(builder):
    folder = plant(builder.data / "pets", 1)
    (builder.data / "names").write_text("fox\r\ncat\n\ndog\n")
    target, report = builder.build(**LMDB, image={"trainImages": folder}, labels=builder.data / "names")
    assert report["labels"] == ["fox", "cat", "dog"]
    assert all(report["labels"][d.label] == file_of(folder, k).parent.name for k, d in read_lmdb(target / "train_db"))
    (builder.data / "names").write_text("fox\ncat\n")
    assert "the class dog" in builder.refused(**LMDB, image={"trainImages": folder}, labels=builder.data / "names")["error"]


# --- text lists ---

def test_text_lists_name_images_and_classes(builder):
    folder = plant(builder.data / "pets", 2)
    photo(99).save(folder / "a name with blanks.png")
    (builder.data / "train.txt").write_text(f"cat/0.png 2\ndog/1.png\t0\r\n\n{folder}/fox/0.png 1\na name with blanks.png 1\n")
    (builder.data / "names").write_text("a\nb\nc\n")
    target, report = builder.build(**LMDB, image={"text": True, "trainText": builder.data / "train.txt", "trainImages": folder,
                                                  "labelText": builder.data / "names", "split": "sequential"})
    records = read_lmdb(target / "train_db")
    assert [d.label for _, d in records] == [2, 0, 1, 1] and report["labels"] == ["a", "b", "c"]
    assert np.array_equal(datum_pixels(records[3][1]), pixels(folder / "a name with blanks.png"))


def test_without_a_labels_file_classes_are_called_by_their_numbers(builder):
    folder = plant(builder.data / "pets", 1)
    (folder / "list").write_text("cat/0.png 0\ndog/0.png 2\n")
    _, report = builder.build(**LMDB, image={"text": True, "trainText": folder / "list"})
    assert report["labels"] == ["0", "1", "2"] and report["warnings"] == ["the class 1 has no training image"]


@pytest.mark.parametrize("line, sentence", [("cat/0.png", "has no label"), ("cat/0.png many", "has a label that is not a number"),
                                            ("cat/0.png -1", "has a label that is not a number"),
                                            ("cat/0.png 99999999999999999999", "has a label that is not a number")])
def test_a_line_that_cannot_be_understood_is_named(builder, line, sentence):
    folder = plant(builder.data / "pets", 1)
    (folder / "list").write_text("dog/0.png 0\n" + line + "\n")
    report = builder.refused(**LMDB, image={"text": True, "trainText": folder / "list"})
    assert report["error"] == f"line 2 of {folder}/list {sentence}" and report["field"] == "image.trainText"


def test_a_list_does_not_lead_out_of_the_data_folders(builder):
    folder = plant(builder.data / "pets", 1)
    photo(1).save(builder.folder / "secret.png")
    (folder / "list").write_text("cat/0.png 0\n../../secret.png 0\n/etc/passwd 0\nno.png 0\n")
    _, report = builder.build(**LMDB, image={"text": True, "trainText": folder / "list"}, maxBroken=0.9)
    assert {b["reason"] for b in report["broken"]["list"]} == {"lies outside of the data folders", "cannot be read: No such file or directory"}
    assert report["broken"]["count"] == 3


# --- quality ---

def png_header(width, height):
    body = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big") + bytes(64)


def test_empty_files_are_named_so_also_when_they_come_first(builder):
    folder = plant(builder.data / "pets", 1, "jpg")
    for i in range(8):
        (folder / "cat" / f"!{i}.jpg").write_bytes(b"")
    _, report = builder.build(**LMDB, image={"trainImages": folder}, maxBroken=0.9)
    assert [b["reason"] for b in report["broken"]["list"]] == ["is empty"] * 8


def test_broken_files_are_listed_with_their_reasons_and_passed_over(builder):
    folder = plant(builder.data / "pets", 8, "jpg")
    whole = (folder / "cat/0.jpg").read_bytes()
    bad = {"empty.jpg": b"", "text.jpg": b"not a picture", "cut.jpg": whole[:len(whole) // 2], "bomb.png": png_header(60000, 60000)}
    for name, data in bad.items():
        (folder / "dog" / name).write_bytes(data)
    for encoded in False, True:
        _, report = builder.build(**LMDB, image={"trainImages": folder}, maxBroken=0.2, encoded=encoded)
        reasons = {b["path"].split("/")[-1]: b["reason"] for b in report["broken"]["list"]}
        assert report["broken"]["count"] == 4 and set(reasons) == set(bad)
        assert reasons["empty.jpg"] == "is empty" and reasons["text.jpg"] == "is not an image of a known kind"
        assert "damaged" in reasons["cut.jpg"] or "cut off" in reasons["cut.jpg"]
        assert reasons["bomb.png"] == "has 60000 x 60000 pixels; at most 67 million, and 65535 each way, are read"
        assert counts(report) == {"train": [8, 8, 8]}


def test_more_broken_files_than_allowed_end_the_build(builder):
    folder = plant(builder.data / "pets", 3)
    for i in range(3):
        (folder / f"cat/bad{i}.png").write_bytes(b"bad")
    report = builder.refused(**LMDB, image={"trainImages": folder}, maxBroken=0.2)
    assert report["field"] == "maxBroken" and report["error"].startswith("more than 2 of 12 images are broken; this one too: train/cat/bad")
    assert builder.refused(**LMDB, image={"trainImages": folder})["error"].endswith(".png is not an image of a known kind")


def test_links_that_lead_out_count_as_broken(builder):
    folder = plant(builder.data / "pets", 3)
    photo(1).save(builder.folder / "secret.png")
    (folder / "cat/out.png").symlink_to(builder.folder / "secret.png")
    (folder / "cat/in.png").symlink_to("../dog/1.png")
    _, report = builder.build(**LMDB, image={"trainImages": folder}, maxBroken=0.2)
    assert report["broken"] == {"count": 1, "list": [{"path": "cat/out.png", "reason": "is a link that leads out of the data folders"}]}
    assert counts(report) == {"train": [4, 3, 3]}
    assert builder.refused(**LMDB, image={"trainImages": folder})["error"] == "cat/out.png is a link that leads out of the data folders"
    assert builder.refused(**LMDB, image={"trainImages": folder}, maxBroken=0.05)["error"] == "more than 0 of 11 files are links that lead astray"


def test_a_class_has_a_name_that_a_list_can_hold(builder):
    folder = plant(builder.data / "pets", 1, classes=("cat", "two\nlines"))
    report = builder.refused(**LMDB, image={"trainImages": folder})
    assert "the name of the class of" in report["error"] and report["field"] == "image.trainImages"


def test_a_thousand_million_pixels_are_refused_without_being_decoded(builder):
    folder = builder.data / "pets/a"
    folder.mkdir(parents=True)
    (folder / "bomb.png").write_bytes(png_header(40000, 40000))
    assert "has 40000 x 40000 pixels" in builder.refused(**LMDB, image={"trainImages": folder.parent})["error"]


def test_the_same_bytes_in_two_splits_are_reported(builder):
    train, test = plant(builder.data / "train", 2), plant(builder.data / "test", 1)
    data = (train / "cat/0.png").read_bytes()
    for path in train.glob("*/*"), test.glob("*/*"):
        for i, p in enumerate(sorted(path)):
            photo(5000 + i + 100 * (p.parts[-3] == "test")).save(p)
    (train / "cat/0.png").write_bytes(data)
    (train / "dog/copy.png").write_bytes(data)
    (test / "dog/0.png").write_bytes(data)
    _, report = builder.build(**LMDB, image={"trainImages": train, "testImages": test})
    assert report["duplicates"] == {"count": 1, "same_split": 1, "between": [{"a": "train/cat/0.png", "b": "test/dog/0.png"}]}


def test_hidden_files_and_those_beside_the_classes_are_no_images(builder):
    folder = plant(builder.data / "pets", 1)
    for name in ".DS_Store", "cat/.hidden", "cat/Thumbs.db", ".git/config", "README":
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    _, report = builder.build(**LMDB, image={"trainImages": folder})
    assert counts(report) == {"train": [1, 1, 1]}
    assert report["warnings"] == ["1 files that lie beside the class folders were passed over"]


@pytest.mark.parametrize("image, field", [
    ({}, "image.trainImages"),
    ({"text": True}, "image.trainText"),
    ({"trainImages": "{data}/empty"}, "image.trainImages"),
])
def test_orders_without_images_are_refused(builder, image, field):
    plant(builder.data / "pets", 1)
    (builder.data / "empty").mkdir()
    image = {k: v.format(data=builder.data) if isinstance(v, str) else v for k, v in image.items()}
    assert builder.refused(**LMDB, image=image)["field"] == field


def test_torchvision_sees_the_same_classes_and_pixels(builder):
    datasets = pytest.importorskip("torchvision.datasets")
    folder = plant(builder.data / "pets", 3)
    target, report = builder.build(**LMDB, image={"trainImages": folder, "split": "sequential"})
    theirs = datasets.ImageFolder(folder)
    assert theirs.classes == report["labels"]
    for (image, label), (_, datum) in zip(theirs, read_lmdb(target / "train_db"), strict=True):
        assert label == datum.label and np.array_equal(np.asarray(image), datum_pixels(datum))


def test_a_stop_ends_the_build_within_a_second(builder):
    folder = plant(builder.data / "pets", 40)
    process = builder.start(builder.orders(**LMDB, image={"trainImages": folder, "height": 2000, "width": 2000}))
    assert process.stdout.readline() == b"Total iterations: 120\n"
    process.terminate()
    assert process.wait(timeout=1) == -signal.SIGTERM
    assert not (builder.folder / "set1/report.json").exists()
