-- The last batch that the group-committing writer of each server has committed: a batch whose answer was lost is looked for
-- here before it is repeated.
CREATE TABLE writer_batches (
    writer_id UUID PRIMARY KEY NOT NULL,
    batch BIGINT NOT NULL,
    committed_at TIMESTAMPTZ NOT NULL
);
