-- Search algorithms that users install, and what the searches that run with them keep.
CREATE TABLE algorithm(
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL UNIQUE,
    creator     TEXT    NOT NULL,
    conda_home  TEXT,                        -- these three: NULL when not given
    conda_env   TEXT,
    log_level   TEXT,
    remote_exec INTEGER NOT NULL,
    created_ms  INTEGER NOT NULL             -- Unix time
) STRICT;

-- Calls of search() that were answered. Of a plugin that gives its state the last one is enough; the others are asked
-- again after a restart.
CREATE TABLE plugin_call(
    search      TEXT    NOT NULL REFERENCES search(name) ON DELETE CASCADE,
    call        INTEGER NOT NULL,            -- 1, 2, 3 ...
    samples     INTEGER NOT NULL,            -- how many suggestions were asked for
    state       TEXT,                        -- JSON: what the plugin is to be given after a restart; NULL: nothing
    PRIMARY KEY (search, call)
) STRICT;

CREATE TABLE suggestion(
    search      TEXT    NOT NULL REFERENCES search(name) ON DELETE CASCADE,
    id          INTEGER NOT NULL,            -- of the experiment that is to be run with it
    vals        TEXT    NOT NULL,            -- JSON object, as the plugin gave it
    PRIMARY KEY (search, id)
) STRICT, WITHOUT ROWID;

ALTER TABLE experiment ADD COLUMN told INTEGER;     -- the call that a plugin was told its end with; NULL: not yet
