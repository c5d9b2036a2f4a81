-- Volume types that can be changed: their version, encryption (JSON; null: none) and
-- QoS specs; who may use private ones; default types of projects; QoS specs.
-- Times, flags and JSON as in 0001.

-- +goose Up
ALTER TABLE volume_types ADD COLUMN qos_id TEXT;
ALTER TABLE volume_types ADD COLUMN encryption TEXT;
ALTER TABLE volume_types ADD COLUMN updated_at TEXT;
ALTER TABLE volume_types ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

CREATE TABLE volume_type_projects (
    project_id TEXT   NOT NULL,
    type_id    TEXT   NOT NULL,
    PRIMARY KEY (project_id, type_id)
) WITHOUT ROWID;
CREATE INDEX volume_type_projects_of_type ON volume_type_projects (type_id, project_id);

CREATE TABLE default_types (
    project_id TEXT   NOT NULL PRIMARY KEY,
    type_id    TEXT   NOT NULL
) WITHOUT ROWID;

CREATE TABLE qos_specs (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    consumer   TEXT   NOT NULL,
    specs      TEXT   NOT NULL,
    created_at TEXT   NOT NULL,
    updated_at TEXT,
    version    BIGINT NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE qos_specs;
DROP TABLE default_types;
DROP TABLE volume_type_projects;
ALTER TABLE volume_types DROP COLUMN version;
ALTER TABLE volume_types DROP COLUMN updated_at;
ALTER TABLE volume_types DROP COLUMN encryption;
ALTER TABLE volume_types DROP COLUMN qos_id;
