# SPDX-License-Identifier: Apache-2.0
import json
import re
import time

import pytest

import emetrics
from emetrics import EMetrics


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_record_has_the_documented_form(job, monkeypatch):
    monkeypatch.setenv("TRAINING_ID", "ann-1-2")
    before = int(time.time() * 1000)
    with EMetrics.open() as metrics:
        metrics.record("test", 40, {"loss": 0.345, "accuracy": 0.9, "samples": 10, "note": "good"})
    record, = records(job / "log/worker-0/evaluation-metrics.txt")
    stamp = record["etimes"].pop("time_stamp")
    assert before <= record["meta"].pop("time") <= time.time() * 1000
    assert record == {
        "meta": {"training_id": "ann-1-2", "rindex": 1},
        "grouplabel": "test",
        "etimes": {"iteration": {"type": 2, "value": "40"}},
        "values": {"loss": {"type": 3, "value": "0.345"}, "accuracy": {"type": 3, "value": "0.9"},
                   "samples": {"type": 2, "value": "10"}, "note": {"value": "good"}},
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{10}", stamp["value"])
    assert list(stamp) == ["value"]


def test_each_record_can_be_read_as_soon_as_it_is_written(job):
    metrics = EMetrics.open()
    path = job / "log/worker-0/evaluation-metrics.txt"
    for n in range(1, 4):
        metrics.record(EMetrics.TRAIN_GROUP, n, {"loss": 1.0 / n})
        assert [r["meta"]["rindex"] for r in records(path)] == list(range(1, n + 1))
    metrics.close()
    metrics.close()


def test_records_are_appended_to_what_is_there(job):
    for _ in range(2):
        with EMetrics.open() as metrics:
            metrics.record("train", 1, {"loss": 1.0})
    assert len(records(job / "log/worker-0/evaluation-metrics.txt")) == 2


def test_a_trial_leaves_its_test_records_for_the_search(job):
    with EMetrics.open("7") as metrics:
        metrics.record("train", 1, {"loss": 2.0})
        metrics.record("test", 1, {"loss": 1.5, "accuracy": 0.5})
        metrics.record("test", 2, {"loss": 1.25, "accuracy": 0.75})
    assert json.loads((job / "val_dict_list.json").read_text()) == [
        {"steps": 1, "loss": 1.5, "accuracy": 0.5}, {"steps": 2, "loss": 1.25, "accuracy": 0.75}]
    written = records(job / "log/worker-0/7/evaluation-metrics.txt")
    assert [r["meta"]["subid"] for r in written] == ["7"] * 3
    assert sorted(p.name for p in job.iterdir()) == ["log", "val_dict_list.json"]


def test_without_a_trial_the_scripts_own_result_is_not_touched(job, monkeypatch):
    monkeypatch.setenv("SUBID", "7")
    (job / "val_dict_list.json").write_text("mine")
    with EMetrics.open() as metrics:
        metrics.record("test", 1, {"loss": 1.0})
    assert (job / "val_dict_list.json").read_text() == "mine"


def test_the_training_id_falls_back_to_the_execution_id_and_to_nothing(job, monkeypatch):
    with EMetrics.open() as metrics:
        metrics.record("test", 1, {})
        monkeypatch.setenv("DLI_EXECID", "ann-3-4")
        metrics.record("test", 2, {})
    ids = [r["meta"]["training_id"] for r in records(job / "log/worker-0/evaluation-metrics.txt")]
    assert ids == ["", "ann-3-4"]


def test_the_folder_falls_back_to_the_jobs_state(job, monkeypatch):
    monkeypatch.delenv("LOG_DIR")
    monkeypatch.setenv("JOB_STATE_DIR", str(job / "state"))
    EMetrics.open().close()
    assert (job / "state/logs/evaluation-metrics.txt").exists()
    monkeypatch.delenv("JOB_STATE_DIR")
    assert emetrics.log_folder() == "/tmp"


class Tensor:
    """Stands for a one-element tensor: a number only through item()."""

    def item(self):
        return 0.25


def test_tensors_and_odd_values_are_written_as_what_they_hold(job):
    with EMetrics.open("1") as metrics:
        metrics.record("test", 1, {"loss": Tensor(), "flag": True, "bad": float("nan")})
    record, = records(job / "log/worker-0/1/evaluation-metrics.txt")
    assert record["values"] == {"loss": {"type": 3, "value": "0.25"}, "flag": {"value": "True"},
                                "bad": {"type": 3, "value": "nan"}}


def test_numbers_of_numpy_are_numbers(job):
    numpy = pytest.importorskip("numpy")
    with EMetrics.open("1") as metrics:
        metrics.record("test", numpy.int64(3), {"loss": numpy.float32(0.5)})
    assert json.loads((job / "val_dict_list.json").read_text()) == [{"steps": 3, "loss": 0.5}]
