-- Images, and what volumes keep of the image they were made from. Times, flags and
-- JSON as in 0001; size is in bytes, min_disk in GiB, min_ram in MiB. An image's
-- bytes are a volume of the driver that has the image's id.

-- +goose Up
CREATE TABLE images (
    id               TEXT   NOT NULL PRIMARY KEY,
    project_id       TEXT   NOT NULL,
    user_id          TEXT   NOT NULL,
    name             TEXT,
    status           TEXT   NOT NULL,
    visibility       TEXT   NOT NULL,
    protected        BIGINT NOT NULL,
    hidden           BIGINT NOT NULL,
    disk_format      TEXT,
    container_format TEXT,
    min_disk         BIGINT NOT NULL,
    min_ram          BIGINT NOT NULL,
    size             BIGINT NOT NULL,
    checksum         TEXT,
    hash             TEXT,
    tags             TEXT   NOT NULL,
    metadata         TEXT   NOT NULL,
    volume_id        TEXT,
    upload_id        TEXT,
    upload_until     TEXT,
    created_at       TEXT   NOT NULL,
    updated_at       TEXT,
    version          BIGINT NOT NULL
);
CREATE INDEX images_of_project ON images (project_id, created_at DESC, id DESC);
CREATE INDEX images_by_age ON images (created_at, id);

ALTER TABLE volumes ADD COLUMN image_id TEXT;
ALTER TABLE volumes ADD COLUMN image_metadata TEXT NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE volumes DROP COLUMN image_metadata;
ALTER TABLE volumes DROP COLUMN image_id;
DROP TABLE images;
