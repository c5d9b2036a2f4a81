-- The last verification of each volume. Times, flags and JSON as in 0001; lengths in bytes.

-- +goose Up
CREATE TABLE verifications (
    volume_id    TEXT   NOT NULL PRIMARY KEY,
    id           TEXT   NOT NULL,
    status       TEXT   NOT NULL,
    repair       BIGINT NOT NULL,
    requested_at TEXT   NOT NULL,
    finished_at  TEXT,
    verified     BIGINT NOT NULL,
    unverified   BIGINT NOT NULL,
    findings     TEXT   NOT NULL,
    more         BIGINT NOT NULL,
    error        TEXT   NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE verifications;
