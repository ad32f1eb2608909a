-- Pipelines: definitions by version, runs, their steps, and the secrets webhooks are signed with.

CREATE TABLE pipelines (
    id BLOB PRIMARY KEY NOT NULL,
    -- None: the platform's.
    customer_id BLOB REFERENCES customers (id),
    -- The customer, or the nil UUID for the platform: an identifier is unique within it.
    owner_id BLOB NOT NULL,
    identifier TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    -- Identifier, name and description in lower case, for searching.
    search TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    -- The current version.
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (owner_id, identifier)
) STRICT;
CREATE INDEX pipelines_customer ON pipelines (customer_id, id);
CREATE INDEX pipelines_identifier ON pipelines (identifier);

-- Never changed. The text is what was sent, byte for byte.
CREATE TABLE pipeline_versions (
    pipeline_id BLOB NOT NULL REFERENCES pipelines (id),
    version INTEGER NOT NULL,
    yaml TEXT NOT NULL,
    git_sha TEXT,
    created_at TEXT NOT NULL,
    PRIMARY KEY (pipeline_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE pipeline_runs (
    id BLOB PRIMARY KEY NOT NULL,
    pipeline_id BLOB NOT NULL REFERENCES pipelines (id),
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    cause TEXT NOT NULL,
    scheduled_for TEXT,
    rerun_of BLOB,
    parameters TEXT NOT NULL,
    -- What the version means with these parameters: agents, places and times are settled once, when the run is made.
    graph TEXT NOT NULL,
    -- The same as a dry run shows it.
    plan TEXT NOT NULL,
    error_message TEXT,
    cancel_requested_at TEXT,
    -- When the run has to be looked at again, whatever is heard meanwhile. None when it has ended.
    due_at TEXT,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    started_at TEXT,
    completed_at TEXT
) STRICT;
CREATE INDEX pipeline_runs_pipeline ON pipeline_runs (pipeline_id, id);
CREATE INDEX pipeline_runs_pipeline_status ON pipeline_runs (pipeline_id, status, id);
CREATE INDEX pipeline_runs_status ON pipeline_runs (status, id);
CREATE INDEX pipeline_runs_due ON pipeline_runs (due_at, id) WHERE due_at IS NOT NULL;

CREATE TABLE pipeline_steps (
    run_id BLOB NOT NULL REFERENCES pipeline_runs (id),
    -- Its place in the order of the run.
    position INTEGER NOT NULL,
    step_id TEXT NOT NULL,
    type TEXT NOT NULL,
    agent_id BLOB,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    progress REAL,
    bytes_transferred INTEGER,
    error_message TEXT,
    transfer_id BLOB,
    -- Since when this attempt may begin, or from when on.
    ready_at TEXT,
    -- When this attempt was handed to its agent, or taken by the server that sends it.
    sent_at TEXT,
    -- Which attempt was handed over last.
    sent_attempt INTEGER,
    -- When it was last heard of.
    heard_at TEXT,
    -- Ended by the server, without a word from whoever carries it out.
    ended_unheard INTEGER NOT NULL,
    started_at TEXT,
    completed_at TEXT,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX pipeline_steps_agent ON pipeline_steps (agent_id, run_id) WHERE sent_at IS NOT NULL AND completed_at IS NULL;

-- Encrypted: whoever reads the database alone cannot sign.
CREATE TABLE webhook_secrets (
    -- The customer, or the nil UUID for the platform.
    owner_id BLOB PRIMARY KEY NOT NULL,
    id BLOB NOT NULL,
    customer_id BLOB REFERENCES customers (id),
    prefix TEXT NOT NULL,
    nonce BLOB NOT NULL,
    sealed BLOB NOT NULL,
    created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The step of a run that a directive is about.
ALTER TABLE directives ADD COLUMN pipeline_run_id BLOB;
ALTER TABLE directives ADD COLUMN step_id TEXT;
CREATE INDEX directives_step ON directives (pipeline_run_id, step_id)
    WHERE acknowledged_at IS NULL AND pipeline_run_id IS NOT NULL;
