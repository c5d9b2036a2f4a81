-- Snapshot groups of EVS v5 are group snapshots whose group_id and type_id are empty:
-- of volumes that were named in the call, or that the server of server_id had.

-- +goose Up
ALTER TABLE group_snapshots ADD COLUMN server_id TEXT;

-- +goose Down
ALTER TABLE group_snapshots DROP COLUMN server_id;
