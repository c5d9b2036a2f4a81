-- Offers of volumes to other projects, what went wrong in words for users, what the
-- storage holds and this service was told to let be, and what administrators set of
-- the services. Times, flags and texts as in 0001.

-- +goose Up
CREATE TABLE transfers (
    id           TEXT   NOT NULL PRIMARY KEY,
    volume_id    TEXT   NOT NULL UNIQUE,
    project_id   TEXT   NOT NULL,
    name         TEXT,
    no_snapshots BIGINT NOT NULL,
    salt         TEXT   NOT NULL,
    key_hash     TEXT   NOT NULL,
    created_at   TEXT   NOT NULL
) WITHOUT ROWID;
CREATE INDEX transfers_of_project ON transfers (project_id, created_at, id);

CREATE TABLE messages (
    id            TEXT NOT NULL PRIMARY KEY,
    project_id    TEXT NOT NULL,
    request_id    TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_uuid TEXT NOT NULL,
    event_id      TEXT NOT NULL,
    action_id     TEXT NOT NULL,
    detail_id     TEXT NOT NULL,
    message_level TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    expires_at    TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX messages_of_project ON messages (project_id, created_at, id);
CREATE INDEX messages_by_end ON messages (expires_at);

-- snapshot_id '' is the volume itself.
CREATE TABLE unmanaged (
    volume_id   TEXT NOT NULL,
    snapshot_id TEXT NOT NULL,
    PRIMARY KEY (volume_id, snapshot_id)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE unmanaged;
DROP TABLE messages;
DROP TABLE transfers;
