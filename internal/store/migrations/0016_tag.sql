-- Tags of the EVS families: on volumes, snapshots and what else kind names, as the
-- paths of the API call it. Whose a tag is, its object says. And what v5 notes of
-- snapshots: instant_access and full_copy are 1 when they were asked for.

-- +goose Up
CREATE TABLE tags (
    kind        TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    value       TEXT NOT NULL,
    PRIMARY KEY (kind, resource_id, name)
) WITHOUT ROWID;
CREATE INDEX tags_by_name ON tags (kind, name, value);

ALTER TABLE snapshots ADD COLUMN instant_access BIGINT NOT NULL DEFAULT 0;
ALTER TABLE snapshots ADD COLUMN full_copy BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE snapshots DROP COLUMN full_copy;
ALTER TABLE snapshots DROP COLUMN instant_access;
DROP TABLE tags;
