-- Why an agent has its status, as its last heartbeat with a status said.
ALTER TABLE agents ADD COLUMN status_reason TEXT;
-- Since when it has its status.
ALTER TABLE agents ADD COLUMN status_since TIMESTAMPTZ;
