-- The first schema. Its twin is ../postgres/20261123000000_init.sql: same tables, same columns.
-- Ids are UUIDv7, whose first 48 bits are the milliseconds of created_at, so ORDER BY id is ORDER BY created_at, id.

CREATE TABLE secrets (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE customers (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    suspended INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE users (
    id BLOB PRIMARY KEY NOT NULL,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    customer_id BLOB REFERENCES customers (id),
    suspended INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

-- A refresh token names its session and generation and is signed; only the latest generation renews.
CREATE TABLE sessions (
    id BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    generation INTEGER NOT NULL,
    rotated_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at TEXT
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE enrolment_codes (
    id BLOB PRIMARY KEY NOT NULL,
    customer_id BLOB NOT NULL REFERENCES customers (id),
    digest BLOB NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    expires_at TEXT,
    max_uses INTEGER,
    uses INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX enrolment_codes_customer ON enrolment_codes (customer_id, id);

CREATE TABLE agents (
    id BLOB PRIMARY KEY NOT NULL,
    customer_id BLOB NOT NULL REFERENCES customers (id),
    name TEXT,
    hostname TEXT NOT NULL,
    -- Name and host name in lower case, for searching.
    search TEXT NOT NULL,
    os TEXT NOT NULL,
    version TEXT,
    status TEXT NOT NULL,
    last_heartbeat TEXT NOT NULL,
    -- Seconds between heartbeats, as the agent was last told and acknowledged.
    heartbeat_interval INTEGER NOT NULL,
    -- Since when it is offline; its leases count from there.
    offline_since TEXT,
    ip_address TEXT,
    load REAL,
    memory REAL,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    revoked_at TEXT
) STRICT;
CREATE INDEX agents_customer ON agents (customer_id, id);

CREATE TABLE agent_keys (
    digest BLOB PRIMARY KEY NOT NULL,
    agent_id BLOB NOT NULL REFERENCES agents (id),
    prefix TEXT NOT NULL,
    created_at TEXT NOT NULL,
    -- Set when a newer key has taken over.
    expires_at TEXT
) STRICT;
CREATE INDEX agent_keys_agent ON agent_keys (agent_id);

CREATE TABLE transfers (
    id BLOB PRIMARY KEY NOT NULL,
    customer_id BLOB NOT NULL REFERENCES customers (id),
    agent_id BLOB NOT NULL REFERENCES agents (id),
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    -- File names in lower case, for searching.
    source_name TEXT NOT NULL,
    destination_name TEXT NOT NULL,
    protocol TEXT NOT NULL,
    direction TEXT NOT NULL,
    status TEXT NOT NULL,
    progress REAL NOT NULL,
    bytes_total INTEGER,
    bytes_transferred INTEGER NOT NULL,
    speed REAL NOT NULL,
    error_message TEXT,
    started_at TEXT,
    completed_at TEXT,
    created_at TEXT NOT NULL,
    job_run_id BLOB,
    pipeline_run_id BLOB,
    step_id TEXT,
    attempt INTEGER NOT NULL,
    checksum_sha256 TEXT,
    revision INTEGER NOT NULL,
    stalled INTEGER NOT NULL,
    progressed_at TEXT,
    cancel_requested_at TEXT,
    failed_by_lease INTEGER NOT NULL,
    throughput_mbps REAL,
    latency_ms REAL,
    packet_loss_percent REAL
) STRICT;
-- One per combination of the published filters, so that a page at any depth is found in the index alone.
CREATE INDEX transfers_customer ON transfers (customer_id, id);
CREATE INDEX transfers_customer_status ON transfers (customer_id, status, id);
CREATE INDEX transfers_agent ON transfers (agent_id, id);
CREATE INDEX transfers_agent_status ON transfers (agent_id, status, id);
CREATE INDEX transfers_status ON transfers (status, id);
-- Holds every column the additive filters ask about: whatever they are, one walk along it answers.
CREATE INDEX transfers_facets ON transfers
    (id, customer_id, agent_id, status, protocol, direction, source_name, destination_name);

-- How many transfers there are by status, per customer, per agent, and in all (the nil UUID).
CREATE TABLE transfer_counts (
    scope_id BLOB NOT NULL,
    status TEXT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (scope_id, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE directives (
    id BLOB PRIMARY KEY NOT NULL,
    agent_id BLOB NOT NULL REFERENCES agents (id),
    type TEXT NOT NULL,
    wish TEXT NOT NULL,
    transfer_id BLOB,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    acknowledged_at TEXT
) STRICT;
CREATE INDEX directives_agent ON directives (agent_id, id) WHERE acknowledged_at IS NULL;
CREATE INDEX directives_expiry ON directives (expires_at);

-- The number of the last event; updated last in each writing transaction, so numbers are in the order of commits.
CREATE TABLE event_head (
    id INTEGER PRIMARY KEY NOT NULL,
    number INTEGER NOT NULL
) STRICT;
INSERT INTO event_head (id, number) VALUES (1, 0);

CREATE TABLE events (
    number INTEGER PRIMARY KEY NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    object_id BLOB NOT NULL,
    customer_id BLOB,
    agent_id BLOB,
    object TEXT NOT NULL
) STRICT;
CREATE INDEX events_at ON events (at);

CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    body_digest BLOB NOT NULL,
    -- Who is at work on it, and until when that is believed.
    claim BLOB NOT NULL,
    claimed_until TEXT NOT NULL,
    -- The first answer, once there is one.
    answer TEXT,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (caller, operation, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
