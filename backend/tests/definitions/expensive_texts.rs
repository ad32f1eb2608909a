//! Texts that are expensive to parse: the largest allowed ones of every kind, and random bytes.

use backend::model::definition::{AgentLookup, Definition, MAX_BYTES, Parsed, Severity};

/// Checks what must be true for any text.
pub(crate) fn check(text: &str) -> Parsed {
    let parsed = Definition::parse(text);
    let errors = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    assert_eq!(parsed.definition.is_none(), errors > 0, "{:?}", parsed.diagnostics);
    let lines = lines(text);
    for diagnostic in &parsed.diagnostics {
        let line = lines.get(diagnostic.line as usize - 1);
        let is_there = line.is_some_and(|line| (1..=line.chars().count() + 1).contains(&(diagnostic.column as usize)));
        assert!(is_there, "{diagnostic} is outside of {text:?}");
        assert!(diagnostic.message.chars().count() < 1_500, "{}", diagnostic.message);
    }
    if let Some(definition) = &parsed.definition {
        let planned = definition.plan(&definition.parameters, |_| AgentLookup::NotFound, chrono::DateTime::UNIX_EPOCH);
        assert!(planned.plan.is_some(), "{text:?}: {:?}", planned.diagnostics);
    }
    parsed
}

/// The lines as YAML and editors count them.
fn lines(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    text.split(['\n', '\r']).map(ToOwned::to_owned).collect()
}

/// A text of the maximum length: a beginning, a repeated middle, and an end.
fn filled(begin: &str, middle: &str, end: &str) -> String {
    let room = MAX_BYTES - begin.len() - end.len();
    format!("{begin}{}{end}", middle.repeat(room / middle.len()))
}

/// The maximum number of lines after a beginning.
fn numbered(begin: &str, line: impl Fn(usize) -> String) -> String {
    let mut text = begin.to_owned();
    for number in 0.. {
        let line = line(number);
        if text.len() + line.len() > MAX_BYTES {
            break;
        }
        text.push_str(&line);
    }
    text
}

/// This many lines after a beginning.
fn counted(begin: &str, count: usize, line: impl Fn(usize) -> String) -> String {
    format!("{begin}{}", (0..count).map(line).collect::<Vec<_>>().concat())
}

const HEAD: &str = "source: /a\ndestination: /b\n";
const STEPS: &str = "source: /a\ndestination: /b\nsteps:\n";

/// The most expensive allowed texts, each with a name.
pub(crate) fn worst() -> Vec<(&'static str, String)> {
    let mut texts = hard_to_parse();
    texts.extend(hard_to_check());
    texts
}

fn hard_to_parse() -> Vec<(&'static str, String)> {
    vec![
        ("empty flow", filled("source: [", "[],", "]\ndestination: /b\n")),
        ("open brackets", "[".repeat(MAX_BYTES)),
        ("open braces", "{a: ".repeat(MAX_BYTES / 4)),
        ("closed brackets", "]".repeat(MAX_BYTES)),
        ("dashes", "- ".repeat(MAX_BYTES / 2)),
        ("question marks", "? ".repeat(MAX_BYTES / 2)),
        ("colons", ": ".repeat(MAX_BYTES / 2)),
        ("stairs", counted("", 700, |depth| format!("{}a:\n", " ".repeat(depth)))),
        ("one plain word", filled("source: ", "x", "")),
        ("plain words", filled("source: ", "x ", "")),
        ("plain lines", filled("source: x\n", "  y\n", "")),
        ("one quoted word", filled("source: \"", "x", "\"\ndestination: /b\n")),
        ("escapes", filled("source: \"", "\\u0041", "\"\ndestination: /b\n")),
        ("an open quote", filled("source: \"", "x\n ", "")),
        ("single quotes", filled("source: '", "''", "'\ndestination: /b\n")),
        ("a block", filled("source: |\n", "  x\n", "")),
        ("empty lines", filled(HEAD, "\n", "")),
        ("comments", filled(HEAD, "#\n", "")),
        ("a long comment", filled(HEAD, "#", "")),
        ("spaces", filled(HEAD, " ", "")),
        ("tabs", filled(HEAD, "\t", "")),
        ("carriage returns", filled(HEAD, "\r", "")),
        ("anchors", numbered(HEAD, |number| format!("k{number}: &a{number} x\n"))),
        ("unknown aliases", filled(&format!("{HEAD}steps: ["), "*a,", "]\n")),
        ("aliases", filled(&format!("{HEAD}x: &a 1\nsteps: ["), "*a,", "]\n")),
        ("tags", filled(&format!("{HEAD}steps: ["), "!a b,", "]\n")),
        ("wide characters", filled("source: ", "語", "\n")),
        ("combining characters", filled("source: a", "\u{301}", "\n")),
        ("documents", "---\n".repeat(MAX_BYTES / 4)),
        ("directives", "%A\n".repeat(MAX_BYTES / 3)),
        ("merges", filled(&format!("{HEAD}a: &a {{x: 1}}\n"), "<<: *a\n", "")),
    ]
}

fn hard_to_check() -> Vec<(&'static str, String)> {
    let step = |number: usize, needs: std::ops::Range<usize>| {
        let needs: Vec<String> = needs.map(|other| format!("s{other}")).collect();
        format!("  - {{ id: s{number}, type: transfer, needs: [{}] }}\n", needs.join(","))
    };
    let growing = format!("{HEAD}parameters: {{ x: \"{}\" }}\nsteps:\n", "y".repeat(1_000));
    let webhook = format!("{STEPS}  - id: x\n    type: webhook\n    url: http://a\n    body: |\n");
    vec![
        ("unknown keys", numbered(HEAD, |number| format!("k{number}: 1\n"))),
        ("one key again and again", filled(HEAD, "source: /a\n", "")),
        ("long unknown keys", numbered(HEAD, |number| format!("? {}{number}\n: 1\n", "x".repeat(900)))),
        (
            "placeholders",
            numbered(STEPS, |number| {
                format!("  - {{ id: s{number}, type: delete, path: \"{}\" }}\n", "${{ params.x }}".repeat(240))
            }),
        ),
        ("unknown parameters in one body", filled(&webhook, "      ${{ params.x }}\n", "")),
        (
            "growing placeholders",
            counted(&growing, 200, |number| {
                let body = "${{params.x}}".repeat(16);
                format!("  - {{ id: s{number}, type: webhook, url: \"http://a/\", body: \"{body}\" }}\n")
            }),
        ),
        ("steps", numbered(STEPS, |number| format!("  - {{ id: s{number}, type: transfer }}\n"))),
        ("steps without types", filled(STEPS, "  - x\n", "")),
        ("a chain of steps", counted(STEPS, 200, |number| step(number, number + 1..200))),
        ("a web of circles", counted(STEPS, 200, |number| step(number, 0..200))),
        (
            "needs of missing steps",
            numbered(&format!("{STEPS}  - id: a\n    type: transfer\n    needs:\n"), |number| {
                format!("    - n{number}\n")
            }),
        ),
        ("parameters", numbered(&format!("{HEAD}parameters:\n"), |number| format!("  p{number}: x\n"))),
        ("a long schedule", filled(&format!("{HEAD}schedule: \""), "1,", "\"\n")),
        ("a long zone", filled(&format!("{HEAD}schedule: \"@daily\"\ntimezone: "), "Europe/", "\n")),
        ("a long word", filled(&format!("{HEAD}overlap: "), "skip", "\n")),
        ("a long duration", filled(&format!("{HEAD}timeout: "), "1", "s\n")),
        ("a long number", filled(&format!("{HEAD}version: "), "1", "\n")),
    ]
}

#[test]
fn the_worst_texts_are_read_like_any_other() {
    // How long each may take is checked by `cargo xtask soak`, in an optimised build.
    for (name, text) in worst() {
        assert!(text.len() <= MAX_BYTES, "{name}");
        check(&text);
    }
}

#[test]
fn a_longer_text_is_refused_before_it_is_read() {
    let parsed = check(&"a".repeat(MAX_BYTES + 1));
    let messages: Vec<String> = parsed.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(messages, ["line 1, column 1: the text is 262145 bytes long: write at most 262144"]);
}

#[test]
fn at_most_a_hundred_and_one_diagnostics_are_returned() {
    let (_, text) = worst().into_iter().find(|(name, _)| *name == "unknown keys").unwrap();
    let parsed = check(&text);
    assert_eq!(parsed.diagnostics.len(), 101);
    let last = &parsed.diagnostics[100].message;
    assert!(last.starts_with("and ") && last.ends_with(" more: fix those above first"), "{last}");
}
