-- What happened, added up by minute and by hour: for all customers (the nil UUID) and for each customer, and by hour for
-- each agent and each job too. `at` is the start in Unix seconds. Where nothing happened there is no row.
CREATE TABLE series_minutes (
    scope_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    bytes REAL NOT NULL,
    started INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    -- Agents whose heartbeats arrived, summed over the observations.
    agents_online INTEGER NOT NULL,
    observations INTEGER NOT NULL,
    PRIMARY KEY (scope_id, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX series_minutes_at ON series_minutes (at);
CREATE TABLE series_hours (
    scope_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    bytes REAL NOT NULL,
    started INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    agents_online INTEGER NOT NULL,
    observations INTEGER NOT NULL,
    PRIMARY KEY (scope_id, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX series_hours_at ON series_hours (at);

-- The samples of a transfer, and how much of its current attempt the series have counted.
CREATE TABLE transfer_samples (
    transfer_id BLOB PRIMARY KEY NOT NULL,
    attempt INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    stalled INTEGER NOT NULL,
    sampled_at INTEGER NOT NULL,
    samples BLOB NOT NULL
) STRICT;

-- The heartbeats of an agent in one hour, whose start is in Unix seconds. The minutes are removed after a day.
CREATE TABLE agent_history (
    agent_id BLOB NOT NULL,
    hour INTEGER NOT NULL,
    summary BLOB NOT NULL,
    minutes BLOB,
    PRIMARY KEY (agent_id, hour)
) STRICT;
CREATE INDEX agent_history_hour ON agent_history (hour);
CREATE INDEX agent_history_minutes ON agent_history (hour) WHERE minutes IS NOT NULL;

-- How far series and samples are collected. The row is also the lock of the collector.
CREATE TABLE collector (
    id INTEGER PRIMARY KEY NOT NULL,
    -- The last event that was counted.
    event_number INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL,
    observed_minute INTEGER NOT NULL,
    sampled_after BLOB
) STRICT;
INSERT INTO collector (id, event_number, claimed_at, observed_minute) SELECT 1, number, 0, 0 FROM event_head WHERE id = 1;
