-- Schema 2: who does which work for all instances, and what a store before an archive remembers.

CREATE TABLE leases (
    name   TEXT PRIMARY KEY,
    holder INTEGER NOT NULL,
    until  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE positions (
    reader    TEXT PRIMARY KEY,
    commit_no INTEGER NOT NULL
) WITHOUT ROWID;

-- The first index whose slot is held, if it lies beyond the trim point.
ALTER TABLE tasks ADD COLUMN base INTEGER NOT NULL DEFAULT 0;
-- Bytes that were appended to all logs when this one was written last.
ALTER TABLE tasks ADD COLUMN written INTEGER NOT NULL DEFAULT 0;

CREATE TABLE notes (
    id       TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    -- The last commit of a log that was released; none for a log that was deleted.
    released INTEGER,
    PRIMARY KEY (id, epoch)
) WITHOUT ROWID;
