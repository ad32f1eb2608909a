-- Which programs may open this database. From here on migrations only expand, so that an older server runs beside a newer
-- schema; one that cannot do so raises this, with the release that reads it: see "Two versions at once" in ARCHITECTURE.md.
CREATE TABLE compatibility (
    id INTEGER PRIMARY KEY NOT NULL,
    -- What a program must read at least, as `store/migrations.rs` counts it.
    min_reader_version INTEGER NOT NULL,
    -- The release that does, to say it to people.
    min_reader_release TEXT NOT NULL
) STRICT;
INSERT INTO compatibility (id, min_reader_version, min_reader_release) VALUES (1, 1, '0.1.0');
