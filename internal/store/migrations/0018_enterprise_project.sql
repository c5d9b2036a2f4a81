-- Enterprise projects of the EVS families: ids of another service, 0 is the default one.

-- +goose Up
ALTER TABLE volumes ADD COLUMN enterprise_project_id TEXT NOT NULL DEFAULT '0';
ALTER TABLE snapshots ADD COLUMN enterprise_project_id TEXT NOT NULL DEFAULT '0';
ALTER TABLE group_snapshots ADD COLUMN enterprise_project_id TEXT NOT NULL DEFAULT '0';

-- +goose Down
ALTER TABLE group_snapshots DROP COLUMN enterprise_project_id;
ALTER TABLE snapshots DROP COLUMN enterprise_project_id;
ALTER TABLE volumes DROP COLUMN enterprise_project_id;
