-- What happened, added up by minute and by hour: for all customers (the nil UUID) and for each customer, and by hour for
-- each agent and each job too. `at` is the start in Unix seconds. Where nothing happened there is no row.
CREATE TABLE series_minutes (
    scope_id UUID NOT NULL,
    at BIGINT NOT NULL,
    bytes DOUBLE PRECISION NOT NULL,
    started BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    -- Agents whose heartbeats arrived, summed over the observations.
    agents_online BIGINT NOT NULL,
    observations BIGINT NOT NULL,
    PRIMARY KEY (scope_id, at)
);
CREATE INDEX series_minutes_at ON series_minutes (at);
CREATE TABLE series_hours (
    scope_id UUID NOT NULL,
    at BIGINT NOT NULL,
    bytes DOUBLE PRECISION NOT NULL,
    started BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    agents_online BIGINT NOT NULL,
    observations BIGINT NOT NULL,
    PRIMARY KEY (scope_id, at)
);
CREATE INDEX series_hours_at ON series_hours (at);

-- The samples of a transfer, and how much of its current attempt the series have counted.
CREATE TABLE transfer_samples (
    transfer_id UUID PRIMARY KEY NOT NULL,
    attempt BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    stalled BOOLEAN NOT NULL,
    sampled_at BIGINT NOT NULL,
    samples BYTEA NOT NULL
);

-- The heartbeats of an agent in one hour, whose start is in Unix seconds. The minutes are removed after a day.
CREATE TABLE agent_history (
    agent_id UUID NOT NULL,
    hour BIGINT NOT NULL,
    summary BYTEA NOT NULL,
    minutes BYTEA,
    PRIMARY KEY (agent_id, hour)
);
CREATE INDEX agent_history_hour ON agent_history (hour);
CREATE INDEX agent_history_minutes ON agent_history (hour) WHERE minutes IS NOT NULL;

-- How far series and samples are collected. The row is also the lock of the collector.
CREATE TABLE collector (
    id BIGINT PRIMARY KEY NOT NULL,
    -- The last event that was counted.
    event_number BIGINT NOT NULL,
    claimed_at BIGINT NOT NULL,
    observed_minute BIGINT NOT NULL,
    sampled_after UUID
);
INSERT INTO collector (id, event_number, claimed_at, observed_minute) SELECT 1, number, 0, 0 FROM event_head WHERE id = 1;
