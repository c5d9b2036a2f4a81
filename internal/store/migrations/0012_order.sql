-- The order of jobs within their lane: two may be made in one microsecond, and the
-- clock may go back. Older jobs keep the order of their age.

-- +goose Up
ALTER TABLE jobs ADD COLUMN lane_order BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE jobs DROP COLUMN lane_order;
