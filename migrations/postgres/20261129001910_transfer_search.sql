-- The texts of transfers that lists search for a part of a path or error, one row for each transfer. A trigger writes them:
-- once for the paths, and again whenever the error changes. They are not columns of transfers, since each change of a
-- transfer's status would then write to the index.
CREATE TABLE transfer_texts (
    -- Used on SQLite only.
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    transfer_id UUID PRIMARY KEY NOT NULL,
    -- Source, destination and error, one below the other, in lower case.
    text TEXT NOT NULL
);
INSERT INTO transfer_texts (transfer_id, text)
    SELECT id, lower(source || chr(10) || destination || chr(10) || COALESCE(error_message, ''))
    FROM transfers ORDER BY id;

CREATE FUNCTION write_transfer_text() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    INSERT INTO transfer_texts (transfer_id, text) VALUES
        (NEW.id, lower(NEW.source || chr(10) || NEW.destination || chr(10) || COALESCE(NEW.error_message, '')))
        ON CONFLICT (transfer_id) DO UPDATE SET text = excluded.text;
    RETURN NULL;
END
$function$;
CREATE TRIGGER transfer_texts_created AFTER INSERT ON transfers
    FOR EACH ROW EXECUTE FUNCTION write_transfer_text();
CREATE TRIGGER transfer_texts_error AFTER UPDATE OF error_message ON transfers
    FOR EACH ROW WHEN (NEW.error_message IS DISTINCT FROM OLD.error_message)
    EXECUTE FUNCTION write_transfer_text();

-- The extension belongs to the database, and the tables of this server to a schema, which may be another one.
DO $block$
DECLARE
    home NAME;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') THEN
        BEGIN
            IF to_regnamespace('public') IS NULL THEN
                CREATE EXTENSION pg_trgm;
            ELSE
                CREATE EXTENSION pg_trgm SCHEMA public;
            END IF;
        EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_file THEN
            RAISE EXCEPTION 'MFTPlus needs the extension pg_trgm, and this user cannot create it (%): install the contrib modules of PostgreSQL if they are missing, have an administrator run "CREATE EXTENSION pg_trgm" in this database, and start again', SQLERRM;
        END;
    END IF;
    SELECT n.nspname INTO home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_trgm';
    EXECUTE format('CREATE INDEX transfer_texts_trigrams ON transfer_texts USING gin (text %I.gin_trgm_ops)', home);
END
$block$;
