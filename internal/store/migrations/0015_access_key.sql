-- Keys that sign requests. Secrets are sealed and not hashed: an HMAC cannot be
-- checked against a hash. Times and flags as in 0001.

-- +goose Up
CREATE TABLE access_keys (
    id           TEXT   NOT NULL PRIMARY KEY,
    user_id      TEXT   NOT NULL,
    secret       TEXT   NOT NULL,
    description  TEXT   NOT NULL,
    enabled      BIGINT NOT NULL,
    created_at   TEXT   NOT NULL,
    last_used_at TEXT,
    version      BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_keys_of_user ON access_keys (user_id, id);

-- +goose Down
DROP TABLE access_keys;
