-- In which order an agent's keys were made, and when a key was used for the first time; noted only of a key that takes
-- over from another one.
ALTER TABLE agent_keys ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agent_keys ADD COLUMN first_used_at TEXT;
UPDATE agent_keys SET generation = 1 + (
    SELECT COUNT(*) FROM agent_keys older
    WHERE older.agent_id = agent_keys.agent_id AND older.created_at < agent_keys.created_at
);
