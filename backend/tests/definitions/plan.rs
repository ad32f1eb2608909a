//! The meaning of a definition: the `ast` of a dry run.

use backend::model::{
    agent::AgentRef,
    definition::{AgentLookup, Definition, Plan, PlannedTask, schema},
};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::cases;

fn now() -> DateTime<Utc> {
    "2026-04-25T13:00:00Z".parse().unwrap()
}

fn agent(number: u128, name: &str) -> AgentRef {
    AgentRef { id: Uuid::from_u128(number).into(), name: name.to_owned(), hostname: format!("{name}.example.com") }
}

fn definition(name: &str) -> Definition {
    let case = cases().into_iter().find(|case| case.name == name).expect("a case");
    Definition::parse(&case.text).definition.expect("a definition")
}

fn parse(text: &str) -> Definition {
    let parsed = Definition::parse(text);
    parsed.definition.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics))
}

#[test]
fn a_plan_says_everything_with_everything_filled_in() {
    let names = ["smallest", "contract", "every-step", "needs-before-they-are-written", "transfer-rules"];
    for name in names.map(|name| format!("good/{name}")) {
        let definition = definition(&name);
        let find = |name: Option<&str>| match name {
            Some("edge-2") => AgentLookup::NotFound,
            name => AgentLookup::One(agent(7, name.unwrap_or("only"))),
        };
        let planned = definition.plan(&definition.parameters, find, now());
        let plan = planned.plan.expect("a plan");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_json_snapshot!(name.replace("good/", "plan-"), plan);
        });
        // It is kept with the run, so it comes back as it went.
        let kept = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&kept).unwrap(), plan);
    }
}

#[test]
fn agents_are_looked_for_once_each_and_missed_with_a_sentence() {
    let definition = definition("good/every-step");
    assert_eq!(definition.agents(), [Some("edge-1"), Some("edge-2")]);
    let find = |name: Option<&str>| match name {
        Some("edge-1") => AgentLookup::Ambiguous(vec![agent(1, "edge-1"), agent(2, "edge-1")]),
        _ => AgentLookup::NotFound,
    };
    let planned = definition.plan(&definition.parameters, find, now());
    let messages: Vec<String> =
        planned.diagnostics.iter().map(|found| format!("{:?} {found}", found.severity)).collect();
    assert_eq!(
        messages,
        [
            "Error line 8, column 8: `edge-1` is the name of several agents: write one of their ids: \
             00000000-0000-0000-0000-000000000001, 00000000-0000-0000-0000-000000000002",
            "Warning line 40, column 12: there is no agent with the id, name or host name `edge-2`: register it before the \
             first run",
        ]
    );
    assert!(planned.plan.is_none());
}

#[test]
fn without_a_name_the_only_agent_is_meant() {
    let definition = definition("good/smallest");
    assert_eq!(definition.agents(), [None]);
    let several = |_: Option<&str>| AgentLookup::Ambiguous(vec![agent(1, "a"), agent(2, "b")]);
    let planned = definition.plan(&definition.parameters, several, now());
    assert_eq!(planned.plan.expect("a plan").steps[0].agent, None);
    let messages: Vec<String> = planned.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        ["line 1, column 1: there are several agents, and none is named: write `agent` with a name or one of the ids \
          00000000-0000-0000-0000-000000000001, 00000000-0000-0000-0000-000000000002"]
    );
    let unknown = definition.plan(&definition.parameters, |_| AgentLookup::NotFound, now());
    assert_eq!(
        unknown.diagnostics[0].to_string(),
        "line 1, column 1: there is no agent yet: register one before the first run"
    );
}

#[test]
fn the_parameters_of_a_run_replace_defaults_and_nothing_else() {
    let definition = definition("good/contract");
    let given = json!({ "date": "2026-04-25" });
    let values = definition.parameters_with(given.as_object().unwrap()).unwrap();
    let plan = definition.plan(&values, |_| AgentLookup::NotFound, now()).plan.unwrap();
    assert_eq!(plan.source.location, "sftp://ftp.example.com/exports/orders-2026-04-25.csv");

    let wrong = json!({ "dat": "x", "date": ["x"] });
    assert_eq!(
        definition.parameters_with(wrong.as_object().unwrap()).unwrap_err(),
        [
            ("dat".to_owned(), "is not a parameter of this pipeline: did you mean `date`?".to_owned()),
            ("date".to_owned(), "must be a string, a number, true or false".to_owned()),
        ]
    );
}

#[test]
fn what_is_filled_in_is_looked_at_again() {
    let text = "source: ${{ params.from }}\ndestination: /b\nparameters: { from: /a, sum: \"\" }\n";
    let definition = parse(text);
    let tell = |from: &str| {
        let given = json!({ "from": from });
        let values = match definition.parameters_with(given.as_object().unwrap()) {
            Ok(values) => values,
            Err(problems) => return problems[0].1.clone(),
        };
        let planned = definition.plan(&values, |_| AgentLookup::NotFound, now());
        assert!(planned.plan.is_none());
        planned.diagnostics.last().unwrap().to_string()
    };
    assert_eq!(tell("sftp://u:secret@h/x"), "contains a password: name a `credentials` set of the agent instead");
    assert_eq!(tell("stfp://h/x"), "line 1, column 1: an endpoint begins with stfp://: did you mean sftp://?");
    assert!(tell("").contains("must be 1 to 4096 characters long"));
    let remote = parse("source: ${{ params.from }}\ndestination: sftp://h/b\nparameters: { from: /a }\n");
    let values = remote.parameters_with(json!({ "from": "ftp://h/a" }).as_object().unwrap()).unwrap();
    let planned = remote.plan(&values, |_| AgentLookup::NotFound, now());
    assert!(planned.diagnostics.iter().any(|found| found.message.starts_with("a copy needs one side")));
}

#[test]
fn formats_and_names_follow_from_each_other() {
    let text = "source: /a\ndestination: /b\nsteps:\n\
                - { id: a, type: compress, path: /x }\n\
                - { id: b, type: compress, path: /x, format: zstd }\n\
                - { id: c, type: compress, path: /x, output: /y.ZST }\n\
                - { id: d, type: decompress, path: /x.gz }\n\
                - { id: e, type: decompress, path: /x.zst }\n\
                - { id: f, type: decompress, path: /x, output: /y, format: zstd }\n\
                - { id: g, type: decompress, path: /x.bin, output: /y }\n\
                - { id: h, type: compress, path: /in/x, output: /out/ }\n\
                - { id: i, type: decompress, path: 'C:\\in\\x.zst', output: 'C:\\out\\' }\n";
    let definition = parse(text);
    let plan = definition.plan(&definition.parameters, |_| AgentLookup::NotFound, now()).plan.unwrap();
    let found = plan.steps.iter().map(|step| match &step.task {
        PlannedTask::Compress { output, format, .. } | PlannedTask::Decompress { output, format, .. } => {
            let format = format.map_or("as it begins".to_owned(), |format| format.to_string());
            format!("{} {} {format}", step.id, output.as_deref().unwrap())
        }
        _ => panic!("another task"),
    });
    let expected = [
        "a /x.gz gzip",
        "b /x.zst zstd",
        "c /y.ZST zstd",
        "d /x gzip",
        "e /x zstd",
        "f /y zstd",
        "g /y as it begins",
        "h /out/x.gz gzip",
        r"i C:\out\x zstd",
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn files_are_not_written_to_a_pattern() {
    let definition = parse("source: /a\ndestination: { protocol: local, path: /b, pattern: '*.csv' }\n");
    let plan = definition.plan(&definition.parameters, |_| AgentLookup::NotFound, now()).plan.unwrap();
    let PlannedTask::Transfer(transfer) = &plan.steps[0].task else { panic!("another task") };
    let destination = &transfer.destination;
    assert_eq!((destination.location.as_str(), &destination.pattern), ("/b", &None));
    assert_eq!(plan.destination, *destination);
}

#[test]
fn the_example_of_the_documentation_is_a_definition() {
    let page = include_str!("../../../docs/pipelines.md");
    let examples: Vec<&str> = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty(), "docs/pipelines.md shows a definition");
    for example in examples {
        let definition = parse(example);
        assert!(!definition.steps.is_empty());
    }
}

#[test]
fn the_schema_is_the_one_in_the_snapshot() {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("schema", schema());
    });
}
