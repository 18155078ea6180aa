-- Schema 2: who does which work for all instances, and how far it has got.

CREATE TABLE leases (
    name   TEXT PRIMARY KEY,
    holder INTEGER NOT NULL,
    until  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE positions (
    reader    TEXT PRIMARY KEY,
    commit_no INTEGER NOT NULL
) WITHOUT ROWID;
