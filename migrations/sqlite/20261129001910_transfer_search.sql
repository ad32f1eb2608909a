-- The texts of transfers that lists search for a part of a path or error, one row for each transfer. Triggers write them:
-- once for the paths, and again whenever the error changes.
CREATE TABLE transfer_texts (
    number INTEGER PRIMARY KEY NOT NULL,
    transfer_id BLOB NOT NULL UNIQUE,
    -- Source, destination and error, one below the other.
    text TEXT NOT NULL
) STRICT;
INSERT INTO transfer_texts (transfer_id, text)
    SELECT id, source || char(10) || destination || char(10) || COALESCE(error_message, '') FROM transfers ORDER BY id;

-- The index is an FTS5 table over these texts, whose trigrams ignore case. On PostgreSQL it is an index of pg_trgm.
CREATE VIRTUAL TABLE transfer_texts_index USING fts5
    (text, content = 'transfer_texts', content_rowid = 'number', columnsize = 0, tokenize = 'trigram');
INSERT INTO transfer_texts_index (transfer_texts_index) VALUES ('rebuild');

CREATE TRIGGER transfer_texts_created AFTER INSERT ON transfers
BEGIN
    INSERT INTO transfer_texts (transfer_id, text) VALUES
        (NEW.id, NEW.source || char(10) || NEW.destination || char(10) || COALESCE(NEW.error_message, ''));
    INSERT INTO transfer_texts_index (rowid, text) SELECT number, text FROM transfer_texts WHERE transfer_id = NEW.id;
END;

CREATE TRIGGER transfer_texts_error AFTER UPDATE OF error_message ON transfers
WHEN NEW.error_message IS NOT OLD.error_message
BEGIN
    INSERT INTO transfer_texts_index (transfer_texts_index, rowid, text)
        SELECT 'delete', number, text FROM transfer_texts WHERE transfer_id = NEW.id;
    UPDATE transfer_texts
        SET text = NEW.source || char(10) || NEW.destination || char(10) || COALESCE(NEW.error_message, '')
        WHERE transfer_id = NEW.id;
    INSERT INTO transfer_texts_index (rowid, text) SELECT number, text FROM transfer_texts WHERE transfer_id = NEW.id;
END;
