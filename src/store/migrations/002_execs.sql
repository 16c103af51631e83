-- Tasks, what happened to them and to everything else, and their metrics.
CREATE TABLE exec(
    seq                 INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT    NOT NULL UNIQUE,
    args                TEXT    NOT NULL,
    submissionId        TEXT    NOT NULL UNIQUE,
    creator             TEXT    NOT NULL,
    state               TEXT    NOT NULL,
    appId               TEXT    NOT NULL,
    schedulerUrl        TEXT,
    modelFileOwnerName  TEXT,
    workDir             TEXT,
    appName             TEXT,
    created_ms          INTEGER NOT NULL,    -- Unix time
    elastic             INTEGER NOT NULL DEFAULT 0,
    events              TEXT,
    nameSpace           TEXT,
    numWorker           INTEGER NOT NULL,
    framework           TEXT    NOT NULL,
    sigName             TEXT    NOT NULL,
    sigId               TEXT    NOT NULL,
    masterURL           TEXT,
    executionUserName   TEXT,
    started_ms          INTEGER,             -- Unix time
    ended_ms            INTEGER,             -- Unix time
    exitCode            INTEGER,
    main_file           TEXT,
    plan                TEXT    NOT NULL,    -- JSON: what launching needs
    cpus                INTEGER NOT NULL,
    gpus                INTEGER NOT NULL,
    memory_mib          INTEGER NOT NULL,
    priority            INTEGER NOT NULL,    -- larger first
    pending_deadline_ms INTEGER,             -- Unix time
    search              TEXT,                -- the search it is a trial of
    trial               INTEGER,
    stop_asked          INTEGER NOT NULL DEFAULT 0,
    deleted             INTEGER NOT NULL DEFAULT 0   -- marked; its files are being removed
) STRICT;
CREATE INDEX exec_creator ON exec(creator, seq);
CREATE INDEX exec_active  ON exec(state) WHERE state IN ('SUBMITTED', 'PENDING_CRD_SCHEDULER', 'RUNNING');
CREATE INDEX exec_deleted ON exec(seq) WHERE deleted = 1;
CREATE INDEX exec_search  ON exec(search, trial) WHERE search IS NOT NULL;

-- The audit trail, and the feed of GET /events.
CREATE TABLE event(
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms INTEGER NOT NULL,                -- Unix time
    owner   TEXT    NOT NULL,                -- who may see it
    kind    TEXT    NOT NULL,                -- 'exec.state', 'search.state', ...
    subject TEXT    NOT NULL,                -- exec id or search name
    data    TEXT    NOT NULL                 -- JSON
) STRICT;
CREATE INDEX event_time ON event(time_ms);

-- Metric series, one row per point.
CREATE TABLE metric(
    exec    TEXT    NOT NULL REFERENCES exec(id) ON DELETE CASCADE,
    series  TEXT    NOT NULL,                -- 'train/loss'
    n       INTEGER NOT NULL,                -- 0, 1, 2 ... in order of arrival
    step    REAL,                            -- iteration or epoch; NULL when unknown
    time_ms INTEGER NOT NULL,                -- Unix time
    value   REAL    NOT NULL,
    PRIMARY KEY (exec, series, n)
) STRICT, WITHOUT ROWID;
