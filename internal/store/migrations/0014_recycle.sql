-- Native disks: what buyers of some types say of their disks, the recycle bin, and
-- requests that their callers gave a token. Times, flags and texts as in 0001.

-- +goose Up
ALTER TABLE volumes ADD COLUMN iops BIGINT NOT NULL DEFAULT 0;
ALTER TABLE volumes ADD COLUMN throughput BIGINT NOT NULL DEFAULT 0;
ALTER TABLE volumes ADD COLUMN recycled_at TEXT;
ALTER TABLE volumes ADD COLUMN recycled_until TEXT;
CREATE INDEX volumes_recycled ON volumes (recycled_until) WHERE recycled_until IS NOT NULL;

-- Days: how old a disk must be when it is deleted to be kept, and how long it is.
CREATE TABLE recycle_policies (
    project_id TEXT   NOT NULL PRIMARY KEY,
    enabled    BIGINT NOT NULL,
    least_age  BIGINT NOT NULL,
    keep       BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE requests (
    project_id  TEXT NOT NULL,
    token       TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    job_id      TEXT NOT NULL,
    volume_ids  TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    PRIMARY KEY (project_id, token)
) WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (created_at);

-- +goose Down
DROP TABLE requests;
DROP TABLE recycle_policies;
DROP INDEX volumes_recycled;
ALTER TABLE volumes DROP COLUMN recycled_until;
ALTER TABLE volumes DROP COLUMN recycled_at;
ALTER TABLE volumes DROP COLUMN throughput;
ALTER TABLE volumes DROP COLUMN iops;
