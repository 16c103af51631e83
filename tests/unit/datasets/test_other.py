# SPDX-License-Identifier: Apache-2.0
"""Folders that are used as they are, and what the builder promises for every kind."""
import os
import subprocess

import pytest


def plant(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize("kind", ["OTHER", "RAWDATA"])
def test_folders_are_used_where_they_lie(builder, kind):
    train = plant(builder.data / "train", a="12345", sub__b="123")
    target, report = builder.build(kind=kind, train=train)
    assert os.listdir(target) == ["report.json"]
    assert report["splits"] == [{"name": "train", "path": str(train), "files": [], "records": 2, "bytes": 8, "labels": []}]
    assert (report["kind"], report["backend"], report["bytes"], report["images_per_s"]) == (kind, "Other", 8, None)


def test_a_copy_has_every_file_in_its_place(builder):
    train = plant(builder.data / "train", a="12345", sub__b="123")
    test = plant(builder.data, only="one").joinpath("only")
    target, report = builder.build(kind="OTHER", train=train, test=test, copy=True)
    assert (target / "train/a").read_text() == "12345"
    assert (target / "train/sub/b").read_text() == "123"
    assert (target / "test/only").read_text() == "one"
    assert [(s["name"], s["path"], s["records"]) for s in report["splits"]] == [("train", "train", 2), ("test", "test", 1)]


def test_a_link_within_the_data_folders_is_copied_as_what_it_leads_to(builder):
    train = plant(builder.data / "train", a="12345")
    plant(builder.data / "elsewhere", b="123", c__d="4")
    (train / "b").symlink_to("../elsewhere/b")
    (train / "c").symlink_to(builder.data / "elsewhere/c")
    target, _ = builder.build(kind="OTHER", train=train, copy=True)
    assert (target / "train/b").read_text() == "123" and not (target / "train/b").is_symlink()
    assert (target / "train/c/d").read_text() == "4"


def link_out(builder, train):
    plant(builder.folder / "secrets", key="k")
    (train / "out").symlink_to(builder.folder / "secrets")


@pytest.mark.parametrize("plan, sentence", [
    (link_out, "is a link that leads out of the data folders"),
    (lambda b, train: (train / "gone").symlink_to("nowhere"), "is a link that leads nowhere"),
    (lambda b, train: (train / "loop").symlink_to(b.data), "is a link to a folder that it lies in"),
])
def test_a_link_that_leads_astray_is_refused(builder, plan, sentence):
    train = plant(builder.data / "train", a="12345")
    plan(builder, train)
    report = builder.refused(kind="OTHER", train=train, copy=True)
    assert report["error"].endswith(sentence) and report["field"] == "train"


@pytest.mark.parametrize("path, sentence", [
    ("{data}/../secrets", "lies outside of the data folders"),
    ("{data}/way-out", "lies outside of the data folders"),
    ("{data}/missing", "there is no"),
])
def test_a_source_must_lie_in_a_data_folder(builder, path, sentence):
    plant(builder.folder / "secrets", key="k")
    (builder.data / "way-out").symlink_to("../secrets")
    report = builder.refused(kind="OTHER", train=path.format(data=builder.data))
    assert sentence in report["error"] and report["field"] == "train"


def test_training_data_must_be_there(builder):
    assert builder.refused(kind="OTHER")["error"] == "the training data are missing"


@pytest.mark.parametrize("members, field", [
    ({"kind": "MOVIES"}, "kind"),
    ({"kind": "OTHER", "backend": "LMDB"}, "backend"),
])
def test_a_kind_and_a_backend_must_fit(builder, members, field):
    assert builder.refused(**members)["field"] == field


def test_a_target_that_is_not_empty_is_left_alone(builder):
    orders = builder.orders(kind="OTHER", train=plant(builder.data / "train", a="1"))
    plant(builder.folder / "set1", mine="keep")
    done, report = builder.run(orders)
    assert (done.returncode, report) == (1, None) and "is not empty" in done.stderr


def test_orders_that_do_not_fit_are_refused_by_name(builder):
    done, _ = builder.run(builder.orders(kind="OTHER", image={"resize": "zoom"}))
    assert done.returncode == 1 and "image.resize" in done.stderr


def test_progress_is_told_in_lines_that_a_task_understands(builder):
    train = plant(builder.data / "train", a="12345", b="1")
    done, _ = builder.run(builder.orders(kind="OTHER", train=train, copy=True))
    lines = done.stdout.splitlines()
    assert lines[0] == "Total iterations: 2"
    assert lines[-2].startswith("Iteration 2: tag train_files_per_s, simple_value ")
    assert lines[-1].startswith("done: 2 of 2 files, ")


def test_another_call_is_a_usage_error(builder):
    done = subprocess.run([builder.program, "bake"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("usage: ")
