-- Accounts: who may call, and the tokens handed out.
CREATE TABLE user(
    name          TEXT    PRIMARY KEY,
    role          TEXT    NOT NULL CHECK (role IN ('user', 'admin')),
    password_hash TEXT    NOT NULL,          -- Argon2id, libsodium's text form
    created_ms    INTEGER NOT NULL           -- Unix time
) STRICT, WITHOUT ROWID;

CREATE TABLE token(
    id         INTEGER PRIMARY KEY,          -- what `GET /tokens` lists and DELETE takes
    jti_hash   BLOB    NOT NULL UNIQUE,      -- of the random id inside the JWT
    user       TEXT    NOT NULL REFERENCES user(name) ON DELETE CASCADE,
    kind       TEXT    NOT NULL,             -- 'bearer' or 'session'
    created_ms INTEGER NOT NULL,             -- Unix time
    expires_ms INTEGER NOT NULL              -- Unix time
) STRICT;
CREATE INDEX token_user ON token(user);

CREATE TABLE secret(
    name  TEXT PRIMARY KEY,                  -- 'jwt': the signing key
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
