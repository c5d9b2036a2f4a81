-- Several jobs that one call of the native EVS API made, under one id.

-- +goose Up
ALTER TABLE jobs ADD COLUMN batch TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_of_batch ON jobs (batch, created_at, id) WHERE batch <> '';

-- +goose Down
DROP INDEX jobs_of_batch;
ALTER TABLE jobs DROP COLUMN batch;
