-- Recent failures, counted for the figures of the fleet.
CREATE INDEX transfers_failed ON transfers (completed_at, customer_id) WHERE status = 'failed';
-- The log of one customer.
CREATE INDEX events_customer ON events (customer_id, number);
-- The number of the last event that was thrown away: whoever has read no further has missed something.
ALTER TABLE event_head ADD COLUMN purged BIGINT NOT NULL DEFAULT 0;
