-- Archive schema 1. The drawing and the reasons stand in archive/mod.rs.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tasks (
    log         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL,
    epoch       INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    status      TEXT NOT NULL,
    type        TEXT,
    created_at  INTEGER NOT NULL,
    -- The watermark.
    tail        INTEGER NOT NULL,
    trim        INTEGER NOT NULL,
    base        INTEGER AS (trim),
    last_at     INTEGER NOT NULL,
    -- The commit of the last slot.
    last_commit INTEGER,
    commit_no   INTEGER NOT NULL,
    hot         INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    -- Slots were taken back: the next record is taken whatever its revision.
    rewound     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (id, epoch)
);
CREATE INDEX tasks_newest_of_id ON tasks (id, log);
CREATE INDEX tasks_newest_first ON tasks (created_at DESC, id DESC);

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

-- How many slots below the watermark there are of each kind.
CREATE TABLE kinds (
    log   INTEGER NOT NULL,
    type  TEXT NOT NULL,
    level INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (log, type, level)
) WITHOUT ROWID;

CREATE TABLE commits (
    log       INTEGER NOT NULL,
    no        INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    first     INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (log, no)
) WITHOUT ROWID;
CREATE INDEX commits_in_order ON commits (partition, no, log);

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
    series     INTEGER NOT NULL,
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
    data       BLOB,
    PRIMARY KEY (series, idx)
) WITHOUT ROWID;

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
