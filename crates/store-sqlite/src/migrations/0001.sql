-- Schema 1. The drawing and the reasons stand in schema.rs.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tasks (
    log        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    epoch      INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    status     TEXT NOT NULL,
    type       TEXT,
    created_at INTEGER NOT NULL,
    due_at     INTEGER,
    tail       INTEGER NOT NULL,
    trim       INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    commit_no  INTEGER NOT NULL
);
CREATE INDEX tasks_newest_first ON tasks (created_at DESC, id DESC);
CREATE INDEX tasks_feed ON tasks (commit_no);
CREATE INDEX tasks_due ON tasks (due_at, id) WHERE due_at IS NOT NULL;

CREATE TABLE records (
    log    INTEGER PRIMARY KEY,
    record TEXT NOT NULL
);

CREATE TABLE slots (
    log        INTEGER NOT NULL,
    idx        INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    commit_no  INTEGER NOT NULL,
    type       TEXT NOT NULL,
    level      INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    delta      INTEGER NOT NULL,
    series     TEXT,
    mode       INTEGER,
    field      TEXT,
    run        INTEGER,
    run_offset INTEGER,
    text_start INTEGER,
    text_end   INTEGER,
    foreign_id TEXT,
    data       BLOB,
    PRIMARY KEY (log, idx)
) WITHOUT ROWID;
CREATE INDEX slots_unfolded ON slots (log, idx) WHERE delta = 0;
CREATE INDEX slots_foreign ON slots (log, foreign_id) WHERE foreign_id IS NOT NULL;

CREATE TABLE trimmed (
    log   INTEGER NOT NULL,
    type  TEXT NOT NULL,
    level INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (log, type, level)
) WITHOUT ROWID;

CREATE TABLE commits (
    no    INTEGER PRIMARY KEY,
    log   INTEGER NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL
);

CREATE TABLE series (
    series     INTEGER PRIMARY KEY,
    log        INTEGER NOT NULL,
    name       TEXT NOT NULL,
    mode       INTEGER NOT NULL,
    field      TEXT NOT NULL,
    newest     INTEGER NOT NULL,
    run        INTEGER,
    run_offset INTEGER,
    text_start INTEGER,
    text_end   INTEGER,
    UNIQUE (log, name)
);

CREATE TABLE heads (
    series     INTEGER PRIMARY KEY,
    idx        INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    commit_no  INTEGER NOT NULL,
    type       TEXT NOT NULL,
    level      INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    name       TEXT,
    mode       INTEGER,
    field      TEXT,
    run        INTEGER,
    run_offset INTEGER,
    text_start INTEGER,
    text_end   INTEGER,
    foreign_id TEXT,
    data       BLOB
);

CREATE TABLE chunks (
    chunk  INTEGER PRIMARY KEY,
    series INTEGER NOT NULL,
    run    INTEGER NOT NULL,
    start  INTEGER NOT NULL,
    text   TEXT NOT NULL,
    UNIQUE (series, run, start)
);

CREATE TABLE producers (
    log   INTEGER NOT NULL,
    id    TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    first INTEGER NOT NULL,
    idx   INTEGER NOT NULL,
    count INTEGER NOT NULL,
    used  INTEGER NOT NULL,
    PRIMARY KEY (log, id)
) WITHOUT ROWID;
CREATE INDEX producers_by_use ON producers (log, used);

CREATE TABLE keys (
    log   INTEGER NOT NULL,
    key   TEXT NOT NULL,
    body  BLOB NOT NULL,
    idx   INTEGER NOT NULL,
    count INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    used  INTEGER NOT NULL,
    PRIMARY KEY (log, key)
) WITHOUT ROWID;
CREATE INDEX keys_by_use ON keys (log, used);

CREATE TABLE garbage (
    log INTEGER PRIMARY KEY
);
