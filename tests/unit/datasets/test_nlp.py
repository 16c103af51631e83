# SPDX-License-Identifier: Apache-2.0
"""Texts with classes: the layout, read by pandas, and word numbers as a slow, obvious reader finds them."""
import os
import re
from collections import Counter

import pytest

pandas = pytest.importorskip("pandas")


def build(builder, **members):
    return builder.build(kind="NLP", **members)


def refused(builder, **members):
    return builder.refused(kind="NLP", **members)


def read(target, part):
    return pandas.read_csv(target / f"csv/{part}/{part}.csv", sep="\\", header=None, names=["label", "text"], quoting=3,
                           keep_default_na=False)


def ids(target, part):
    return [[int(n) for n in line.split()] for line in (target / f"csv/{part}/{part}.ids").read_text().splitlines()]


def words(text):
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower())


def plant(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def lines(path, *rows):
    path.write_text("".join(row + "\n" for row in rows))
    return path


LONG = object()         # stands for a text above the limit, which the name of a test cannot hold
REVIEWS = {"pos/2.txt": "A great film.\nGreat!", "neg/1.txt": "It's dull, a \\ dull film", "pos/10.txt": "Über-great,\tisn't it?"}


def test_a_folder_for_each_class_becomes_lines_a_vocabulary_and_numbers(builder):
    target, report = build(builder, train=plant(builder.data / "train", REVIEWS))
    table = read(target, "train")
    assert list(table.label) == ["neg", "pos", "pos"]
    assert list(table.text) == ["It's dull, a   dull film", "Über-great, isn't it?", "A great film. Great!"]
    assert (target / "labels.txt").read_text() == "neg\npos\n"
    vocabulary = (target / "csv/ctx.txt").read_text().splitlines()
    assert vocabulary == ["<pad>", "<unk>", "great", "a", "dull", "film", "isn't", "it", "it's", "über"]
    assert ids(target, "train") == [[0, 8, 4, 3, 4, 5], [1, 9, 2, 6, 7], [1, 3, 2, 5, 2]]
    assert sorted(os.listdir(target)) == ["csv", "labels.txt", "report.json"]
    split, = report["splits"]
    assert (split["path"], split["records"], split["labels"]) == ("csv/train/train.csv", 3, [["neg", 1], ["pos", 2]])


def test_numbers_are_those_of_a_slow_reader(builder):
    text = (builder.data / "in.txt")
    text.write_text("".join(f"c{i % 3}\\Word{i % 7} and the word{i * i % 11}, don't_x {i} — “{i % 5}”\n" for i in range(500)))
    target, _ = build(builder, train=text, image={"testPercentage": 20})
    train, test = read(target, "train"), read(target, "test")
    counts = Counter(w for t in train.text for w in words(t))
    vocabulary = ["<pad>", "<unk>"] + sorted(counts, key=lambda w: (-counts[w], w.encode()))
    assert (target / "csv/ctx.txt").read_text().splitlines() == vocabulary
    number = {w: i for i, w in enumerate(vocabulary)}
    for part, table in [("train", train), ("test", test)]:
        assert ids(target, part) == [[int(label[1])] + [number.get(w, 1) for w in words(t)]
                                     for label, t in zip(table.label, table.text)]
    assert any(1 in row[1:] for row in ids(target, "test"))     # words that only the tests have


def test_what_was_built_is_a_source_again(builder):
    first, _ = build(builder, train=plant(builder.data / "train", REVIEWS))
    os.rename(first / "csv/train/train.csv", builder.data / "again.csv")
    second, _ = build(builder, train=builder.data / "again.csv")
    assert (second / "csv/train/train.csv").read_text() == (builder.data / "again.csv").read_text()
    assert (second / "csv/train/train.ids").read_text() == (first / "csv/train/train.ids").read_text()


def test_a_table_with_text_and_class_is_read_as_one(builder):
    train = builder.data / "in.csv"
    train.write_text("id,Text,Label\n1,\"one,\n\"\"two\"\"\",b\n2,three,a\n")
    target, _ = build(builder, train=train)
    table = read(target, "train")
    assert list(table.label) == ["b", "a"] and list(table.text) == ["one, \"two\"", "three"]
    assert ids(target, "train") == [[1, 2, 4], [0, 3]]


def test_tabs_separate_too_and_a_byte_order_mark_is_passed_over(builder):
    target, _ = build(builder, train=lines(builder.data / "in.tsv", "\ufeffyes\tone two\r", "", "no\tthree"))
    assert list(read(target, "train").label) == ["yes", "no"]


@pytest.mark.parametrize("split, exact", [("hold-out", True), ("stratified", True), ("random", False)])
def test_percentages_are_drawn_from_each_class(builder, split, exact):
    rows = [f"{'common' if i % 10 else 'rare'}\\text {i}" for i in range(200)]
    image = {"valPercentage": 10, "testPercentage": 25, "split": split}
    target, report = build(builder, train=lines(builder.data / "in.txt", *rows), image=image)
    assert [s["records"] for s in report["splits"]] == [130, 20, 50]
    if exact:
        assert report["splits"][2]["labels"] == [["common", 45], ["rare", 5]]
    both = [t for part in ["train", "val", "test"] for t in read(target, part).text]
    assert sorted(both) == sorted(f"text {i}" for i in range(200))


def test_a_text_that_stands_in_two_parts_with_one_class_is_named(builder):
    train = lines(builder.data / "a.txt", "x\\one", "y\\one", "x\\two", "x\\two")
    test = lines(builder.data / "b.txt", "x\\other", "x\\one", "y\\two")
    _, report = build(builder, train=train, test=test)
    assert report["duplicates"] == {"count": 1, "same_split": 1, "between": [
        {"a": "csv/train/train.csv, row 0", "b": "csv/test/test.csv, row 1"}]}


def test_a_part_with_its_own_source_has_the_words_of_the_training_texts(builder):
    train, test = lines(builder.data / "a.txt", "x\\one", "y\\two"), lines(builder.data / "b.txt", "y\\three")
    target, report = build(builder, train=train, test=test)
    assert [s["records"] for s in report["splits"]] == [2, 1]
    assert ids(target, "test") == [[1, 1]]


def test_labels_of_a_file_keep_their_order(builder):
    labels = lines(builder.data / "labels", "pos", "neg")
    target, _ = build(builder, train=plant(builder.data / "train", REVIEWS), labels=labels)
    assert (target / "labels.txt").read_text() == "pos\nneg\n"
    assert [row[0] for row in ids(target, "train")] == [1, 0, 0]


def test_hidden_files_and_files_beside_the_classes_are_passed_over(builder):
    train = plant(builder.data / "train", {**REVIEWS, "urls.txt": "x", ".DS_Store": "x", "pos/.DS_Store": "x"})
    _, report = build(builder, train=train, image={"testPercentage": 50})
    assert sum(s["records"] for s in report["splits"]) == 3 and report["broken"]["count"] == 0
    assert report["warnings"] == ["1 files that lie beside the class folders were passed over"]


@pytest.mark.parametrize("name, content, reason", [
    ("pos/bad.txt", b" \n\\ ", "has no text"),
    ("pos/bad.txt", b"gr\xfcn", "is not UTF-8"),
    ("pos/bad.txt", b"a\0b", "holds NUL bytes"),
    ("pos/bad.txt", LONG, "is too large for one text"),
    ("a\\b/bad.txt", b"x", "has a class with a backslash or control characters"),
])
def test_a_text_that_cannot_be_used_is_named(builder, name, content, reason):
    train = plant(builder.data / "train", REVIEWS)
    (train / name).parent.mkdir(exist_ok=True)
    (train / name).write_bytes(b"a " * (8 << 20) + b"b" if content is LONG else content)
    assert refused(builder, train=train)["error"] == f"{train / name} {reason}"
    _, report = build(builder, train=train, maxBroken=0.25)
    assert report["broken"] == {"count": 1, "list": [{"path": str(train / name), "reason": reason}]}
    assert report["splits"][0]["records"] == 3


@pytest.mark.parametrize("line, reason", [
    ("only text", "has no backslash or tab between a class and a text"),
    ("\\text", "has no class of 1 to 255 bytes"),
    ("other\\text", "has a class that the labels do not name"),
    (LONG, "is too long for one text"),
])
def test_a_line_that_cannot_be_used_is_named(builder, line, reason):
    train = lines(builder.data / "in.txt", "x\\one", "x\\" + "a" * (17 << 20) if line is LONG else line)
    report = refused(builder, train=train, labels=lines(builder.data / "labels", "x"))
    assert report["error"] == f"{train}, line 2 {reason}"


def test_a_row_of_another_width_is_broken(builder):
    train = lines(builder.data / "in.csv", "text,label", "one,x", "two")
    assert refused(builder, train=train)["error"] == f"{train}, line 3 has another number of cells than the header"


def test_a_source_without_texts_is_refused(builder):
    report = refused(builder, train=lines(builder.data / "a.txt", "x\\one"), test=lines(builder.data / "b.txt", ""))
    assert report["field"] == "test" and "leaves no texts for test" in report["error"]
    assert refused(builder)["error"] == "the training data are missing"
