# SPDX-License-Identifier: Apache-2.0
"""Plug-ins that build datasets: the documents between them and the builder, the Python helper, and the example."""
import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HELPER = "from dataset_plugin import Plugin\n"


def script(builder, text, name="plugin.py", mode=0o644):
    path = builder.data / name
    path.write_text(text)
    path.chmod(mode)
    return path


def build(builder, text, **members):
    return builder.build(kind="PLUGIN", plugin=script(builder, text), **members)


def refused(builder, text, **members):
    return builder.refused(kind="PLUGIN", plugin=script(builder, text), **members)


def test_a_program_in_any_language_writes_folders(builder):
    plugin = script(builder, "#!/bin/sh\nmkdir train && echo one >train/1 && echo two >train/2 && echo \"$1\" >test\n", "plugin", 0o755)
    target, report = builder.build(kind="PLUGIN", plugin=plugin)
    assert (target / "train/1").read_text() == "one\n"
    assert [(s["name"], s["path"], s["records"]) for s in report["splits"]] == [("train", "train", 2), ("test", "test", 1)]
    assert (target / "test").read_text() == f"{target}/.plugin/request.json\n"
    assert sorted(os.listdir(target)) == ["report.json", "test", "train"]


def test_the_request_has_what_was_ordered(builder):
    (builder.data / "in").mkdir()
    (builder.data / "link").symlink_to("in")
    text = "import shutil, sys\nshutil.copy(sys.argv[1], 'train')\n"
    target, _ = build(builder, text, train=builder.data / "link", seed=7, shards=3, byclass=True, threads=None,
                      image={"width": 32, "valPercentage": 10})
    request = json.loads((target / "train").read_text())
    assert request == {
        "version": 1, "name": "pets", "target": str(target), "result": f"{target}/.plugin/result.json",
        "train": str(builder.data / "in"), "val": None, "test": None, "labels": None, "shards": 3, "byclass": True,
        "encoded": False, "seed": 7, "threads": None,
        "image": {"type": "color", "resize": "squash", "split": "hold-out", "height": None, "width": 32, "valPercentage": 10,
                  "testPercentage": 0}}


def test_a_source_of_a_plugin_lies_in_the_data_folders_too(builder):
    assert refused(builder, "", train="/etc/passwd")["field"] == "train"


def test_a_result_says_what_was_written(builder):
    result = {"train": {"path": "records/a.bin", "records": 50, "labels": [{"label": "dog", "count": 20}, {"label": "cat", "count": 30}]},
              "warnings": ["old data"], "broken": [{"path": "x/1", "reason": "is empty"}]}
    text = ("import json, os, sys\nos.mkdir('records')\nopen('records/a.bin', 'w').write('12345')\n"
            f"json.dump({result!r}, open(json.load(open(sys.argv[1]))['result'], 'w'))\n")
    target, report = build(builder, text)
    assert report["splits"] == [{"name": "train", "path": "records/a.bin", "files": [], "records": 50, "bytes": 5,
                                 "labels": [["cat", 30], ["dog", 20]]}]
    assert report["labels"] == ["cat", "dog"] and (target / "labels.txt").read_text() == "cat\ndog\n"
    assert report["warnings"] == ["old data"] and report["broken"] == {"count": 1, "list": [{"path": "x/1", "reason": "is empty"}]}


@pytest.mark.parametrize("result, sentence", [
    ("{", "the plug-in's result: "),
    ("{'train': {'path': '../../etc'}}", "../../etc leads out of the target folder"),
    ("{'train': {'path': 'missing'}}", "the plug-in left no "),
    ("{'train': {'records': -1}}", "records"),
    ("{}", "the plug-in left no training data"),
    ("{'error': 'the moon was not full'}", "the moon was not full"),
])
def test_a_result_that_does_not_fit_is_refused(builder, result, sentence):
    report = refused(builder, f"import json, sys\nopen(json.load(open(sys.argv[1]))['result'], 'w').write({result!r})\n")
    assert sentence in report["error"]


def test_a_link_that_leads_out_is_refused(builder):
    report = refused(builder, "import os\nos.mkdir('train')\nos.symlink('/etc', 'train/etc')\n")
    assert report["error"] == "the plug-in left etc, which is a link that leads out of the data folders"


def test_a_plugin_must_be_named(builder):
    assert builder.refused(kind="PLUGIN")["field"] == "plugin"


def test_the_helper_counts_and_remarks(builder):
    (builder.data / "in").mkdir()
    for name in ["cat", "dog", "bad"]:
        (builder.data / "in" / name).write_text(name)
    target, report = build(builder, HELPER + """
with Plugin() as plugin:
    folder = plugin.folder("train")
    plugin.classes(["dog", "cat"])
    plugin.warn("only two")
    for path in plugin.progress(sorted(plugin.sources["train"].iterdir()), "files"):
        if path.name == "bad":
            plugin.broken(path, "is bad")
            continue
        (folder / path.name).write_text(plugin.name)
        plugin.count("train", 2, label=path.name)
""", train=builder.data / "in")
    assert (target / "train/cat").read_text() == "pets"
    assert report["splits"][0]["records"] == 4 and report["splits"][0]["labels"] == [["dog", 2], ["cat", 2]]
    assert report["warnings"] == ["only two"] and report["broken"]["list"][0]["reason"] == "is bad"


def test_the_helper_tells_progress_as_a_task_understands_it(builder):
    plugin = script(builder, HELPER + "with Plugin() as p:\n    p.folder('train')\n    list(p.progress(range(3), 'rows'))\n")
    done, _ = builder.run(builder.orders(kind="PLUGIN", plugin=plugin))
    lines = done.stdout.splitlines()
    assert lines[0] == "Total iterations: 3" and lines[1].startswith("Iteration 3: tag train_rows_per_s, simple_value ")


@pytest.mark.parametrize("line, sentence", [
    ("plugin.refuse('too few recordings')", "too few recordings"),
    ("[][1]", "IndexError: list index out of range"),
    ("raise SystemExit(4)", "ended with 4; the log has what it said"),
])
def test_the_helper_passes_on_what_went_wrong(builder, line, sentence):
    report = refused(builder, HELPER + f"with Plugin() as plugin:\n    {line}\n")
    assert report["error"].endswith(sentence) and report["field"] == "plugin"


def test_pictures_that_it_leaves_can_be_looked_at(builder):
    pytest.importorskip("PIL.Image")
    target, _ = build(builder, "import os\nfrom PIL import Image\nos.makedirs('train/cat')\n"
                      "Image.new('RGB', (20, 10)).save('train/cat/1.png')\n")
    done = subprocess.run([builder.program, "show", target, "samples", "--split", "train"], capture_output=True, check=True)
    assert json.loads(done.stdout) == [{"index": 0, "label": "cat", "path": "cat/1.png"}]


def test_the_example_makes_windows_of_recordings(builder):
    np = pytest.importorskip("numpy")
    for part, n in [("train", 100), ("test", 50)]:
        (builder.data / part).mkdir()
        rows = "".join(f"{i},{i * 2},{i % 5}\n" for i in range(n))
        (builder.data / part / "a.csv").write_text("x,y,state\n" + rows)
    (builder.data / "train/b.csv").write_text("x,y,state\nnone\n")
    plugin = script(builder, (ROOT / "examples/dataset-plugin/windows.py").read_text())
    sources = {part: builder.data / part for part in ["train", "test"]}
    target, report = builder.build(kind="PLUGIN", plugin=plugin, **sources)
    windows, targets = np.load(target / "train/windows.npy"), np.load(target / "train/targets.npy")
    assert windows.shape == (9, 32, 2) and list(windows[1, 0]) == [8, 16] and targets[1] == (8 + 32) % 5
    assert [s["records"] for s in report["splits"]] == [9, 3]
    assert [b["path"] for b in report["broken"]["list"]] == [str(builder.data / "train/b.csv")]
    (builder.data / "test/a.csv").unlink()
    assert "is longer than 32 moments" in builder.refused(kind="PLUGIN", plugin=plugin, **sources)["error"]
