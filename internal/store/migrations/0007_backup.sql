-- Backups, who made a snapshot, and what backups use of the quota. Times and flags
-- as in 0001. A backup's parent is the one it was made after; a manifest may serve
-- several rows, when a record was imported.

-- +goose Up
CREATE TABLE backups (
    id                TEXT   NOT NULL PRIMARY KEY,
    project_id        TEXT   NOT NULL,
    user_id           TEXT   NOT NULL,
    volume_id         TEXT   NOT NULL,
    snapshot_id       TEXT,
    parent_id         TEXT,
    name              TEXT,
    description       TEXT,
    status            TEXT   NOT NULL,
    fail_reason       TEXT   NOT NULL,
    size              BIGINT NOT NULL,
    object_count      BIGINT NOT NULL,
    container         TEXT,
    availability_zone TEXT   NOT NULL,
    metadata          TEXT   NOT NULL,
    manifest          TEXT   NOT NULL,
    base_id           TEXT,
    restore_volume_id TEXT,
    data_timestamp    TEXT   NOT NULL,
    created_at        TEXT   NOT NULL,
    updated_at        TEXT,
    version           BIGINT NOT NULL
);
CREATE INDEX backups_of_project ON backups (project_id, created_at DESC, id DESC);
CREATE INDEX backups_by_age ON backups (created_at, id);
CREATE INDEX backups_of_volume ON backups (volume_id, data_timestamp, id);
CREATE INDEX backups_by_parent ON backups (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX backups_by_manifest ON backups (manifest);
CREATE INDEX backups_restoring ON backups (restore_volume_id) WHERE restore_volume_id IS NOT NULL;

ALTER TABLE snapshots ADD COLUMN origin TEXT NOT NULL DEFAULT 'user';
ALTER TABLE usages ADD COLUMN backups BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usages ADD COLUMN backup_gigabytes BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE usages DROP COLUMN backup_gigabytes;
ALTER TABLE usages DROP COLUMN backups;
ALTER TABLE snapshots DROP COLUMN origin;
DROP TABLE backups;
