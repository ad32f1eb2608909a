-- Whether a user opens a list of the dashboard with this view. The server keeps it to one view of a page for each user.
ALTER TABLE saved_views ADD COLUMN is_default INTEGER NOT NULL DEFAULT 0;
