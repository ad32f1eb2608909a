-- Whether a run names a version of a pipeline, for the purge of versions.
CREATE INDEX pipeline_runs_version ON pipeline_runs (version, pipeline_id);
