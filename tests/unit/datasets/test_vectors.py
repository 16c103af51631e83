# SPDX-License-Identifier: Apache-2.0
"""Images with vectors: copied or remade, with lists that NumPy and Pillow read."""
import io
import json
import subprocess

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("PIL.Image")
from PIL import Image           # noqa: E402
from pictures import photo      # noqa: E402


def plant(folder, n, suffix="png", size=(60, 40)):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        photo(i, *size).save(folder / f"{i}.{suffix}")
    return folder


def lines(path, *rows):
    path.write_text("".join(row + "\n" for row in rows))
    return path


def build(builder, image=(), **members):
    return builder.build(kind="IMGTOVECTOR", backend="ImageVector", image={"text": True, **dict(image)}, **members)


def refused(builder, image=(), **members):
    return builder.refused(kind="IMGTOVECTOR", backend="ImageVector", image={"text": True, **dict(image)}, **members)


def read(target, part):
    """[(pixels, vector)] as a program that knows nothing of us reads them."""
    rows = [line.split() for line in (target / f"{part}.txt").read_text().splitlines()]
    return [(np.asarray(Image.open(target / row[0])), np.array(row[1:], dtype=float)) for row in rows]


def test_images_are_copied_with_their_vectors(builder):
    folder = plant(builder.data / "in", 3)
    (folder / "0.png").rename(folder / "with a blank.png")
    train = lines(folder / "list.txt", "with a blank.png 0.5 -1e-3", "", "2.png\t7  8", f"{folder}/1.png 1 .25\r")
    target, report = build(builder, {"trainText": train})
    samples = read(target, "train")
    assert [list(v) for _, v in samples] == [[0.5, -0.001], [7, 8], [1, 0.25]]
    assert all((pixels == np.asarray(photo(i))).all() for (pixels, _), i in zip(samples, [0, 2, 1]))
    assert (target / "train.txt").read_text() == \
        "train/00000000.png 0.5 -1e-3\ntrain/00000001.png 7 8\ntrain/00000002.png 1 .25\n"
    assert (target / "train/00000001.png").read_bytes() == (folder / "2.png").read_bytes()
    split, = report["splits"]
    assert (split["path"], split["records"]) == ("train.txt", 3)
    assert (report["width"], report["height"], report["channels"]) == (60, 40, 3)


@pytest.mark.parametrize("suffix, out, limit", [("png", "png", 1), ("jpg", "jpg", 12)])
def test_images_are_resized_as_asked(builder, suffix, out, limit):
    folder = plant(builder.data / "in", 2, suffix)
    train = lines(builder.data / "list.txt", f"0.{suffix} 1", f"1.{suffix} 2")
    image = {"trainText": train, "trainImages": folder, "width": 30, "height": 30, "type": "grayscale"}
    target, report = build(builder, image)
    for i, (pixels, _) in enumerate(read(target, "train")):
        expected = Image.open(folder / f"{i}.{suffix}").resize((30, 30), Image.BILINEAR).convert("L")
        assert pixels.shape == (30, 30)
        assert np.abs(pixels.astype(int) - np.asarray(expected).astype(int)).max() <= limit
    assert (target / f"train/00000000.{out}").exists()
    assert (report["width"], report["height"], report["channels"]) == (30, 30, 1) and len(report["mean"]) == 1


def test_percentages_are_dealt_out_of_the_list(builder):
    folder = plant(builder.data / "in", 10)
    train = lines(folder / "list.txt", *(f"{i}.png {i}" for i in range(10)))
    target, report = build(builder, {"trainText": train, "valPercentage": 10, "testPercentage": 30})
    assert [s["records"] for s in report["splits"]] == [6, 1, 3]
    samples = [s for part in ["train", "val", "test"] for s in read(target, part)]
    assert sorted(int(v[0]) for _, v in samples) == list(range(10))
    assert all((pixels == np.asarray(photo(int(v[0])))).all() for pixels, v in samples)


def test_lists_of_their_own_and_the_plain_sources(builder):
    one, two = plant(builder.data / "one", 2), plant(builder.data / "two", 1)
    train, test = lines(one / "list.txt", "0.png 1", "1.png 2"), lines(builder.data / "test.txt", "0.png 3")
    target, report = build(builder, {"testImages": two}, train=train, test=test)
    assert [(s["name"], s["records"]) for s in report["splits"]] == [("train", 2), ("test", 1)]
    assert report["duplicates"]["between"] == [{"a": "train/0.png", "b": "test/0.png"}]


@pytest.mark.parametrize("line, path, reason", [
    ("1.png", "{list}, line 2", "has no path with numbers after it"),
    ("0.5", "{list}, line 2", "has no path with numbers after it"),
    ("1.png 1 2", "{list}, line 2", "has 2 numbers where the first line has 1"),
    ("1.png nan", "{list}, line 2", "has no path with numbers after it"),
    ("none.png 1", "train/none.png", "cannot be read: No such file or directory"),
    ("../../secret.png 1", "train/../../secret.png", "lies outside of the data folders"),
    ("list.txt 1", "train/list.txt", "is not an image of a known kind"),
])
def test_a_line_that_cannot_be_used_is_named(builder, line, path, reason):
    folder = plant(builder.data / "in", 2)
    photo(1).save(builder.folder / "secret.png")
    train = lines(folder / "list.txt", "0.png 1", line)
    where = path.format(list=train)
    assert refused(builder, {"trainText": train})["error"] == f"{where} {reason}"
    target, report = build(builder, {"trainText": train}, maxBroken=0.5)
    assert report["broken"]["list"] == [{"path": where, "reason": reason}]
    assert len(read(target, "train")) == 1


def test_a_list_without_images_is_refused(builder):
    assert refused(builder)["field"] == "image.trainText"
    report = refused(builder, {"trainText": lines(builder.data / "list.txt", "")})
    assert "leaves no images for training" in report["error"] and report["field"] == "image.trainText"
    report = refused(builder, {"trainText": lines(builder.data / "list.txt", "none.png 1")}, maxBroken=1)
    assert report["error"] == "none of the images for train can be read"


def test_samples_can_be_looked_at(builder):
    folder = plant(builder.data / "in", 3)
    target, _ = build(builder, {"trainText": lines(folder / "list.txt", *(f"{i}.png {i}" for i in range(3)))})

    def show(*args):
        return subprocess.run([builder.program, "show", target, *args], capture_output=True, check=True).stdout

    picture = Image.open(io.BytesIO(show("sample", "--split", "train", "--index", "2")))
    assert np.abs(np.asarray(picture).astype(int) - np.asarray(photo(2)).astype(int)).mean() < 6
    assert [s["path"] for s in json.loads(show("samples", "--split", "train", "--count", "2"))] == \
        ["train/00000000.png", "train/00000001.png"]
