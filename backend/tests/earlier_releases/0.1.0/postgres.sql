--
-- PostgreSQL database dump
--


-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: mftplus_frozen; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA mftplus_frozen;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: _sqlx_migrations; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);


--
-- Name: agent_keys; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.agent_keys (
    digest bytea NOT NULL,
    agent_id uuid NOT NULL,
    prefix text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone
);


--
-- Name: agents; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.agents (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    name text,
    hostname text NOT NULL,
    search text NOT NULL COLLATE pg_catalog."C",
    os text NOT NULL,
    version text,
    status text NOT NULL,
    last_heartbeat timestamp with time zone NOT NULL,
    heartbeat_interval bigint NOT NULL,
    offline_since timestamp with time zone,
    ip_address text,
    load double precision,
    memory double precision,
    revision bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone
)
WITH (fillfactor='80');


--
-- Name: customers; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.customers (
    id uuid NOT NULL,
    name text NOT NULL,
    suspended boolean NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: directives; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.directives (
    id uuid NOT NULL,
    agent_id uuid NOT NULL,
    type text NOT NULL,
    wish jsonb NOT NULL,
    transfer_id uuid,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    acknowledged_at timestamp with time zone,
    job_id uuid,
    job_run_id uuid,
    pipeline_run_id uuid,
    step_id text
);


--
-- Name: enrolment_codes; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.enrolment_codes (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    digest bytea NOT NULL,
    prefix text NOT NULL,
    expires_at timestamp with time zone,
    max_uses bigint,
    uses bigint NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: event_head; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.event_head (
    id bigint NOT NULL,
    number bigint NOT NULL,
    purged bigint DEFAULT 0 NOT NULL
);


--
-- Name: events; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.events (
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    object_id uuid NOT NULL,
    customer_id uuid,
    agent_id uuid,
    object jsonb NOT NULL
);


--
-- Name: idempotency; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.idempotency (
    caller text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    body_digest bytea NOT NULL,
    claim uuid NOT NULL,
    claimed_until timestamp with time zone NOT NULL,
    answer jsonb,
    expires_at timestamp with time zone NOT NULL
);


--
-- Name: job_runs; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.job_runs (
    id uuid NOT NULL,
    job_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    directive_id uuid,
    scheduled_for timestamp with time zone,
    status text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    error_message text,
    bytes_transferred bigint,
    attempt bigint NOT NULL,
    retry_of uuid,
    cancel_requested_at timestamp with time zone,
    heard_at timestamp with time zone NOT NULL,
    failed_by_lease boolean NOT NULL,
    retry_at timestamp with time zone,
    revision bigint NOT NULL
);


--
-- Name: jobs; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.jobs (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    name text NOT NULL,
    source text NOT NULL,
    destination text NOT NULL,
    protocol text NOT NULL,
    direction text NOT NULL,
    enabled boolean NOT NULL,
    retry jsonb,
    last_run_at timestamp with time zone,
    revision bigint NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: pipeline_runs; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.pipeline_runs (
    id uuid NOT NULL,
    pipeline_id uuid NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    cause text NOT NULL,
    scheduled_for timestamp with time zone,
    rerun_of uuid,
    parameters jsonb NOT NULL,
    graph jsonb NOT NULL,
    plan jsonb NOT NULL,
    error_message text,
    cancel_requested_at timestamp with time zone,
    due_at timestamp with time zone,
    revision bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone
);


--
-- Name: pipeline_steps; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.pipeline_steps (
    run_id uuid NOT NULL,
    "position" bigint NOT NULL,
    step_id text NOT NULL,
    type text NOT NULL,
    agent_id uuid,
    status text NOT NULL,
    attempt bigint NOT NULL,
    progress double precision,
    bytes_transferred bigint,
    error_message text,
    transfer_id uuid,
    ready_at timestamp with time zone,
    sent_at timestamp with time zone,
    sent_attempt bigint,
    heard_at timestamp with time zone,
    ended_unheard boolean NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone
);


--
-- Name: pipeline_versions; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.pipeline_versions (
    pipeline_id uuid NOT NULL,
    version bigint NOT NULL,
    yaml text NOT NULL,
    git_sha text,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: pipelines; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.pipelines (
    id uuid NOT NULL,
    customer_id uuid,
    owner_id uuid NOT NULL,
    identifier text NOT NULL,
    name text NOT NULL,
    description text,
    search text NOT NULL,
    enabled boolean NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);


--
-- Name: scheduler; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.scheduler (
    id bigint NOT NULL,
    turn bigint NOT NULL
);


--
-- Name: schedules; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.schedules (
    owner_id uuid NOT NULL,
    owner_kind text NOT NULL,
    schedule text NOT NULL,
    timezone text NOT NULL,
    overlap text NOT NULL,
    catch_up text NOT NULL,
    next_run_at timestamp with time zone,
    version bigint NOT NULL
);


--
-- Name: secrets; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.secrets (
    name text NOT NULL,
    value bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: sessions; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    generation bigint NOT NULL,
    rotated_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);


--
-- Name: slots; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.slots (
    id uuid NOT NULL,
    owner_kind text NOT NULL,
    owner_id uuid NOT NULL,
    scheduled_for timestamp with time zone NOT NULL,
    outcome text NOT NULL,
    reason text,
    run_id uuid,
    pending text,
    range_from timestamp with time zone,
    range_count bigint,
    decided_at timestamp with time zone NOT NULL
);


--
-- Name: transfer_counts; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.transfer_counts (
    scope_id uuid NOT NULL,
    status text NOT NULL,
    total bigint NOT NULL
);


--
-- Name: transfers; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.transfers (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    source text NOT NULL,
    destination text NOT NULL,
    source_name text NOT NULL COLLATE pg_catalog."C",
    destination_name text NOT NULL COLLATE pg_catalog."C",
    protocol text NOT NULL,
    direction text NOT NULL,
    status text NOT NULL,
    progress double precision NOT NULL,
    bytes_total bigint,
    bytes_transferred bigint NOT NULL,
    speed double precision NOT NULL,
    error_message text,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    job_run_id uuid,
    pipeline_run_id uuid,
    step_id text,
    attempt bigint NOT NULL,
    checksum_sha256 text,
    revision bigint NOT NULL,
    stalled boolean NOT NULL,
    progressed_at timestamp with time zone,
    cancel_requested_at timestamp with time zone,
    failed_by_lease boolean NOT NULL,
    throughput_mbps double precision,
    latency_ms double precision,
    packet_loss_percent double precision
)
WITH (fillfactor='80');


--
-- Name: users; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.users (
    id uuid NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    customer_id uuid,
    suspended boolean NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: webhook_secrets; Type: TABLE; Schema: mftplus_frozen; Owner: -
--

CREATE TABLE mftplus_frozen.webhook_secrets (
    owner_id uuid NOT NULL,
    id uuid NOT NULL,
    customer_id uuid,
    prefix text NOT NULL,
    nonce bytea NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Data for Name: _sqlx_migrations; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen._sqlx_migrations VALUES (20261123000000, 'init', '2026-11-29 04:51:54.875821+00', true, '\x0cfa89e7dd73b10b75ff8aae87dd5c1de584f4eedf511e82d5a46b17cb869ee378375bc64d79c122c13a4d4d137d1d42', 513952412);
INSERT INTO mftplus_frozen._sqlx_migrations VALUES (20261124000000, 'live', '2026-11-29 04:51:55.41049+00', true, '\xce78700efaa38f09694f51e9fbcd2856dbd585bb24c4cccb4f7efc77e64ba1d2a3c55bc7a55d52eeb16b5bdb3b4a15bf', 89317187);
INSERT INTO mftplus_frozen._sqlx_migrations VALUES (20261125000000, 'jobs', '2026-11-29 04:51:55.50111+00', true, '\xda61510195f228bd326758adb42dfe8e5ccb55e1d942f7f92d5413f375e62dab4dfb24f62e09a4b5d41176d40c45df94', 288020696);
INSERT INTO mftplus_frozen._sqlx_migrations VALUES (20261125000100, 'pipelines', '2026-11-29 04:51:55.794709+00', true, '\x3b6d60653ec9c7cd00414e2219bafe0f82519302fbb522e8e0a8242be984dc36e28695ffdd284fe961cc4722f54324a2', 253098658);


--
-- Data for Name: agent_keys; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.agent_keys VALUES ('\xe9f45352c62ed6e6dde595d1e1b74cf01e113b14956c9b88c4c4786b980dcd1b', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'mft_ak_VsaBN', '2026-04-25 13:00:00+00', NULL);
INSERT INTO mftplus_frozen.agent_keys VALUES ('\x809ad1f8f108a73bccdb7d970269e36e0c873918ea022aa88b0c1516c52617f7', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'mft_ak_0KCCH', '2026-04-25 13:00:00+00', NULL);
INSERT INTO mftplus_frozen.agent_keys VALUES ('\xbbf7598d1bbd30d6a8d2e93782faf407228b96f0df241e52630e4206a8da59ac', '019dc4ba-a6e0-7000-84a6-a4afa0517db2', 'mft_ak_tuYSy', '2026-04-25 13:01:00+00', NULL);
INSERT INTO mftplus_frozen.agent_keys VALUES ('\x9417be67fba9c700ee71368627126dc959dbe467c141892261bd64fcff0f7dfa', '019dc4b9-bc80-7000-8bb0-8e596a84771c', 'mft_ak_ZFdux', '2026-04-25 13:00:00+00', '2026-04-26 13:01:00+00');
INSERT INTO mftplus_frozen.agent_keys VALUES ('\x6e8f510bda16125a4335e6537f764ca88c4e5280c6c87f22b41e3ea681235b60', '019dc4b9-bc80-7000-8bb0-8e596a84771c', 'mft_ak_sXhcL', '2026-04-25 13:01:00+00', NULL);


--
-- Data for Name: agents; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.agents VALUES ('019dc4b9-bc80-7000-8bb0-8e596a84771c', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, 'edge-3', '
edge-3', 'linux', NULL, 'online', '2026-04-25 13:00:00+00', 30, NULL, NULL, NULL, NULL, 1, '2026-04-25 13:00:00+00', NULL);
INSERT INTO mftplus_frozen.agents VALUES ('019dc4ba-a6e0-7000-84a6-a4afa0517db2', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, 'gone', '
gone', 'linux', NULL, 'offline', '2026-04-25 13:01:00+00', 30, '2026-04-25 13:01:00+00', NULL, NULL, NULL, 2, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.agents VALUES ('019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, 'edge-2', '
edge-2', 'linux', NULL, 'online', '2026-04-25 13:07:00+00', 30, NULL, '127.0.0.1', NULL, NULL, 3, '2026-04-25 13:00:00+00', NULL);
INSERT INTO mftplus_frozen.agents VALUES ('019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, 'edge-1', '
edge-1', 'linux', NULL, 'online', '2026-04-25 15:14:00+00', 30, NULL, '127.0.0.1', 0.5, 64, 4, '2026-04-25 13:00:00+00', NULL);


--
-- Data for Name: customers; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.customers VALUES ('019dc4b9-bc80-7000-83db-74e403ec7470', 'Acme Logistics', false, '2026-04-25 13:00:00+00');


--
-- Data for Name: directives; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.directives VALUES ('019dc4ba-a6e0-7000-8b57-5d0eeaaa5d48', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'runStep', '{"type": "runStep", "payload": {"step": {"id": "copy", "type": "transfer", "source": "/a", "verify": "sha256", "attempt": 1, "protocol": "local", "direction": "push", "destination": "/b"}, "runId": "019dc4ba-a6e0-7000-8a6d-4344b1eecfca", "pipelineId": "019dc4ba-a6e0-7000-8945-ccc2a105967c"}}', NULL, '2026-04-25 13:01:00+00', '2026-04-26 13:01:00+00', '2026-04-25 13:01:00+00', NULL, NULL, '019dc4ba-a6e0-7000-8a6d-4344b1eecfca', 'copy');
INSERT INTO mftplus_frozen.directives VALUES ('019dc4ba-a6e0-7000-8d7b-905ddc60989c', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'runStep', '{"type": "runStep", "payload": {"step": {"id": "transfer", "type": "transfer", "source": "/a", "verify": "sha256", "attempt": 1, "protocol": "local", "direction": "push", "destination": "/b"}, "runId": "019dc4ba-a6e0-7000-8c6f-54121e58061a", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812"}}', NULL, '2026-04-25 13:01:00+00', '2026-04-26 13:01:00+00', '2026-04-25 13:07:00+00', NULL, NULL, '019dc4ba-a6e0-7000-8c6f-54121e58061a', 'transfer');
INSERT INTO mftplus_frozen.directives VALUES ('019dc4c0-2520-7000-80b6-dd81337e1ce2', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'cancelStep', '{"type": "cancelStep", "payload": {"runId": "019dc4ba-a6e0-7000-8c6f-54121e58061a", "stepId": "transfer", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812"}}', NULL, '2026-04-25 13:07:00+00', '2026-04-26 13:07:00+00', NULL, NULL, NULL, '019dc4ba-a6e0-7000-8c6f-54121e58061a', 'transfer');
INSERT INTO mftplus_frozen.directives VALUES ('019dc4c0-2520-7000-82f3-9ee547a28ec2', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'runStep', '{"type": "runStep", "payload": {"step": {"id": "transfer", "type": "transfer", "source": "/a", "verify": "sha256", "attempt": 1, "protocol": "local", "direction": "push", "destination": "/b"}, "runId": "019dc4c0-2520-7000-8150-31d2cd0164f0", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812"}}', NULL, '2026-04-25 13:07:00+00', '2026-04-26 13:07:00+00', '2026-04-25 13:07:00+00', NULL, NULL, '019dc4c0-2520-7000-8150-31d2cd0164f0', 'transfer');
INSERT INTO mftplus_frozen.directives VALUES ('019dc4c0-2520-7000-8327-5f722c0dbb7c', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'cancelStep', '{"type": "cancelStep", "payload": {"runId": "019dc4c0-2520-7000-8150-31d2cd0164f0", "stepId": "transfer", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812"}}', NULL, '2026-04-25 13:07:00+00', '2026-04-26 13:07:00+00', NULL, NULL, NULL, '019dc4c0-2520-7000-8150-31d2cd0164f0', 'transfer');
INSERT INTO mftplus_frozen.directives VALUES ('019dc4c0-2520-7000-8530-5e0fea93f768', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'runStep', '{"type": "runStep", "payload": {"step": {"id": "sum", "path": "/data/out/report.csv", "type": "checksum", "attempt": 1, "expected": "3f786850e387550fdab836ed7e6dc881de23001b0a1b2c3d4e5f60718293a4b5"}, "runId": "019dc4c0-2520-7000-843a-9040dcddbaca", "pipelineId": "019dc4ba-a6e0-7000-8747-876bdf184100"}}', NULL, '2026-04-25 13:07:00+00', '2026-04-26 13:07:00+00', '2026-04-25 13:07:00+00', NULL, NULL, '019dc4c0-2520-7000-843a-9040dcddbaca', 'sum');
INSERT INTO mftplus_frozen.directives VALUES ('019dc4c0-2520-7000-86cf-07ea62ceb2fa', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'runStep', '{"type": "runStep", "payload": {"step": {"id": "pack", "path": "/data/out/report.csv", "type": "compress", "format": "zstd", "output": "/data/out/report-2026-01-01.csv.zst", "attempt": 1, "timeoutSeconds": 600}, "runId": "019dc4c0-2520-7000-843a-9040dcddbaca", "pipelineId": "019dc4ba-a6e0-7000-8747-876bdf184100"}}', NULL, '2026-04-25 13:07:00+00', '2026-04-26 13:07:00+00', '2026-04-25 13:07:00+00', NULL, NULL, '019dc4c0-2520-7000-843a-9040dcddbaca', 'pack');
INSERT INTO mftplus_frozen.directives VALUES ('019dc4f7-13a0-7000-8080-04e4ea223fb2', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'startJob', '{"type": "startJob", "payload": {"job": {"id": "019dc4c0-2520-7000-8883-06360c65aff2", "name": "Hourly copy", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 3, "initialDelay": "30s"}, "source": "/out/", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "catchUp": "all", "enabled": true, "overlap": "queue", "protocol": "local", "revision": 3, "schedule": "0 * * * *", "timezone": "Europe/Berlin", "createdAt": "2026-04-25T13:07:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T15:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}, "attempt": 1, "retryOf": null, "scheduledFor": "2026-04-25T14:00:00Z"}}', NULL, '2026-04-25 14:07:00+00', '2026-04-26 14:07:00+00', '2026-04-25 14:07:00+00', '019dc4c0-2520-7000-8883-06360c65aff2', NULL, NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc52e-0220-7000-8061-5c023964251c', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'startJob', '{"type": "startJob", "payload": {"job": {"id": "019dc4c0-2520-7000-8883-06360c65aff2", "name": "Hourly copy", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 3, "initialDelay": "30s"}, "source": "/out/", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "catchUp": "all", "enabled": true, "overlap": "queue", "protocol": "local", "revision": 5, "schedule": "0 * * * *", "timezone": "Europe/Berlin", "createdAt": "2026-04-25T13:07:00Z", "direction": "pull", "lastRunAt": "2026-04-25T14:07:00Z", "nextRunAt": "2026-04-25T16:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}, "attempt": 1, "retryOf": null, "scheduledFor": "2026-04-25T15:00:00Z"}}', NULL, '2026-04-25 15:07:00+00', '2026-04-26 15:07:00+00', '2026-04-25 15:07:00+00', '019dc4c0-2520-7000-8883-06360c65aff2', NULL, NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc52e-ec80-7000-80b4-b39e02c08dbc', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'startJob', '{"type": "startJob", "payload": {"job": {"id": "019dc4c0-2520-7000-8883-06360c65aff2", "name": "Hourly copy", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 3, "initialDelay": "30s"}, "source": "/out/", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "catchUp": "all", "enabled": true, "overlap": "queue", "protocol": "local", "revision": 6, "schedule": "0 * * * *", "timezone": "Europe/Berlin", "createdAt": "2026-04-25T13:07:00Z", "direction": "pull", "lastRunAt": "2026-04-25T15:07:00Z", "nextRunAt": "2026-04-25T16:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}, "attempt": 2, "retryOf": "019dc52e-0220-7000-8094-fb7313bffe42", "scheduledFor": "2026-04-25T15:00:00Z"}}', NULL, '2026-04-25 15:08:00+00', '2026-04-26 15:08:00+00', '2026-04-25 15:08:00+00', '019dc4c0-2520-7000-8883-06360c65aff2', NULL, NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc534-6ac0-7000-802a-45bb5ca6b088', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'cancelJobRun', '{"type": "cancelJobRun", "payload": {"runId": "019dc52e-ec80-7000-8168-8a702f2fb4ca"}}', NULL, '2026-04-25 15:14:00+00', '2026-04-26 15:14:00+00', '2026-04-25 15:14:00+00', NULL, '019dc52e-ec80-7000-8168-8a702f2fb4ca', NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc534-6ac0-7000-81b1-0e57234aeada', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'startJob', '{"type": "startJob", "payload": {"job": {"id": "019dc4c0-2520-7000-8883-06360c65aff2", "name": "Hourly copy", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 3, "initialDelay": "30s"}, "source": "/out/", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "catchUp": "all", "enabled": true, "overlap": "queue", "protocol": "local", "revision": 7, "schedule": "0 * * * *", "timezone": "Europe/Berlin", "createdAt": "2026-04-25T13:07:00Z", "direction": "pull", "lastRunAt": "2026-04-25T15:08:00Z", "nextRunAt": "2026-04-25T16:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}, "attempt": 1, "retryOf": null, "scheduledFor": null}}', NULL, '2026-04-25 15:14:00+00', '2026-04-26 15:14:00+00', '2026-04-25 15:14:00+00', '019dc4c0-2520-7000-8883-06360c65aff2', NULL, NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc5d9-3640-7000-8057-a29fe41430f0', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'cancelJobRun', '{"type": "cancelJobRun", "payload": {"runId": "019dc534-6ac0-7000-821e-45b0f3bb455c"}}', NULL, '2026-04-25 18:14:00+00', '2026-04-26 18:14:00+00', NULL, NULL, '019dc534-6ac0-7000-821e-45b0f3bb455c', NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc61c-f600-7000-83ec-a8f09cf9bf4a', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'retryTransfer', '{"type": "retryTransfer", "payload": {"attempt": 2, "transferId": "019dc619-4c80-7000-857e-b3bf8ab7c1da"}}', '019dc619-4c80-7000-857e-b3bf8ab7c1da', '2026-04-25 19:28:00+00', '2026-04-26 19:28:00+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc61c-f9e8-7000-81cf-ab63c1cb701a', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'runStep', '{"type": "runStep", "payload": {"step": {"id": "sum", "path": "/data/out/report.csv", "type": "checksum", "attempt": 1, "expected": "3f786850e387550fdab836ed7e6dc881de23001b0a1b2c3d4e5f60718293a4b5"}, "runId": "019dc61c-f9e8-7000-8012-414b30954bc8", "pipelineId": "019dc4ba-a6e0-7000-8747-876bdf184100"}}', NULL, '2026-04-25 19:28:01+00', '2026-04-26 19:28:01+00', NULL, NULL, NULL, '019dc61c-f9e8-7000-8012-414b30954bc8', 'sum');
INSERT INTO mftplus_frozen.directives VALUES ('019dc5dd-ca20-7000-8010-df7609c32c8a', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'startJob', '{"type": "startJob", "payload": {"job": {"id": "019dc5d9-3640-7000-81a5-570d9871ba02", "name": "Skipping", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8", "catchUp": "last", "enabled": true, "overlap": "skip", "protocol": "local", "revision": 2, "schedule": "*/5 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T18:14:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T18:20:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}, "attempt": 1, "retryOf": null, "scheduledFor": "2026-04-25T18:15:00Z"}}', NULL, '2026-04-25 18:19:00+00', '2026-04-26 18:19:00+00', '2026-04-25 18:24:00+00', '019dc5d9-3640-7000-81a5-570d9871ba02', NULL, NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc61c-f600-7000-8203-b89481d3657c', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'cancelTransfer', '{"type": "cancelTransfer", "payload": {"transferId": "019dc61c-f600-7000-8128-a63432e15a92"}}', '019dc61c-f600-7000-8128-a63432e15a92', '2026-04-25 19:28:00+00', '2026-04-26 19:28:00+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc61c-f9e8-7000-8373-f1a0ca2d04e2', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'startJob', '{"type": "startJob", "payload": {"job": {"id": "019dc61c-f9e8-7000-82a4-815006b5ca9c", "name": "Asked for", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8", "catchUp": "last", "enabled": true, "overlap": "skip", "protocol": "local", "revision": 1, "schedule": "0 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T19:28:01Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T20:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}, "attempt": 1, "retryOf": null, "scheduledFor": null}}', NULL, '2026-04-25 19:28:01+00', '2026-04-26 19:28:01+00', NULL, '019dc61c-f9e8-7000-82a4-815006b5ca9c', NULL, NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc619-4c80-7000-8061-26f27d1ad5ba', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'startJob', '{"type": "startJob", "payload": {"job": {"id": "019dc5e2-5e00-7000-800f-9ba247b5f9ba", "name": "Late", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8", "catchUp": "last", "enabled": true, "overlap": "skip", "protocol": "local", "revision": 2, "schedule": "*/10 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T18:24:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T19:30:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}, "attempt": 1, "retryOf": null, "scheduledFor": "2026-04-25T19:20:00Z"}}', NULL, '2026-04-25 19:24:00+00', '2026-04-26 19:24:00+00', '2026-04-25 19:24:00+00', '019dc5e2-5e00-7000-800f-9ba247b5f9ba', NULL, NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('00000000-0000-0000-0000-000000000007', '019dc4b9-bc80-7000-8bb0-8e596a84771c', 'setHeartbeatInterval', '{"type": "setHeartbeatInterval", "payload": {"seconds": 10}}', NULL, '2026-04-25 19:28:01+00', '2026-04-26 19:28:01+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO mftplus_frozen.directives VALUES ('019dc61c-f9e8-7000-845b-c75db8ee93f0', '019dc4b9-bc80-7000-8bb0-8e596a84771c', 'rotateKey', '{"type": "rotateKey", "payload": {}}', NULL, '2026-04-25 19:28:01+00', '2026-04-26 19:28:01+00', NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: enrolment_codes; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.enrolment_codes VALUES ('019dc4b9-bc80-7000-861a-1de1a9ca0592', '019dc4b9-bc80-7000-83db-74e403ec7470', '\xa221dfdbcbdf70e5582e33e360382d62d0cd939e84e0edae10244c55be248e2d', 'mft_ec_Q5JbF', NULL, NULL, 1, '2026-04-25 13:00:00+00');
INSERT INTO mftplus_frozen.enrolment_codes VALUES ('019dc4b9-bc80-7000-880d-e25f6f59b74a', '019dc4b9-bc80-7000-83db-74e403ec7470', '\x68888cd5779db91c696a0a3eba7a32011bbeac6768f87d3298d38d5ff0e16cc4', 'mft_ec_govNo', NULL, NULL, 1, '2026-04-25 13:00:00+00');
INSERT INTO mftplus_frozen.enrolment_codes VALUES ('019dc4b9-bc80-7000-8ad8-5ff2997fd37a', '019dc4b9-bc80-7000-83db-74e403ec7470', '\xe323a8dee63653ac80362a30f37827e4a70652b0b38e787383d0c2d149059b40', 'mft_ec_C9FSJ', NULL, NULL, 1, '2026-04-25 13:00:00+00');
INSERT INTO mftplus_frozen.enrolment_codes VALUES ('019dc4ba-a6e0-7000-8174-30817f445f08', '019dc4b9-bc80-7000-83db-74e403ec7470', '\xbed38f136a642d0c63bcb83711501ff27f59ebd374d74ff6c7c10f180826acb3', 'mft_ec_khe25', '2027-01-01 00:00:00+00', 5, 0, '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.enrolment_codes VALUES ('019dc4ba-a6e0-7000-8330-22fe957b77dc', '019dc4b9-bc80-7000-83db-74e403ec7470', '\x65036bc92fd22ef09bee3628c6b7448689c5c0b7105a746fb033ce0a2c28380c', 'mft_ec_AHSBZ', NULL, NULL, 1, '2026-04-25 13:01:00+00');


--
-- Data for Name: event_head; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.event_head VALUES (1, 130, 0);


--
-- Data for Name: events; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.events VALUES (1, '2026-04-25 13:00:00+00', 'userCreated', 'system', '019dc4b9-bc80-7000-814e-c487cdee2a1c', NULL, NULL, '{"type": "user", "view": {"id": "019dc4b9-bc80-7000-814e-c487cdee2a1c", "role": "admin", "email": "root@example.com", "createdAt": "2026-04-25T13:00:00Z", "suspended": false, "customerId": null}}');
INSERT INTO mftplus_frozen.events VALUES (2, '2026-04-25 13:00:00+00', 'signedIn', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4b9-bc80-7000-814e-c487cdee2a1c', NULL, NULL, '{"type": "user", "view": {"id": "019dc4b9-bc80-7000-814e-c487cdee2a1c", "role": "admin", "email": "root@example.com", "createdAt": "2026-04-25T13:00:00Z", "suspended": false, "customerId": null}}');
INSERT INTO mftplus_frozen.events VALUES (3, '2026-04-25 13:00:00+00', 'customerCreated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "customer", "view": {"id": "019dc4b9-bc80-7000-83db-74e403ec7470", "name": "Acme", "createdAt": "2026-04-25T13:00:00Z", "suspended": false}}');
INSERT INTO mftplus_frozen.events VALUES (4, '2026-04-25 13:00:00+00', 'userCreated', 'system', '019dc4b9-bc80-7000-841d-6dfa4393d80a', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "user", "view": {"id": "019dc4b9-bc80-7000-841d-6dfa4393d80a", "role": "customer", "email": "somebody@example.com", "createdAt": "2026-04-25T13:00:00Z", "suspended": false, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470"}}');
INSERT INTO mftplus_frozen.events VALUES (5, '2026-04-25 13:00:00+00', 'signedIn', 'user:019dc4b9-bc80-7000-841d-6dfa4393d80a', '019dc4b9-bc80-7000-841d-6dfa4393d80a', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "user", "view": {"id": "019dc4b9-bc80-7000-841d-6dfa4393d80a", "role": "customer", "email": "somebody@example.com", "createdAt": "2026-04-25T13:00:00Z", "suspended": false, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470"}}');
INSERT INTO mftplus_frozen.events VALUES (6, '2026-04-25 13:00:00+00', 'enrolmentCodeCreated', 'system', '019dc4b9-bc80-7000-861a-1de1a9ca0592', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "enrolmentCode", "view": {"id": "019dc4b9-bc80-7000-861a-1de1a9ca0592", "code": "mft_ec_Q5JbF…", "uses": 0, "maxUses": null, "expiresAt": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470"}}');
INSERT INTO mftplus_frozen.events VALUES (7, '2026-04-25 13:00:00+00', 'agentRegistered', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "agent", "view": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "os": "linux", "load": null, "name": null, "memory": null, "status": "online", "version": null, "hostname": "edge-1", "revision": 1, "createdAt": "2026-04-25T13:00:00Z", "ipAddress": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T13:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (8, '2026-04-25 13:00:00+00', 'enrolmentCodeCreated', 'system', '019dc4b9-bc80-7000-880d-e25f6f59b74a', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "enrolmentCode", "view": {"id": "019dc4b9-bc80-7000-880d-e25f6f59b74a", "code": "mft_ec_govNo…", "uses": 0, "maxUses": null, "expiresAt": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470"}}');
INSERT INTO mftplus_frozen.events VALUES (9, '2026-04-25 13:00:00+00', 'agentRegistered', 'agent:019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', '{"type": "agent", "view": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "os": "linux", "load": null, "name": null, "memory": null, "status": "online", "version": null, "hostname": "edge-2", "revision": 1, "createdAt": "2026-04-25T13:00:00Z", "ipAddress": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T13:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (10, '2026-04-25 13:00:00+00', 'enrolmentCodeCreated', 'system', '019dc4b9-bc80-7000-8ad8-5ff2997fd37a', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "enrolmentCode", "view": {"id": "019dc4b9-bc80-7000-8ad8-5ff2997fd37a", "code": "mft_ec_C9FSJ…", "uses": 0, "maxUses": null, "expiresAt": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470"}}');
INSERT INTO mftplus_frozen.events VALUES (11, '2026-04-25 13:00:00+00', 'agentRegistered', 'agent:019dc4b9-bc80-7000-8bb0-8e596a84771c', '019dc4b9-bc80-7000-8bb0-8e596a84771c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8bb0-8e596a84771c', '{"type": "agent", "view": {"id": "019dc4b9-bc80-7000-8bb0-8e596a84771c", "os": "linux", "load": null, "name": null, "memory": null, "status": "online", "version": null, "hostname": "edge-3", "revision": 1, "createdAt": "2026-04-25T13:00:00Z", "ipAddress": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T13:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (12, '2026-04-25 13:00:00+00', 'customerUpdated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "customer", "view": {"id": "019dc4b9-bc80-7000-83db-74e403ec7470", "name": "Acme Logistics", "createdAt": "2026-04-25T13:00:00Z", "suspended": false}}');
INSERT INTO mftplus_frozen.events VALUES (13, '2026-04-25 13:00:00+00', 'userCreated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4b9-bc80-7000-8c03-5852b123315a', NULL, NULL, '{"type": "user", "view": {"id": "019dc4b9-bc80-7000-8c03-5852b123315a", "role": "admin", "email": "former@example.com", "createdAt": "2026-04-25T13:00:00Z", "suspended": false, "customerId": null}}');
INSERT INTO mftplus_frozen.events VALUES (14, '2026-04-25 13:00:00+00', 'signedIn', 'user:019dc4b9-bc80-7000-8c03-5852b123315a', '019dc4b9-bc80-7000-8c03-5852b123315a', NULL, NULL, '{"type": "user", "view": {"id": "019dc4b9-bc80-7000-8c03-5852b123315a", "role": "admin", "email": "former@example.com", "createdAt": "2026-04-25T13:00:00Z", "suspended": false, "customerId": null}}');
INSERT INTO mftplus_frozen.events VALUES (15, '2026-04-25 13:01:00+00', 'sessionEndedForReuse', 'system', '019dc4b9-bc80-7000-8c03-5852b123315a', NULL, NULL, '{"type": "user", "view": {"id": "019dc4b9-bc80-7000-8c03-5852b123315a", "role": "admin", "email": "former@example.com", "createdAt": "2026-04-25T13:00:00Z", "suspended": false, "customerId": null}}');
INSERT INTO mftplus_frozen.events VALUES (16, '2026-04-25 13:01:00+00', 'signedIn', 'user:019dc4b9-bc80-7000-8c03-5852b123315a', '019dc4b9-bc80-7000-8c03-5852b123315a', NULL, NULL, '{"type": "user", "view": {"id": "019dc4b9-bc80-7000-8c03-5852b123315a", "role": "admin", "email": "former@example.com", "createdAt": "2026-04-25T13:00:00Z", "suspended": false, "customerId": null}}');
INSERT INTO mftplus_frozen.events VALUES (17, '2026-04-25 13:01:00+00', 'signedOut', 'user:019dc4b9-bc80-7000-8c03-5852b123315a', '019dc4b9-bc80-7000-8c03-5852b123315a', NULL, NULL, '{"type": "user", "view": {"id": "019dc4b9-bc80-7000-8c03-5852b123315a", "role": "admin", "email": "former@example.com", "createdAt": "2026-04-25T13:00:00Z", "suspended": false, "customerId": null}}');
INSERT INTO mftplus_frozen.events VALUES (18, '2026-04-25 13:01:00+00', 'userUpdated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4b9-bc80-7000-8c03-5852b123315a', NULL, NULL, '{"type": "user", "view": {"id": "019dc4b9-bc80-7000-8c03-5852b123315a", "role": "admin", "email": "former@example.com", "createdAt": "2026-04-25T13:00:00Z", "suspended": true, "customerId": null}}');
INSERT INTO mftplus_frozen.events VALUES (19, '2026-04-25 13:01:00+00', 'enrolmentCodeCreated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4ba-a6e0-7000-8174-30817f445f08', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "enrolmentCode", "view": {"id": "019dc4ba-a6e0-7000-8174-30817f445f08", "code": "mft_ec_khe25…", "uses": 0, "maxUses": 5, "expiresAt": "2027-01-01T00:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470"}}');
INSERT INTO mftplus_frozen.events VALUES (20, '2026-04-25 13:01:00+00', 'enrolmentCodeCreated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4ba-a6e0-7000-82ab-4b8143653382', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "enrolmentCode", "view": {"id": "019dc4ba-a6e0-7000-82ab-4b8143653382", "code": "mft_ec_YIWy8…", "uses": 0, "maxUses": null, "expiresAt": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470"}}');
INSERT INTO mftplus_frozen.events VALUES (21, '2026-04-25 13:01:00+00', 'enrolmentCodeDeleted', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4ba-a6e0-7000-82ab-4b8143653382', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "enrolmentCode", "view": {"id": "019dc4ba-a6e0-7000-82ab-4b8143653382", "code": "mft_ec_YIWy8…", "uses": 0, "maxUses": null, "expiresAt": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470"}}');
INSERT INTO mftplus_frozen.events VALUES (22, '2026-04-25 13:01:00+00', 'enrolmentCodeCreated', 'system', '019dc4ba-a6e0-7000-8330-22fe957b77dc', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "enrolmentCode", "view": {"id": "019dc4ba-a6e0-7000-8330-22fe957b77dc", "code": "mft_ec_AHSBZ…", "uses": 0, "maxUses": null, "expiresAt": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470"}}');
INSERT INTO mftplus_frozen.events VALUES (23, '2026-04-25 13:01:00+00', 'agentRegistered', 'agent:019dc4ba-a6e0-7000-84a6-a4afa0517db2', '019dc4ba-a6e0-7000-84a6-a4afa0517db2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4ba-a6e0-7000-84a6-a4afa0517db2', '{"type": "agent", "view": {"id": "019dc4ba-a6e0-7000-84a6-a4afa0517db2", "os": "linux", "load": null, "name": null, "memory": null, "status": "online", "version": null, "hostname": "gone", "revision": 1, "createdAt": "2026-04-25T13:01:00Z", "ipAddress": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T13:01:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (25, '2026-04-25 13:01:00+00', 'agentKeyRotated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4b9-bc80-7000-8bb0-8e596a84771c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8bb0-8e596a84771c', '{"type": "agent", "view": {"id": "019dc4b9-bc80-7000-8bb0-8e596a84771c", "os": "linux", "load": null, "name": null, "memory": null, "status": "online", "version": null, "hostname": "edge-3", "revision": 1, "createdAt": "2026-04-25T13:00:00Z", "ipAddress": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T13:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (30, '2026-04-25 13:01:00+00', 'pipelineCreated', 'user:019dc4b9-bc80-7000-841d-6dfa4393d80a', '019dc4ba-a6e0-7000-8747-876bdf184100', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "pipeline", "view": {"id": "019dc4ba-a6e0-7000-8747-876bdf184100", "name": "A pipeline", "yaml": "version: 1\nsource: /data/out/report.csv\ndestination:\n  protocol: ftps\n  host: ${{ params.host }}\n  path: /inbox/\n  credentials: partner\nagent: edge-1\nschedule: \"@daily\"\noverlap: queue\ncatchUp: all\ntimeout: 1d\nretry: { maxAttempts: 2 }\nparameters:\n  host: files.example.com\n  stamp: 2026-01-01\n  count: 3\n  strict: true\nsteps:\n  - id: sum\n    type: checksum\n    path: /data/out/report.csv\n    expected: \"3f786850e387550fdab836ed7e6dc881de23001b0a1b2c3d4e5f60718293a4b5\"\n  - id: pack\n    type: compress\n    needs: [sum]\n    path: /data/out/report.csv\n    output: /data/out/report-${{ params.stamp }}.csv.zst\n    format: zstd\n    retry: { maxAttempts: 5, initialDelay: 0s, factor: 1.5, maxDelay: 10m }\n    timeout: 10m\n  - id: send\n    type: transfer\n    needs: [pack]\n    source: /data/out/report-${{ params.stamp }}.csv.zst\n    verify: none\n  - id: unpack\n    type: decompress\n    needs: [send]\n    agent: edge-2\n    path: /inbox/report.csv.zst\n    output: /inbox/report.csv\n  - id: keep\n    type: rename\n    needs: [send]\n    from: /data/out/report.csv\n    to: /data/old/report-${{ params.stamp }}.csv\n  - id: tidy\n    type: delete\n    needs: [keep, unpack]\n    path: /data/out/report-${{ params.stamp }}.csv.zst\n  - id: alarm\n    type: webhook\n    needs: [tidy]\n    when: failure\n    url: https://example.com/hooks/mft\n    body: |\n      {\"text\": \"report ${{ params.stamp }} failed\",\n       \"count\": ${{ params.count }}}\n", "enabled": true, "version": 1, "versions": [{"gitSha": null, "version": 1, "createdAt": "2026-04-25T13:01:00Z"}], "createdAt": "2026-04-25T13:01:00Z", "nextRunAt": "2026-04-26T00:00:00Z", "updatedAt": "2026-04-25T13:01:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "identifier": "every-step", "description": "What it does"}}');
INSERT INTO mftplus_frozen.events VALUES (36, '2026-04-25 13:01:00+00', 'pipelineRunStatusChanged', 'agent:019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4ba-a6e0-7000-8a6d-4344b1eecfca', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4ba-a6e0-7000-8a6d-4344b1eecfca", "steps": [{"id": "copy", "type": "transfer", "status": "running", "attempt": 1, "progress": 50.0, "startedAt": "2026-04-25T13:01:00Z", "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": 512}, {"id": "tell", "type": "webhook", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 2, "revision": 2, "startedAt": "2026-04-25T13:01:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8945-ccc2a105967c", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (38, '2026-04-25 13:01:00+00', 'pipelineRunStatusChanged', 'system', '019dc4ba-a6e0-7000-8a6d-4344b1eecfca', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4ba-a6e0-7000-8a6d-4344b1eecfca", "steps": [{"id": "copy", "type": "transfer", "status": "completed", "attempt": 1, "progress": 100.0, "startedAt": "2026-04-25T13:01:00Z", "transferId": null, "completedAt": "2026-04-25T13:01:00Z", "errorMessage": null, "bytesTransferred": 512}, {"id": "tell", "type": "webhook", "status": "running", "attempt": 1, "progress": null, "startedAt": "2026-04-25T13:01:00Z", "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 2, "revision": 4, "startedAt": "2026-04-25T13:01:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8945-ccc2a105967c", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (40, '2026-04-25 13:01:00+00', 'pipelineRunCreated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4ba-a6e0-7000-8c6f-54121e58061a', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4ba-a6e0-7000-8c6f-54121e58061a", "steps": [{"id": "transfer", "type": "transfer", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 1, "startedAt": "2026-04-25T13:01:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (43, '2026-04-25 13:07:00+00', 'pipelineStepReportedLate', 'agent:019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4ba-a6e0-7000-8c6f-54121e58061a', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4ba-a6e0-7000-8c6f-54121e58061a", "steps": [{"id": "transfer", "type": "transfer", "status": "failed", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": "2026-04-25T13:07:00Z", "errorMessage": "the agent was offline for longer than 5m", "bytesTransferred": null}], "status": "failed", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 2, "startedAt": "2026-04-25T13:01:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "completedAt": "2026-04-25T13:07:00Z", "errorMessage": "step `transfer` failed: the agent was offline for longer than 5m", "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (47, '2026-04-25 13:07:00+00', 'pipelineRunCancelRequested', 'user:00000000-0000-0000-0000-000000000000', '019dc4c0-2520-7000-8150-31d2cd0164f0', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4c0-2520-7000-8150-31d2cd0164f0", "steps": [{"id": "transfer", "type": "transfer", "status": "running", "attempt": 1, "progress": null, "startedAt": "2026-04-25T13:07:00Z", "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 3, "startedAt": "2026-04-25T13:07:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "completedAt": null, "errorMessage": null, "cancelRequestedAt": "2026-04-25T13:07:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (50, '2026-04-25 13:07:00+00', 'pipelineRunStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4c0-2520-7000-843a-9040dcddbaca', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4c0-2520-7000-843a-9040dcddbaca", "steps": [{"id": "sum", "type": "checksum", "status": "completed", "attempt": 1, "progress": 100.0, "startedAt": "2026-04-25T13:07:00Z", "transferId": null, "completedAt": "2026-04-25T13:07:00Z", "errorMessage": null, "bytesTransferred": null}, {"id": "pack", "type": "compress", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "send", "type": "transfer", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "unpack", "type": "decompress", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "keep", "type": "rename", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "tidy", "type": "delete", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "alarm", "type": "webhook", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 3, "startedAt": "2026-04-25T13:07:00Z", "parameters": {"host": "files.example.com", "count": "3", "stamp": "2026-01-01", "strict": "true"}, "pipelineId": "019dc4ba-a6e0-7000-8747-876bdf184100", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (82, '2026-04-25 18:14:00+00', 'jobSlotDecided', 'system', '019dc595-7680-7000-8084-49bda7d2f540', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc595-7680-7000-8084-49bda7d2f540", "to": null, "from": null, "count": null, "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "runId": null, "reason": "waits for an earlier run to end", "outcome": "ran", "scheduledFor": "2026-04-25T17:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (24, '2026-04-25 13:01:00+00', 'agentRevoked', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4ba-a6e0-7000-84a6-a4afa0517db2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4ba-a6e0-7000-84a6-a4afa0517db2', '{"type": "agent", "view": {"id": "019dc4ba-a6e0-7000-84a6-a4afa0517db2", "os": "linux", "load": null, "name": null, "memory": null, "status": "offline", "version": null, "hostname": "gone", "revision": 2, "createdAt": "2026-04-25T13:01:00Z", "ipAddress": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T13:01:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (26, '2026-04-25 13:01:00+00', 'agentStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "agent", "view": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "os": "linux", "load": 0.5, "name": null, "memory": 64.0, "status": "busy", "version": null, "hostname": "edge-1", "revision": 2, "createdAt": "2026-04-25T13:00:00Z", "ipAddress": "127.0.0.1", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T13:01:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (27, '2026-04-25 13:01:00+00', 'webhookSecretRotated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4ba-a6e0-7000-85be-a88fcf23b1dc', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "webhookSecret", "view": {"id": "019dc4ba-a6e0-7000-85be-a88fcf23b1dc", "secret": "mft_wh_DwvQK…", "createdAt": "2026-04-25T13:01:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470"}}');
INSERT INTO mftplus_frozen.events VALUES (28, '2026-04-25 13:01:00+00', 'pipelineCreated', 'user:019dc4b9-bc80-7000-841d-6dfa4393d80a', '019dc4ba-a6e0-7000-86b4-1d270d4d4d12', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "pipeline", "view": {"id": "019dc4ba-a6e0-7000-86b4-1d270d4d4d12", "name": "A pipeline", "yaml": "source: /a\ndestination: /b\nagent: edge-2\n", "enabled": true, "version": 1, "versions": [{"gitSha": null, "version": 1, "createdAt": "2026-04-25T13:01:00Z"}], "createdAt": "2026-04-25T13:01:00Z", "nextRunAt": null, "updatedAt": "2026-04-25T13:01:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "identifier": "gone", "description": "What it does"}}');
INSERT INTO mftplus_frozen.events VALUES (29, '2026-04-25 13:01:00+00', 'pipelineDeleted', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4ba-a6e0-7000-86b4-1d270d4d4d12', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "pipeline", "view": {"id": "019dc4ba-a6e0-7000-86b4-1d270d4d4d12", "name": "A pipeline", "yaml": "source: /a\ndestination: /b\nagent: edge-2\n", "enabled": true, "version": 1, "versions": [{"gitSha": null, "version": 1, "createdAt": "2026-04-25T13:01:00Z"}], "createdAt": "2026-04-25T13:01:00Z", "nextRunAt": null, "updatedAt": "2026-04-25T13:01:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "identifier": "gone", "description": "What it does"}}');
INSERT INTO mftplus_frozen.events VALUES (31, '2026-04-25 13:01:00+00', 'pipelineCreated', 'user:019dc4b9-bc80-7000-841d-6dfa4393d80a', '019dc4ba-a6e0-7000-8809-edeeb792d812', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "pipeline", "view": {"id": "019dc4ba-a6e0-7000-8809-edeeb792d812", "name": "A pipeline", "yaml": "source: /a\ndestination: /b\nagent: edge-2\nschedule: \"*/30 * * * *\"\n", "enabled": true, "version": 1, "versions": [{"gitSha": null, "version": 1, "createdAt": "2026-04-25T13:01:00Z"}], "createdAt": "2026-04-25T13:01:00Z", "nextRunAt": "2026-04-25T13:30:00Z", "updatedAt": "2026-04-25T13:01:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "identifier": "small", "description": "What it does"}}');
INSERT INTO mftplus_frozen.events VALUES (32, '2026-04-25 13:01:00+00', 'pipelineCreated', 'user:019dc4b9-bc80-7000-841d-6dfa4393d80a', '019dc4ba-a6e0-7000-8945-ccc2a105967c', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "pipeline", "view": {"id": "019dc4ba-a6e0-7000-8945-ccc2a105967c", "name": "A pipeline", "yaml": "source: /a\ndestination: /b\nagent: edge-2\nsteps:\n  - { id: copy, type: transfer }\n  - { id: tell, type: webhook, needs: [copy], url: \"http://127.0.0.1:44175/hook\" }\n", "enabled": true, "version": 1, "versions": [{"gitSha": null, "version": 1, "createdAt": "2026-04-25T13:01:00Z"}], "createdAt": "2026-04-25T13:01:00Z", "nextRunAt": null, "updatedAt": "2026-04-25T13:01:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "identifier": "told", "description": "What it does"}}');
INSERT INTO mftplus_frozen.events VALUES (33, '2026-04-25 13:01:00+00', 'pipelineUpdated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4ba-a6e0-7000-8945-ccc2a105967c', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "pipeline", "view": {"id": "019dc4ba-a6e0-7000-8945-ccc2a105967c", "name": "A pipeline", "yaml": "source: /a\ndestination: /b\nagent: edge-2\nsteps:\n  - { id: copy, type: transfer }\n  - { id: tell, type: webhook, needs: [copy], url: \"http://127.0.0.1:44175/hook\" }\n", "enabled": true, "version": 2, "versions": [{"gitSha": "3f78685", "version": 2, "createdAt": "2026-04-25T13:01:00Z"}], "createdAt": "2026-04-25T13:01:00Z", "nextRunAt": null, "updatedAt": "2026-04-25T13:01:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "identifier": "told", "description": "What it does"}}');
INSERT INTO mftplus_frozen.events VALUES (34, '2026-04-25 13:01:00+00', 'pipelineUpdated', 'user:00000000-0000-0000-0000-000000000000', '019dc4ba-a6e0-7000-8945-ccc2a105967c', '019dc4b9-bc80-7000-83db-74e403ec7470', NULL, '{"type": "pipeline", "view": {"id": "019dc4ba-a6e0-7000-8945-ccc2a105967c", "name": "Told", "yaml": "source: /a\ndestination: /b\nagent: edge-2\nsteps:\n  - { id: copy, type: transfer }\n  - { id: tell, type: webhook, needs: [copy], url: \"http://127.0.0.1:44175/hook\" }\n", "enabled": true, "version": 2, "versions": [{"gitSha": "3f78685", "version": 2, "createdAt": "2026-04-25T13:01:00Z"}], "createdAt": "2026-04-25T13:01:00Z", "nextRunAt": null, "updatedAt": "2026-04-25T13:01:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "identifier": "told", "description": "What it does"}}');
INSERT INTO mftplus_frozen.events VALUES (35, '2026-04-25 13:01:00+00', 'pipelineRunCreated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4ba-a6e0-7000-8a6d-4344b1eecfca', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4ba-a6e0-7000-8a6d-4344b1eecfca", "steps": [{"id": "copy", "type": "transfer", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "tell", "type": "webhook", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 2, "revision": 1, "startedAt": "2026-04-25T13:01:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8945-ccc2a105967c", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (37, '2026-04-25 13:01:00+00', 'pipelineRunStatusChanged', 'agent:019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4ba-a6e0-7000-8a6d-4344b1eecfca', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4ba-a6e0-7000-8a6d-4344b1eecfca", "steps": [{"id": "copy", "type": "transfer", "status": "completed", "attempt": 1, "progress": 100.0, "startedAt": "2026-04-25T13:01:00Z", "transferId": null, "completedAt": "2026-04-25T13:01:00Z", "errorMessage": null, "bytesTransferred": 512}, {"id": "tell", "type": "webhook", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 2, "revision": 3, "startedAt": "2026-04-25T13:01:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8945-ccc2a105967c", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (83, '2026-04-25 18:14:00+00', 'jobSlotDecided', 'system', '019dc5cc-6500-7000-803b-ec7c5629ce92', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc5cc-6500-7000-803b-ec7c5629ce92", "to": null, "from": null, "count": null, "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "runId": null, "reason": "waits for an earlier run to end", "outcome": "ran", "scheduledFor": "2026-04-25T18:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (39, '2026-04-25 13:01:00+00', 'pipelineRunStatusChanged', 'system', '019dc4ba-a6e0-7000-8a6d-4344b1eecfca', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4ba-a6e0-7000-8a6d-4344b1eecfca", "steps": [{"id": "copy", "type": "transfer", "status": "completed", "attempt": 1, "progress": 100.0, "startedAt": "2026-04-25T13:01:00Z", "transferId": null, "completedAt": "2026-04-25T13:01:00Z", "errorMessage": null, "bytesTransferred": 512}, {"id": "tell", "type": "webhook", "status": "completed", "attempt": 1, "progress": 100.0, "startedAt": "2026-04-25T13:01:00Z", "transferId": null, "completedAt": "2026-04-25T13:01:00Z", "errorMessage": null, "bytesTransferred": null}], "status": "completed", "rerunOf": null, "trigger": "manual", "version": 2, "revision": 5, "startedAt": "2026-04-25T13:01:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8945-ccc2a105967c", "completedAt": "2026-04-25T13:01:00Z", "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (46, '2026-04-25 13:07:00+00', 'pipelineRunStatusChanged', 'agent:019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4c0-2520-7000-8150-31d2cd0164f0', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4c0-2520-7000-8150-31d2cd0164f0", "steps": [{"id": "transfer", "type": "transfer", "status": "running", "attempt": 1, "progress": null, "startedAt": "2026-04-25T13:07:00Z", "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 2, "startedAt": "2026-04-25T13:07:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (49, '2026-04-25 13:07:00+00', 'pipelineRunStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4c0-2520-7000-843a-9040dcddbaca', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4c0-2520-7000-843a-9040dcddbaca", "steps": [{"id": "sum", "type": "checksum", "status": "running", "attempt": 1, "progress": 10.0, "startedAt": "2026-04-25T13:07:00Z", "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "pack", "type": "compress", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "send", "type": "transfer", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "unpack", "type": "decompress", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "keep", "type": "rename", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "tidy", "type": "delete", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "alarm", "type": "webhook", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 2, "startedAt": "2026-04-25T13:07:00Z", "parameters": {"host": "files.example.com", "count": "3", "stamp": "2026-01-01", "strict": "true"}, "pipelineId": "019dc4ba-a6e0-7000-8747-876bdf184100", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (52, '2026-04-25 13:07:00+00', 'jobCreated', 'system', '019dc4c0-2520-7000-87ae-61475394275c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "job", "view": {"id": "019dc4c0-2520-7000-87ae-61475394275c", "name": "Gone", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "catchUp": "last", "enabled": true, "overlap": "skip", "protocol": "local", "revision": 1, "schedule": "0 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T13:07:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T14:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (55, '2026-04-25 13:07:00+00', 'jobUpdated', 'user:00000000-0000-0000-0000-000000000000', '019dc4c0-2520-7000-8883-06360c65aff2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "job", "view": {"id": "019dc4c0-2520-7000-8883-06360c65aff2", "name": "Hourly copy", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 3, "initialDelay": "30s"}, "source": "/out/", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "catchUp": "all", "enabled": true, "overlap": "queue", "protocol": "local", "revision": 2, "schedule": "0 * * * *", "timezone": "Europe/Berlin", "createdAt": "2026-04-25T13:07:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T14:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (63, '2026-04-25 14:07:00+00', 'jobRunStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4f7-13a0-7000-80db-46cf7ab073a8', NULL, NULL, '{"type": "jobRun", "view": {"id": "019dc4f7-13a0-7000-80db-46cf7ab073a8", "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "status": "completed", "attempt": 1, "retryOf": null, "revision": 3, "startedAt": "2026-04-25T14:07:00Z", "completedAt": "2026-04-25T14:07:00Z", "errorMessage": null, "scheduledFor": "2026-04-25T14:00:00Z", "bytesTransferred": 9, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (64, '2026-04-25 15:07:00+00', 'jobSlotDecided', 'system', '019dc527-9980-7000-8098-b67bb5f6bb7a', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc527-9980-7000-8098-b67bb5f6bb7a", "to": null, "from": null, "count": null, "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "runId": null, "reason": "waits for the agent to start it", "outcome": "ran", "scheduledFor": "2026-04-25T15:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (66, '2026-04-25 15:07:00+00', 'pipelineSlotDecided', 'system', '019dc50c-2240-7000-803e-8683fa42be62', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc50c-2240-7000-803e-8683fa42be62", "to": null, "from": null, "count": null, "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T14:30:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (67, '2026-04-25 15:07:00+00', 'pipelineSlotDecided', 'system', '019dc527-9980-7000-80ff-8ff6119dc770', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc527-9980-7000-80ff-8ff6119dc770", "to": null, "from": null, "count": null, "runId": null, "reason": "an earlier run was still at work", "outcome": "skipped", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T15:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (68, '2026-04-25 15:07:00+00', 'jobRunStarted', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc52e-0220-7000-8094-fb7313bffe42', NULL, NULL, '{"type": "jobRun", "view": {"id": "019dc52e-0220-7000-8094-fb7313bffe42", "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "status": "running", "attempt": 1, "retryOf": null, "revision": 1, "startedAt": "2026-04-25T15:07:00Z", "completedAt": null, "errorMessage": null, "scheduledFor": "2026-04-25T15:00:00Z", "bytesTransferred": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (91, '2026-04-25 18:14:00+00', 'jobRunCancelRequested', 'user:00000000-0000-0000-0000-000000000000', '019dc534-6ac0-7000-821e-45b0f3bb455c', NULL, NULL, '{"type": "jobRun", "view": {"id": "019dc534-6ac0-7000-821e-45b0f3bb455c", "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "status": "running", "attempt": 1, "retryOf": null, "revision": 2, "startedAt": "2026-04-25T15:14:00Z", "completedAt": null, "errorMessage": null, "scheduledFor": null, "bytesTransferred": null, "cancelRequestedAt": "2026-04-25T18:14:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (93, '2026-04-25 18:19:00+00', 'jobSlotDecided', 'system', '019dc5da-20a0-7000-80e2-031ec61f4ebc', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc5da-20a0-7000-80e2-031ec61f4ebc", "to": null, "from": null, "count": null, "jobId": "019dc5d9-3640-7000-81a5-570d9871ba02", "runId": null, "reason": "waits for the agent to start it", "outcome": "ran", "scheduledFor": "2026-04-25T18:15:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (41, '2026-04-25 13:01:00+00', 'agentStatusChanged', 'agent:019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', '{"type": "agent", "view": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "os": "linux", "load": null, "name": null, "memory": null, "status": "offline", "version": null, "hostname": "edge-2", "revision": 2, "createdAt": "2026-04-25T13:00:00Z", "ipAddress": "127.0.0.1", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T13:01:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (44, '2026-04-25 13:07:00+00', 'agentStatusChanged', 'agent:019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4b9-bc80-7000-892c-123f57d3cae8', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', '{"type": "agent", "view": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "os": "linux", "load": null, "name": null, "memory": null, "status": "online", "version": null, "hostname": "edge-2", "revision": 3, "createdAt": "2026-04-25T13:00:00Z", "ipAddress": "127.0.0.1", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T13:07:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (74, '2026-04-25 15:08:00+00', 'agentStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "agent", "view": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "os": "linux", "load": 0.5, "name": null, "memory": 64.0, "status": "offline", "version": null, "hostname": "edge-1", "revision": 3, "createdAt": "2026-04-25T13:00:00Z", "ipAddress": "127.0.0.1", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T15:08:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (77, '2026-04-25 15:14:00+00', 'agentStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "agent", "view": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "os": "linux", "load": 0.5, "name": null, "memory": 64.0, "status": "online", "version": null, "hostname": "edge-1", "revision": 4, "createdAt": "2026-04-25T13:00:00Z", "ipAddress": "127.0.0.1", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "lastHeartbeat": "2026-04-25T15:14:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (115, '2026-04-25 19:24:00+00', 'transferStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc619-4c80-7000-834b-b1c0d5a45f0a', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-834b-b1c0d5a45f0a", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 10.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "running", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 45.0, "protocol": "sftp", "revision": 2, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": "2026-04-25T19:24:00Z", "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": 100, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": "2026-04-25T19:24:00Z", "bytesTransferred": 0, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (116, '2026-04-25 19:24:00+00', 'transferStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc619-4c80-7000-834b-b1c0d5a45f0a', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-834b-b1c0d5a45f0a", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 10.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "completed", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 100.0, "protocol": "sftp", "revision": 3, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": "2026-04-25T19:24:00Z", "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": "2026-04-25T19:24:00Z", "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "lastProgressAt": "2026-04-25T19:24:00Z", "bytesTransferred": 1000, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (118, '2026-04-25 19:24:00+00', 'transferStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc619-4c80-7000-857e-b3bf8ab7c1da', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-857e-b3bf8ab7c1da", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "failed", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 2, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": "2026-04-25T19:24:00Z", "destination": "/in/data.csv", "errorMessage": "no room", "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (120, '2026-04-25 19:24:00+00', 'transferStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc619-4c80-7000-8717-e35fadf78992', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-8717-e35fadf78992", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "running", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.1, "protocol": "sftp", "revision": 2, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": "2026-04-25T19:24:00Z", "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": "2026-04-25T19:24:00Z", "bytesTransferred": 1, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (122, '2026-04-25 19:26:00+00', 'transferResumed', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc619-4c80-7000-8717-e35fadf78992', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-8717-e35fadf78992", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "running", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.2, "protocol": "sftp", "revision": 4, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": "2026-04-25T19:24:00Z", "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": "2026-04-25T19:26:00Z", "bytesTransferred": 2, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (42, '2026-04-25 13:07:00+00', 'pipelineRunStatusChanged', 'system', '019dc4ba-a6e0-7000-8c6f-54121e58061a', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4ba-a6e0-7000-8c6f-54121e58061a", "steps": [{"id": "transfer", "type": "transfer", "status": "failed", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": "2026-04-25T13:07:00Z", "errorMessage": "the agent was offline for longer than 5m", "bytesTransferred": null}], "status": "failed", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 2, "startedAt": "2026-04-25T13:01:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "completedAt": "2026-04-25T13:07:00Z", "errorMessage": "step `transfer` failed: the agent was offline for longer than 5m", "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (45, '2026-04-25 13:07:00+00', 'pipelineRunCreated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4c0-2520-7000-8150-31d2cd0164f0', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4c0-2520-7000-8150-31d2cd0164f0", "steps": [{"id": "transfer", "type": "transfer", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 1, "startedAt": "2026-04-25T13:07:00Z", "parameters": {}, "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (48, '2026-04-25 13:07:00+00', 'pipelineRunCreated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc4c0-2520-7000-843a-9040dcddbaca', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4c0-2520-7000-843a-9040dcddbaca", "steps": [{"id": "sum", "type": "checksum", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "pack", "type": "compress", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "send", "type": "transfer", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "unpack", "type": "decompress", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "keep", "type": "rename", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "tidy", "type": "delete", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "alarm", "type": "webhook", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 1, "startedAt": "2026-04-25T13:07:00Z", "parameters": {"host": "files.example.com", "count": "3", "stamp": "2026-01-01", "strict": "true"}, "pipelineId": "019dc4ba-a6e0-7000-8747-876bdf184100", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (51, '2026-04-25 13:07:00+00', 'pipelineRunStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4c0-2520-7000-843a-9040dcddbaca', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc4c0-2520-7000-843a-9040dcddbaca", "steps": [{"id": "sum", "type": "checksum", "status": "completed", "attempt": 1, "progress": 100.0, "startedAt": "2026-04-25T13:07:00Z", "transferId": null, "completedAt": "2026-04-25T13:07:00Z", "errorMessage": null, "bytesTransferred": null}, {"id": "pack", "type": "compress", "status": "running", "attempt": 1, "progress": 10.0, "startedAt": "2026-04-25T13:07:00Z", "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "send", "type": "transfer", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "unpack", "type": "decompress", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "keep", "type": "rename", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "tidy", "type": "delete", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "alarm", "type": "webhook", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 4, "startedAt": "2026-04-25T13:07:00Z", "parameters": {"host": "files.example.com", "count": "3", "stamp": "2026-01-01", "strict": "true"}, "pipelineId": "019dc4ba-a6e0-7000-8747-876bdf184100", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (53, '2026-04-25 13:07:00+00', 'jobDeleted', 'system', '019dc4c0-2520-7000-87ae-61475394275c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "job", "view": {"id": "019dc4c0-2520-7000-87ae-61475394275c", "name": "Gone", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "catchUp": "last", "enabled": true, "overlap": "skip", "protocol": "local", "revision": 2, "schedule": "0 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T13:07:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (70, '2026-04-25 15:07:00+00', 'jobRunStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc52e-0220-7000-8094-fb7313bffe42', NULL, NULL, '{"type": "jobRun", "view": {"id": "019dc52e-0220-7000-8094-fb7313bffe42", "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "status": "failed", "attempt": 1, "retryOf": null, "revision": 2, "startedAt": "2026-04-25T15:07:00Z", "completedAt": "2026-04-25T15:07:00Z", "errorMessage": "no room", "scheduledFor": "2026-04-25T15:00:00Z", "bytesTransferred": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (71, '2026-04-25 15:08:00+00', 'jobRunRequested', 'system', '019dc4c0-2520-7000-8883-06360c65aff2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "job", "view": {"id": "019dc4c0-2520-7000-8883-06360c65aff2", "name": "Hourly copy", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 3, "initialDelay": "30s"}, "source": "/out/", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "catchUp": "all", "enabled": true, "overlap": "queue", "protocol": "local", "revision": 6, "schedule": "0 * * * *", "timezone": "Europe/Berlin", "createdAt": "2026-04-25T13:07:00Z", "direction": "pull", "lastRunAt": "2026-04-25T15:07:00Z", "nextRunAt": "2026-04-25T16:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (78, '2026-04-25 15:14:00+00', 'jobRunRequested', 'user:00000000-0000-0000-0000-000000000000', '019dc4c0-2520-7000-8883-06360c65aff2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "job", "view": {"id": "019dc4c0-2520-7000-8883-06360c65aff2", "name": "Hourly copy", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 3, "initialDelay": "30s"}, "source": "/out/", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "catchUp": "all", "enabled": true, "overlap": "queue", "protocol": "local", "revision": 7, "schedule": "0 * * * *", "timezone": "Europe/Berlin", "createdAt": "2026-04-25T13:07:00Z", "direction": "pull", "lastRunAt": "2026-04-25T15:08:00Z", "nextRunAt": "2026-04-25T16:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (81, '2026-04-25 18:14:00+00', 'jobSlotDecided', 'system', '019dc55e-8800-7000-809f-fdf0b1b27612', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc55e-8800-7000-809f-fdf0b1b27612", "to": null, "from": null, "count": null, "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "runId": null, "reason": "waits for an earlier run to end", "outcome": "ran", "scheduledFor": "2026-04-25T16:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (54, '2026-04-25 13:07:00+00', 'jobCreated', 'system', '019dc4c0-2520-7000-8883-06360c65aff2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "job", "view": {"id": "019dc4c0-2520-7000-8883-06360c65aff2", "name": "Hourly", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 3, "initialDelay": "30s"}, "source": "/out/", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "catchUp": "all", "enabled": true, "overlap": "queue", "protocol": "local", "revision": 1, "schedule": "0 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T13:07:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T14:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (56, '2026-04-25 14:07:00+00', 'jobSlotDecided', 'system', '019dc4f0-ab00-7000-80ff-c3f0a6a83020', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc4f0-ab00-7000-80ff-c3f0a6a83020", "to": null, "from": null, "count": null, "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "runId": null, "reason": "waits for the agent to start it", "outcome": "ran", "scheduledFor": "2026-04-25T14:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (58, '2026-04-25 14:07:00+00', 'pipelineSlotDecided', 'system', '019dc4d5-33c0-7000-809b-f1063e7f69bc', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc4d5-33c0-7000-809b-f1063e7f69bc", "to": null, "from": null, "count": null, "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T13:30:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (59, '2026-04-25 14:07:00+00', 'pipelineSlotDecided', 'system', '019dc4f0-ab00-7000-80ea-a57926d4d1ca', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc4f0-ab00-7000-80ea-a57926d4d1ca", "to": null, "from": null, "count": null, "runId": null, "reason": "an earlier run was still at work", "outcome": "skipped", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T14:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (60, '2026-04-25 14:07:00+00', 'jobRunStarted', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4f7-13a0-7000-80db-46cf7ab073a8', NULL, NULL, '{"type": "jobRun", "view": {"id": "019dc4f7-13a0-7000-80db-46cf7ab073a8", "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "status": "running", "attempt": 1, "retryOf": null, "revision": 1, "startedAt": "2026-04-25T14:07:00Z", "completedAt": null, "errorMessage": null, "scheduledFor": "2026-04-25T14:00:00Z", "bytesTransferred": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (72, '2026-04-25 15:08:00+00', 'jobRunStarted', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc52e-ec80-7000-8168-8a702f2fb4ca', NULL, NULL, '{"type": "jobRun", "view": {"id": "019dc52e-ec80-7000-8168-8a702f2fb4ca", "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "status": "running", "attempt": 2, "retryOf": "019dc52e-0220-7000-8094-fb7313bffe42", "revision": 1, "startedAt": "2026-04-25T15:08:00Z", "completedAt": null, "errorMessage": null, "scheduledFor": "2026-04-25T15:00:00Z", "bytesTransferred": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (75, '2026-04-25 15:14:00+00', 'jobRunStatusChanged', 'system', '019dc52e-ec80-7000-8168-8a702f2fb4ca', NULL, NULL, '{"type": "jobRun", "view": {"id": "019dc52e-ec80-7000-8168-8a702f2fb4ca", "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "status": "failed", "attempt": 2, "retryOf": "019dc52e-0220-7000-8094-fb7313bffe42", "revision": 2, "startedAt": "2026-04-25T15:08:00Z", "completedAt": "2026-04-25T15:14:00Z", "errorMessage": "the agent was offline for longer than 5m", "scheduledFor": "2026-04-25T15:00:00Z", "bytesTransferred": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (76, '2026-04-25 15:14:00+00', 'jobRunReportedLate', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc52e-ec80-7000-8168-8a702f2fb4ca', NULL, NULL, '{"type": "jobRun", "view": {"id": "019dc52e-ec80-7000-8168-8a702f2fb4ca", "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "status": "completed", "attempt": 2, "retryOf": "019dc52e-0220-7000-8094-fb7313bffe42", "revision": 2, "startedAt": "2026-04-25T15:08:00Z", "completedAt": "2026-04-25T15:14:00Z", "errorMessage": "the agent was offline for longer than 5m", "scheduledFor": "2026-04-25T15:00:00Z", "bytesTransferred": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (79, '2026-04-25 15:14:00+00', 'jobRunStarted', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc534-6ac0-7000-821e-45b0f3bb455c', NULL, NULL, '{"type": "jobRun", "view": {"id": "019dc534-6ac0-7000-821e-45b0f3bb455c", "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "status": "running", "attempt": 1, "retryOf": null, "revision": 1, "startedAt": "2026-04-25T15:14:00Z", "completedAt": null, "errorMessage": null, "scheduledFor": null, "bytesTransferred": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (92, '2026-04-25 18:14:00+00', 'jobCreated', 'system', '019dc5d9-3640-7000-81a5-570d9871ba02', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', '{"type": "job", "view": {"id": "019dc5d9-3640-7000-81a5-570d9871ba02", "name": "Skipping", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8", "catchUp": "last", "enabled": true, "overlap": "skip", "protocol": "local", "revision": 1, "schedule": "*/5 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T18:14:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T18:15:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (95, '2026-04-25 18:24:00+00', 'jobSlotDecided', 'system', '019dc5de-b480-7000-805b-6d6402b8f1e8', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc5de-b480-7000-805b-6d6402b8f1e8", "to": null, "from": null, "count": null, "jobId": "019dc5d9-3640-7000-81a5-570d9871ba02", "runId": null, "reason": "an earlier run was still at work", "outcome": "skipped", "scheduledFor": "2026-04-25T18:20:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (99, '2026-04-25 18:24:00+00', 'jobCreated', 'system', '019dc5e2-5e00-7000-800f-9ba247b5f9ba', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', '{"type": "job", "view": {"id": "019dc5e2-5e00-7000-800f-9ba247b5f9ba", "name": "Late", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8", "catchUp": "last", "enabled": true, "overlap": "skip", "protocol": "local", "revision": 1, "schedule": "*/10 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T18:24:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T18:30:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (113, '2026-04-25 19:24:00+00', 'transferCreated', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc619-4c80-7000-814d-73becde17202', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-814d-73becde17202", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 1, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (85, '2026-04-25 18:14:00+00', 'pipelineSlotDecided', 'system', '019dc543-10c0-7000-80ba-9bfb150231bc', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc543-10c0-7000-80ba-9bfb150231bc", "to": null, "from": null, "count": null, "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T15:30:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (86, '2026-04-25 18:14:00+00', 'pipelineSlotDecided', 'system', '019dc55e-8800-7000-8051-ed79596de48a', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc55e-8800-7000-8051-ed79596de48a", "to": null, "from": null, "count": null, "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T16:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (87, '2026-04-25 18:14:00+00', 'pipelineSlotDecided', 'system', '019dc579-ff40-7000-8051-6956ceb3fe08', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc579-ff40-7000-8051-6956ceb3fe08", "to": null, "from": null, "count": null, "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T16:30:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (88, '2026-04-25 18:14:00+00', 'pipelineSlotDecided', 'system', '019dc595-7680-7000-807e-bced32b8b51a', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc595-7680-7000-807e-bced32b8b51a", "to": null, "from": null, "count": null, "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T17:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (89, '2026-04-25 18:14:00+00', 'pipelineSlotDecided', 'system', '019dc5b0-edc0-7000-80d2-b3f7ce3c709c', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc5b0-edc0-7000-80d2-b3f7ce3c709c", "to": null, "from": null, "count": null, "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T17:30:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (90, '2026-04-25 18:14:00+00', 'pipelineSlotDecided', 'system', '019dc5cc-6500-7000-80f8-706056c49be2', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc5cc-6500-7000-80f8-706056c49be2", "to": null, "from": null, "count": null, "runId": null, "reason": "an earlier run was still at work", "outcome": "skipped", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T18:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (97, '2026-04-25 18:24:00+00', 'jobUpdated', 'user:00000000-0000-0000-0000-000000000000', '019dc5d9-3640-7000-81a5-570d9871ba02', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', '{"type": "job", "view": {"id": "019dc5d9-3640-7000-81a5-570d9871ba02", "name": "Skipping", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8", "catchUp": "last", "enabled": false, "overlap": "skip", "protocol": "local", "revision": 4, "schedule": "*/5 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T18:14:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (98, '2026-04-25 18:24:00+00', 'jobSlotDecided', 'user:00000000-0000-0000-0000-000000000000', '019dc5da-20a0-7000-80e2-031ec61f4ebc', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc5da-20a0-7000-80e2-031ec61f4ebc", "to": null, "from": null, "count": null, "jobId": "019dc5d9-3640-7000-81a5-570d9871ba02", "runId": null, "reason": "the job was disabled", "outcome": "skipped", "scheduledFor": "2026-04-25T18:15:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (100, '2026-04-25 19:24:00+00', 'jobSlotDecided', 'system', '019dc5e7-dc40-7000-8013-e68efebf7b5c', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc5e7-dc40-7000-8013-e68efebf7b5c", "to": null, "from": null, "count": null, "jobId": "019dc5e2-5e00-7000-800f-9ba247b5f9ba", "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "scheduledFor": "2026-04-25T18:30:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (101, '2026-04-25 19:24:00+00', 'jobSlotDecided', 'system', '019dc5f1-0400-7000-803f-a8c02781f8b2', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc5f1-0400-7000-803f-a8c02781f8b2", "to": null, "from": null, "count": null, "jobId": "019dc5e2-5e00-7000-800f-9ba247b5f9ba", "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "scheduledFor": "2026-04-25T18:40:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (102, '2026-04-25 19:24:00+00', 'jobSlotDecided', 'system', '019dc5fa-2bc0-7000-80d1-69f0995fd2a0', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc5fa-2bc0-7000-80d1-69f0995fd2a0", "to": null, "from": null, "count": null, "jobId": "019dc5e2-5e00-7000-800f-9ba247b5f9ba", "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "scheduledFor": "2026-04-25T18:50:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (103, '2026-04-25 19:24:00+00', 'jobSlotDecided', 'system', '019dc603-5380-7000-80bc-d12daa564172', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc603-5380-7000-80bc-d12daa564172", "to": null, "from": null, "count": null, "jobId": "019dc5e2-5e00-7000-800f-9ba247b5f9ba", "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "scheduledFor": "2026-04-25T19:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (104, '2026-04-25 19:24:00+00', 'jobSlotDecided', 'system', '019dc60c-7b40-7000-8030-2dcb3ec720fc', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc60c-7b40-7000-8030-2dcb3ec720fc", "to": null, "from": null, "count": null, "jobId": "019dc5e2-5e00-7000-800f-9ba247b5f9ba", "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "scheduledFor": "2026-04-25T19:10:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (105, '2026-04-25 19:24:00+00', 'jobSlotDecided', 'system', '019dc615-a300-7000-8006-8bcdc744ec0a', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc615-a300-7000-8006-8bcdc744ec0a", "to": null, "from": null, "count": null, "jobId": "019dc5e2-5e00-7000-800f-9ba247b5f9ba", "runId": null, "reason": "waits for the agent to start it", "outcome": "ran", "scheduledFor": "2026-04-25T19:20:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (106, '2026-04-25 19:24:00+00', 'jobSlotDecided', 'system', '019dc603-5380-7000-8057-f142904630a8', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc603-5380-7000-8057-f142904630a8", "to": null, "from": null, "count": null, "jobId": "019dc4c0-2520-7000-8883-06360c65aff2", "runId": null, "reason": "waits for an earlier run to end", "outcome": "ran", "scheduledFor": "2026-04-25T19:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (109, '2026-04-25 19:24:00+00', 'pipelineSlotDecided', 'system', '019dc5e7-dc40-7000-8079-cf622a84dc1c', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc5e7-dc40-7000-8079-cf622a84dc1c", "to": null, "from": null, "count": null, "runId": null, "reason": "a later slot ran for it", "outcome": "coalesced", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T18:30:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (110, '2026-04-25 19:24:00+00', 'pipelineSlotDecided', 'system', '019dc603-5380-7000-805e-a96fd52c6e62', NULL, NULL, '{"type": "pipelineSlot", "view": {"id": "019dc603-5380-7000-805e-a96fd52c6e62", "to": null, "from": null, "count": null, "runId": null, "reason": "an earlier run was still at work", "outcome": "skipped", "pipelineId": "019dc4ba-a6e0-7000-8809-edeeb792d812", "scheduledFor": "2026-04-25T19:00:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (111, '2026-04-25 19:24:00+00', 'jobUpdated', 'user:00000000-0000-0000-0000-000000000000', '019dc5e2-5e00-7000-800f-9ba247b5f9ba', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', '{"type": "job", "view": {"id": "019dc5e2-5e00-7000-800f-9ba247b5f9ba", "name": "Late", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8", "catchUp": "last", "enabled": false, "overlap": "skip", "protocol": "local", "revision": 3, "schedule": "*/10 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T18:24:00Z", "direction": "pull", "lastRunAt": null, "nextRunAt": null, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (112, '2026-04-25 19:24:00+00', 'jobSlotDecided', 'user:00000000-0000-0000-0000-000000000000', '019dc615-a300-7000-8006-8bcdc744ec0a', NULL, NULL, '{"type": "jobSlot", "view": {"id": "019dc615-a300-7000-8006-8bcdc744ec0a", "to": null, "from": null, "count": null, "jobId": "019dc5e2-5e00-7000-800f-9ba247b5f9ba", "runId": null, "reason": "the job was disabled", "outcome": "skipped", "scheduledFor": "2026-04-25T19:20:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (114, '2026-04-25 19:24:00+00', 'transferCreated', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc619-4c80-7000-834b-b1c0d5a45f0a', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-834b-b1c0d5a45f0a", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 1, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (117, '2026-04-25 19:24:00+00', 'transferCreated', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc619-4c80-7000-857e-b3bf8ab7c1da', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-857e-b3bf8ab7c1da", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 1, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (123, '2026-04-25 19:28:00+00', 'transferStalled', 'system', '019dc619-4c80-7000-8717-e35fadf78992', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-8717-e35fadf78992", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "running", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": true, "jobRunId": null, "progress": 0.2, "protocol": "sftp", "revision": 5, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": "2026-04-25T19:24:00Z", "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": "2026-04-25T19:26:00Z", "bytesTransferred": 2, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (126, '2026-04-25 19:28:00+00', 'transferCancelRequested', 'user:00000000-0000-0000-0000-000000000000', '019dc61c-f600-7000-8128-a63432e15a92', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc61c-f600-7000-8128-a63432e15a92", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "running", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.3, "protocol": "sftp", "revision": 3, "createdAt": "2026-04-25T19:28:00Z", "direction": "pull", "sizeKnown": true, "startedAt": "2026-04-25T19:28:00Z", "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": "2026-04-25T19:28:00Z", "bytesTransferred": 3, "cancelRequestedAt": "2026-04-25T19:28:00Z"}}');
INSERT INTO mftplus_frozen.events VALUES (130, '2026-04-25 19:28:01+00', 'jobRunRequested', 'user:00000000-0000-0000-0000-000000000000', '019dc61c-f9e8-7000-82a4-815006b5ca9c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', '{"type": "job", "view": {"id": "019dc61c-f9e8-7000-82a4-815006b5ca9c", "name": "Asked for", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8", "catchUp": "last", "enabled": true, "overlap": "skip", "protocol": "local", "revision": 1, "schedule": "0 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T19:28:01Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T20:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (119, '2026-04-25 19:24:00+00', 'transferCreated', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc619-4c80-7000-8717-e35fadf78992', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-8717-e35fadf78992", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 1, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (124, '2026-04-25 19:28:00+00', 'transferCreated', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc61c-f600-7000-8128-a63432e15a92', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc61c-f600-7000-8128-a63432e15a92", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 1, "createdAt": "2026-04-25T19:28:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (129, '2026-04-25 19:28:01+00', 'jobCreated', 'system', '019dc61c-f9e8-7000-82a4-815006b5ca9c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', '{"type": "job", "view": {"id": "019dc61c-f9e8-7000-82a4-815006b5ca9c", "name": "Asked for", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "retry": null, "source": "/out/", "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8", "catchUp": "last", "enabled": true, "overlap": "skip", "protocol": "local", "revision": 1, "schedule": "0 * * * *", "timezone": "UTC", "createdAt": "2026-04-25T19:28:01Z", "direction": "pull", "lastRunAt": null, "nextRunAt": "2026-04-25T20:00:00Z", "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "destination": "/in/"}}');
INSERT INTO mftplus_frozen.events VALUES (121, '2026-04-25 19:26:00+00', 'transferStalled', 'system', '019dc619-4c80-7000-8717-e35fadf78992', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-8717-e35fadf78992", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "running", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": true, "jobRunId": null, "progress": 0.1, "protocol": "sftp", "revision": 3, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": "2026-04-25T19:24:00Z", "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": "2026-04-25T19:24:00Z", "bytesTransferred": 1, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (127, '2026-04-25 19:28:00+00', 'transferStatusChanged', 'user:00000000-0000-0000-0000-000000000000', '019dc619-4c80-7000-857e-b3bf8ab7c1da', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc619-4c80-7000-857e-b3bf8ab7c1da", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 2, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 3, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (128, '2026-04-25 19:28:01+00', 'pipelineRunCreated', 'user:019dc4b9-bc80-7000-814e-c487cdee2a1c', '019dc61c-f9e8-7000-8012-414b30954bc8', NULL, NULL, '{"type": "pipelineRun", "view": {"id": "019dc61c-f9e8-7000-8012-414b30954bc8", "steps": [{"id": "sum", "type": "checksum", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "pack", "type": "compress", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "send", "type": "transfer", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "unpack", "type": "decompress", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "keep", "type": "rename", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "tidy", "type": "delete", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}, {"id": "alarm", "type": "webhook", "status": "queued", "attempt": 1, "progress": null, "startedAt": null, "transferId": null, "completedAt": null, "errorMessage": null, "bytesTransferred": null}], "status": "running", "rerunOf": null, "trigger": "manual", "version": 1, "revision": 1, "startedAt": "2026-04-25T19:28:01Z", "parameters": {"host": "files.example.com", "count": "3", "stamp": "2026-01-01", "strict": "true"}, "pipelineId": "019dc4ba-a6e0-7000-8747-876bdf184100", "completedAt": null, "errorMessage": null, "cancelRequestedAt": null}}');
INSERT INTO mftplus_frozen.events VALUES (125, '2026-04-25 19:28:00+00', 'transferStatusChanged', 'agent:019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc61c-f600-7000-8128-a63432e15a92', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '{"type": "transfer", "view": {"id": "019dc61c-f600-7000-8128-a63432e15a92", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "running", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.3, "protocol": "sftp", "revision": 2, "createdAt": "2026-04-25T19:28:00Z", "direction": "pull", "sizeKnown": true, "startedAt": "2026-04-25T19:28:00Z", "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": "2026-04-25T19:28:00Z", "bytesTransferred": 3, "cancelRequestedAt": null}}');


--
-- Data for Name: idempotency; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.idempotency VALUES ('agent:019dc4b9-bc80-7000-8747-40f85df92e7c', 'create_transfer', 'queued', '\xf3b72b7fbadddc5d8ea7538793ce96feb25a03e28685909e3027ea641431cb0f', '019dc619-4c80-7000-80c2-93e870e5f070', '2026-04-25 19:25:00+00', '{"id": "019dc619-4c80-7000-814d-73becde17202", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 1, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}', '2026-04-26 19:24:00+00');
INSERT INTO mftplus_frozen.idempotency VALUES ('agent:019dc4b9-bc80-7000-8747-40f85df92e7c', 'create_transfer', 'completed', '\xf3b72b7fbadddc5d8ea7538793ce96feb25a03e28685909e3027ea641431cb0f', '019dc619-4c80-7000-829a-0542e192f6fc', '2026-04-25 19:25:00+00', '{"id": "019dc619-4c80-7000-834b-b1c0d5a45f0a", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 1, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}', '2026-04-26 19:24:00+00');
INSERT INTO mftplus_frozen.idempotency VALUES ('agent:019dc4b9-bc80-7000-8747-40f85df92e7c', 'create_transfer', 'failed', '\xf3b72b7fbadddc5d8ea7538793ce96feb25a03e28685909e3027ea641431cb0f', '019dc619-4c80-7000-8431-48b6f4e652c8', '2026-04-25 19:25:00+00', '{"id": "019dc619-4c80-7000-857e-b3bf8ab7c1da", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 1, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}', '2026-04-26 19:24:00+00');
INSERT INTO mftplus_frozen.idempotency VALUES ('agent:019dc4b9-bc80-7000-8747-40f85df92e7c', 'create_transfer', 'stalled', '\xf3b72b7fbadddc5d8ea7538793ce96feb25a03e28685909e3027ea641431cb0f', '019dc619-4c80-7000-8629-d8d34499b55c', '2026-04-25 19:25:00+00', '{"id": "019dc619-4c80-7000-8717-e35fadf78992", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 1, "createdAt": "2026-04-25T19:24:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}', '2026-04-26 19:24:00+00');
INSERT INTO mftplus_frozen.idempotency VALUES ('agent:019dc4b9-bc80-7000-8747-40f85df92e7c', 'create_transfer', 'cancelled', '\xf3b72b7fbadddc5d8ea7538793ce96feb25a03e28685909e3027ea641431cb0f', '019dc61c-f600-7000-8080-abd6f347d380', '2026-04-25 19:29:00+00', '{"id": "019dc61c-f600-7000-8128-a63432e15a92", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "speed": 0.0, "source": "sftp://ftp.example.com/files/data.csv", "status": "queued", "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c", "attempt": 1, "network": {"latencyMs": null, "throughputMbps": null, "packetLossPercent": null}, "stalled": false, "jobRunId": null, "progress": 0.0, "protocol": "sftp", "revision": 1, "createdAt": "2026-04-25T19:28:00Z", "direction": "pull", "sizeKnown": true, "startedAt": null, "bytesTotal": 1000, "customerId": "019dc4b9-bc80-7000-83db-74e403ec7470", "etaSeconds": null, "completedAt": null, "destination": "/in/data.csv", "errorMessage": null, "pipelineRunId": null, "checksumSha256": null, "lastProgressAt": null, "bytesTransferred": 0, "cancelRequestedAt": null}', '2026-04-26 19:28:00+00');


--
-- Data for Name: job_runs; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.job_runs VALUES ('019dc4f7-13a0-7000-80db-46cf7ab073a8', '019dc4c0-2520-7000-8883-06360c65aff2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc4f7-13a0-7000-8080-04e4ea223fb2', '2026-04-25 14:00:00+00', 'completed', '2026-04-25 14:07:00+00', '2026-04-25 14:07:00+00', NULL, 9, 1, NULL, NULL, '2026-04-25 14:07:00+00', false, NULL, 3);
INSERT INTO mftplus_frozen.job_runs VALUES ('019dc52e-0220-7000-8094-fb7313bffe42', '019dc4c0-2520-7000-8883-06360c65aff2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc52e-0220-7000-8061-5c023964251c', '2026-04-25 15:00:00+00', 'failed', '2026-04-25 15:07:00+00', '2026-04-25 15:07:00+00', 'no room', NULL, 1, NULL, NULL, '2026-04-25 15:07:00+00', false, NULL, 2);
INSERT INTO mftplus_frozen.job_runs VALUES ('019dc52e-ec80-7000-8168-8a702f2fb4ca', '019dc4c0-2520-7000-8883-06360c65aff2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc52e-ec80-7000-80b4-b39e02c08dbc', '2026-04-25 15:00:00+00', 'failed', '2026-04-25 15:08:00+00', '2026-04-25 15:14:00+00', 'the agent was offline for longer than 5m', NULL, 2, '019dc52e-0220-7000-8094-fb7313bffe42', NULL, '2026-04-25 15:08:00+00', true, '2026-04-25 15:15:00+00', 2);
INSERT INTO mftplus_frozen.job_runs VALUES ('019dc534-6ac0-7000-821e-45b0f3bb455c', '019dc4c0-2520-7000-8883-06360c65aff2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', '019dc534-6ac0-7000-81b1-0e57234aeada', NULL, 'running', '2026-04-25 15:14:00+00', NULL, NULL, NULL, 1, NULL, '2026-04-25 18:14:00+00', '2026-04-25 15:14:00+00', false, NULL, 2);


--
-- Data for Name: jobs; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.jobs VALUES ('019dc5d9-3640-7000-81a5-570d9871ba02', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'Skipping', '/out/', '/in/', 'local', 'pull', false, NULL, NULL, 4, '2026-04-25 18:14:00+00');
INSERT INTO mftplus_frozen.jobs VALUES ('019dc4c0-2520-7000-8883-06360c65aff2', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'Hourly copy', '/out/', '/in/', 'local', 'pull', true, '{"factor": 2.0, "maxDelay": "1h", "maxAttempts": 3, "initialDelay": "30s"}', '2026-04-25 15:14:00+00', 10, '2026-04-25 13:07:00+00');
INSERT INTO mftplus_frozen.jobs VALUES ('019dc5e2-5e00-7000-800f-9ba247b5f9ba', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'Late', '/out/', '/in/', 'local', 'pull', false, NULL, NULL, 3, '2026-04-25 18:24:00+00');
INSERT INTO mftplus_frozen.jobs VALUES ('019dc61c-f9e8-7000-82a4-815006b5ca9c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'Asked for', '/out/', '/in/', 'local', 'pull', true, NULL, NULL, 1, '2026-04-25 19:28:01+00');


--
-- Data for Name: pipeline_runs; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.pipeline_runs VALUES ('019dc4ba-a6e0-7000-8a6d-4344b1eecfca', '019dc4ba-a6e0-7000-8945-ccc2a105967c', 2, 'completed', 'manual', NULL, NULL, '{}', '{"nodes": [{"id": "copy", "task": {"agent": {"errand": {"type": "transfer", "source": "/a", "verify": "sha256", "protocol": "local", "direction": "push", "destination": "/b"}, "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8"}}, "when": "success", "needs": [], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 1, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "tell", "task": {"webhook": {"url": "http://127.0.0.1:44175/hook", "body": null}}, "when": "success", "needs": [0], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 1, "initialDelay": "30s"}, "timeoutSeconds": null}], "timeoutSeconds": null}', '{"steps": [{"id": "copy", "type": "transfer", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "needs": [], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 1, "initialDelay": "30s"}, "source": {"host": null, "path": "/a", "port": null, "user": null, "pattern": null, "location": "/a", "protocol": "local", "credentials": null}, "verify": "sha256", "timeout": null, "protocol": "local", "direction": "push", "destination": {"host": null, "path": "/b", "port": null, "user": null, "pattern": null, "location": "/b", "protocol": "local", "credentials": null}}, {"id": "tell", "url": "http://127.0.0.1:44175/hook", "body": null, "type": "webhook", "when": "success", "agent": null, "needs": ["copy"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 1, "initialDelay": "30s"}, "timeout": null}], "source": {"host": null, "path": "/a", "port": null, "user": null, "pattern": null, "location": "/a", "protocol": "local", "credentials": null}, "timeout": null, "schedule": null, "parameters": {}, "destination": {"host": null, "path": "/b", "port": null, "user": null, "pattern": null, "location": "/b", "protocol": "local", "credentials": null}}', NULL, NULL, NULL, 5, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.pipeline_runs VALUES ('019dc4c0-2520-7000-843a-9040dcddbaca', '019dc4ba-a6e0-7000-8747-876bdf184100', 1, 'running', 'manual', NULL, NULL, '{"host": "files.example.com", "count": "3", "stamp": "2026-01-01", "strict": "true"}', '{"nodes": [{"id": "sum", "task": {"agent": {"errand": {"path": "/data/out/report.csv", "type": "checksum", "expected": "3f786850e387550fdab836ed7e6dc881de23001b0a1b2c3d4e5f60718293a4b5"}, "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c"}}, "when": "success", "needs": [], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "pack", "task": {"agent": {"errand": {"path": "/data/out/report.csv", "type": "compress", "format": "zstd", "output": "/data/out/report-2026-01-01.csv.zst"}, "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c"}}, "when": "success", "needs": [0], "retry": {"factor": 1.5, "maxDelay": "10m", "maxAttempts": 5, "initialDelay": "0s"}, "timeoutSeconds": 600}, {"id": "send", "task": {"agent": {"errand": {"type": "transfer", "source": "/data/out/report-2026-01-01.csv.zst", "verify": "none", "protocol": "ftps", "direction": "push", "credentials": "partner", "destination": "ftps://files.example.com/inbox/"}, "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c"}}, "when": "success", "needs": [1], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "unpack", "task": {"agent": {"errand": {"path": "/inbox/report.csv.zst", "type": "decompress", "format": "zstd", "output": "/inbox/report.csv"}, "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8"}}, "when": "success", "needs": [2], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "keep", "task": {"agent": {"errand": {"to": "/data/old/report-2026-01-01.csv", "from": "/data/out/report.csv", "type": "rename"}, "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c"}}, "when": "success", "needs": [2], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "tidy", "task": {"agent": {"errand": {"path": "/data/out/report-2026-01-01.csv.zst", "type": "delete"}, "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c"}}, "when": "success", "needs": [4, 3], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "alarm", "task": {"webhook": {"url": "https://example.com/hooks/mft", "body": "{\"text\": \"report 2026-01-01 failed\",\n \"count\": 3}\n"}}, "when": "failure", "needs": [5], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}], "timeoutSeconds": 86400}', '{"steps": [{"id": "sum", "path": "/data/out/report.csv", "type": "checksum", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "needs": [], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeout": null, "expected": "3f786850e387550fdab836ed7e6dc881de23001b0a1b2c3d4e5f60718293a4b5"}, {"id": "pack", "path": "/data/out/report.csv", "type": "compress", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "needs": ["sum"], "retry": {"factor": 1.5, "maxDelay": "10m", "maxAttempts": 5, "initialDelay": "0s"}, "format": "zstd", "output": "/data/out/report-2026-01-01.csv.zst", "timeout": "10m"}, {"id": "send", "type": "transfer", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "needs": ["pack"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "source": {"host": null, "path": "/data/out/report-2026-01-01.csv.zst", "port": null, "user": null, "pattern": null, "location": "/data/out/report-2026-01-01.csv.zst", "protocol": "local", "credentials": null}, "verify": "none", "timeout": null, "protocol": "ftps", "direction": "push", "destination": {"host": "files.example.com", "path": "/inbox/", "port": null, "user": null, "pattern": null, "location": "ftps://files.example.com/inbox/", "protocol": "ftps", "credentials": "partner"}}, {"id": "unpack", "path": "/inbox/report.csv.zst", "type": "decompress", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "needs": ["send"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "format": "zstd", "output": "/inbox/report.csv", "timeout": null}, {"id": "keep", "to": "/data/old/report-2026-01-01.csv", "from": "/data/out/report.csv", "type": "rename", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "needs": ["send"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeout": null}, {"id": "tidy", "path": "/data/out/report-2026-01-01.csv.zst", "type": "delete", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "needs": ["keep", "unpack"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeout": null}, {"id": "alarm", "url": "https://example.com/hooks/mft", "body": "{\"text\": \"report 2026-01-01 failed\",\n \"count\": 3}\n", "type": "webhook", "when": "failure", "agent": null, "needs": ["tidy"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeout": null}], "source": {"host": null, "path": "/data/out/report.csv", "port": null, "user": null, "pattern": null, "location": "/data/out/report.csv", "protocol": "local", "credentials": null}, "timeout": "1d", "schedule": null, "parameters": {"host": "files.example.com", "count": "3", "stamp": "2026-01-01", "strict": "true"}, "destination": {"host": "files.example.com", "path": "/inbox/", "port": null, "user": null, "pattern": null, "location": "ftps://files.example.com/inbox/", "protocol": "ftps", "credentials": "partner"}}', NULL, NULL, '2026-04-25 13:17:00+00', 4, '2026-04-25 13:07:00+00', '2026-04-25 13:07:00+00', NULL);
INSERT INTO mftplus_frozen.pipeline_runs VALUES ('019dc4c0-2520-7000-8150-31d2cd0164f0', '019dc4ba-a6e0-7000-8809-edeeb792d812', 1, 'running', 'manual', NULL, NULL, '{}', '{"nodes": [{"id": "transfer", "task": {"agent": {"errand": {"type": "transfer", "source": "/a", "verify": "sha256", "protocol": "local", "direction": "push", "destination": "/b"}, "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8"}}, "when": "success", "needs": [], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 1, "initialDelay": "30s"}, "timeoutSeconds": null}], "timeoutSeconds": null}', '{"steps": [{"id": "transfer", "type": "transfer", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "needs": [], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 1, "initialDelay": "30s"}, "source": {"host": null, "path": "/a", "port": null, "user": null, "pattern": null, "location": "/a", "protocol": "local", "credentials": null}, "verify": "sha256", "timeout": null, "protocol": "local", "direction": "push", "destination": {"host": null, "path": "/b", "port": null, "user": null, "pattern": null, "location": "/b", "protocol": "local", "credentials": null}}], "source": {"host": null, "path": "/a", "port": null, "user": null, "pattern": null, "location": "/a", "protocol": "local", "credentials": null}, "timeout": null, "schedule": null, "parameters": {}, "destination": {"host": null, "path": "/b", "port": null, "user": null, "pattern": null, "location": "/b", "protocol": "local", "credentials": null}}', NULL, '2026-04-25 13:07:00+00', '2026-04-25 13:12:00+00', 3, '2026-04-25 13:07:00+00', '2026-04-25 13:07:00+00', NULL);
INSERT INTO mftplus_frozen.pipeline_runs VALUES ('019dc4ba-a6e0-7000-8c6f-54121e58061a', '019dc4ba-a6e0-7000-8809-edeeb792d812', 1, 'failed', 'manual', NULL, NULL, '{}', '{"nodes": [{"id": "transfer", "task": {"agent": {"errand": {"type": "transfer", "source": "/a", "verify": "sha256", "protocol": "local", "direction": "push", "destination": "/b"}, "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8"}}, "when": "success", "needs": [], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 1, "initialDelay": "30s"}, "timeoutSeconds": null}], "timeoutSeconds": null}', '{"steps": [{"id": "transfer", "type": "transfer", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "needs": [], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 1, "initialDelay": "30s"}, "source": {"host": null, "path": "/a", "port": null, "user": null, "pattern": null, "location": "/a", "protocol": "local", "credentials": null}, "verify": "sha256", "timeout": null, "protocol": "local", "direction": "push", "destination": {"host": null, "path": "/b", "port": null, "user": null, "pattern": null, "location": "/b", "protocol": "local", "credentials": null}}], "source": {"host": null, "path": "/a", "port": null, "user": null, "pattern": null, "location": "/a", "protocol": "local", "credentials": null}, "timeout": null, "schedule": null, "parameters": {}, "destination": {"host": null, "path": "/b", "port": null, "user": null, "pattern": null, "location": "/b", "protocol": "local", "credentials": null}}', 'step `transfer` failed: the agent was offline for longer than 5m', NULL, NULL, 2, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00', '2026-04-25 13:07:00+00');
INSERT INTO mftplus_frozen.pipeline_runs VALUES ('019dc61c-f9e8-7000-8012-414b30954bc8', '019dc4ba-a6e0-7000-8747-876bdf184100', 1, 'running', 'manual', NULL, NULL, '{"host": "files.example.com", "count": "3", "stamp": "2026-01-01", "strict": "true"}', '{"nodes": [{"id": "sum", "task": {"agent": {"errand": {"path": "/data/out/report.csv", "type": "checksum", "expected": "3f786850e387550fdab836ed7e6dc881de23001b0a1b2c3d4e5f60718293a4b5"}, "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c"}}, "when": "success", "needs": [], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "pack", "task": {"agent": {"errand": {"path": "/data/out/report.csv", "type": "compress", "format": "zstd", "output": "/data/out/report-2026-01-01.csv.zst"}, "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c"}}, "when": "success", "needs": [0], "retry": {"factor": 1.5, "maxDelay": "10m", "maxAttempts": 5, "initialDelay": "0s"}, "timeoutSeconds": 600}, {"id": "send", "task": {"agent": {"errand": {"type": "transfer", "source": "/data/out/report-2026-01-01.csv.zst", "verify": "none", "protocol": "ftps", "direction": "push", "credentials": "partner", "destination": "ftps://files.example.com/inbox/"}, "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c"}}, "when": "success", "needs": [1], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "unpack", "task": {"agent": {"errand": {"path": "/inbox/report.csv.zst", "type": "decompress", "format": "zstd", "output": "/inbox/report.csv"}, "agentId": "019dc4b9-bc80-7000-892c-123f57d3cae8"}}, "when": "success", "needs": [2], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "keep", "task": {"agent": {"errand": {"to": "/data/old/report-2026-01-01.csv", "from": "/data/out/report.csv", "type": "rename"}, "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c"}}, "when": "success", "needs": [2], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "tidy", "task": {"agent": {"errand": {"path": "/data/out/report-2026-01-01.csv.zst", "type": "delete"}, "agentId": "019dc4b9-bc80-7000-8747-40f85df92e7c"}}, "when": "success", "needs": [4, 3], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}, {"id": "alarm", "task": {"webhook": {"url": "https://example.com/hooks/mft", "body": "{\"text\": \"report 2026-01-01 failed\",\n \"count\": 3}\n"}}, "when": "failure", "needs": [5], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeoutSeconds": null}], "timeoutSeconds": 86400}', '{"steps": [{"id": "sum", "path": "/data/out/report.csv", "type": "checksum", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "needs": [], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeout": null, "expected": "3f786850e387550fdab836ed7e6dc881de23001b0a1b2c3d4e5f60718293a4b5"}, {"id": "pack", "path": "/data/out/report.csv", "type": "compress", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "needs": ["sum"], "retry": {"factor": 1.5, "maxDelay": "10m", "maxAttempts": 5, "initialDelay": "0s"}, "format": "zstd", "output": "/data/out/report-2026-01-01.csv.zst", "timeout": "10m"}, {"id": "send", "type": "transfer", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "needs": ["pack"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "source": {"host": null, "path": "/data/out/report-2026-01-01.csv.zst", "port": null, "user": null, "pattern": null, "location": "/data/out/report-2026-01-01.csv.zst", "protocol": "local", "credentials": null}, "verify": "none", "timeout": null, "protocol": "ftps", "direction": "push", "destination": {"host": "files.example.com", "path": "/inbox/", "port": null, "user": null, "pattern": null, "location": "ftps://files.example.com/inbox/", "protocol": "ftps", "credentials": "partner"}}, {"id": "unpack", "path": "/inbox/report.csv.zst", "type": "decompress", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-892c-123f57d3cae8", "name": "edge-2", "hostname": "edge-2"}, "needs": ["send"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "format": "zstd", "output": "/inbox/report.csv", "timeout": null}, {"id": "keep", "to": "/data/old/report-2026-01-01.csv", "from": "/data/out/report.csv", "type": "rename", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "needs": ["send"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeout": null}, {"id": "tidy", "path": "/data/out/report-2026-01-01.csv.zst", "type": "delete", "when": "success", "agent": {"id": "019dc4b9-bc80-7000-8747-40f85df92e7c", "name": "edge-1", "hostname": "edge-1"}, "needs": ["keep", "unpack"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeout": null}, {"id": "alarm", "url": "https://example.com/hooks/mft", "body": "{\"text\": \"report 2026-01-01 failed\",\n \"count\": 3}\n", "type": "webhook", "when": "failure", "agent": null, "needs": ["tidy"], "retry": {"factor": 2.0, "maxDelay": "1h", "maxAttempts": 2, "initialDelay": "30s"}, "timeout": null}], "source": {"host": null, "path": "/data/out/report.csv", "port": null, "user": null, "pattern": null, "location": "/data/out/report.csv", "protocol": "local", "credentials": null}, "timeout": "1d", "schedule": null, "parameters": {"host": "files.example.com", "count": "3", "stamp": "2026-01-01", "strict": "true"}, "destination": {"host": "files.example.com", "path": "/inbox/", "port": null, "user": null, "pattern": null, "location": "ftps://files.example.com/inbox/", "protocol": "ftps", "credentials": "partner"}}', NULL, NULL, '2026-04-26 19:28:01+00', 1, '2026-04-25 19:28:01+00', '2026-04-25 19:28:01+00', NULL);


--
-- Data for Name: pipeline_steps; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4ba-a6e0-7000-8a6d-4344b1eecfca', 0, 'copy', 'transfer', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'completed', 1, 100, 512, NULL, NULL, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00', 1, '2026-04-25 13:01:00+00', false, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4ba-a6e0-7000-8a6d-4344b1eecfca', 1, 'tell', 'webhook', NULL, 'completed', 1, 100, NULL, NULL, NULL, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00', 1, '2026-04-25 13:01:00+00', false, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4ba-a6e0-7000-8c6f-54121e58061a', 0, 'transfer', 'transfer', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'failed', 1, NULL, NULL, 'the agent was offline for longer than 5m', NULL, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00', 1, NULL, true, NULL, '2026-04-25 13:07:00+00');
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4c0-2520-7000-8150-31d2cd0164f0', 0, 'transfer', 'transfer', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'running', 1, NULL, NULL, NULL, NULL, '2026-04-25 13:07:00+00', '2026-04-25 13:07:00+00', 1, '2026-04-25 13:07:00+00', false, '2026-04-25 13:07:00+00', NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4c0-2520-7000-843a-9040dcddbaca', 2, 'send', 'transfer', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4c0-2520-7000-843a-9040dcddbaca', 3, 'unpack', 'decompress', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4c0-2520-7000-843a-9040dcddbaca', 4, 'keep', 'rename', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4c0-2520-7000-843a-9040dcddbaca', 5, 'tidy', 'delete', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4c0-2520-7000-843a-9040dcddbaca', 6, 'alarm', 'webhook', NULL, 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4c0-2520-7000-843a-9040dcddbaca', 0, 'sum', 'checksum', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'completed', 1, 100, NULL, NULL, NULL, '2026-04-25 13:07:00+00', '2026-04-25 13:07:00+00', 1, '2026-04-25 13:07:00+00', false, '2026-04-25 13:07:00+00', '2026-04-25 13:07:00+00');
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc4c0-2520-7000-843a-9040dcddbaca', 1, 'pack', 'compress', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'running', 1, 10, NULL, NULL, NULL, '2026-04-25 13:07:00+00', '2026-04-25 13:07:00+00', 1, '2026-04-25 13:07:00+00', false, '2026-04-25 13:07:00+00', NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc61c-f9e8-7000-8012-414b30954bc8', 0, 'sum', 'checksum', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'queued', 1, NULL, NULL, NULL, NULL, '2026-04-25 19:28:01+00', '2026-04-25 19:28:01+00', 1, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc61c-f9e8-7000-8012-414b30954bc8', 1, 'pack', 'compress', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc61c-f9e8-7000-8012-414b30954bc8', 2, 'send', 'transfer', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc61c-f9e8-7000-8012-414b30954bc8', 3, 'unpack', 'decompress', '019dc4b9-bc80-7000-892c-123f57d3cae8', 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc61c-f9e8-7000-8012-414b30954bc8', 4, 'keep', 'rename', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc61c-f9e8-7000-8012-414b30954bc8', 5, 'tidy', 'delete', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);
INSERT INTO mftplus_frozen.pipeline_steps VALUES ('019dc61c-f9e8-7000-8012-414b30954bc8', 6, 'alarm', 'webhook', NULL, 'queued', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL);


--
-- Data for Name: pipeline_versions; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.pipeline_versions VALUES ('019dc4ba-a6e0-7000-8747-876bdf184100', 1, 'version: 1
source: /data/out/report.csv
destination:
  protocol: ftps
  host: ${{ params.host }}
  path: /inbox/
  credentials: partner
agent: edge-1
schedule: "@daily"
overlap: queue
catchUp: all
timeout: 1d
retry: { maxAttempts: 2 }
parameters:
  host: files.example.com
  stamp: 2026-01-01
  count: 3
  strict: true
steps:
  - id: sum
    type: checksum
    path: /data/out/report.csv
    expected: "3f786850e387550fdab836ed7e6dc881de23001b0a1b2c3d4e5f60718293a4b5"
  - id: pack
    type: compress
    needs: [sum]
    path: /data/out/report.csv
    output: /data/out/report-${{ params.stamp }}.csv.zst
    format: zstd
    retry: { maxAttempts: 5, initialDelay: 0s, factor: 1.5, maxDelay: 10m }
    timeout: 10m
  - id: send
    type: transfer
    needs: [pack]
    source: /data/out/report-${{ params.stamp }}.csv.zst
    verify: none
  - id: unpack
    type: decompress
    needs: [send]
    agent: edge-2
    path: /inbox/report.csv.zst
    output: /inbox/report.csv
  - id: keep
    type: rename
    needs: [send]
    from: /data/out/report.csv
    to: /data/old/report-${{ params.stamp }}.csv
  - id: tidy
    type: delete
    needs: [keep, unpack]
    path: /data/out/report-${{ params.stamp }}.csv.zst
  - id: alarm
    type: webhook
    needs: [tidy]
    when: failure
    url: https://example.com/hooks/mft
    body: |
      {"text": "report ${{ params.stamp }} failed",
       "count": ${{ params.count }}}
', NULL, '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.pipeline_versions VALUES ('019dc4ba-a6e0-7000-8809-edeeb792d812', 1, 'source: /a
destination: /b
agent: edge-2
schedule: "*/30 * * * *"
', NULL, '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.pipeline_versions VALUES ('019dc4ba-a6e0-7000-8945-ccc2a105967c', 1, 'source: /a
destination: /b
agent: edge-2
steps:
  - { id: copy, type: transfer }
  - { id: tell, type: webhook, needs: [copy], url: "http://127.0.0.1:44175/hook" }
', NULL, '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.pipeline_versions VALUES ('019dc4ba-a6e0-7000-8945-ccc2a105967c', 2, 'source: /a
destination: /b
agent: edge-2
steps:
  - { id: copy, type: transfer }
  - { id: tell, type: webhook, needs: [copy], url: "http://127.0.0.1:44175/hook" }
', '3f78685', '2026-04-25 13:01:00+00');


--
-- Data for Name: pipelines; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.pipelines VALUES ('019dc4ba-a6e0-7000-8945-ccc2a105967c', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-83db-74e403ec7470', 'told', 'Told', 'What it does', 'told
told
what it does', true, 2, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.pipelines VALUES ('019dc4ba-a6e0-7000-8809-edeeb792d812', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-83db-74e403ec7470', 'small', 'A pipeline', 'What it does', 'small
a pipeline
what it does', true, 1, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.pipelines VALUES ('019dc4ba-a6e0-7000-8747-876bdf184100', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-83db-74e403ec7470', 'every-step', 'A pipeline', 'What it does', 'every-step
a pipeline
what it does', true, 1, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00');


--
-- Data for Name: scheduler; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.scheduler VALUES (1, 13);


--
-- Data for Name: schedules; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.schedules VALUES ('019dc4ba-a6e0-7000-8747-876bdf184100', 'pipeline', '@daily', 'UTC', 'queue', 'all', '2026-04-26 00:00:00+00', 1);
INSERT INTO mftplus_frozen.schedules VALUES ('019dc5d9-3640-7000-81a5-570d9871ba02', 'job', '*/5 * * * *', 'UTC', 'skip', 'last', NULL, 4);
INSERT INTO mftplus_frozen.schedules VALUES ('019dc4c0-2520-7000-8883-06360c65aff2', 'job', '0 * * * *', 'Europe/Berlin', 'queue', 'all', '2026-04-25 20:00:00+00', 6);
INSERT INTO mftplus_frozen.schedules VALUES ('019dc4ba-a6e0-7000-8809-edeeb792d812', 'pipeline', '*/30 * * * *', 'UTC', 'skip', 'last', '2026-04-25 19:30:00+00', 5);
INSERT INTO mftplus_frozen.schedules VALUES ('019dc5e2-5e00-7000-800f-9ba247b5f9ba', 'job', '*/10 * * * *', 'UTC', 'skip', 'last', NULL, 3);
INSERT INTO mftplus_frozen.schedules VALUES ('019dc61c-f9e8-7000-82a4-815006b5ca9c', 'job', '0 * * * *', 'UTC', 'skip', 'last', '2026-04-25 20:00:00+00', 1);


--
-- Data for Name: secrets; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.secrets VALUES ('signing', '\xf13fb7e0d0254edd9b0c2c2e83ab86a001797ccee72d0672ca04f19cede7c4fc', '2026-04-25 13:00:00+00');


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.sessions VALUES ('019dc4b9-bc80-7000-82f1-50cc85d49362', '019dc4b9-bc80-7000-814e-c487cdee2a1c', 0, '2026-04-25 13:00:00+00', '2026-04-25 13:00:00+00', '2026-05-02 13:00:00+00', NULL);
INSERT INTO mftplus_frozen.sessions VALUES ('019dc4b9-bc80-7000-852a-10ec3f1979c8', '019dc4b9-bc80-7000-841d-6dfa4393d80a', 0, '2026-04-25 13:00:00+00', '2026-04-25 13:00:00+00', '2026-05-02 13:00:00+00', NULL);
INSERT INTO mftplus_frozen.sessions VALUES ('019dc4b9-bc80-7000-8d84-461b58f6dcdc', '019dc4b9-bc80-7000-8c03-5852b123315a', 1, '2026-04-25 13:00:00+00', '2026-04-25 13:00:00+00', '2026-05-02 13:00:00+00', '2026-04-25 13:01:00+00');
INSERT INTO mftplus_frozen.sessions VALUES ('019dc4ba-a6e0-7000-80e0-3c03c4b61c92', '019dc4b9-bc80-7000-8c03-5852b123315a', 0, '2026-04-25 13:01:00+00', '2026-04-25 13:01:00+00', '2026-05-02 13:01:00+00', '2026-04-25 13:01:00+00');


--
-- Data for Name: slots; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.slots VALUES ('019dc4d5-33c0-7000-809b-f1063e7f69bc', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 13:30:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 14:07:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc4f0-ab00-7000-80ea-a57926d4d1ca', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 14:00:00+00', 'skipped', 'an earlier run was still at work', NULL, NULL, NULL, NULL, '2026-04-25 14:07:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc4f0-ab00-7000-80ff-c3f0a6a83020', 'job', '019dc4c0-2520-7000-8883-06360c65aff2', '2026-04-25 14:00:00+00', 'ran', NULL, '019dc4f7-13a0-7000-80db-46cf7ab073a8', NULL, NULL, NULL, '2026-04-25 14:07:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc50c-2240-7000-803e-8683fa42be62', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 14:30:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 15:07:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc527-9980-7000-80ff-8ff6119dc770', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 15:00:00+00', 'skipped', 'an earlier run was still at work', NULL, NULL, NULL, NULL, '2026-04-25 15:07:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc527-9980-7000-8098-b67bb5f6bb7a', 'job', '019dc4c0-2520-7000-8883-06360c65aff2', '2026-04-25 15:00:00+00', 'ran', NULL, '019dc52e-ec80-7000-8168-8a702f2fb4ca', NULL, NULL, NULL, '2026-04-25 15:07:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc55e-8800-7000-809f-fdf0b1b27612', 'job', '019dc4c0-2520-7000-8883-06360c65aff2', '2026-04-25 16:00:00+00', 'ran', 'waits for an earlier run to end', NULL, 'queued', NULL, NULL, '2026-04-25 18:14:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc595-7680-7000-8084-49bda7d2f540', 'job', '019dc4c0-2520-7000-8883-06360c65aff2', '2026-04-25 17:00:00+00', 'ran', 'waits for an earlier run to end', NULL, 'queued', NULL, NULL, '2026-04-25 18:14:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc5cc-6500-7000-803b-ec7c5629ce92', 'job', '019dc4c0-2520-7000-8883-06360c65aff2', '2026-04-25 18:00:00+00', 'ran', 'waits for an earlier run to end', NULL, 'queued', NULL, NULL, '2026-04-25 18:14:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc543-10c0-7000-80ba-9bfb150231bc', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 15:30:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 18:14:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc55e-8800-7000-8051-ed79596de48a', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 16:00:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 18:14:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc579-ff40-7000-8051-6956ceb3fe08', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 16:30:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 18:14:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc595-7680-7000-807e-bced32b8b51a', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 17:00:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 18:14:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc5b0-edc0-7000-80d2-b3f7ce3c709c', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 17:30:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 18:14:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc5cc-6500-7000-80f8-706056c49be2', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 18:00:00+00', 'skipped', 'an earlier run was still at work', NULL, NULL, NULL, NULL, '2026-04-25 18:14:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc5de-b480-7000-805b-6d6402b8f1e8', 'job', '019dc5d9-3640-7000-81a5-570d9871ba02', '2026-04-25 18:20:00+00', 'skipped', 'an earlier run was still at work', NULL, NULL, NULL, NULL, '2026-04-25 18:24:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc5da-20a0-7000-80e2-031ec61f4ebc', 'job', '019dc5d9-3640-7000-81a5-570d9871ba02', '2026-04-25 18:15:00+00', 'skipped', 'the job was disabled', NULL, NULL, NULL, NULL, '2026-04-25 18:19:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc5e7-dc40-7000-8013-e68efebf7b5c', 'job', '019dc5e2-5e00-7000-800f-9ba247b5f9ba', '2026-04-25 18:30:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 19:24:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc5f1-0400-7000-803f-a8c02781f8b2', 'job', '019dc5e2-5e00-7000-800f-9ba247b5f9ba', '2026-04-25 18:40:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 19:24:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc5fa-2bc0-7000-80d1-69f0995fd2a0', 'job', '019dc5e2-5e00-7000-800f-9ba247b5f9ba', '2026-04-25 18:50:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 19:24:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc603-5380-7000-80bc-d12daa564172', 'job', '019dc5e2-5e00-7000-800f-9ba247b5f9ba', '2026-04-25 19:00:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 19:24:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc60c-7b40-7000-8030-2dcb3ec720fc', 'job', '019dc5e2-5e00-7000-800f-9ba247b5f9ba', '2026-04-25 19:10:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 19:24:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc603-5380-7000-8057-f142904630a8', 'job', '019dc4c0-2520-7000-8883-06360c65aff2', '2026-04-25 19:00:00+00', 'ran', 'waits for an earlier run to end', NULL, 'queued', NULL, NULL, '2026-04-25 19:24:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc5e7-dc40-7000-8079-cf622a84dc1c', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 18:30:00+00', 'coalesced', 'a later slot ran for it', NULL, NULL, NULL, NULL, '2026-04-25 19:24:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc603-5380-7000-805e-a96fd52c6e62', 'pipeline', '019dc4ba-a6e0-7000-8809-edeeb792d812', '2026-04-25 19:00:00+00', 'skipped', 'an earlier run was still at work', NULL, NULL, NULL, NULL, '2026-04-25 19:24:00+00');
INSERT INTO mftplus_frozen.slots VALUES ('019dc615-a300-7000-8006-8bcdc744ec0a', 'job', '019dc5e2-5e00-7000-800f-9ba247b5f9ba', '2026-04-25 19:20:00+00', 'skipped', 'the job was disabled', NULL, NULL, NULL, NULL, '2026-04-25 19:24:00+00');


--
-- Data for Name: transfer_counts; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.transfer_counts VALUES ('00000000-0000-0000-0000-000000000000', 'completed', 1);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('019dc4b9-bc80-7000-83db-74e403ec7470', 'completed', 1);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('019dc4b9-bc80-7000-8747-40f85df92e7c', 'completed', 1);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('00000000-0000-0000-0000-000000000000', 'running', 2);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('019dc4b9-bc80-7000-83db-74e403ec7470', 'running', 2);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('019dc4b9-bc80-7000-8747-40f85df92e7c', 'running', 2);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('00000000-0000-0000-0000-000000000000', 'failed', 0);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('00000000-0000-0000-0000-000000000000', 'queued', 2);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('019dc4b9-bc80-7000-83db-74e403ec7470', 'failed', 0);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('019dc4b9-bc80-7000-83db-74e403ec7470', 'queued', 2);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('019dc4b9-bc80-7000-8747-40f85df92e7c', 'failed', 0);
INSERT INTO mftplus_frozen.transfer_counts VALUES ('019dc4b9-bc80-7000-8747-40f85df92e7c', 'queued', 2);


--
-- Data for Name: transfers; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.transfers VALUES ('019dc619-4c80-7000-814d-73becde17202', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'sftp://ftp.example.com/files/data.csv', '/in/data.csv', 'data.csv', 'data.csv', 'sftp', 'pull', 'queued', 0, 1000, 0, 0, NULL, NULL, NULL, '2026-04-25 19:24:00+00', NULL, NULL, NULL, 1, NULL, 1, false, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO mftplus_frozen.transfers VALUES ('019dc619-4c80-7000-834b-b1c0d5a45f0a', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'sftp://ftp.example.com/files/data.csv', '/in/data.csv', 'data.csv', 'data.csv', 'sftp', 'pull', 'completed', 100, 1000, 1000, 10, NULL, '2026-04-25 19:24:00+00', '2026-04-25 19:24:00+00', '2026-04-25 19:24:00+00', NULL, NULL, NULL, 1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 3, false, '2026-04-25 19:24:00+00', NULL, false, NULL, NULL, NULL);
INSERT INTO mftplus_frozen.transfers VALUES ('019dc619-4c80-7000-8717-e35fadf78992', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'sftp://ftp.example.com/files/data.csv', '/in/data.csv', 'data.csv', 'data.csv', 'sftp', 'pull', 'running', 0.2, 1000, 2, 0, NULL, '2026-04-25 19:24:00+00', NULL, '2026-04-25 19:24:00+00', NULL, NULL, NULL, 1, NULL, 5, true, '2026-04-25 19:26:00+00', NULL, false, NULL, NULL, NULL);
INSERT INTO mftplus_frozen.transfers VALUES ('019dc61c-f600-7000-8128-a63432e15a92', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'sftp://ftp.example.com/files/data.csv', '/in/data.csv', 'data.csv', 'data.csv', 'sftp', 'pull', 'running', 0.3, 1000, 3, 0, NULL, '2026-04-25 19:28:00+00', NULL, '2026-04-25 19:28:00+00', NULL, NULL, NULL, 1, NULL, 3, false, '2026-04-25 19:28:00+00', '2026-04-25 19:28:00+00', false, NULL, NULL, NULL);
INSERT INTO mftplus_frozen.transfers VALUES ('019dc619-4c80-7000-857e-b3bf8ab7c1da', '019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4b9-bc80-7000-8747-40f85df92e7c', 'sftp://ftp.example.com/files/data.csv', '/in/data.csv', 'data.csv', 'data.csv', 'sftp', 'pull', 'queued', 0, 1000, 0, 0, NULL, NULL, NULL, '2026-04-25 19:24:00+00', NULL, NULL, NULL, 2, NULL, 3, false, NULL, NULL, false, NULL, NULL, NULL);


--
-- Data for Name: users; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.users VALUES ('019dc4b9-bc80-7000-841d-6dfa4393d80a', 'somebody@example.com', '$argon2id$v=19$m=19456,t=2,p=1$RD4KJ4qclQIBGkTG7lgo/A$F4rLjtl3qS4MwTGRnfcZqXsD3cCeCx7jw+yTjoqNM0s', 'customer', '019dc4b9-bc80-7000-83db-74e403ec7470', false, '2026-04-25 13:00:00+00');
INSERT INTO mftplus_frozen.users VALUES ('019dc4b9-bc80-7000-814e-c487cdee2a1c', 'root@example.com', '$argon2id$v=19$m=19456,t=2,p=1$GU2Bglnh0KiJFHp8pQ4lug$Ju3BUQnLwUiUqvyL9hAqOkuGsBz8Zmt/5pguiHI7ZHc', 'admin', NULL, false, '2026-04-25 13:00:00+00');
INSERT INTO mftplus_frozen.users VALUES ('019dc4b9-bc80-7000-8c03-5852b123315a', 'former@example.com', '$argon2id$v=19$m=19456,t=2,p=1$JhaYcZJPCEqWGa1+5xX4iA$vI8WTh2W96N150I00p5Q0xqVzscAfjYQeWjAJKGoxiY', 'admin', NULL, true, '2026-04-25 13:00:00+00');


--
-- Data for Name: webhook_secrets; Type: TABLE DATA; Schema: mftplus_frozen; Owner: -
--

INSERT INTO mftplus_frozen.webhook_secrets VALUES ('019dc4b9-bc80-7000-83db-74e403ec7470', '019dc4ba-a6e0-7000-85be-a88fcf23b1dc', '019dc4b9-bc80-7000-83db-74e403ec7470', 'mft_wh_DwvQK', '\xe26dc04b9089c148878bb139', '\x9c2b23f1db7d1fd642b6d1327156f0643117693630679bc4185f10221d176cee92d73c8eeee28c81716a201799dc5d183470ebf03252dd954b66ed5c87556587e7de', '2026-04-25 13:01:00+00');


--
-- Name: _sqlx_migrations _sqlx_migrations_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);


--
-- Name: agent_keys agent_keys_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.agent_keys
    ADD CONSTRAINT agent_keys_pkey PRIMARY KEY (digest);


--
-- Name: agents agents_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (id);


--
-- Name: customers customers_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);


--
-- Name: directives directives_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.directives
    ADD CONSTRAINT directives_pkey PRIMARY KEY (id);


--
-- Name: enrolment_codes enrolment_codes_digest_key; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.enrolment_codes
    ADD CONSTRAINT enrolment_codes_digest_key UNIQUE (digest);


--
-- Name: enrolment_codes enrolment_codes_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.enrolment_codes
    ADD CONSTRAINT enrolment_codes_pkey PRIMARY KEY (id);


--
-- Name: event_head event_head_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.event_head
    ADD CONSTRAINT event_head_pkey PRIMARY KEY (id);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (number);


--
-- Name: idempotency idempotency_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (caller, operation, key);


--
-- Name: job_runs job_runs_directive_id_key; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.job_runs
    ADD CONSTRAINT job_runs_directive_id_key UNIQUE (directive_id);


--
-- Name: job_runs job_runs_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.job_runs
    ADD CONSTRAINT job_runs_pkey PRIMARY KEY (id);


--
-- Name: jobs jobs_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);


--
-- Name: pipeline_runs pipeline_runs_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.pipeline_runs
    ADD CONSTRAINT pipeline_runs_pkey PRIMARY KEY (id);


--
-- Name: pipeline_steps pipeline_steps_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.pipeline_steps
    ADD CONSTRAINT pipeline_steps_pkey PRIMARY KEY (run_id, "position");


--
-- Name: pipeline_versions pipeline_versions_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.pipeline_versions
    ADD CONSTRAINT pipeline_versions_pkey PRIMARY KEY (pipeline_id, version);


--
-- Name: pipelines pipelines_owner_id_identifier_key; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.pipelines
    ADD CONSTRAINT pipelines_owner_id_identifier_key UNIQUE (owner_id, identifier);


--
-- Name: pipelines pipelines_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.pipelines
    ADD CONSTRAINT pipelines_pkey PRIMARY KEY (id);


--
-- Name: scheduler scheduler_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.scheduler
    ADD CONSTRAINT scheduler_pkey PRIMARY KEY (id);


--
-- Name: schedules schedules_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.schedules
    ADD CONSTRAINT schedules_pkey PRIMARY KEY (owner_id);


--
-- Name: secrets secrets_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (name);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);


--
-- Name: slots slots_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.slots
    ADD CONSTRAINT slots_pkey PRIMARY KEY (id);


--
-- Name: transfer_counts transfer_counts_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.transfer_counts
    ADD CONSTRAINT transfer_counts_pkey PRIMARY KEY (scope_id, status);


--
-- Name: transfers transfers_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.transfers
    ADD CONSTRAINT transfers_pkey PRIMARY KEY (id);


--
-- Name: users users_email_key; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.users
    ADD CONSTRAINT users_email_key UNIQUE (email);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: webhook_secrets webhook_secrets_pkey; Type: CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.webhook_secrets
    ADD CONSTRAINT webhook_secrets_pkey PRIMARY KEY (owner_id);


--
-- Name: agent_keys_agent; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX agent_keys_agent ON mftplus_frozen.agent_keys USING btree (agent_id);


--
-- Name: agents_customer; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX agents_customer ON mftplus_frozen.agents USING btree (customer_id, id);


--
-- Name: directives_agent; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX directives_agent ON mftplus_frozen.directives USING btree (agent_id, id) WHERE (acknowledged_at IS NULL);


--
-- Name: directives_expiry; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX directives_expiry ON mftplus_frozen.directives USING btree (expires_at);


--
-- Name: directives_job; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX directives_job ON mftplus_frozen.directives USING btree (job_id, id) WHERE ((acknowledged_at IS NULL) AND (job_id IS NOT NULL));


--
-- Name: directives_job_run; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX directives_job_run ON mftplus_frozen.directives USING btree (job_run_id) WHERE (job_run_id IS NOT NULL);


--
-- Name: directives_lapsed; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX directives_lapsed ON mftplus_frozen.directives USING btree (expires_at) WHERE ((acknowledged_at IS NULL) AND (job_id IS NOT NULL));


--
-- Name: directives_step; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX directives_step ON mftplus_frozen.directives USING btree (pipeline_run_id, step_id) WHERE ((acknowledged_at IS NULL) AND (pipeline_run_id IS NOT NULL));


--
-- Name: enrolment_codes_customer; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX enrolment_codes_customer ON mftplus_frozen.enrolment_codes USING btree (customer_id, id);


--
-- Name: events_at; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX events_at ON mftplus_frozen.events USING btree (at);


--
-- Name: events_customer; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX events_customer ON mftplus_frozen.events USING btree (customer_id, number);


--
-- Name: idempotency_expiry; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX idempotency_expiry ON mftplus_frozen.idempotency USING btree (expires_at);


--
-- Name: job_runs_agent; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX job_runs_agent ON mftplus_frozen.job_runs USING btree (agent_id, id);


--
-- Name: job_runs_job; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX job_runs_job ON mftplus_frozen.job_runs USING btree (job_id, id);


--
-- Name: job_runs_job_status; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX job_runs_job_status ON mftplus_frozen.job_runs USING btree (job_id, status, id);


--
-- Name: job_runs_retry; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX job_runs_retry ON mftplus_frozen.job_runs USING btree (retry_at) WHERE (retry_at IS NOT NULL);


--
-- Name: job_runs_status; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX job_runs_status ON mftplus_frozen.job_runs USING btree (status, id);


--
-- Name: jobs_agent; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX jobs_agent ON mftplus_frozen.jobs USING btree (agent_id, id);


--
-- Name: jobs_customer; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX jobs_customer ON mftplus_frozen.jobs USING btree (customer_id, id);


--
-- Name: pipeline_runs_due; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX pipeline_runs_due ON mftplus_frozen.pipeline_runs USING btree (due_at, id) WHERE (due_at IS NOT NULL);


--
-- Name: pipeline_runs_pipeline; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX pipeline_runs_pipeline ON mftplus_frozen.pipeline_runs USING btree (pipeline_id, id);


--
-- Name: pipeline_runs_pipeline_status; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX pipeline_runs_pipeline_status ON mftplus_frozen.pipeline_runs USING btree (pipeline_id, status, id);


--
-- Name: pipeline_runs_status; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX pipeline_runs_status ON mftplus_frozen.pipeline_runs USING btree (status, id);


--
-- Name: pipeline_steps_agent; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX pipeline_steps_agent ON mftplus_frozen.pipeline_steps USING btree (agent_id, run_id) WHERE ((sent_at IS NOT NULL) AND (completed_at IS NULL));


--
-- Name: pipelines_customer; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX pipelines_customer ON mftplus_frozen.pipelines USING btree (customer_id, id);


--
-- Name: pipelines_identifier; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX pipelines_identifier ON mftplus_frozen.pipelines USING btree (identifier);


--
-- Name: schedules_due; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX schedules_due ON mftplus_frozen.schedules USING btree (owner_kind, next_run_at, owner_id) WHERE (next_run_at IS NOT NULL);


--
-- Name: sessions_expiry; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX sessions_expiry ON mftplus_frozen.sessions USING btree (expires_at);


--
-- Name: sessions_user; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX sessions_user ON mftplus_frozen.sessions USING btree (user_id);


--
-- Name: slots_age; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX slots_age ON mftplus_frozen.slots USING btree (scheduled_for);


--
-- Name: slots_nominal; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE UNIQUE INDEX slots_nominal ON mftplus_frozen.slots USING btree (owner_id, scheduled_for) WHERE (range_from IS NULL);


--
-- Name: slots_owner; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX slots_owner ON mftplus_frozen.slots USING btree (owner_id, id);


--
-- Name: slots_pending; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX slots_pending ON mftplus_frozen.slots USING btree (owner_id, scheduled_for) WHERE (pending IS NOT NULL);


--
-- Name: slots_queued; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX slots_queued ON mftplus_frozen.slots USING btree (owner_kind, owner_id, scheduled_for) WHERE (pending = 'queued'::text);


--
-- Name: transfers_agent; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX transfers_agent ON mftplus_frozen.transfers USING btree (agent_id, id);


--
-- Name: transfers_agent_status; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX transfers_agent_status ON mftplus_frozen.transfers USING btree (agent_id, status, id);


--
-- Name: transfers_customer; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX transfers_customer ON mftplus_frozen.transfers USING btree (customer_id, id);


--
-- Name: transfers_customer_status; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX transfers_customer_status ON mftplus_frozen.transfers USING btree (customer_id, status, id);


--
-- Name: transfers_facets; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX transfers_facets ON mftplus_frozen.transfers USING btree (id, customer_id, agent_id, status, protocol, direction, source_name, destination_name);


--
-- Name: transfers_failed; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX transfers_failed ON mftplus_frozen.transfers USING btree (completed_at, customer_id) WHERE (status = 'failed'::text);


--
-- Name: transfers_job_run; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX transfers_job_run ON mftplus_frozen.transfers USING btree (job_run_id) WHERE (job_run_id IS NOT NULL);


--
-- Name: transfers_status; Type: INDEX; Schema: mftplus_frozen; Owner: -
--

CREATE INDEX transfers_status ON mftplus_frozen.transfers USING btree (status, id);


--
-- Name: agent_keys agent_keys_agent_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.agent_keys
    ADD CONSTRAINT agent_keys_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES mftplus_frozen.agents(id);


--
-- Name: agents agents_customer_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.agents
    ADD CONSTRAINT agents_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES mftplus_frozen.customers(id);


--
-- Name: directives directives_agent_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.directives
    ADD CONSTRAINT directives_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES mftplus_frozen.agents(id);


--
-- Name: enrolment_codes enrolment_codes_customer_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.enrolment_codes
    ADD CONSTRAINT enrolment_codes_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES mftplus_frozen.customers(id);


--
-- Name: job_runs job_runs_job_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.job_runs
    ADD CONSTRAINT job_runs_job_id_fkey FOREIGN KEY (job_id) REFERENCES mftplus_frozen.jobs(id);


--
-- Name: jobs jobs_agent_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.jobs
    ADD CONSTRAINT jobs_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES mftplus_frozen.agents(id);


--
-- Name: jobs jobs_customer_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.jobs
    ADD CONSTRAINT jobs_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES mftplus_frozen.customers(id);


--
-- Name: pipeline_runs pipeline_runs_pipeline_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.pipeline_runs
    ADD CONSTRAINT pipeline_runs_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES mftplus_frozen.pipelines(id);


--
-- Name: pipeline_steps pipeline_steps_run_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.pipeline_steps
    ADD CONSTRAINT pipeline_steps_run_id_fkey FOREIGN KEY (run_id) REFERENCES mftplus_frozen.pipeline_runs(id);


--
-- Name: pipeline_versions pipeline_versions_pipeline_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.pipeline_versions
    ADD CONSTRAINT pipeline_versions_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES mftplus_frozen.pipelines(id);


--
-- Name: pipelines pipelines_customer_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.pipelines
    ADD CONSTRAINT pipelines_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES mftplus_frozen.customers(id);


--
-- Name: sessions sessions_user_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES mftplus_frozen.users(id);


--
-- Name: transfers transfers_agent_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.transfers
    ADD CONSTRAINT transfers_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES mftplus_frozen.agents(id);


--
-- Name: transfers transfers_customer_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.transfers
    ADD CONSTRAINT transfers_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES mftplus_frozen.customers(id);


--
-- Name: users users_customer_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.users
    ADD CONSTRAINT users_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES mftplus_frozen.customers(id);


--
-- Name: webhook_secrets webhook_secrets_customer_id_fkey; Type: FK CONSTRAINT; Schema: mftplus_frozen; Owner: -
--

ALTER TABLE ONLY mftplus_frozen.webhook_secrets
    ADD CONSTRAINT webhook_secrets_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES mftplus_frozen.customers(id);


--
-- PostgreSQL database dump complete
--


