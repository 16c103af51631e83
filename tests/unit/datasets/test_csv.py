# SPDX-License-Identifier: Apache-2.0
"""CSV tables: split, indexed, made by a plug-in; read back by pandas and by the index as the server reads it."""
import os
import random
import struct

import pytest

pandas = pytest.importorskip("pandas")
OF_ROW = ",\"two\nlines, \"\"quoted\"\"\","


def page(file, start, length):
    """Rows of a built table by its index: the text of each."""
    index = file.with_name(file.name + ".index").read_bytes()
    magic, rows, stride, size, changed = struct.unpack_from("<8sQQQQ", index)
    stat = file.stat()
    assert (magic, size, changed) == (b"TYCSVIX1", stat.st_size, stat.st_mtime_ns)
    offsets = struct.unpack_from(f"<{-(-rows // stride)}Q", index, 40)
    with open(file, newline="") as f:
        f.seek(offsets[start // stride])
        frame = pandas.read_csv(f, header=None, nrows=length, skiprows=start % stride)
    return rows, frame


def table(path, n, head="id,text,label\n", row=lambda i: f"{i}{OF_ROW}{'ab'[i % 2]}\n"):
    path.write_text(head + "".join(row(i) for i in range(n)))
    return path


def test_a_table_is_read_by_pandas_as_its_source_is(builder):
    train = builder.data / "in.csv"
    train.write_bytes(b"\xef\xbb\xbfid,text\r\n1,\"a\r\nb\"\r\n\r\n2,c\"d\r3,\"\"\"\"")
    target, report = builder.build(kind="CSV", backend="CSV", train=train)
    built = pandas.read_csv(target / "train.csv")
    assert built.equals(pandas.read_csv(train))
    assert list(built.text) == ["a\r\nb", "c\"d", "\""]
    assert sorted(os.listdir(target)) == ["report.json", "train.csv", "train.csv.index"]
    assert (target / "train.csv").read_bytes() == b"id,text\n1,\"a\r\nb\"\n2,c\"d\n3,\"\"\"\"\n"
    size = (target / "train.csv").stat().st_size
    assert report["splits"] == [{"name": "train", "path": "train.csv", "files": [], "records": 3, "bytes": size, "labels": []}]


def test_any_page_is_found_by_the_index(builder):
    target, _ = builder.build(kind="CSV", backend="CSV", train=table(builder.data / "in.csv", 1000))
    for start in [0, 1, 255, 256, 511, 512, 998]:
        rows, frame = page(target / "train.csv", start, 2)
        assert rows == 1000 and list(frame[0]) == [start, start + 1]
        assert frame[1][0] == "two\nlines, \"quoted\""


def test_a_table_without_a_header_begins_with_its_first_row(builder):
    train = table(builder.data / "in.csv", 300, head="", row=lambda i: f"{i},{i / 7},\n")
    target, report = builder.build(kind="CSV", backend="CSV", train=train)
    assert report["splits"][0]["records"] == 300
    assert (target / "train.csv.index").read_bytes()[40:48] == bytes(8)
    assert list(page(target / "train.csv", 299, 1)[1][0]) == [299]


def test_three_tables_stay_three(builder):
    sources = {name: table(builder.data / f"{name}.csv", n) for name, n in [("train", 5), ("val", 2), ("test", 3)]}
    target, report = builder.build(kind="CSV", backend="CSV", **sources)
    assert [(s["name"], s["records"]) for s in report["splits"]] == [("train", 5), ("val", 2), ("test", 3)]
    for name, path in sources.items():
        assert (target / f"{name}.csv").read_text() == path.read_text()
    assert report["warnings"] == []


@pytest.mark.parametrize("split", ["hold-out", "random", "sequential", "stratified"])
def test_percentages_split_the_training_table(builder, split):
    train = table(builder.data / "in.csv", 1000)
    image = {"valPercentage": 10, "testPercentage": 20, "split": split}
    target, report = builder.build(kind="CSV", backend="CSV", train=train, image=image)
    parts = [pandas.read_csv(target / f"{name}.csv") for name in ["train", "val", "test"]]
    assert [len(p) for p in parts] == [700, 100, 200] == [s["records"] for s in report["splits"]]
    assert all(p.id.is_monotonic_increasing for p in parts)
    assert sorted(pandas.concat(parts).id) == list(range(1000))
    if split == "sequential":
        assert list(parts[1].id) == list(range(700, 800))
    else:
        assert list(parts[0].id) != list(range(700))


def test_a_stratified_split_has_each_class_in_proportion(builder):
    letters = "a" * 900 + "b" * 100
    rows = [f"{letters[i]},{i}\n" for i in random.Random(1).sample(range(1000), 1000)]
    train = builder.data / "in.csv"
    train.write_text("Class,id\n" + "".join(rows))
    image = {"testPercentage": 20, "split": "stratified"}
    target, _ = builder.build(kind="CSV", backend="CSV", train=train, image=image)
    assert dict(pandas.read_csv(target / "test.csv").Class.value_counts()) == {"a": 180, "b": 20}


def test_one_seed_gives_one_split(builder):
    train = table(builder.data / "in.csv", 200)
    tests = [(builder.build(kind="CSV", backend="CSV", train=train, image={"testPercentage": 50}, seed=seed)[0] / "test.csv")
             .read_text() for seed in [3, 3, 4]]
    assert tests[0] == tests[1] != tests[2]


def test_a_split_by_class_needs_a_column_of_classes(builder):
    train = table(builder.data / "in.csv", 10001, head="id,value\n", row=lambda i: f"{i},{i}\n")
    report = builder.refused(kind="CSV", backend="CSV", train=train, image={"testPercentage": 50, "split": "stratified"})
    assert report["field"] == "image.split" and "column 2 has more than 10000 values" in report["error"]


def test_rows_of_another_width_are_broken(builder):
    train = builder.data / "in.csv"
    train.write_text("a,b\n1,\"x\ny\"\n2\n3,4\n5,6,7\n8,9\n10,11\n")
    assert builder.refused(kind="CSV", backend="CSV", train=train)["error"] == \
        f"{train}, line 4 has 1 cells where the first row has 2"
    report = builder.refused(kind="CSV", backend="CSV", train=train, maxBroken=0.3)
    assert report["error"] == "2 of 6 rows cannot be used, more than the 30% that are allowed"
    target, report = builder.build(kind="CSV", backend="CSV", train=train, maxBroken=0.4, image={"testPercentage": 25})
    assert report["broken"]["count"] == 2
    assert report["broken"]["list"][1] == {"path": f"{train}, line 6", "reason": "has 3 cells where the first row has 2"}
    assert sum(s["records"] for s in report["splits"]) == 4


def test_a_test_table_with_other_columns_is_worth_a_warning(builder):
    target, report = builder.build(kind="CSV", backend="CSV", train=table(builder.data / "a.csv", 3),
                                   test=table(builder.data / "b.csv", 3, "id,text\n", lambda i: f"{i},x\n"))
    assert report["warnings"] == ["test.csv has other columns than train.csv"]


def test_rows_that_stand_in_two_parts_are_named(builder):
    for name, text in [("train", "a,b\n1,x\r\n2,y\n1,x\n3,z\n"), ("val", "a,b\n4,x\n1,x\n\n1,\"x\"\n"), ("test", "a,b\n3,z\n1,x")]:
        (builder.data / f"{name}.csv").write_text(text)
    _, report = builder.build(kind="CSV", backend="CSV", **{n: builder.data / f"{n}.csv" for n in ["train", "val", "test"]})
    found = report["duplicates"]
    assert (found["count"], found["same_split"]) == (3, 1)
    assert sorted((p["a"], p["b"]) for p in found["between"]) == [
        ("train.csv, row 0", "test.csv, row 1"), ("train.csv, row 0", "val.csv, row 1"), ("train.csv, row 3", "test.csv, row 0")]


LONG = 300_000          # rows: more than are kept in memory to be compared


def test_duplicates_of_a_long_table_are_all_found(builder):
    train = builder.data / "in.csv"
    train.write_text("n\n" + "".join(f"{i if i % 100 else i // 1000}\n" for i in range(LONG)))
    image = {"testPercentage": 20, "split": "sequential"}
    target, report = builder.build(kind="CSV", backend="CSV", train=train, image=image)
    whole = pandas.read_csv(train).n
    rows, tests = whole[:LONG * 8 // 10], whole[LONG * 8 // 10:]
    assert report["duplicates"]["count"] == tests.isin(rows).sum() > 500
    assert report["duplicates"]["same_split"] == rows.duplicated().sum() + tests[~tests.isin(rows)].duplicated().sum()
    assert len(report["duplicates"]["between"]) == min(report["duplicates"]["count"], 1000)
    pair = report["duplicates"]["between"][0]
    a, b = (int(pair[side].split("row ")[1]) for side in "ab")
    assert pair["a"].startswith("train.csv") and pair["b"].startswith("test.csv") and rows.iloc[a] == tests.iloc[b]
    assert sorted(os.listdir(target)) == ["report.json", "test.csv", "test.csv.index", "train.csv", "train.csv.index"]


def test_a_disk_that_is_full_of_what_is_compared_is_named(builder):
    """The table itself would fit."""
    limited = script(builder.folder / "limited", f"#!/bin/bash\ntrap '' XFSZ\nulimit -f 3000\nexec {builder.program} \"$@\"\n", 0o755)
    builder.program = limited
    train = table(builder.data / "in.csv", LONG, "n\n", lambda i: f"{i}\n")
    report = builder.refused(kind="CSV", backend="CSV", train=train)
    assert "what tells duplicates apart" in report["error"] and report["error"].endswith(": File too large")


def test_a_builder_that_is_killed_leaves_nothing_of_what_it_compares(builder):
    os.mkfifo(builder.data / "in.csv")
    orders = builder.orders(kind="CSV", backend="CSV", train=builder.data / "in.csv")
    running = builder.start(orders)
    with open(builder.data / "in.csv", "w") as rows:
        rows.write("n\n" + "1\n" * 2 * LONG)     # what a pipe holds back is less than half of it
        rows.flush()
        files = [os.readlink(link.path) for link in os.scandir(f"/proc/{running.pid}/fd")]
        running.kill()
        running.communicate()
    assert f"{orders['target']}/.contents (deleted)" in files
    assert os.listdir(orders["target"]) == ["train.csv"]


@pytest.mark.parametrize("content, sentence", [
    ("", "has no rows"),
    ("a,b\n", "leaves no rows for train.csv"),
    ("a,b\n1,\"2\n", "a quote in line 2 is never closed"),
    ("a\0b", "is not a text in UTF-8"),
])
def test_what_is_no_table_is_refused(builder, content, sentence):
    train = builder.data / "in.csv"
    train.write_text(content)
    assert sentence in builder.refused(kind="CSV", backend="CSV", train=train)["error"]


def test_a_folder_is_no_table(builder):
    assert builder.refused(kind="CSV", backend="CSV", train=builder.data)["field"] == "train"


def script(path, text, mode=0o644):
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_plugin_makes_the_tables_that_are_read(builder):
    plugin = script(builder.data / "double.py", "import sys\nrows = open(sys.argv[1]).read().split()\nprint('doubling')\n"
                    "open(sys.argv[2], 'w').write('\\n'.join(rows[:1] + [str(2 * int(r)) for r in rows[1:]]))\n")
    sources = {name: table(builder.data / f"{name}.csv", 4, "n\n", lambda i: f"{i}\n") for name in ["train", "test"]}
    target, _ = builder.build(kind="CSV", backend="CSV", **sources, plugin=plugin)
    assert list(pandas.read_csv(target / "train.csv").n) == [0, 2, 4, 6] == list(pandas.read_csv(target / "test.csv").n)
    assert not (target / ".plugin").exists()


def test_a_plugin_that_can_be_executed_starts_by_itself(builder):
    plugin = script(builder.data / "upper", "#!/bin/sh\ntr a-z A-Z <\"$1\" >\"$2\"\n", 0o755)
    train = table(builder.data / "in.csv", 2)
    target, _ = builder.build(kind="CSV", backend="CSV", train=train, plugin=plugin)
    assert (target / "train.csv").read_text() == train.read_text().upper()


@pytest.mark.parametrize("text, sentence", [
    ("raise SystemExit(3)", "ended with 3; the log has what it said"),
    ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9 (Killed)"),
    ("", "the plug-in ended without writing "),
])
def test_a_plugin_that_does_not_do_its_work_is_named(builder, text, sentence):
    report = builder.refused(kind="CSV", backend="CSV", train=table(builder.data / "in.csv", 2),
                             plugin=script(builder.data / "plugin.py", text))
    assert sentence in report["error"] and report["field"] == "plugin"


def test_a_plugin_lies_in_a_data_folder(builder):
    plugin = script(builder.folder / "plugin.py", "")
    report = builder.refused(kind="CSV", backend="CSV", train=table(builder.data / "in.csv", 2), plugin=plugin)
    assert report["field"] == "plugin" and "outside" in report["error"]
