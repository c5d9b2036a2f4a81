-- One text for SQLite and PostgreSQL; dialect.migration says what differs.
-- Times are UTC text of fixed width (2026-11-21T19:49:15.000000), JSON is text,
-- flags are 0 or 1, sizes are GiB. Rows of deleted objects are removed.

-- +goose Up
-- Volumes and snapshots keep SQLite's row numbers: rows made one after another lie
-- side by side, so a page of a list reads few pages of the file.
CREATE TABLE volumes (
    id                TEXT   NOT NULL PRIMARY KEY,
    project_id        TEXT   NOT NULL,
    user_id           TEXT   NOT NULL,
    name              TEXT,
    description       TEXT,
    status            TEXT   NOT NULL,
    size              BIGINT NOT NULL,
    type_id           TEXT   NOT NULL,
    availability_zone TEXT   NOT NULL,
    metadata          TEXT   NOT NULL,
    snapshot_id       TEXT,
    source_volume_id  TEXT,
    bootable          BIGINT NOT NULL,
    multiattach       BIGINT NOT NULL,
    attachments       TEXT   NOT NULL,
    created_at        TEXT   NOT NULL,
    updated_at        TEXT,
    version           BIGINT NOT NULL
);
CREATE INDEX volumes_of_project ON volumes (project_id, created_at DESC, id DESC);
CREATE INDEX volumes_by_age ON volumes (created_at, id);

CREATE TABLE snapshots (
    id          TEXT   NOT NULL PRIMARY KEY,
    project_id  TEXT   NOT NULL,
    user_id     TEXT   NOT NULL,
    volume_id   TEXT   NOT NULL,
    type_id     TEXT   NOT NULL,
    name        TEXT,
    description TEXT,
    status      TEXT   NOT NULL,
    progress    BIGINT NOT NULL,
    size        BIGINT NOT NULL,
    metadata    TEXT   NOT NULL,
    created_at  TEXT   NOT NULL,
    updated_at  TEXT,
    version     BIGINT NOT NULL
);
CREATE INDEX snapshots_of_project ON snapshots (project_id, created_at DESC, id DESC);
CREATE INDEX snapshots_by_age ON snapshots (created_at, id);
CREATE INDEX snapshots_of_volume ON snapshots (volume_id, created_at, id);

CREATE TABLE volume_types (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,
    description TEXT,
    public      BIGINT NOT NULL,
    extra_specs TEXT   NOT NULL,
    created_at  TEXT   NOT NULL
) WITHOUT ROWID;

-- type_id '' is the sum of all types.
CREATE TABLE usages (
    project_id TEXT   NOT NULL,
    type_id    TEXT   NOT NULL,
    volumes    BIGINT NOT NULL,
    snapshots  BIGINT NOT NULL,
    gigabytes  BIGINT NOT NULL,
    PRIMARY KEY (project_id, type_id)
) WITHOUT ROWID;

CREATE TABLE quota_limits (
    project_id TEXT   NOT NULL,
    resource   TEXT   NOT NULL,
    hard_limit BIGINT NOT NULL,
    PRIMARY KEY (project_id, resource)
) WITHOUT ROWID;

-- With row numbers, too: jobs that are queued together are worked off together.
CREATE TABLE jobs (
    id          TEXT   NOT NULL PRIMARY KEY,
    kind        TEXT   NOT NULL,
    resource_id TEXT   NOT NULL,
    project_id  TEXT   NOT NULL,
    args        TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    attempt     BIGINT NOT NULL,
    run_at      TEXT   NOT NULL,
    lease_until TEXT,
    fence       BIGINT NOT NULL,
    error       TEXT   NOT NULL,
    created_at  TEXT   NOT NULL,
    finished_at TEXT
);
CREATE INDEX jobs_ready ON jobs (run_at, id) WHERE state = 'ready';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('fence', 0);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE settings;
DROP TABLE counters;
DROP TABLE jobs;
DROP TABLE quota_limits;
DROP TABLE usages;
DROP TABLE volume_types;
DROP TABLE snapshots;
DROP TABLE volumes;
