-- What needs attention is read often and by few conditions. Each of these indexes holds only the rows in question. A
-- condition of the form COALESCE(column, column) keeps the planner from choosing an index on all rows.
CREATE INDEX transfers_recent_failures ON transfers (completed_at)
    WHERE COALESCE(status, status) = 'failed';
CREATE INDEX transfers_recent_failures_of_customers ON transfers (customer_id, completed_at)
    WHERE COALESCE(status, status) = 'failed';
CREATE INDEX agents_in_trouble ON agents (id)
    WHERE revoked_at IS NULL AND COALESCE(status, status) IN ('offline', 'error');
CREATE INDEX agents_in_trouble_of_customers ON agents (customer_id, id)
    WHERE revoked_at IS NULL AND COALESCE(status, status) IN ('offline', 'error');
CREATE INDEX slots_missed ON slots (scheduled_for) WHERE outcome = 'missed' AND pending IS NULL;
CREATE INDEX slots_waiting ON slots (scheduled_for) WHERE pending IS NOT NULL;
CREATE INDEX job_runs_recent_failures ON job_runs (completed_at, job_id, status)
    WHERE COALESCE(status, status) = 'failed';
CREATE INDEX pipeline_runs_recent_failures ON pipeline_runs (completed_at, pipeline_id, status)
    WHERE COALESCE(status, status) = 'failed';
CREATE INDEX agent_certificates_expiry ON agent_certificates (expires_at);
CREATE INDEX agent_keys_expiry ON agent_keys (expires_at) WHERE expires_at IS NOT NULL;

-- Items that are snoozed, for all who see them.
CREATE TABLE attention_snoozes (
    item_id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    -- None: the platform's.
    customer_id BLOB,
    -- The severity of the item at the time of the snooze; a higher one ends it.
    severity TEXT NOT NULL,
    until TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX attention_snoozes_end ON attention_snoozes (until);
