-- Tags of the EVS families: on volumes, snapshots and what else kind names, as the
-- paths of the API call it. Whose a tag is, its object says.

-- +goose Up
CREATE TABLE tags (
    kind        TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    value       TEXT NOT NULL,
    PRIMARY KEY (kind, resource_id, name)
) WITHOUT ROWID;
CREATE INDEX tags_by_name ON tags (kind, name, value);

-- +goose Down
DROP TABLE tags;
