-- What lists of transfers are sorted by, beside completed_at; null sorts last. Triggers write these columns, so that
-- reports of progress, which change none of them, write to no index. On PostgreSQL they are generated columns.
ALTER TABLE transfers ADD COLUMN sort_size INTEGER;
-- Milliseconds from the start of the first attempt to the end.
ALTER TABLE transfers ADD COLUMN sort_duration INTEGER;
-- Average bytes per second of a completed transfer.
ALTER TABLE transfers ADD COLUMN sort_speed REAL;

UPDATE transfers SET
    sort_size = bytes_total,
    sort_duration = CASE
        WHEN completed_at > started_at
            THEN CAST(ROUND((julianday(completed_at) - julianday(started_at)) * 86400000.0) AS INTEGER)
        WHEN completed_at <= started_at THEN 0
    END;
UPDATE transfers SET sort_speed = bytes_transferred * 1000.0 / MAX(sort_duration, 1)
    WHERE status = 'completed' AND sort_duration >= 0;

CREATE TRIGGER transfers_sorting_created AFTER INSERT ON transfers WHEN NEW.bytes_total >= 0
BEGIN
    UPDATE transfers SET sort_size = NEW.bytes_total WHERE id = NEW.id;
END;

CREATE TRIGGER transfers_sorting_size AFTER UPDATE OF bytes_total ON transfers
WHEN NEW.bytes_total IS NOT OLD.bytes_total
BEGIN
    UPDATE transfers SET sort_size = NEW.bytes_total WHERE id = NEW.id;
END;

CREATE TRIGGER transfers_sorting_ended AFTER UPDATE OF status, completed_at ON transfers
WHEN NEW.completed_at IS NOT OLD.completed_at OR NEW.status = 'completed'
BEGIN
    UPDATE transfers SET
        sort_duration = CASE
            WHEN completed_at > started_at
                THEN CAST(ROUND((julianday(completed_at) - julianday(started_at)) * 86400000.0) AS INTEGER)
            WHEN completed_at <= started_at THEN 0
        END,
        sort_speed = NULL
        WHERE id = NEW.id;
    UPDATE transfers SET sort_speed = bytes_transferred * 1000.0 / MAX(sort_duration, 1)
        WHERE id = NEW.id AND status = 'completed' AND sort_duration >= 0;
END;

-- Each holds the columns of the published filters too, so that a page is found in the index alone.
CREATE INDEX transfers_completed ON transfers (completed_at, id, customer_id, agent_id, status);
CREATE INDEX transfers_size ON transfers (sort_size, id, customer_id, agent_id, status);
CREATE INDEX transfers_duration ON transfers (sort_duration, id, customer_id, agent_id, status);
CREATE INDEX transfers_speed ON transfers (sort_speed, id, customer_id, agent_id, status);
-- Few transfers are stalled at any time.
CREATE INDEX transfers_stalled ON transfers (id) WHERE stalled;
