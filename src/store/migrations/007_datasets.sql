-- Datasets, and the tasks that build or read them.
CREATE TABLE dataset(
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE,
    creator    TEXT    NOT NULL,
    shared     INTEGER NOT NULL,            -- whether everyone may read it
    status     TEXT    NOT NULL,
    message    TEXT,                        -- after trouble: a sentence
    spec       TEXT    NOT NULL,            -- JSON: the creation document as checked
    sig_name   TEXT    NOT NULL,            -- instance group
    sig_id     TEXT    NOT NULL,
    master_url TEXT    NOT NULL,
    exec       TEXT    NOT NULL,            -- id of the task that builds it, or has built it
    driver_id  TEXT    NOT NULL,
    n_tries    INTEGER NOT NULL DEFAULT 1,  -- tasks so far; more than one when some were lost
    target     TEXT    NOT NULL,            -- folder below <data>/datasets/.new that it is built in
    source     TEXT,                        -- folder below <data>/datasets/.new with uploaded files; NULL: none
    created_ms INTEGER NOT NULL,            -- Unix time
    started_ms INTEGER,
    ended_ms   INTEGER,
    size_bytes INTEGER,
    report     TEXT,                        -- JSON: what the builder said, without its long lists
    input      TEXT,                        -- JSON: the paths that a task is given; NULL until FINISHED
    stop_asked INTEGER NOT NULL DEFAULT 0,  -- no further task builds it
    deleted    INTEGER NOT NULL DEFAULT 0   -- marked; its files are being removed
) STRICT;
CREATE INDEX dataset_active ON dataset(seq) WHERE ended_ms IS NULL OR deleted = 1;

ALTER TABLE exec ADD COLUMN dataset TEXT;   -- the dataset it builds or reads; NULL: none
CREATE INDEX exec_dataset ON exec(dataset) WHERE dataset IS NOT NULL;
