-- Up to this number cursors of the log were the number itself; these go on working.
ALTER TABLE event_head ADD COLUMN plain_cursors_until INTEGER NOT NULL DEFAULT 0;
UPDATE event_head SET plain_cursors_until = number;
