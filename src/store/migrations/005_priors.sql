-- What changed when, for clients that poll.
ALTER TABLE experiment ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;   -- version of its search at its last change
CREATE INDEX experiment_changed ON experiment(search, changed);

-- What was known before a search began: points that its algorithm is told first.
ALTER TABLE search ADD COLUMN prior_told    INTEGER;    -- how many; NULL: it began without any
ALTER TABLE search ADD COLUMN prior_skipped INTEGER;    -- how many were no points of its space
CREATE TABLE prior(
    search    TEXT    NOT NULL REFERENCES search(name) ON DELETE CASCADE,
    n         INTEGER NOT NULL,                         -- 1, 2 ...: told in this order, as trial -n
    cube      TEXT    NOT NULL,                         -- JSON list: the point of the unit cube
    objective REAL    NOT NULL,
    PRIMARY KEY (search, n)
) STRICT, WITHOUT ROWID;
