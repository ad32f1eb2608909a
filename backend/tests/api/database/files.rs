//! The files in the data folder.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use backend::app::{Ambient, App};
use rstest::rstest;
use tempfile::TempDir;

use super::{Connection, Executor, SqliteConnection, TestApp, TestDatabase};

/// The mode of each file of the folder.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let entries = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry"));
    let mut modes: Vec<_> = entries
        .map(|entry| {
            let mode = entry.metadata().expect("a file").permissions().mode() & 0o777;
            (entry.file_name().display().to_string(), mode)
        })
        .collect();
    modes.sort_unstable();
    modes
}

#[tokio::test]
async fn files_in_the_data_folder_are_their_owners_alone_whatever_the_folder_is() {
    let app = TestApp::on(&TestDatabase::sqlite(), &["--rate-limits", "off"]).await;
    let mut settings = app.settings.clone();
    let folder = TempDir::new().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    settings.database.data_dir = folder.path().to_owned();
    let started = App::start(&settings, Ambient::default()).await.expect("a server");
    started.cp.has_admin().await.expect("a read");
    let names = ["mftplus.db", "mftplus.db-shm", "mftplus.db-wal", "migrate.lock", "server.lock", "signing.secret"];
    assert_eq!(modes(folder.path()), names.map(|name| (name.to_owned(), 0o600)));
    started.close().await;
    // What an earlier version has left readable for all.
    for (name, _) in modes(folder.path()) {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o644)).expect("a mode");
    }
    let started = App::start(&settings, Ambient::default()).await.expect("a server");
    assert!(modes(folder.path()).iter().all(|(_, mode)| *mode == 0o600), "{:?}", modes(folder.path()));
    started.close().await;
}

#[tokio::test]
async fn an_emptied_database_beside_a_signing_secret_is_no_new_installation() {
    let app = TestApp::on(&TestDatabase::sqlite(), &["--rate-limits", "off"]).await;
    let settings = app.settings.clone();
    drop(app.router);
    app.app.close().await;
    let database = settings.database.data_dir.join("mftplus.db");
    for emptied in [true, false] {
        if emptied {
            fs::write(&database, "").expect("a file");
        } else {
            fs::remove_file(&database).expect("a file");
        }
        let refused = App::start(&settings, Ambient::default()).await.expect_err("an end").to_string();
        assert!(refused.contains("mftplus.db is missing or empty"), "{refused}");
        assert!(refused.contains("restore the database from a backup"), "{refused}");
        assert_eq!(fs::metadata(&database).map_or(0, |file| file.len()), 0, "nothing was begun");
    }
}

#[rstest]
#[case::all_tables("PRAGMA user_version = 0")]
#[case::all_but_that_of_migrations(
    "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
     installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, \
     execution_time BIGINT NOT NULL)"
)]
#[tokio::test]
async fn a_database_that_lost_its_log_with_its_tables_is_no_new_installation(#[case] left: &'static str) {
    let app = TestApp::on(&TestDatabase::sqlite(), &["--rate-limits", "off"]).await;
    let settings = app.settings.clone();
    drop(app.router);
    app.app.close().await;
    // Before the first checkpoint the file itself says no more than that there is a log.
    let database = settings.database.data_dir.join("mftplus.db");
    fs::remove_file(&database).expect("a file");
    let url = format!("sqlite://{}?mode=rwc", database.display());
    let mut connection = SqliteConnection::connect(&url).await.expect("a connection");
    connection.execute("PRAGMA journal_mode = WAL").await.expect("a pragma");
    connection.execute(left).await.expect("what is left");
    connection.close().await.expect("an end");
    assert!(fs::metadata(&database).is_ok_and(|file| file.len() > 0), "it is not the empty file of another story");
    let refused = App::start(&settings, Ambient::default()).await.expect_err("an end").to_string();
    assert!(refused.contains("mftplus.db has no tables") && refused.contains("mftplus.db-wal"), "{refused}");
    assert!(refused.contains("restore the database from a backup"), "{refused}");

    // Without a secret it is the first start of an installation, which was interrupted.
    fs::remove_file(settings.database.data_dir.join("signing.secret")).expect("a file");
    App::start(&settings, Ambient::default()).await.expect("a server").close().await;
}
