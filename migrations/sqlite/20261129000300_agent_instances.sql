-- Which processes of an agent were heard: the one that may work, and some that were before it.
CREATE TABLE agent_instances (
    agent_id BLOB PRIMARY KEY NOT NULL REFERENCES agents (id),
    state TEXT NOT NULL
) STRICT;
