-- The definition of a run that executes a draft, byte for byte. The version of such a run is 0, which no pipeline has: an
-- earlier server finds no version to continue the run with.
ALTER TABLE pipeline_runs ADD COLUMN draft_yaml TEXT;
