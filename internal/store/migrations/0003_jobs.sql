-- What fair and cancellable jobs need, the limits of quota classes, and what an
-- extension under way reserves. Times and flags as in 0001.

-- +goose Up
ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN cancelled BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN step TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN progress BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN spent_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN claimed_at TEXT;
UPDATE jobs SET lane = resource_id;
DROP INDEX jobs_ready;
DROP INDEX jobs_running;
CREATE INDEX jobs_ready ON jobs (project_id, run_at, id) WHERE state = 'ready';
-- Few jobs run at a time: whoever looks for one by its lease looks at all of them.
CREATE INDEX jobs_running ON jobs (lane) WHERE state = 'running';
CREATE INDEX jobs_waiting ON jobs (lane) WHERE state = 'ready';
CREATE INDEX jobs_of_resource ON jobs (resource_id, created_at, id);

ALTER TABLE volumes ADD COLUMN extend_to BIGINT NOT NULL DEFAULT 0;

CREATE TABLE quota_class_limits (
    class      TEXT   NOT NULL,
    resource   TEXT   NOT NULL,
    hard_limit BIGINT NOT NULL,
    PRIMARY KEY (class, resource)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE quota_class_limits;
ALTER TABLE volumes DROP COLUMN extend_to;
DROP INDEX jobs_of_resource;
DROP INDEX jobs_waiting;
DROP INDEX jobs_running;
DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (run_at, id) WHERE state = 'ready';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
ALTER TABLE jobs DROP COLUMN claimed_at;
ALTER TABLE jobs DROP COLUMN spent_ms;
ALTER TABLE jobs DROP COLUMN progress;
ALTER TABLE jobs DROP COLUMN step;
ALTER TABLE jobs DROP COLUMN cancelled;
ALTER TABLE jobs DROP COLUMN lane;
