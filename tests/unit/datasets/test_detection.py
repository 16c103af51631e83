# SPDX-License-Identifier: Apache-2.0
"""Trees of Pascal VOC: read back by torchvision, by the lists that programs look for, and by objects.index."""
import io
import json
import shutil
import subprocess

import pytest

pytest.importorskip("PIL.Image")
import numpy as np              # noqa: E402
from PIL import Image           # noqa: E402
from pictures import photo      # noqa: E402

BOX = ("cat", 10, 20, 30, 40)


def add(tree, stem, *boxes, size=(64, 48)):
    """An image and its annotation."""
    for folder in ["JPEGImages", "Annotations", "ImageSets/Main"]:
        (tree / folder).mkdir(parents=True, exist_ok=True)
    photo(sum(stem.encode()), *size).save(tree / f"JPEGImages/{stem}.jpg")
    objects = "".join(f"<object><name>{label}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax>"
                      "</bndbox></object>" for label, a, b, c, d in boxes)
    (tree / f"Annotations/{stem}.xml").write_text(
        f"<annotation><filename>{stem}.jpg</filename><size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth>"
        f"</size>{objects}</annotation>")


def tree_of(folder, n=4, **lists):
    for i in range(n):
        add(folder, f"img_{i}", ("dog" if i % 2 else "cat", 1 + i, 2, 30, 40.4))
    for name, stems in lists.items():
        (folder / f"ImageSets/Main/{name}.txt").write_text("".join(f"{stem}\n" for stem in stems))
    return folder


def build(builder, **members):
    return builder.build(kind="IMAGEFOROBJECTDETECTION", backend="ObjectDetection", **members)


def refused(builder, **members):
    return builder.refused(kind="IMAGEFOROBJECTDETECTION", backend="ObjectDetection", **members)


def stems(target, name):
    return (target / f"ImageSets/Main/{name}.txt").read_text().split()


@pytest.mark.parametrize("copy", [False, True])
def test_torchvision_reads_what_is_built(builder, copy):
    datasets = pytest.importorskip("torchvision.datasets")
    tree = tree_of(builder.data / "voc", train=["img_2", "img_0"], val=["img_1"])
    target, _ = build(builder, train=tree, copy=copy)
    root = builder.folder / "torchvision/VOCdevkit"
    root.mkdir(parents=True)
    (root / "VOC2012").symlink_to(target)
    train = datasets.VOCDetection(root.parent, year="2012", image_set="train")
    assert len(train) == 2 and len(datasets.VOCDetection(root.parent, year="2012", image_set="val")) == 1
    image, annotation = train[0]
    assert image.size == (64, 48)
    assert annotation["annotation"]["object"] == [
        {"name": "cat", "bndbox": {"xmin": "3", "ymin": "2", "xmax": "30", "ymax": "40.4"}}]


def test_lists_labels_and_objects_are_where_programs_look_for_them(builder):
    tree = tree_of(builder.data / "voc", train=["img_2", "img_0", "img_1"], test=["img_3"])
    target, report = build(builder, train=tree)
    assert stems(target, "train") == ["img_2", "img_0", "img_1"] and stems(target, "test") == ["img_3"]
    assert (target / "labels.txt").read_text() == "cat\ndog\n" == (target / "ImageSets/Main/labels.txt").read_text()
    assert (target / "ImageSets/Main/../../JPEGImages/img_2.jpg").exists()
    assert (target / "objects.index").read_text().splitlines()[::3] == [
        "train\timg_2\tJPEGImages/img_2.jpg\t64\t48\t1\tcat,3,2,30,40", "test\timg_3\tJPEGImages/img_3.jpg\t64\t48\t1\tdog,4,2,30,40"]
    train, test = report["splits"]
    assert (train["path"], train["records"], train["labels"]) == ("ImageSets/Main/train.txt", 3, [["cat", 2], ["dog", 1]])
    assert (test["records"], test["labels"]) == (1, [["cat", 0], ["dog", 1]])
    assert report["labels"] == ["cat", "dog"] and report["images_per_s"] > 0


def test_by_reference_folders_are_links_and_a_copy_has_files_of_its_own(builder):
    tree = tree_of(builder.data / "voc")
    target, _ = build(builder, train=tree)
    assert (target / "JPEGImages").is_symlink() and (target / "Annotations").resolve() == tree / "Annotations"
    target, _ = build(builder, train=tree, copy=True)
    shutil.rmtree(tree)
    assert Image.open(target / "JPEGImages/img_3.jpg").size == (64, 48) and not (target / "JPEGImages/img_3.jpg").is_symlink()


def test_without_lists_all_annotated_images_are_for_training(builder):
    tree = tree_of(builder.data / "voc")
    (tree / "Annotations/notes.txt").write_text("x")
    target, _ = build(builder, train=tree)
    assert stems(target, "train") == ["img_0", "img_1", "img_2", "img_3"]


def test_percentages_are_dealt_out_of_the_training_images(builder):
    tree = tree_of(builder.data / "voc", n=10, val=["img_9"])
    target, report = build(builder, train=tree, image={"valPercentage": 20, "testPercentage": 30})
    assert [s["records"] for s in report["splits"]] == [5, 2, 3]
    assert sorted(stems(target, "train") + stems(target, "val") + stems(target, "test")) == [f"img_{i}" for i in range(10)]


def test_a_list_names_the_images_of_its_tree(builder):
    tree = tree_of(builder.data / "voc", cat_train=["img_0  1", "img_1 -1", "", "img_2\t1\r"], few=["img_3"])
    image = {"text": True, "trainText": tree / "ImageSets/Main/cat_train.txt", "testText": tree / "ImageSets/Main/few.txt"}
    target, _ = build(builder, image=image)
    assert stems(target, "train") == ["img_0", "img_1", "img_2"] and stems(target, "test") == ["img_3"]


def test_trees_of_their_own_are_copied_together(builder):
    one, two = builder.data / "one", builder.data / "two"
    add(one, "a", BOX)
    add(two, "b", BOX)
    image = {"trainImages": one, "testImages": two}
    assert refused(builder, image=image)["field"] == "copy"
    target, _ = build(builder, image=image, copy=True)
    assert sorted(p.name for p in (target / "JPEGImages").iterdir()) == ["a.jpg", "b.jpg"]
    add(two, "a", BOX)
    assert "have different images of the name a" in refused(builder, image=image, copy=True)["error"]


def test_an_image_in_two_parts_is_a_duplicate(builder):
    tree = tree_of(builder.data / "voc", train=["img_0", "img_1", "img_0"], test=["img_2", "img_1"])
    target, report = build(builder, train=tree)
    assert stems(target, "train") == ["img_0", "img_1"] and stems(target, "test") == ["img_2", "img_1"]
    assert report["duplicates"] == {"count": 1, "same_split": 1, "between": [{"a": "train/img_1", "b": "test/img_1"}]}


def test_images_of_one_content_are_found_under_any_name(builder):
    tree = tree_of(builder.data / "voc", train=["img_0", "img_1"], test=["img_2", "img_3"])
    for copy in ["img_1", "img_3"]:
        shutil.copy(tree / "JPEGImages/img_0.jpg", tree / f"JPEGImages/{copy}.jpg")
    _, report = build(builder, train=tree)
    assert report["duplicates"] == {"count": 1, "same_split": 1, "between": [{"a": "train/img_0", "b": "test/img_3"}]}


def test_sizes_are_those_of_the_images(builder):
    tree = builder.data / "voc"
    for stem, size in [("a", (64, 48)), ("b", (64, 48)), ("c", (50, 60))]:
        add(tree, stem, BOX, size=size)
    (tree / "Annotations/b.xml").write_text("<annotation/>")
    target, report = build(builder, train=tree)
    assert report["sizes"] == [{"width": 64, "height": 48, "count": 2}, {"width": 50, "height": 60, "count": 1}]
    assert (target / "objects.index").read_text().splitlines()[1] == "train\tb\tJPEGImages/b.jpg\t64\t48\t0\t"


def test_labels_of_a_file_keep_their_order(builder):
    tree = tree_of(builder.data / "voc")
    labels = builder.data / "names.txt"
    labels.write_text("person\r\ndog\ncat\n")
    target, report = build(builder, train=tree, labels=labels)
    assert (target / "labels.txt").read_text() == "person\ndog\ncat\n"
    assert report["splits"][0]["labels"] == [["person", 0], ["dog", 2], ["cat", 2]]
    assert report["warnings"] == ["no training image shows an object of the class person"]
    labels.write_text("cat\n")
    assert refused(builder, train=tree, labels=labels)["error"] == \
        "train/img_1 has an object that the labels do not name (dog)"


def test_boxes_are_cut_at_the_edge_of_their_image(builder):
    add(builder.data / "voc", "a", ("cat", -3, 0.6, 70, 47.5))
    target, report = build(builder, train=builder.data / "voc")
    assert (target / "objects.index").read_text().endswith("\t1\tcat,0,1,64,48\n")
    assert report["warnings"] == ["2 sides of boxes lie outside of their image and were cut in objects.index"]


def no_image(tree):
    (tree / "JPEGImages/bad.jpg").unlink()


def no_annotation(tree):
    (tree / "ImageSets/Main/train.txt").write_text("good\nbad\n")
    (tree / "Annotations/bad.xml").unlink()


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-200])


def link_out(tree):
    (tree / "JPEGImages/bad.jpg").rename(tree.parent.parent / "secret.jpg")
    (tree / "JPEGImages/bad.jpg").symlink_to(tree.parent.parent / "secret.jpg")


@pytest.mark.parametrize("spoil, reason", [
    (no_image, "has no file "),
    (no_annotation, "has no file "),
    (link_out, "has a link that leads out of the data folders"),
    (lambda tree: (tree / "Annotations/bad.xml").write_text("<annotation>"), "has an annotation that cannot be used, as it: is not XML"),
    (lambda tree: (tree / "JPEGImages/bad.jpg").write_bytes(b"GIF?"), "is not an image"),
    (lambda tree: cut_short(tree / "JPEGImages/bad.jpg"), "is a JPEG file that is cut off"),
    (lambda tree: shutil.copy(tree / "Annotations/good.xml", tree / "Annotations/bad.xml"),
     "has 70 x 50 pixels, but an annotation for 64 x 48"),
    (lambda tree: add(tree, "bad", ("cat", 64, 1, 70, 2)), "has a box outside of the image (cat: 64,1 to 70,2 in 64 x 48 pixels)"),
    (lambda tree: add(tree, "bad", ("a,b", 1, 1, 7, 2)), "has an object whose name holds a comma or a semicolon (a,b)"),
])
def test_an_image_that_cannot_be_used_is_named(builder, spoil, reason):
    tree = builder.data / "voc"
    add(tree, "good", BOX)
    add(tree, "bad", BOX, size=(70, 50))
    spoil(tree)
    assert refused(builder, train=tree)["error"].startswith(f"train/bad {reason}")
    target, report = build(builder, train=tree, maxBroken=0.5)
    assert stems(target, "train") == ["good"]
    assert [b["path"] for b in report["broken"]["list"]] == ["train/bad"]


@pytest.mark.parametrize("line", ["../../etc/passwd", "sub/img", "."])
def test_a_list_names_no_paths(builder, line):
    tree = tree_of(builder.data / "voc", train=[line])
    report = refused(builder, train=tree)
    assert report["error"].endswith(f"line 1: \"{line}\" is not the name of an image") and report["field"] == "train"


def test_a_folder_that_is_no_tree_is_refused(builder):
    report = refused(builder, image={"trainImages": builder.data})
    assert "has no folders JPEGImages and Annotations" in report["error"] and report["field"] == "image.trainImages"


def test_a_tree_with_nothing_to_train_on_is_refused(builder):
    tree = tree_of(builder.data / "voc", train=[])
    assert refused(builder, train=tree)["error"] == "no images are left for training"


def show(builder, target, *args):
    return subprocess.run([builder.program, "show", target, *args], capture_output=True, check=True).stdout


def test_boxes_are_drawn_on_a_sample(builder):
    tree = builder.data / "voc"
    add(tree, "a", BOX)
    add(tree, "b", ("cat", 11, 21, 40, 30), ("dog", 41, 1, 64, 48))
    target, _ = build(builder, train=tree)
    plain, drawn = (np.asarray(Image.open(io.BytesIO(show(builder, target, "sample", "--split", "train", "--index", "1", *more)))
                               .convert("RGB")).astype(int) for more in [[], ["--boxes"]])
    changed = np.abs(plain - drawn).max(axis=2) > 40
    assert drawn.shape == (48, 64, 3)
    assert changed[20:30, 10].mean() > 0.8 and changed[29, 10:40].mean() > 0.8       # edges of the cat's box
    assert changed[0:48, 63].mean() > 0.8                                           # an edge of the dog's, at the image's
    assert not changed[24:26, 15:35].any() and not changed[:, :7].any()             # inside, and outside


def test_samples_are_listed_by_what_they_show(builder):
    target, _ = build(builder, train=tree_of(builder.data / "voc", train=["img_0", "img_1", "img_2"], test=["img_3"]))
    assert json.loads(show(builder, target, "samples", "--split", "train", "--label", "dog")) == \
        [{"index": 1, "path": "JPEGImages/img_1.jpg"}]
    assert [s["index"] for s in json.loads(show(builder, target, "samples", "--split", "test"))] == [0]
