-- The rules of a job's copy as JSON, each under its name in the API; null if all defaults hold.
ALTER TABLE jobs ADD COLUMN copy_rules TEXT;
