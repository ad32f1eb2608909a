-- The texts of drafts that are kept, in the order in which they are purged.
CREATE INDEX pipeline_runs_drafts ON pipeline_runs (pipeline_id, id, completed_at) WHERE draft_yaml IS NOT NULL;
