-- How a version's parameters are filled in: `place` (filtered as their place needs it) or, as earlier releases did and
-- what they saved keeps, `plain`.
ALTER TABLE pipeline_versions ADD COLUMN filling TEXT NOT NULL DEFAULT 'plain';
