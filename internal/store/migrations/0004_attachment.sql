-- Attachments, and the connections by which clients reach a volume's bytes. Times,
-- flags and JSON as in 0001. The names of exports are not here: they are made from
-- a connection's id and a key outside the database.

-- +goose Up
-- '' is not said; True and False are as os-update_readonly_flag set them. It was an
-- item of the metadata before.
ALTER TABLE volumes ADD COLUMN readonly TEXT NOT NULL DEFAULT '';
UPDATE volumes SET readonly = 'True' WHERE metadata LIKE '%"readonly":"True"%';

CREATE TABLE attachments (
    id            TEXT   NOT NULL PRIMARY KEY,
    volume_id     TEXT   NOT NULL,
    project_id    TEXT   NOT NULL,
    user_id       TEXT   NOT NULL,
    status        TEXT   NOT NULL,
    server_id     TEXT,
    host_name     TEXT,
    device        TEXT,
    mode          TEXT,
    connector     TEXT   NOT NULL,
    connection_id TEXT,
    attached_at   TEXT,
    created_at    TEXT   NOT NULL,
    updated_at    TEXT,
    version       BIGINT NOT NULL
);
CREATE INDEX attachments_of_project ON attachments (project_id, created_at DESC, id DESC);
CREATE INDEX attachments_of_volume ON attachments (volume_id, created_at, id);
CREATE INDEX attachments_of_server ON attachments (server_id);

-- One row for each name by which an export can be opened. With ended set nobody
-- can any more; the row goes when the last client of it is cut off.
CREATE TABLE connections (
    id            TEXT   NOT NULL PRIMARY KEY,
    volume_id     TEXT   NOT NULL,
    attachment_id TEXT,
    project_id    TEXT   NOT NULL,
    host          TEXT   NOT NULL,
    readonly      BIGINT NOT NULL,
    ended         BIGINT NOT NULL,
    created_at    TEXT   NOT NULL
);
CREATE INDEX connections_of_volume ON connections (volume_id, created_at, id);
CREATE INDEX connections_of_host ON connections (host, created_at, id);

-- +goose Down
DROP TABLE connections;
DROP TABLE attachments;
ALTER TABLE volumes DROP COLUMN readonly;
