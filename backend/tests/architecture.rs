//! The layers of the server and of the agent only look downwards, and some knowledge is confined to few places. This is
//! read from the sources, since the compiler does not enforce it within one crate. Each `lib.rs` lists the layers.

#![expect(clippy::expect_used, reason = "what a test stands on is there, or the test fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use rstest::rstest;

#[path = "architecture/cycles.rs"]
mod cycles;
#[path = "architecture/documentation.rs"]
mod documentation;
#[path = "architecture/protocol.rs"]
mod protocol;
#[path = "architecture/size.rs"]
mod size;

/// Calls of the control plane that state no permission themselves, each with the reason.
const WITHOUT_A_PERMISSION: [(&str, &str); 4] = [
    ("disable_job", "it is `update_job`"),
    ("enable_job", "it is `update_job`"),
    ("list_pipeline_runs", "it asks `watch_pipeline_runs` first"),
    ("with_idempotency", "it carries out another call"),
];

/// The modules that do no I/O.
const DOMAIN: &[&str] = &["model", "actor", "error", "ids", "clock"];

/// The modules of the server from the bottom up, each with the modules that it may import. The rest is wiring, which may
/// import all of them.
const SERVER: &[(&str, &[&str])] = &[
    ("model", DOMAIN),
    ("actor", DOMAIN),
    ("error", DOMAIN),
    ("ids", DOMAIN),
    ("clock", DOMAIN),
    ("rate_limits", &["rate_limits", "error"]),
    ("events", &["events", "model", "error", "ids"]),
    ("store", &["store", "model", "actor", "error", "ids"]),
    ("webhooks", &["webhooks", "ids"]),
    ("service", &["service", "store", "events", "rate_limits", "webhooks", "model", "actor", "error", "ids", "clock"]),
    ("transport", &["rate_limits", "actor", "error", "ids", "clock"]),
    ("rest", &["rest", "service", "rate_limits", "model", "actor", "error", "ids", "transport"]),
    ("graphql", &["graphql", "service", "rate_limits", "events", "model", "actor", "error", "ids", "transport"]),
    ("sweeper", &["service"]),
    ("scheduler", &["service"]),
    ("pipeline_engine", &["service"]),
    ("series_collector", &["service"]),
    ("dashboard", &["transport"]),
    ("config", &["config", "rate_limits", "model", "error", "transport"]),
    ("telemetry", &["config", "rate_limits", "model", "error", "transport"]),
    ("watch", &["model", "ids"]),
];

/// The modules of the agent from the top down, each with the modules that it may import.
const AGENT: &[(&str, &[&str])] = &[
    ("command", &["command", "work", "transfer", "storage", "server", "config", "identity", "host", "exit"]),
    ("work", &["work", "transfer", "storage", "server", "config", "identity"]),
    ("transfer", &["transfer", "storage", "server", "config"]),
    ("server", &["server", "config", "identity", "host", "exit"]),
    ("identity", &["storage", "config"]),
    ("storage", &["storage", "config"]),
    ("config", &["config"]),
    ("host", &[]),
    ("exit", &[]),
];

/// A source file: its path below `src`, and its text.
struct Source {
    name: String,
    text: String,
}

impl Source {
    /// The top-level module of the file.
    fn layer(&self) -> &str {
        let end = self.name.find(['/', '.']).unwrap_or(self.name.len());
        &self.name[..end]
    }

    /// The lines of code with their numbers, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.map(|(number, line)| (number, line.split("//").next().unwrap_or("")))
    }

    /// The top-level modules of this crate that the file names, each with the line.
    fn names(&self) -> Vec<(usize, String)> {
        let mut named = Vec::new();
        let mut depth = None;
        for (number, line) in self.code() {
            let mut rest = line;
            if depth.is_none()
                && let Some(at) = rest.find("crate::")
            {
                rest = &rest[at + "crate::".len()..];
                let Some(group) = rest.strip_prefix('{') else {
                    named.push((number, word(rest).to_owned()));
                    continue;
                };
                (depth, rest) = (Some(0), group);
            }
            // Within `use crate::{…}` every name that follows `{` or `,` on the first level is a module.
            let Some(level) = &mut depth else { continue };
            let mut begins = true;
            for (at, c) in rest.char_indices() {
                match c {
                    '{' => *level += 1,
                    '}' => *level -= 1,
                    ',' if *level == 0 => begins = true,
                    _ if *level == 0 && begins && !c.is_whitespace() => {
                        named.push((number, word(&rest[at..]).to_owned()));
                        begins = false;
                    }
                    _ => {}
                }
                if *level < 0 {
                    break;
                }
            }
            if *level < 0 {
                depth = None;
            }
        }
        named
    }

    /// The public functions with an actor as a parameter: the name of each, and the text from there on.
    fn calls(&self) -> Vec<(&str, String)> {
        let lines: Vec<&str> = self.code().map(|(_, line)| line).collect();
        let mut calls = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let declared = line.trim_start();
            let indent = &line[..line.len() - declared.len()];
            let declared = declared.strip_prefix("pub ").or_else(|| declared.strip_prefix("pub(crate) "));
            let Some(function) = declared.map(|rest| rest.strip_prefix("async ").unwrap_or(rest)) else { continue };
            let Some(function) = function.strip_prefix("fn ") else { continue };
            let end = format!("{indent}}}");
            let is_one_line = line.ends_with('}');
            let length = lines[index..].iter().position(|line| is_one_line || *line == end);
            let text = lines[index..=index + length.expect("an end")].join("\n");
            if text.split('{').next().is_some_and(|signature| signature.contains("&Actor")) {
                calls.push((word(function), text));
            }
        }
        calls
    }
}

/// The identifier at the beginning of a text.
fn word(text: &str) -> &str {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("")
}

fn sources() -> Vec<Source> {
    sources_below("src")
}

fn sources_below(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("below src").display().to_string().replace('\\', "/");
                found.push(Source { name, text: fs::read_to_string(&path).expect("text") });
            }
        }
    }
    assert!(found.len() > 20, "the sources are not where they were");
    found
}

/// Whether `line` contains `word` as a whole identifier.
fn holds(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part))
}

/// The imports that the map does not allow, and the files of modules that are not in it.
fn wrong_imports(sources: &[Source], map: &[(&str, &[&str])], may_import_all: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !may_import_all.contains(&source.layer())) {
        let Some((_, may_name)) = map.iter().find(|(module, _)| *module == source.layer()) else {
            wrong.push(format!("{} is in no module of the map", source.name));
            continue;
        };
        let upwards = source.names().into_iter().filter(|(_, module)| !may_name.contains(&module.as_str()));
        wrong.extend(upwards.map(|(line, module)| format!("{}:{line} names crate::{module}", source.name)));
    }
    wrong
}

#[rstest]
#[case::agent("../agent/src", AGENT, &["lib", "main", "tests"])]
#[case::server("src", SERVER, &["lib", "main", "app", "cli", "server"])]
fn modules_import_downwards_only(
    #[case] folder: &str,
    #[case] map: &[(&str, &[&str])],
    #[case] may_import_all: &[&str],
) {
    let wrong = wrong_imports(&sources_below(folder), map, may_import_all);
    assert!(wrong.is_empty(), "in {folder}:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_place_in_the_map() {
    let map = sources().into_iter().find(|source| source.name == "lib.rs").expect("lib.rs").text;
    let placed = ["main", "lib", "config", "telemetry"];
    let sources = sources();
    let lost: Vec<&str> = sources.iter().map(Source::layer).filter(|layer| !placed.contains(layer)).collect();
    let lost: Vec<&&str> = lost.iter().filter(|layer| !map.contains(&format!("`{layer}`"))).collect();
    assert!(lost.is_empty(), "the table in lib.rs does not say where these belong: {lost:?}");
}

#[rstest]
#[case::the_domain_does_no_io(DOMAIN, &["tokio", "axum", "reqwest", "sqlx", "sea_query"])]
#[case::the_store_knows_no_transport(&["store"], &["axum", "redis", "reqwest"])]
#[case::the_core_knows_no_transport(&["service"], &["axum", "sqlx", "reqwest"])]
#[case::webhooks_know_no_database(&["webhooks"], &["axum", "sqlx", "redis"])]
#[case::the_transport_knows_no_database(
    &["rest", "graphql", "transport", "sweeper", "scheduler", "pipeline_engine", "series_collector", "dashboard"],
    &["sqlx", "sea_query", "reqwest"]
)]
fn each_layer_keeps_to_its_crates(#[case] layers: &[&str], #[case] crates: &[&str]) {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| layers.contains(&source.layer())) {
        for (line, code) in source.code() {
            for name in crates.iter().filter(|name| holds(code, name) && code.contains(&format!("{name}::"))) {
                wrong.push(format!("src/{}:{line} names {name}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_engines_are_named_only_where_they_differ() {
    let may = |name: &str| {
        let folders = ["store/db/", "store/report_writer/"];
        ["store/db.rs", "store/connect.rs", "store/migrations.rs", "store/report_writer.rs"].contains(&name)
            || folders.iter().any(|folder| name.starts_with(folder))
    };
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !may(&source.name)) {
        for (line, code) in source.code() {
            if ["Sqlite", "Postgres", "SqliteRow", "PgRow", "SqlitePool", "PgPool"].iter().any(|name| holds(code, name))
            {
                wrong.push(format!("src/{}:{line}: {}", source.name, code.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn redis_is_named_behind_the_bus_and_the_rate_limits_only() {
    // The settings only ask whether the URL is one.
    let may = ["events/redis.rs", "rate_limits/redis.rs", "config.rs"];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !may.contains(&source.name.as_str())) {
        // `events::redis` and `rate_limits::redis` are modules of ours, as is `redis` beside its declaration.
        let is_module = source.text.contains("mod redis;");
        for (line, code) in source.code() {
            let named = code.match_indices("redis::").any(|(at, _)| match code[..at].strip_suffix("::") {
                Some(before) => !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'),
                None => !is_module && !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'),
            });
            if named {
                wrong.push(format!("src/{}:{line}: {}", source.name, code.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_call_of_the_control_plane_states_its_permission() {
    let sources = sources();
    let service = sources.iter().filter(|source| source.layer() == "service");
    let calls: Vec<(&str, String)> = service.flat_map(Source::calls).collect();
    assert!(calls.len() > 60, "the calls are not where they were");
    let mut silent: Vec<&str> =
        calls.iter().filter(|(_, text)| !text.contains("Permission::")).map(|(name, _)| *name).collect();
    silent.sort_unstable();
    assert_eq!(silent, WITHOUT_A_PERMISSION.map(|(name, _)| name), "these name no `Permission`");
}

#[test]
fn every_metric_is_described_once() {
    let described: Vec<&str> = backend::telemetry::metrics::METRICS.iter().map(|(name, _, _)| *name).collect();
    let mut recorded = std::collections::BTreeSet::new();
    for source in sources() {
        let text: String = source.code().map(|(_, line)| line.trim()).collect();
        for kind in ["metrics::counter!(", "metrics::gauge!(", "metrics::histogram!("] {
            let names = text.match_indices(kind).filter_map(|(at, _)| text[at + kind.len()..].strip_prefix('"'));
            recorded.extend(names.map(|rest| rest.split('"').next().unwrap_or("").to_owned()));
        }
    }
    assert_eq!(recorded.iter().map(String::as_str).collect::<Vec<_>>(), described, "in the order of names");
}

#[rstest]
#[case("use crate::store::Db;", &["store"])]
#[case("fn f() -> crate::error::Result<()> {", &["error"])]
#[case("use crate::{error::Error, store::{self, Db}, service};", &["error", "store", "service"])]
#[case("use crate::{\n    actor::{\n        Actor, Scope,\n    },\n    ids::AgentId,\n};\nuse other::{store, rest};", &["actor", "ids"])]
#[case("// use crate::store;\n/// [`crate::rest`]", &[])]
fn what_a_file_names_is_found(#[case] text: &str, #[case] modules: &[&str]) {
    let source = Source { name: "model/agent.rs".to_owned(), text: text.to_owned() };
    let names: Vec<String> = source.names().into_iter().map(|(_, module)| module).collect();
    assert_eq!(names, modules);
    assert_eq!(source.layer(), "model");
}

#[test]
fn the_calls_of_a_file_are_found_with_their_text() {
    const TEXT: &str = "
impl ControlPlane {
    pub async fn one(&self, actor: &Actor) -> Result<()> {
        first()
    }

    pub fn two(&self, actor: Option<&Actor>) { second() }

    pub fn three(&self) {
        of(&Actor::System)
    }

    async fn four(&self, actor: &Actor) {}

    pub(super) fn five(&self, actor: &Actor) {}

    pub(crate) async fn six(
        &self,
        actor: &Actor,
    ) {
        sixth()
    }
}
";
    let source = Source { name: "service/agents.rs".to_owned(), text: TEXT.to_owned() };
    let calls = source.calls();
    assert_eq!(calls.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["one", "two", "six"]);
    for (_, text) in &calls {
        assert_eq!(text.matches("fn ").count(), 1, "{text}");
    }
    let holds = |index: usize, body: &str| calls[index].1.contains(body);
    assert_eq!([holds(0, "first()"), holds(1, "second()"), holds(2, "sixth()")], [true; 3]);
}
