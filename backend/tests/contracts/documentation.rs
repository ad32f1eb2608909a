//! The examples of the documentation that no other test runs: commands of `mftplus`, a settings file, and bodies of jobs.

use std::{ffi::OsStr, fs, path::Path};

use backend::{
    cli::Cli,
    config,
    model::{FromFields, job::CreateJob},
};
use clap::{CommandFactory, Parser};
use serde_json::Value;

const ID: &str = "0199c1f0-6c00-7000-8000-000000000001";

/// The languages of code blocks that only some pages may have, since a test runs or reads them there.
const TESTED: &[(&str, &[&str])] = &[
    ("bash", &["README.md", "docs/rest.md", "docs/jobs.md", "docs/pipelines.md", "docs/graphql.md"]),
    ("js", &["docs/graphql.md"]),
    ("json", &["docs/API-DESIGN.md", "docs/jobs.md"]),
    ("toml", &["README.md", "docs/agent-configuration.md", "docs/operate.md"]),
    ("yaml", &["docs/pipelines.md"]),
];

/// Languages of blocks that are no examples to run: excerpts of the code, and diagrams.
const SHOWN: &[&str] = &["rust", "sql", "text"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn text_of(page: &str) -> String {
    fs::read_to_string(root().join(page)).expect(page)
}

/// The pages for users and operators, by their paths below the root.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = ["README.md", "examples/README.md"].map(str::to_owned).to_vec();
    for entry in fs::read_dir(root().join("docs")).expect("docs") {
        let path = entry.expect("an entry").path();
        if path.extension() == Some(OsStr::new("md")) {
            pages.push(format!("docs/{}", path.file_name().unwrap_or_default().display()));
        }
    }
    pages
}

/// The code blocks of a page, each with its language.
fn blocks(page: &str) -> Vec<(String, String)> {
    let text = text_of(page);
    // Every second part stands between two fences.
    let blocks = text.split("```").skip(1).step_by(2);
    let blocks = blocks.map(|block| block.split_once('\n').unwrap_or_default());
    blocks.map(|(language, block)| (language.to_owned(), block.to_owned())).collect()
}

fn blocks_in(page: &str, language: &str) -> Vec<String> {
    blocks(page).into_iter().filter(|(of, _)| of == language).map(|(_, block)| block).collect()
}

/// The commands of a line: those within `$(…)`, and the line itself with a value in their place.
fn commands(line: &str) -> Vec<String> {
    let (mut line, mut commands) = (line.to_owned(), Vec::new());
    while let Some(start) = line.rfind("$(") {
        let end = line[start..].find(')').map_or(line.len(), |end| start + end);
        commands.push(line[start + 2..end].to_owned());
        line.replace_range(start..line.len().min(end + 1), "value");
    }
    commands.push(line);
    commands
}

/// The arguments of a command of `mftplus`; `None` for another command.
fn arguments(command: &str) -> Option<Vec<&str>> {
    let is_variable = |word: &&str| word.split_once('=').is_some_and(|(name, _)| !name.starts_with('-'));
    let mut words = command.split_whitespace().skip_while(is_variable);
    if words.next() != Some("mftplus") {
        return None;
    }
    let words = words.take_while(|word| !["#", "|", "&&", ">", "<"].contains(word));
    Some(words.map(|word| word.trim_matches(['"', '\''])).collect())
}

#[test]
fn each_code_block_has_a_language_that_is_tested_on_its_page() {
    let mut wrong = Vec::new();
    for page in pages() {
        for (language, block) in blocks(&page) {
            let is_tested = TESTED.iter().any(|(of, on)| *of == language && on.contains(&page.as_str()));
            if !is_tested && language != "sh" && !SHOWN.contains(&language.as_str()) {
                wrong.push(format!("{page}: `{language}`: {}", block.lines().next().unwrap_or_default()));
            }
        }
    }
    assert!(wrong.is_empty(), "no test runs these: {wrong:#?}");
}

#[test]
fn the_commands_of_the_documentation_are_understood() {
    let blocks: Vec<String> = pages().iter().flat_map(|page| blocks_in(page, "sh")).collect();
    let commands: Vec<String> = blocks.iter().flat_map(|block| block.lines()).flat_map(commands).collect();
    let commands: Vec<Vec<&str>> = commands.iter().filter_map(|command| arguments(command)).collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let parsed = Cli::try_parse_from([&["mftplus"][..], command.as_slice()].concat());
        assert!(parsed.is_ok(), "{command:?}: {parsed:?}");
    }
}

#[test]
fn the_settings_file_of_the_documentation_is_read() {
    let files = blocks_in("docs/operate.md", "toml");
    assert_eq!(files.len(), 1, "docs/operate.md shows a settings file");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mftplus.toml");
    fs::write(&path, &files[0]).expect("a file");
    let command = config::with_file(Cli::command(), &path).expect("known settings");
    let parsed = command.try_get_matches_from(["mftplus", "serve"]);
    assert!(parsed.is_ok(), "{parsed:?}");
}

#[test]
fn the_jobs_of_the_documentation_can_be_created() {
    let curl = blocks_in("README.md", "sh").into_iter().find(|block| block.contains("/api/jobs"));
    let curl = curl.expect("README.md creates a job");
    let body = curl.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).expect("a body");
    for body in blocks_in("docs/jobs.md", "json").into_iter().chain([body.replace("\"AGENT\"", &format!("\"{ID}\""))]) {
        let Ok(Value::Object(object)) = serde_json::from_str(&body) else { panic!("no object: {body}") };
        let read = CreateJob::read(object);
        assert!(read.is_ok(), "{read:?}");
    }
}

#[test]
fn the_envelopes_of_the_documentation_are_json() {
    let lines: Vec<String> = blocks_in("docs/API-DESIGN.md", "json");
    for line in lines.iter().flat_map(|block| block.lines()) {
        let envelope: Value = serde_json::from_str(line).expect(line);
        assert!(envelope["success"].is_boolean(), "{line}");
    }
}
