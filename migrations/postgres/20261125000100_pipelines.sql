-- Pipelines: definitions by version, runs, their steps, and the secrets webhooks are signed with.

CREATE TABLE pipelines (
    id UUID PRIMARY KEY NOT NULL,
    -- None: the platform's.
    customer_id UUID REFERENCES customers (id),
    -- The customer, or the nil UUID for the platform: an identifier is unique within it.
    owner_id UUID NOT NULL,
    identifier TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    -- Identifier, name and description in lower case, for searching.
    search TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    -- The current version.
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    UNIQUE (owner_id, identifier)
);
CREATE INDEX pipelines_customer ON pipelines (customer_id, id);
CREATE INDEX pipelines_identifier ON pipelines (identifier);

-- Never changed. The text is what was sent, byte for byte.
CREATE TABLE pipeline_versions (
    pipeline_id UUID NOT NULL REFERENCES pipelines (id),
    version BIGINT NOT NULL,
    yaml TEXT NOT NULL,
    git_sha TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (pipeline_id, version)
);

CREATE TABLE pipeline_runs (
    id UUID PRIMARY KEY NOT NULL,
    pipeline_id UUID NOT NULL REFERENCES pipelines (id),
    version BIGINT NOT NULL,
    status TEXT NOT NULL,
    cause TEXT NOT NULL,
    scheduled_for TIMESTAMPTZ,
    rerun_of UUID,
    parameters JSONB NOT NULL,
    -- What the version means with these parameters: agents, places and times are settled once, when the run is made.
    graph JSONB NOT NULL,
    -- The same as a dry run shows it.
    plan JSONB NOT NULL,
    error_message TEXT,
    cancel_requested_at TIMESTAMPTZ,
    -- When the run has to be looked at again, whatever is heard meanwhile. None when it has ended.
    due_at TIMESTAMPTZ,
    revision BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ
);
CREATE INDEX pipeline_runs_pipeline ON pipeline_runs (pipeline_id, id);
CREATE INDEX pipeline_runs_pipeline_status ON pipeline_runs (pipeline_id, status, id);
CREATE INDEX pipeline_runs_status ON pipeline_runs (status, id);
CREATE INDEX pipeline_runs_due ON pipeline_runs (due_at, id) WHERE due_at IS NOT NULL;

CREATE TABLE pipeline_steps (
    run_id UUID NOT NULL REFERENCES pipeline_runs (id),
    -- Its place in the order of the run.
    position BIGINT NOT NULL,
    step_id TEXT NOT NULL,
    type TEXT NOT NULL,
    agent_id UUID,
    status TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    progress DOUBLE PRECISION,
    bytes_transferred BIGINT,
    error_message TEXT,
    transfer_id UUID,
    -- Since when this attempt may begin, or from when on.
    ready_at TIMESTAMPTZ,
    -- When this attempt was handed to its agent, or taken by the server that sends it.
    sent_at TIMESTAMPTZ,
    -- Which attempt was handed over last.
    sent_attempt BIGINT,
    -- When it was last heard of.
    heard_at TIMESTAMPTZ,
    -- Ended by the server, without a word from whoever carries it out.
    ended_unheard BOOLEAN NOT NULL,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    PRIMARY KEY (run_id, position)
);
CREATE INDEX pipeline_steps_agent ON pipeline_steps (agent_id, run_id) WHERE sent_at IS NOT NULL AND completed_at IS NULL;

-- Encrypted: whoever reads the database alone cannot sign.
CREATE TABLE webhook_secrets (
    -- The customer, or the nil UUID for the platform.
    owner_id UUID PRIMARY KEY NOT NULL,
    id UUID NOT NULL,
    customer_id UUID REFERENCES customers (id),
    prefix TEXT NOT NULL,
    nonce BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

-- The step of a run that a directive is about.
ALTER TABLE directives ADD COLUMN pipeline_run_id UUID;
ALTER TABLE directives ADD COLUMN step_id TEXT;
CREATE INDEX directives_step ON directives (pipeline_run_id, step_id)
    WHERE acknowledged_at IS NULL AND pipeline_run_id IS NOT NULL;
