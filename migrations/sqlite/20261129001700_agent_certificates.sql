-- The client certificates of agents, found by the SHA-256 of their DER form. Those of a revoked agent are not valid.
CREATE TABLE agent_certificates (
    digest BLOB PRIMARY KEY NOT NULL,
    agent_id BLOB NOT NULL REFERENCES agents (id),
    serial_number TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX agent_certificates_agent ON agent_certificates (agent_id);
