//! Published interfaces, pinned by snapshots: the command line and the descriptions of both APIs. Also compares the two
//! sets of migrations.

#![expect(clippy::expect_used, reason = "what a test stands on is there, or the test fails")]

use std::{collections::BTreeSet, env, fs, path::Path, process::Command};

use backend::{
    model::{
        agent::AgentStatus,
        copy_rules::{OnExists, OnFileError, PreservedAttribute, SymlinkRule, Verify},
        definition,
        directive::DirectiveAction,
        job::RunStatus,
        pipeline::run::StepStatus,
        retry::Retry,
        schedule::{CatchUp, DEFAULT_TIMEZONE, Overlap},
        transfer::{Direction, Protocol, TransferStatus},
    },
    store::Db,
};
use clap::CommandFactory;
use mftplus_protocol::{copy_rules, wire};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use strum::VariantNames;

#[path = "contracts/documentation.rs"]
mod documentation;

/// Table, column, and whether the column may be null.
type Column = (String, String, bool);

fn migrations(engine: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(engine);
    let entries = fs::read_dir(folder).expect("migrations");
    entries.map(|entry| entry.expect("an entry").file_name().display().to_string()).collect()
}

async fn columns_of_sqlite() -> BTreeSet<Column> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = Db::open_sqlite(&folder.path().join("mftplus.db")).await.expect("a database");
    db.migrate().await.expect("a schema");
    let Db::Sqlite { readers, .. } = &db else { panic!("SQLite") };
    let rows: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT t.name, c.name, c.\"notnull\" = 0 FROM sqlite_master t JOIN pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> '_sqlx_migrations' \
         AND t.name NOT LIKE 'transfer\\_texts\\_index%' ESCAPE '\\'",
    )
    .fetch_all(readers.pool())
    .await
    .expect("columns");
    db.close().await;
    rows.into_iter().collect()
}

async fn columns_of_postgres(url: &str) -> BTreeSet<Column> {
    let schema = format!("contracts_{}", std::process::id());
    let mut connection = PgConnection::connect(url).await.expect("the PostgreSQL under test");
    sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut connection).await.expect("a schema");
    let separator = if url.contains('?') { '&' } else { '?' };
    let db =
        Db::open_postgres(&format!("{url}{separator}options=-c%20search_path%3D{schema}")).await.expect("a database");
    db.migrate().await.expect("a schema");
    db.migrate().await.expect("nothing to do the second time");
    db.close().await;
    let rows: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), is_nullable = 'YES' FROM information_schema.columns \
         WHERE table_schema = $1 AND table_name <> '_sqlx_migrations'",
    )
    .bind(&schema)
    .fetch_all(&mut connection)
    .await
    .expect("columns");
    rows.into_iter().collect()
}

#[test]
fn both_engines_have_the_same_migrations() {
    let sqlite = migrations("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, migrations("postgres"));
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
#[expect(clippy::disallowed_methods, reason = "the test command says so by this variable")]
async fn both_engines_have_the_same_tables_and_columns() {
    let sqlite = columns_of_sqlite().await;
    assert!(sqlite.len() > 50, "{sqlite:?}");
    let url = env::var("MFTPLUS_TEST_DATABASE_URL").expect("MFTPLUS_TEST_DATABASE_URL leads to PostgreSQL");
    assert_eq!(sqlite, columns_of_postgres(&url).await);
}

/// The output of `--help` of a command and of all its subcommands.
fn help(words: &[String]) -> String {
    let program = env!("CARGO_BIN_EXE_mftplus");
    // Without anything in the environment that a setting could take as its value.
    let output = Command::new(program).args(words).arg("--help").env_clear().output().expect("help");
    assert!(output.status.success(), "{words:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let listed = text.split("Commands:\n").nth(1).unwrap_or("").split("\n\n").next().unwrap_or("");
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    let names: Vec<&str> =
        names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    let below = names.iter().map(|name| help(&[words, &[(*name).to_owned()]].concat()));
    let title = format!("$ {}\n", [&["mftplus".to_owned()], words, &["--help".to_owned()]].concat().join(" "));
    title + text.trim_end() + "\n\n" + &below.collect::<String>()
}

#[test]
fn the_command_line_says_what_it_can_do() {
    insta::assert_snapshot!("command_line", help(&[]));
}

/// The arguments of a command and of all its subcommands.
fn arguments(command: &clap::Command) -> Vec<&clap::Arg> {
    command.get_arguments().chain(command.get_subcommands().flat_map(arguments)).collect()
}

#[test]
fn the_help_shows_no_variable_that_may_hold_a_secret() {
    const WORDS: [&str; 9] = ["code", "key", "origin", "password", "proxy", "secret", "server", "token", "url"];
    let command = backend::cli::Cli::command();
    let may_hold_a_secret = |arg: &&clap::Arg| {
        let variable = arg.get_env().map(|name| format!("{} {}", arg.get_id(), name.to_string_lossy()).to_lowercase());
        variable.is_some_and(|names| WORDS.iter().any(|word| names.contains(word)))
    };
    let (hidden, shown): (Vec<&clap::Arg>, Vec<&clap::Arg>) =
        arguments(&command).into_iter().filter(may_hold_a_secret).partition(|arg| arg.is_hide_env_values_set());
    assert!(hidden.len() >= 15, "{hidden:?}");
    assert!(shown.is_empty(), "these need `hide_env_values`: {shown:?}");
}

#[test]
fn the_server_and_the_agent_have_configuration_files_of_their_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("agent.toml"), "server = \"http://127.0.0.1:1\"\nallowed-dirs = [\"/\"]\n")
        .expect("a file");
    let problem = |words: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mftplus"));
        let output = command.args(words.split(' ')).current_dir(folder.path()).env_clear().output().expect("an end");
        let problem = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { None } else { Some((output.status.code(), problem)) }
    };
    for words in ["agent --config agent.toml status", "--log agent agent status --config agent.toml"] {
        assert_eq!(problem(words), None, "{words}");
    }
    for (words, part) in [
        ("agent --config missing.toml status", "cannot read missing.toml: "),
        ("--config agent.toml agent status", "--config agent.toml: `allowed-dirs` must be text"),
        ("openapi --config missing.toml", "--config missing.toml: "),
    ] {
        let (code, text) = problem(words).expect("a problem");
        assert!(code == Some(2) && text.contains(part), "{words}: {text}");
    }
}

#[test]
fn a_wrong_setting_is_refused_with_its_form_and_without_a_password() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (words, form) in [
        ("serve --allowed-origins https://user:secret@h", "must be an origin such as https://fleet.example.com"),
        ("serve --allowed-origins https://user:secret%40h", "must be an origin such as https://fleet.example.com"),
        ("serve --trusted-proxies http://user:secret@h", "must be a network such as 10.0.0.0/8"),
        ("watch --url https://user:secret@h", "must have no user, password"),
        ("watch --url :8080", "must be the URL of a server, such as https://mft.example.com"),
        ("agent --server :8080 status", "must be the address of a server, such as https://mft.example.com"),
        ("agent --server ftp://user:secret@h status", "must be the address of a server"),
        ("agent --server https://user:secret@h register --code x", "--server: must have no user and no password"),
        ("agent --mtls-server https://user:secret@h run", "--mtls-server: must have no user and no password"),
        (
            "agent --server https://user:secret@h --config agent.toml init",
            "--server: must have no user and no password",
        ),
        ("agent --server https://user:secret%40h status", "must be the address of a server"),
        ("agent --server https://user:secret\u{ff20}h status", "must be the address of a server"),
        (
            "agent --mtls-server http://user:secret@h status",
            "must be the address of a listener for client certificates",
        ),
        ("serve --log mftplus=loud", "must be a level such as info"),
        ("enrol-code add --customer a --expires-in soon", "must be a duration such as 30s"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mftplus"));
        let output = command.args(words.split(' ')).current_dir(folder.path()).env_clear().output().expect("an end");
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && problem.contains(form), "{words}: {problem}");
        assert!(!problem.contains("secret"), "{words}: {problem}");
    }
}

#[test]
fn the_api_is_described() {
    insta::assert_snapshot!("openapi", backend::rest::document().to_yaml().expect("YAML"));
}

#[test]
fn the_program_prints_the_same_description() {
    for (flag, expected) in [
        (None, backend::rest::document().to_yaml().expect("YAML")),
        (Some("--json"), backend::rest::document().to_pretty_json().expect("JSON")),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mftplus"));
        let output = command.arg("openapi").args(flag).env_clear().output().expect("a description");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), expected.trim_end());
    }
}

/// The schema against which the dashboard is compiled, and which clients read.
#[test]
fn the_schema_at_the_root_is_that_of_the_server() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema.graphql");
    let kept = fs::read_to_string(path).expect("schema.graphql");
    let is_same = kept == backend::graphql::document();
    assert!(is_same, "schema.graphql is not the server's any more: run `mftplus schema > schema.graphql`");
}

#[test]
fn the_program_prints_the_same_schema() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mftplus"));
    let output = command.arg("schema").env_clear().output().expect("a schema");
    assert_eq!(String::from_utf8_lossy(&output.stdout), backend::graphql::document());
}

/// Every example with its schema and its position.
fn examples(node: &Value, place: &str, found: &mut Vec<(String, Value, Value)>) {
    match node {
        Value::Object(object) => {
            let schema = object.get("schema").unwrap_or(node);
            if let Some(example) = object.get("example") {
                found.push((place.to_owned(), schema.clone(), example.clone()));
            }
            for example in object.get("examples").and_then(Value::as_array).into_iter().flatten() {
                found.push((place.to_owned(), schema.clone(), example.clone()));
            }
            for (name, below) in object.iter().filter(|(name, _)| !matches!(name.as_str(), "example" | "examples")) {
                examples(below, &format!("{place}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, below) in items.iter().enumerate() {
                examples(below, &format!("{place}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_example_of_the_description_fits_its_schema() {
    let document = json!(backend::rest::document());
    let mut found = Vec::new();
    examples(&document, "", &mut found);
    assert!(found.len() > 50, "{} examples", found.len());
    let mut wrong = Vec::new();
    for (place, mut schema, example) in found {
        // `$ref`s are found in the same place as in the document.
        schema["components"] = document["components"].clone();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema);
        let validator = validator.unwrap_or_else(|error| panic!("{place} is no schema: {error}"));
        wrong.extend(validator.iter_errors(&example).map(|error| format!("{place}: {error} (in {example})")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_operation_has_a_name_a_summary_and_described_answers() {
    let document = json!(backend::rest::document());
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(names.insert(name.to_owned()), "{method} {path}: `{name}` is taken or missing");
            let answers = operation["responses"].as_object().expect("answers");
            assert!(answers.keys().any(|status| status.starts_with('2')), "{method} {path}");
            for (status, answer) in answers {
                if status == "204" {
                    assert!(answer["content"].is_null(), "{method} {path}: a 204 has no body");
                    continue;
                }
                let contents = answer["content"].as_object().expect("what it holds");
                // The export of a definition and the certificates of the authority are files, and lists can be.
                let kinds: &[&str] = match (name, status.as_str()) {
                    ("export_pipeline", "200") => &["text/yaml"],
                    ("get_certificate_authority", "200") => &["application/pem-certificate-chain"],
                    ("list_agents" | "list_jobs" | "list_job_runs" | "list_transfers", "200") => {
                        &["application/json", "text/csv", "application/x-ndjson"]
                    }
                    _ => &["application/json"],
                };
                let is_described =
                    |kind: &&str| contents.get(*kind).is_some_and(|content| content["schema"].is_object());
                assert!(
                    contents.len() == kinds.len() && kinds.iter().all(is_described),
                    "{method} {path}: {status} does not say what it holds"
                );
            }
            assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
        }
    }
}

#[rstest::rstest]
#[case::agent_statuses(AgentStatus::VARIANTS, wire::AgentStatus::NAMES)]
#[case::directions(Direction::VARIANTS, wire::Direction::NAMES)]
#[case::directives(DirectiveAction::VARIANTS, wire::DirectiveKind::NAMES)]
#[case::job_run_statuses(RunStatus::VARIANTS, wire::ReportedStatus::NAMES)]
#[case::existing_files(OnExists::VARIANTS, copy_rules::OnExists::NAMES)]
#[case::file_errors(OnFileError::VARIANTS, copy_rules::OnFileError::NAMES)]
#[case::preserved_attributes(PreservedAttribute::VARIANTS, copy_rules::PreservedAttribute::NAMES)]
#[case::protocols(Protocol::VARIANTS, wire::Protocol::NAMES)]
#[case::step_statuses(StepStatus::VARIANTS, wire::StepStatus::NAMES)]
#[case::symlinks(SymlinkRule::VARIANTS, copy_rules::SymlinkRule::NAMES)]
#[case::transfer_statuses(TransferStatus::VARIANTS, wire::TransferStatus::NAMES)]
#[case::verification(Verify::VARIANTS, wire::Verify::NAMES)]
fn the_server_and_its_clients_know_the_same_names(
    #[case] server: &'static [&'static str],
    #[case] shared: &'static [&'static str],
) {
    let sorted = |names: &'static [&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(sorted(server), sorted(shared));
}

#[test]
fn what_an_agent_reports_is_a_status_of_transfers_and_steps() {
    for name in wire::ReportedStatus::NAMES {
        assert!(TransferStatus::VARIANTS.contains(name) && StepStatus::VARIANTS.contains(name), "{name}");
    }
}

#[test]
fn the_documents_name_the_defaults_of_the_code() {
    // Descriptions are broken into lines.
    let read = |path: &str| {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a document");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let skipped = match Overlap::default() {
        Overlap::Skip => "the slot is skipped",
        Overlap::Queue => "one run is queued",
        Overlap::Allow => "another run starts",
    };
    let caught_up = match CatchUp::default() {
        CatchUp::Last => "one run replaces those of the last 24 hours",
        CatchUp::Skip => "none runs",
        CatchUp::All => "each runs",
    };
    let (openapi, graphql) = (read("tests/snapshots/contracts__openapi.snap"), read("../schema.graphql"));
    let (language, conventions) = (definition::schema().to_string(), read("../docs/API-DESIGN.md"));
    let (overlap, catch_up) = (Overlap::default().to_string(), CatchUp::default().to_string());
    let Retry { initial_delay, factor, max_delay, .. } = Retry::usual(1);
    let sentences = [
        (&openapi, format!("`Africa/Johannesburg`. Default: `{DEFAULT_TIMEZONE}`.")),
        (&openapi, format!("an earlier run is active. Default: {skipped}.")),
        (&openapi, format!("while no server was running. Default: {caught_up}.")),
        (&openapi, format!("at most 1d. Default: {initial_delay}.")),
        (&openapi, format!("than the one before. Default: {factor}.")),
        (&openapi, format!("than `initialDelay`. Default: {max_delay}, or `initialDelay` if that is longer.")),
        (&graphql, format!("`Africa/Johannesburg`. Default: `{DEFAULT_TIMEZONE}`.")),
        (&graphql, format!("timezone: String! = \"{DEFAULT_TIMEZONE}\"")),
        (&graphql, format!("an earlier run is active. Default: {skipped}.")),
        (&graphql, format!("while no server was running. Default: {caught_up}.")),
        (&graphql, format!("at most 1d. Default: {initial_delay}.")),
        (&graphql, format!("1 to 100. Default: {factor}.")),
        (&graphql, format!("at most 1d. Default: {max_delay}, or `initialDelay` if that is longer.")),
        (&language, format!("time zone. Default: {DEFAULT_TIMEZONE}.")),
        (&language, format!("an earlier run is active. Default: {overlap}.")),
        (&language, format!("while no server was running. Default: {catch_up}.")),
        (&language, format!("after the first failure. Default: {initial_delay}.")),
        (&language, format!("than the one before. Default: {factor}.")),
        (&language, format!("Longest delay. Default: {max_delay}, or `initialDelay` if that is longer.")),
        (&conventions, format!("`initialDelay` {initial_delay}, `factor` {factor} and `maxDelay` {max_delay} ")),
    ];
    for (document, sentence) in sentences {
        assert!(document.contains(&sentence), "no document says: {sentence}");
    }
}
