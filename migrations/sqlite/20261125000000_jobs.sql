-- Jobs, when they are due, their runs, and what became of every nominal time ("slot") of a schedule.

CREATE TABLE jobs (
    id BLOB PRIMARY KEY NOT NULL,
    customer_id BLOB NOT NULL REFERENCES customers (id),
    agent_id BLOB NOT NULL REFERENCES agents (id),
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    protocol TEXT NOT NULL,
    direction TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    retry TEXT,
    last_run_at TEXT,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_customer ON jobs (customer_id, id);
CREATE INDEX jobs_agent ON jobs (agent_id, id);

-- When something is due: a job, or whatever else may have a schedule.
CREATE TABLE schedules (
    owner_id BLOB PRIMARY KEY NOT NULL,
    owner_kind TEXT NOT NULL,
    schedule TEXT NOT NULL,
    timezone TEXT NOT NULL,
    overlap TEXT NOT NULL,
    catch_up TEXT NOT NULL,
    -- The first slot that is not decided; none while the owner is not enabled, or after the last slot.
    next_run_at TEXT,
    -- Counts the changes of the rule and the claims. Whoever raises it owns the slots up to the next one.
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX schedules_due ON schedules (owner_kind, next_run_at, owner_id) WHERE next_run_at IS NOT NULL;

-- One row: whoever has it decides about slots, so that no two servers decide at once what may run beside what.
CREATE TABLE scheduler (
    id INTEGER PRIMARY KEY NOT NULL,
    turn INTEGER NOT NULL
) STRICT;
INSERT INTO scheduler (id, turn) VALUES (1, 0);

-- The ledger: one row for each slot, or for a range of slots that were missed.
CREATE TABLE slots (
    -- Begins with the milliseconds of scheduled_for, so ORDER BY id is ORDER BY scheduled_for.
    id BLOB PRIMARY KEY NOT NULL,
    owner_kind TEXT NOT NULL,
    owner_id BLOB NOT NULL,
    -- Of a range, its last slot.
    scheduled_for TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    run_id BLOB,
    -- `queued` while it waits for the run before it, `sent` while its directive waits for the agent.
    pending TEXT,
    range_from TEXT,
    range_count INTEGER,
    decided_at TEXT NOT NULL
) STRICT;
-- A slot has one row. It may have one although it lies in a range: when it was run after all.
CREATE UNIQUE INDEX slots_nominal ON slots (owner_id, scheduled_for) WHERE range_from IS NULL;
CREATE INDEX slots_owner ON slots (owner_id, id);
CREATE INDEX slots_pending ON slots (owner_id, scheduled_for) WHERE pending IS NOT NULL;
CREATE INDEX slots_queued ON slots (owner_kind, owner_id, scheduled_for) WHERE pending = 'queued';
CREATE INDEX slots_age ON slots (scheduled_for);

CREATE TABLE job_runs (
    id BLOB PRIMARY KEY NOT NULL,
    job_id BLOB NOT NULL REFERENCES jobs (id),
    customer_id BLOB NOT NULL,
    agent_id BLOB NOT NULL,
    -- The directive it was started by; never two runs by one.
    directive_id BLOB UNIQUE,
    scheduled_for TEXT,
    status TEXT NOT NULL,
    started_at TEXT NOT NULL,
    completed_at TEXT,
    error_message TEXT,
    bytes_transferred INTEGER,
    attempt INTEGER NOT NULL,
    retry_of BLOB,
    cancel_requested_at TEXT,
    -- When anything was last heard of it.
    heard_at TEXT NOT NULL,
    -- Whether it failed because its agent was silent.
    failed_by_lease INTEGER NOT NULL,
    -- When another attempt is due, until it is asked for or given up.
    retry_at TEXT,
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX job_runs_job ON job_runs (job_id, id);
CREATE INDEX job_runs_job_status ON job_runs (job_id, status, id);
CREATE INDEX job_runs_status ON job_runs (status, id);
CREATE INDEX job_runs_agent ON job_runs (agent_id, id);
CREATE INDEX job_runs_retry ON job_runs (retry_at) WHERE retry_at IS NOT NULL;

-- The transfers of a run.
CREATE INDEX transfers_job_run ON transfers (job_run_id) WHERE job_run_id IS NOT NULL;

-- What a directive is about, beside a transfer.
ALTER TABLE directives ADD COLUMN job_id BLOB;
ALTER TABLE directives ADD COLUMN job_run_id BLOB;
CREATE INDEX directives_job ON directives (job_id, id) WHERE acknowledged_at IS NULL AND job_id IS NOT NULL;
CREATE INDEX directives_job_run ON directives (job_run_id) WHERE job_run_id IS NOT NULL;
-- Starts that nobody fetched in time.
CREATE INDEX directives_lapsed ON directives (expires_at) WHERE acknowledged_at IS NULL AND job_id IS NOT NULL;
