-- What lists of transfers are sorted by, beside completed_at; null sorts last. On SQLite triggers write these columns.
ALTER TABLE transfers
    ADD COLUMN sort_size BIGINT GENERATED ALWAYS AS (bytes_total) STORED,
    -- Milliseconds from the start of the first attempt to the end.
    ADD COLUMN sort_duration BIGINT GENERATED ALWAYS AS (
        CASE
            WHEN completed_at > started_at
                THEN CAST(ROUND(EXTRACT(EPOCH FROM completed_at - started_at) * 1000) AS BIGINT)
            WHEN completed_at <= started_at THEN 0
        END
    ) STORED,
    -- Average bytes per second of a completed transfer.
    ADD COLUMN sort_speed DOUBLE PRECISION GENERATED ALWAYS AS (
        CASE
            WHEN status = 'completed' AND completed_at > started_at
                THEN CAST(bytes_transferred AS DOUBLE PRECISION) * 1000
                    / GREATEST(1, CAST(ROUND(EXTRACT(EPOCH FROM completed_at - started_at) * 1000) AS BIGINT))
            WHEN status = 'completed' AND completed_at <= started_at
                THEN CAST(bytes_transferred AS DOUBLE PRECISION) * 1000
        END
    ) STORED;

-- Each holds the columns of the published filters too, so that a page is found in the index alone.
CREATE INDEX transfers_completed ON transfers (completed_at, id, customer_id, agent_id, status);
CREATE INDEX transfers_size ON transfers (sort_size, id, customer_id, agent_id, status);
CREATE INDEX transfers_duration ON transfers (sort_duration, id, customer_id, agent_id, status);
CREATE INDEX transfers_speed ON transfers (sort_speed, id, customer_id, agent_id, status);
-- Few transfers are stalled at any time.
CREATE INDEX transfers_stalled ON transfers (id) WHERE stalled;
