//! The data of an earlier release in `backend/tests/earlier_releases/`: this version reads it and continues its work.
//! The same is tested for data of a later version.

mod migrations_and_newer_schemas;
mod newer_version_beside;
mod read_every_object;
mod redis_messages_of_other_versions;
mod upgrade;
mod write_release_data;

use std::{fs, path::PathBuf};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::support::{Client, PASSWORD, TestApp, app::TestDatabase};

/// The releases that are kept.
const RELEASES: [&str; 1] = ["0.1.0"];

/// The cursor before the first event in the form of that release: the plain number.
const FIRST: &str = "AAAAAAAAAAA";

/// The folder with the data of a release.
fn folder(release: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/earlier_releases").join(release)
}

/// A server of this version on the data of a release, at the time when the data was created.
struct Thawed {
    app: TestApp,
    /// An administrator who has signed in to this version.
    root: Client,
    /// The keys, ids and tokens of that release.
    known: Value,
}

impl Thawed {
    async fn new(release: &str) -> Self {
        let folder = folder(release);
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a kept file");
        let database = TestDatabase::holding(&read("postgres.sql")).await;
        let (files, known) = match database.schema() {
            Some(_) => (vec![], read("postgres.json")),
            None => (vec![folder.join("mftplus.db"), folder.join("signing.secret")], read("sqlite.json")),
        };
        let known: Value = serde_json::from_str(&known).expect("JSON");
        let now: DateTime<Utc> = text(&known["now"]).parse().expect("an instant");
        let flags = ["--rate-limits", "off", "--webhook-networks", "127.0.0.0/8"];
        let app = TestApp::with_files(&database, &files, &flags, now).await;
        let root = Self::sign_in(&app).await;
        Self { app, root, known }
    }

    async fn sign_in(app: &TestApp) -> Client {
        let signed_in = app.sign_in("root@example.com", PASSWORD).await;
        app.bearer(text(&signed_in.body["data"]["token"]))
    }

    /// One of the agents of that release, by its API key.
    fn agent(&self, number: usize) -> Client {
        self.app.key(text(&self.known["agents"][number]["key"]))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a string, not {value}"))
}
