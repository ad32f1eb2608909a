//! All columns of the table in the database.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    actor::Scope,
    model::{
        account::Role,
        copy_rules::CopyRules,
        job::{JobSettings, RunState, RunStatus},
        retry::Retry,
        schedule::{CatchUp, Overlap},
        transfer::{Direction, Protocol},
    },
    store::{
        agents::{self, AgentRow},
        db::{Db, EnumText, json_column, sql},
        enrolment_codes::EnrolmentCodeRow,
        job_runs::{self, JobRunRow},
        jobs::{self, JobRow},
        pipeline_runs::{RunRow, steps::StepRow},
        pipelines::{PipelineRow, versions::VersionRow},
        saved_views::{self, SavedViewRow},
        schedules::{self, ScheduleRow},
        scratch_database::Scratch,
        sessions::SessionRow,
        slots::SlotRow,
        test_rows::{assert_differ, assert_filled, at, id, transfer, transfer_ended},
        transfers::{self, TransferRow},
        users::{self, UserRow},
        webhook_secrets::WebhookSecretRow,
    },
};

mod credentials;
mod pipelines;
mod slots_and_directives;

/// The columns of tables that no `table!` declares, because few statements use each of them.
const UNDECLARED: &[(&str, &[&str])] = &[
    ("agent_certificates", &["digest", "agent_id", "serial_number", "created_at", "expires_at"]),
    ("agent_history", &["agent_id", "hour", "summary", "minutes"]),
    ("agent_instances", &["agent_id", "state"]),
    ("attention_snoozes", &["item_id", "kind", "customer_id", "severity", "until", "reason", "actor", "created_at"]),
    ("agent_keys", &["digest", "agent_id", "prefix", "created_at", "expires_at", "generation", "first_used_at"]),
    ("collector", &["id", "event_number", "claimed_at", "observed_minute", "sampled_after"]),
    ("compatibility", &["id", "min_reader_version", "min_reader_release"]),
    ("customers", &["id", "name", "suspended", "created_at"]),
    (
        "directives",
        &[
            "id",
            "agent_id",
            "type",
            "wish",
            "transfer_id",
            "job_id",
            "job_run_id",
            "pipeline_run_id",
            "step_id",
            "created_at",
            "expires_at",
            "acknowledged_at",
        ],
    ),
    ("event_head", &["id", "number", "purged", "plain_cursors_until"]),
    ("events", &["number", "at", "kind", "actor", "object_id", "customer_id", "agent_id", "object"]),
    ("idempotency", &["caller", "operation", "key", "body_digest", "claim", "claimed_until", "answer", "expires_at"]),
    ("scheduler", &["id", "turn"]),
    ("secrets", &["name", "value", "created_at"]),
    ("series_hours", &["scope_id", "at", "bytes", "started", "completed", "failed", "agents_online", "observations"]),
    ("series_minutes", &["scope_id", "at", "bytes", "started", "completed", "failed", "agents_online", "observations"]),
    ("transfer_counts", &["scope_id", "status", "total"]),
    ("transfer_samples", &["transfer_id", "attempt", "bytes", "stalled", "sampled_at", "samples"]),
    ("transfer_texts", &["number", "transfer_id", "text"]),
    ("writer_batches", &["writer_id", "batch", "committed_at"]),
];

#[tokio::test]
async fn the_declared_columns_are_those_of_the_database() {
    let declared = [
        (AgentRow::TABLE.name, AgentRow::COLUMNS),
        (EnrolmentCodeRow::TABLE.name, EnrolmentCodeRow::COLUMNS),
        (JobRow::TABLE.name, JobRow::COLUMNS),
        (JobRunRow::TABLE.name, JobRunRow::COLUMNS),
        (PipelineRow::TABLE.name, PipelineRow::COLUMNS),
        (RunRow::TABLE.name, RunRow::COLUMNS),
        (SavedViewRow::TABLE.name, SavedViewRow::COLUMNS),
        (ScheduleRow::TABLE.name, ScheduleRow::COLUMNS),
        (SessionRow::TABLE.name, SessionRow::COLUMNS),
        (SlotRow::TABLE.name, SlotRow::COLUMNS),
        (StepRow::TABLE.name, StepRow::COLUMNS),
        (TransferRow::TABLE.name, TransferRow::COLUMNS),
        (UserRow::TABLE.name, UserRow::COLUMNS),
        (VersionRow::TABLE.name, VersionRow::COLUMNS),
        (WebhookSecretRow::TABLE.name, WebhookSecretRow::COLUMNS),
    ];
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (table, columns) in declared.iter().chain(UNDECLARED) {
        let names: BTreeSet<&str> = columns.iter().copied().collect();
        assert_eq!(names.len(), columns.len(), "{table}: a column is declared twice");
        assert_eq!(known.insert(*table, names), None, "{table} is declared twice");
    }

    let scratch = Scratch::open().await;
    let catalogue = match &scratch.db {
        Db::Sqlite { .. } => sql("SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c \
             WHERE t.type = 'table'"),
        Db::Postgres { .. } => sql("SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) \
             FROM information_schema.columns WHERE table_schema = current_schema()"),
    };
    let rows: Vec<(String, String)> = catalogue.fetch_all(&scratch.db).await.unwrap();
    let mut stored: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (table, column) in &rows {
        // Those of sqlx and of SQLite itself are not ours; those of the full-text index are SQLite's, too.
        if !["_sqlx_", "sqlite_", "transfer_texts_index"].iter().any(|other| table.starts_with(other)) {
            stored.entry(table).or_default().insert(column);
        }
    }
    let tables = |found: &BTreeMap<&str, BTreeSet<&str>>| -> Vec<String> {
        found.keys().map(|table| (*table).to_owned()).collect()
    };
    assert_eq!(tables(&known), tables(&stored));
    for (table, columns) in &known {
        assert_eq!(Some(columns), stored.get(table), "{table}");
    }
}

#[tokio::test]
async fn every_column_of_an_agent_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    assert_filled(AgentRow::CREATED, &scratch.agent);
    assert_filled(AgentRow::HEARTBEAT, &scratch.agent);
    let found = agents::find(&scratch.db, Scope::All, scratch.agent.id).await.unwrap();
    assert_eq!(found, Some(scratch.agent));
}

#[tokio::test]
async fn every_column_of_a_transfer_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let row = transfer(10, &scratch.agent);
    assert_filled(TransferRow::CREATED, &row);
    for columns in transfers::CHANGED {
        assert_filled(columns, &row);
    }
    let mut tx = scratch.db.begin().await.unwrap();
    transfers::insert(&mut tx, &row, "a.csv", "b.csv").await.unwrap();
    assert_eq!(transfers::find(&mut tx, Scope::All, row.id).await.unwrap().as_ref(), Some(&row));

    let after = transfer_ended(&row);
    for columns in transfers::CHANGED {
        assert_differ(columns, &row, &after);
    }
    assert!(!transfers::save(&mut tx, &after, row.state.revision - 1).await.unwrap());
    assert!(transfers::save(&mut tx, &after, row.state.revision).await.unwrap());
    assert_eq!(transfers::find(&mut tx, Scope::All, row.id).await.unwrap(), Some(after));
}

/// A user with a value in every column.
fn user(agent: &AgentRow) -> UserRow {
    UserRow {
        id: id(20),
        email: "ada@example.com".to_owned(),
        password_hash: "a hash".to_owned(),
        role: EnumText(Role::Customer),
        customer_id: Some(agent.customer_id),
        suspended: true,
        created_at: at(60),
    }
}

#[tokio::test]
async fn every_column_of_a_user_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let row = user(&scratch.agent);
    assert_filled(UserRow::CREATED, &row);
    assert_filled(UserRow::CHANGED, &row);
    let mut tx = scratch.db.begin().await.unwrap();
    assert!(users::insert(&mut tx, &row).await.unwrap());
    assert!(!users::insert(&mut tx, &row).await.unwrap(), "the e-mail address is taken");
    assert_eq!(users::find(&mut tx, row.id).await.unwrap().as_ref(), Some(&row));

    let after = UserRow {
        password_hash: "another hash".to_owned(),
        role: EnumText(Role::Admin),
        customer_id: None,
        suspended: false,
        ..row.clone()
    };
    assert_differ(UserRow::CHANGED, &row, &after);
    users::save(&mut tx, &after).await.unwrap();
    assert_eq!(users::find(&mut tx, row.id).await.unwrap(), Some(after));
}

#[tokio::test]
async fn every_column_of_a_saved_view_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let user = user(&scratch.agent);
    let row = SavedViewRow {
        id: id(25),
        user_id: user.id,
        name: "Failed".to_owned(),
        page: "transfers".to_owned(),
        query: "status=failed".to_owned(),
        is_default: true,
        created_at: at(61),
        updated_at: at(62),
    };
    assert_filled(SavedViewRow::CREATED, &row);
    assert_filled(SavedViewRow::CHANGED, &row);
    let mut tx = scratch.db.begin().await.unwrap();
    assert!(users::insert(&mut tx, &user).await.unwrap());
    saved_views::insert(&mut tx, &row).await.unwrap();
    assert_eq!(saved_views::find(&mut tx, user.id, row.id).await.unwrap().as_ref(), Some(&row));
    assert_eq!(saved_views::find(&mut tx, id(26), row.id).await.unwrap(), None);

    let after = SavedViewRow {
        name: "Running".to_owned(),
        page: "jobs".to_owned(),
        query: "status=running".to_owned(),
        is_default: false,
        updated_at: at(63),
        ..row.clone()
    };
    assert_differ(SavedViewRow::CHANGED, &row, &after);
    saved_views::save(&mut tx, &after).await.unwrap();
    assert_eq!(saved_views::find(&mut tx, user.id, row.id).await.unwrap(), Some(after));
    assert!(!saved_views::delete(&mut tx, id(26), row.id).await.unwrap());
    assert!(saved_views::delete(&mut tx, user.id, row.id).await.unwrap());
}

/// A job with a value in every column.
fn job(agent: &AgentRow) -> JobRow {
    JobRow {
        id: id(30),
        customer_id: agent.customer_id,
        agent_id: agent.id,
        settings: JobSettings {
            name: "Nightly".to_owned(),
            source: "sftp://ftp.example.com/in".to_owned(),
            destination: "/data/in".to_owned(),
            schedule: "0 2 * * *".to_owned(),
            protocol: Protocol::Ftp,
            direction: Direction::Push,
            timezone: "Europe/Berlin".to_owned(),
            overlap: Overlap::Queue,
            catch_up: CatchUp::All,
        },
        enabled: true,
        retry: Some(json_column(Retry::usual(3))),
        copy_rules: Some(json_column(CopyRules::filled())),
        last_run_at: Some(at(70)),
        revision: 2,
        created_at: at(71),
        next_run_at: Some(at(72)),
        version: 5,
        agent_name: agent.name.clone(),
        agent_hostname: agent.hostname.clone(),
    }
}

#[tokio::test]
async fn every_column_of_a_job_and_its_schedule_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let row = job(&scratch.agent);
    assert_filled(JobRow::CREATED, &row);
    assert_filled(JobRow::CHANGED, &row);
    let mut tx = scratch.db.begin().await.unwrap();
    jobs::insert(&mut tx, &row).await.unwrap();
    assert_eq!(jobs::find(&mut tx, Scope::All, row.id).await.unwrap().as_ref(), Some(&row));
    let rule = schedules::find(&mut tx, row.id.0).await.unwrap().unwrap();
    assert_filled(ScheduleRow::CREATED, &rule);
    assert_filled(ScheduleRow::CHANGED, &rule);

    let changed = JobRow {
        settings: JobSettings {
            name: "Weekly".to_owned(),
            source: "sftp://ftp.example.com/out".to_owned(),
            destination: "/data/out".to_owned(),
            schedule: "0 3 * * 1".to_owned(),
            protocol: Protocol::Local,
            direction: Direction::Pull,
            timezone: "Asia/Tokyo".to_owned(),
            overlap: Overlap::Allow,
            catch_up: CatchUp::Skip,
        },
        enabled: false,
        retry: None,
        copy_rules: None,
        next_run_at: None,
        ..row.clone()
    };
    assert_differ(JobRow::CHANGED, &row, &changed);
    assert!(jobs::save(&mut tx, &changed).await.unwrap());
    let after = JobRow { revision: row.revision + 1, version: row.version + 1, ..changed };
    assert_eq!(jobs::find(&mut tx, Scope::All, row.id).await.unwrap().as_ref(), Some(&after));
    let rule_after = schedules::find(&mut tx, row.id.0).await.unwrap().unwrap();
    assert_differ(ScheduleRow::CHANGED, &rule, &rule_after);
    assert!(!jobs::save(&mut tx, &row).await.unwrap(), "the schedule has another version");
}

#[tokio::test]
async fn every_column_of_a_job_run_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let job = job(&scratch.agent);
    let row = JobRunRow {
        id: id(40),
        job_id: job.id,
        customer_id: job.customer_id,
        agent_id: job.agent_id,
        directive_id: Some(id(41)),
        scheduled_for: Some(at(80)),
        started_at: at(81),
        attempt: 3,
        retry_of: Some(id(42)),
        state: RunState {
            status: RunStatus::Completed,
            completed_at: Some(at(82)),
            error_message: Some("the disk is full".to_owned()),
            bytes_transferred: Some(1_000),
            cancel_requested_at: Some(at(83)),
            heard_at: at(84),
            failed_by_lease: true,
            retry_at: Some(at(85)),
            revision: 6,
        },
    };
    assert_filled(JobRunRow::CREATED, &row);
    assert_filled(JobRunRow::STATE, &row);
    let mut tx = scratch.db.begin().await.unwrap();
    jobs::insert(&mut tx, &job).await.unwrap();
    job_runs::insert(&mut tx, &row).await.unwrap();
    assert_eq!(job_runs::find(&mut tx, Scope::All, row.id).await.unwrap().as_ref(), Some(&row));

    let state = RunState {
        status: RunStatus::Failed,
        completed_at: Some(at(92)),
        error_message: Some("the network is slow".to_owned()),
        bytes_transferred: Some(2_000),
        cancel_requested_at: Some(at(93)),
        heard_at: at(94),
        failed_by_lease: false,
        retry_at: Some(at(95)),
        revision: 7,
    };
    let after = JobRunRow { state, ..row.clone() };
    assert_differ(JobRunRow::STATE, &row, &after);
    assert!(!job_runs::save(&mut tx, &after, row.state.revision - 1).await.unwrap());
    assert!(job_runs::save(&mut tx, &after, row.state.revision).await.unwrap());
    assert_eq!(job_runs::find(&mut tx, Scope::All, row.id).await.unwrap(), Some(after));
}
