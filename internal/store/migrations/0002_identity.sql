-- Who may do what. Times and flags as in 0001. Passwords are argon2id hashes; of a
-- revoked token only its audit id is kept, until it would have expired.

-- +goose Up
CREATE TABLE domains (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL UNIQUE,
    description TEXT   NOT NULL,
    enabled     BIGINT NOT NULL,
    created_at  TEXT   NOT NULL
) WITHOUT ROWID;

CREATE TABLE projects (
    id          TEXT   NOT NULL PRIMARY KEY,
    domain_id   TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    description TEXT   NOT NULL,
    enabled     BIGINT NOT NULL,
    created_at  TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    UNIQUE (domain_id, name)
) WITHOUT ROWID;

CREATE TABLE users (
    id                 TEXT   NOT NULL PRIMARY KEY,
    domain_id          TEXT   NOT NULL,
    name               TEXT   NOT NULL,
    description        TEXT   NOT NULL,
    email              TEXT   NOT NULL,
    default_project_id TEXT   NOT NULL,
    enabled            BIGINT NOT NULL,
    password_hash      TEXT   NOT NULL,
    tokens_after       TEXT,
    created_at         TEXT   NOT NULL,
    version            BIGINT NOT NULL,
    UNIQUE (domain_id, name)
) WITHOUT ROWID;

CREATE TABLE roles (
    id          TEXT NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL
) WITHOUT ROWID;

-- target_kind is project or domain.
CREATE TABLE role_assignments (
    user_id     TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id   TEXT NOT NULL,
    role_id     TEXT NOT NULL,
    PRIMARY KEY (user_id, target_kind, target_id, role_id)
) WITHOUT ROWID;
CREATE INDEX role_assignments_by_target ON role_assignments (target_kind, target_id, user_id, role_id);

CREATE TABLE revoked_tokens (
    audit_id   TEXT NOT NULL PRIMARY KEY,
    expires_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

-- +goose Down
DROP TABLE revoked_tokens;
DROP TABLE role_assignments;
DROP TABLE roles;
DROP TABLE users;
DROP TABLE projects;
DROP TABLE domains;
