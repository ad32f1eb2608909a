-- The first schema. Its twin is ../sqlite/20261123000000_init.sql: same tables, same columns.
-- Ids are UUIDv7, whose first 48 bits are the milliseconds of created_at, so ORDER BY id is ORDER BY created_at, id.

CREATE TABLE secrets (
    name TEXT PRIMARY KEY NOT NULL,
    value BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE customers (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    suspended BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE users (
    id UUID PRIMARY KEY NOT NULL,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    customer_id UUID REFERENCES customers (id),
    suspended BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

-- A refresh token names its session and generation and is signed; only the latest generation renews.
CREATE TABLE sessions (
    id UUID PRIMARY KEY NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id),
    generation BIGINT NOT NULL,
    rotated_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE enrolment_codes (
    id UUID PRIMARY KEY NOT NULL,
    customer_id UUID NOT NULL REFERENCES customers (id),
    digest BYTEA NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    expires_at TIMESTAMPTZ,
    max_uses BIGINT,
    uses BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX enrolment_codes_customer ON enrolment_codes (customer_id, id);

CREATE TABLE agents (
    id UUID PRIMARY KEY NOT NULL,
    customer_id UUID NOT NULL REFERENCES customers (id),
    name TEXT,
    hostname TEXT NOT NULL,
    -- Name and host name in lower case, for searching.
    search TEXT COLLATE "C" NOT NULL,
    os TEXT NOT NULL,
    version TEXT,
    status TEXT NOT NULL,
    last_heartbeat TIMESTAMPTZ NOT NULL,
    -- Seconds between heartbeats, as the agent was last told and acknowledged.
    heartbeat_interval BIGINT NOT NULL,
    -- Since when it is offline; its leases count from there.
    offline_since TIMESTAMPTZ,
    ip_address TEXT,
    load DOUBLE PRECISION,
    memory DOUBLE PRECISION,
    revision BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ
) WITH (fillfactor = 80);
CREATE INDEX agents_customer ON agents (customer_id, id);

CREATE TABLE agent_keys (
    digest BYTEA PRIMARY KEY NOT NULL,
    agent_id UUID NOT NULL REFERENCES agents (id),
    prefix TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- Set when a newer key has taken over.
    expires_at TIMESTAMPTZ
);
CREATE INDEX agent_keys_agent ON agent_keys (agent_id);

CREATE TABLE transfers (
    id UUID PRIMARY KEY NOT NULL,
    customer_id UUID NOT NULL REFERENCES customers (id),
    agent_id UUID NOT NULL REFERENCES agents (id),
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    -- File names in lower case, for searching.
    source_name TEXT COLLATE "C" NOT NULL,
    destination_name TEXT COLLATE "C" NOT NULL,
    protocol TEXT NOT NULL,
    direction TEXT NOT NULL,
    status TEXT NOT NULL,
    progress DOUBLE PRECISION NOT NULL,
    bytes_total BIGINT,
    bytes_transferred BIGINT NOT NULL,
    speed DOUBLE PRECISION NOT NULL,
    error_message TEXT,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    job_run_id UUID,
    pipeline_run_id UUID,
    step_id TEXT,
    attempt BIGINT NOT NULL,
    checksum_sha256 TEXT,
    revision BIGINT NOT NULL,
    stalled BOOLEAN NOT NULL,
    progressed_at TIMESTAMPTZ,
    cancel_requested_at TIMESTAMPTZ,
    failed_by_lease BOOLEAN NOT NULL,
    throughput_mbps DOUBLE PRECISION,
    latency_ms DOUBLE PRECISION,
    packet_loss_percent DOUBLE PRECISION
) WITH (fillfactor = 80);
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
    scope_id UUID NOT NULL,
    status TEXT NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (scope_id, status)
);

CREATE TABLE directives (
    id UUID PRIMARY KEY NOT NULL,
    agent_id UUID NOT NULL REFERENCES agents (id),
    type TEXT NOT NULL,
    wish JSONB NOT NULL,
    transfer_id UUID,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    acknowledged_at TIMESTAMPTZ
);
CREATE INDEX directives_agent ON directives (agent_id, id) WHERE acknowledged_at IS NULL;
CREATE INDEX directives_expiry ON directives (expires_at);

-- The number of the last event; updated last in each writing transaction, so numbers are in the order of commits.
CREATE TABLE event_head (
    id BIGINT PRIMARY KEY NOT NULL,
    number BIGINT NOT NULL
);
INSERT INTO event_head (id, number) VALUES (1, 0);

CREATE TABLE events (
    number BIGINT PRIMARY KEY NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    object_id UUID NOT NULL,
    customer_id UUID,
    agent_id UUID,
    object JSONB NOT NULL
);
CREATE INDEX events_at ON events (at);

CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    body_digest BYTEA NOT NULL,
    -- Who is at work on it, and until when that is believed.
    claim UUID NOT NULL,
    claimed_until TIMESTAMPTZ NOT NULL,
    -- The first answer, once there is one.
    answer JSONB,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (caller, operation, key)
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
