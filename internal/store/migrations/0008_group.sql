-- Groups of volumes, their types, and snapshots of whole groups. Times, flags and
-- JSON as in 0001. legacy says that the calls of consistency groups made it.

-- +goose Up
CREATE TABLE group_types (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,
    description TEXT,
    public      BIGINT NOT NULL,
    specs       TEXT   NOT NULL,
    created_at  TEXT   NOT NULL,
    updated_at  TEXT,
    version     BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE volume_groups (
    id                TEXT   NOT NULL PRIMARY KEY,
    project_id        TEXT   NOT NULL,
    user_id           TEXT   NOT NULL,
    name              TEXT,
    description       TEXT,
    status            TEXT   NOT NULL,
    type_id           TEXT   NOT NULL,
    availability_zone TEXT   NOT NULL,
    volume_types      TEXT   NOT NULL,
    group_snapshot_id TEXT,
    source_group_id   TEXT,
    legacy            BIGINT NOT NULL,
    created_at        TEXT   NOT NULL,
    updated_at        TEXT,
    version           BIGINT NOT NULL
);
CREATE INDEX volume_groups_of_project ON volume_groups (project_id, created_at DESC, id DESC);
CREATE INDEX volume_groups_by_age ON volume_groups (created_at, id);
CREATE INDEX volume_groups_of_type ON volume_groups (type_id);

CREATE TABLE group_snapshots (
    id          TEXT   NOT NULL PRIMARY KEY,
    project_id  TEXT   NOT NULL,
    user_id     TEXT   NOT NULL,
    group_id    TEXT   NOT NULL,
    type_id     TEXT   NOT NULL,
    name        TEXT,
    description TEXT,
    status      TEXT   NOT NULL,
    legacy      BIGINT NOT NULL,
    created_at  TEXT   NOT NULL,
    updated_at  TEXT,
    version     BIGINT NOT NULL
);
CREATE INDEX group_snapshots_of_project ON group_snapshots (project_id, created_at DESC, id DESC);
CREATE INDEX group_snapshots_by_age ON group_snapshots (created_at, id);
CREATE INDEX group_snapshots_of_group ON group_snapshots (group_id);

ALTER TABLE volumes ADD COLUMN group_id TEXT;
ALTER TABLE volumes ADD COLUMN group_legacy BIGINT NOT NULL DEFAULT 0;
CREATE INDEX volumes_of_group ON volumes (group_id, created_at, id) WHERE group_id IS NOT NULL;
ALTER TABLE snapshots ADD COLUMN group_snapshot_id TEXT;
CREATE INDEX snapshots_of_group ON snapshots (group_snapshot_id, created_at, id) WHERE group_snapshot_id IS NOT NULL;

-- +goose Down
DROP INDEX snapshots_of_group;
ALTER TABLE snapshots DROP COLUMN group_snapshot_id;
DROP INDEX volumes_of_group;
ALTER TABLE volumes DROP COLUMN group_legacy;
ALTER TABLE volumes DROP COLUMN group_id;
DROP TABLE group_snapshots;
DROP TABLE volume_groups;
DROP TABLE group_types;
