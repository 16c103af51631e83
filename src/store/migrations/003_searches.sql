-- Hyperparameter searches and their experiments.
CREATE TABLE search(
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL UNIQUE,
    creator     TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    message     TEXT,                        -- why it failed or stopped; a sentence
    sig_name    TEXT    NOT NULL,
    args        TEXT    NOT NULL,            -- modelSpec.args, secrets redacted
    spec        TEXT    NOT NULL,            -- JSON: algoDef, hyperParams, experiments as checked
    package     TEXT,                        -- folder below <data>/searches with the uploaded files; NULL: none
    seed        INTEGER NOT NULL,            -- of the algorithm
    created_ms  INTEGER NOT NULL,            -- Unix time
    started_ms  INTEGER,                     -- of the present run
    ended_ms    INTEGER,
    spent_ms    INTEGER NOT NULL DEFAULT 0,  -- of earlier runs, for `duration`
    wish        TEXT    NOT NULL DEFAULT '', -- '', 'stop', 'force': acknowledged, being carried out
    planned     INTEGER NOT NULL,            -- experiments in all; -1 = unlimited
    n_running   INTEGER NOT NULL DEFAULT 0,  -- submitted and not final
    n_complete  INTEGER NOT NULL DEFAULT 0,  -- final, failed ones included
    n_failed    INTEGER NOT NULL DEFAULT 0,
    best        INTEGER,                     -- id of the best experiment
    best_metric REAL,
    version     INTEGER NOT NULL DEFAULT 0   -- grows with every change of this row or its experiments
) STRICT;
CREATE INDEX search_creator ON search(creator, seq);
CREATE INDEX search_active  ON search(seq) WHERE ended_ms IS NULL OR wish = 'force';

CREATE TABLE experiment(
    search      TEXT    NOT NULL REFERENCES search(name) ON DELETE CASCADE,
    id          INTEGER NOT NULL,            -- 0, 1, 2 ...
    cube        TEXT    NOT NULL,            -- JSON list: the point of the unit cube
    hyperparams TEXT    NOT NULL,            -- JSON list of the API's form
    state       TEXT    NOT NULL,
    metric      REAL,                        -- objective; NULL until known
    metrics     TEXT,                        -- JSON list {name,min,max,latest}
    message     TEXT,                        -- why there is no metric; a sentence
    exec        TEXT,                        -- id of its task
    driver_id   TEXT,
    started_ms  INTEGER,                     -- Unix time
    ended_ms    INTEGER,
    PRIMARY KEY (search, id)
) STRICT, WITHOUT ROWID;
