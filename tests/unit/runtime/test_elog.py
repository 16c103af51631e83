# SPDX-License-Identifier: Apache-2.0
import re

from elog import ELog

STAMP = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] "


def test_lines_have_the_form_that_notebooks_read(job):
    with ELog.open() as log:
        log.recordText("starting")
        log.recordTrain("Train", 3, 12, 0.123456, 1, "w")
        log.recordTest("Test", 2.0, 0.5, "w")
    text, train, test = (job / "log/worker-0/stdout").read_text().splitlines()
    assert re.fullmatch(STAMP + "starting", text)
    assert re.fullmatch(STAMP + "Train,\tTimestamp: \\d{13},\tGlobal steps: 12,\tIteration: 3,"
                                "\tLoss: 0.12346,\tAccuracy: 1.0", train)
    assert re.fullmatch(STAMP + "Test,\tTimestamp: \\d{13},\tLoss: 2.0,\tAccuracy: 0.5", test)


def test_columns_are_where_the_charts_of_notebooks_look(job):
    with ELog.open() as log:
        log.recordTrain("Train", 3, 12, 0.5, 0.25, 0)
    columns = (job / "log/worker-0/stdout").read_text().strip().replace(":", ",").split(",")
    assert [float(columns[i]) for i in (6, 8, 10, 12)] == [12, 3, 0.5, 0.25]
