//! The databases that a server of this version opens.

use std::{fs, path::Path};

use backend::{
    app,
    store::db::{Sql, sql},
};

use super::{RELEASES, Thawed};
use crate::support::TestApp;

/// The error of a server that starts on this database; `None` if it starts.
async fn refusal(server: &TestApp) -> Option<String> {
    match app::open(&server.settings.database).await {
        Ok(db) => {
            db.close().await;
            None
        }
        Err(error) => Some(format!("{error:#}")),
    }
}

async fn write(server: &TestApp, statement: Sql) {
    let mut tx = server.app.db.begin().await.expect("a transaction");
    statement.execute(&mut tx).await.expect("it is written");
    tx.commit().await.expect("it is written");
}

#[tokio::test]
async fn a_server_runs_beside_a_newer_schema_until_that_says_which_version_is_needed() {
    let server = TestApp::start().await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        SELECT 29990101000000, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 20261123000000";
    write(&server, sql(later)).await;
    assert_eq!(refusal(&server).await, None, "newer migrations only expand");
    let needed = "UPDATE compatibility SET min_reader_version = 1000, min_reader_release = '7.8.9'";
    write(&server, sql(needed)).await;
    let refusal = refusal(&server).await.expect("a refusal");
    let sentence = "the database is of a newer version: MFTPlus 7.8.9 or later is needed to open it, and this is ";
    assert!(refusal.contains(sentence), "{refusal}");
    assert!(refusal.starts_with("DATABASE_URL: ") || refusal.starts_with("MFTPLUS_DATA_DIR: "), "{refusal}");
}

#[tokio::test]
async fn a_migration_that_was_changed_after_its_release_stops_the_start() {
    let thawed = Thawed::new(RELEASES[0]).await;
    let changed = "UPDATE _sqlx_migrations SET checksum = (SELECT checksum FROM _sqlx_migrations WHERE version = \
        20261124000000) WHERE version = 20261123000000";
    write(&thawed.app, sql(changed)).await;
    let refusal = refusal(&thawed.app).await.expect("a refusal");
    assert!(refusal.contains("migration 20261123000000 is not the one that this database was made with"), "{refusal}");
}

/// The first migration since the rule that migrations only expand the schema.
const EXPANDING_SINCE: &str = "20261129000000";

#[test]
fn migrations_only_expand_or_say_which_version_is_needed() {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    for engine in ["sqlite", "postgres"] {
        for entry in fs::read_dir(migrations.join(engine)).expect("migrations") {
            let path = entry.expect("a migration").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            if name.as_str() < EXPANDING_SINCE {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a migration");
            let problems = narrowing(&text);
            assert!(
                problems.is_empty(),
                "{engine}/{name} narrows the schema, see \"Two versions at once\": {problems:?}"
            );
        }
    }
}

/// The statements that are not compatible with an older server.
fn narrowing(migration: &str) -> Vec<String> {
    let code: Vec<&str> = migration.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let code = code.join(" ").to_uppercase();
    if code.contains("UPDATE COMPATIBILITY") {
        return Vec::new();
    }
    let words = ["DROP ", "RENAME ", "ALTER COLUMN", "DELETE FROM", "TRUNCATE", "SET NOT NULL", "ADD CONSTRAINT"];
    let is_narrow = |statement: &&str| {
        words.iter().any(|word| statement.contains(word))
            || (statement.contains("ADD COLUMN") && statement.contains("NOT NULL") && !statement.contains("DEFAULT"))
            || (statement.contains("CREATE UNIQUE INDEX") && !code.contains(&created(statement)))
    };
    code.split(';').filter(is_narrow).map(|statement| statement.trim().to_owned()).collect()
}

/// The `CREATE TABLE` statement of an index's table, if it is in the same migration.
fn created(index: &str) -> String {
    let table = index.split(" ON ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
    format!("CREATE TABLE {table} ")
}

#[test]
fn what_narrows_a_schema_is_known() {
    for narrow in [
        "ALTER TABLE agents DROP COLUMN load;",
        "ALTER TABLE agents ADD COLUMN site TEXT NOT NULL;",
        "ALTER TABLE agents RENAME COLUMN load TO burden;",
        "CREATE UNIQUE INDEX agents_name ON agents (name);",
    ] {
        assert_eq!(narrowing(narrow).len(), 1, "{narrow}");
    }
    for wide in [
        "ALTER TABLE agents ADD COLUMN site TEXT;",
        "ALTER TABLE agents ADD COLUMN site TEXT NOT NULL DEFAULT '';\n-- DROP nothing",
        "CREATE TABLE sites (id BLOB); CREATE UNIQUE INDEX sites_id ON sites (id);",
        "ALTER TABLE agents DROP COLUMN load; UPDATE compatibility SET min_reader_version = 2;",
    ] {
        assert_eq!(narrowing(wide), Vec::<String>::new(), "{wide}");
    }
}
