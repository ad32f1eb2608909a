//! Definitions over GraphQL: refused, dry run and counted as over REST.

use rstest::rstest;
use serde_json::{Value, json};

use super::{COPY, LINE, created, with_agent};

/// A definition with a mistyped key.
const WRONG: &str = "sorce: /out\ndestination: /in\n";

#[tokio::test]
async fn a_definition_that_is_not_valid_is_refused_with_the_details_of_rest() {
    let (_app, _, _, user) = with_agent().await;
    created(&user, "orders", COPY).await;
    let body = json!({ "identifier": "wrong", "name": "Wrong", "yaml": WRONG });
    let rest = user.post("/api/pipelines", &body).await;
    assert_eq!(rest.status, 400);
    let details = &rest.body["details"];
    assert_eq!((&details["diagnostics"][0]["line"], &details["diagnostics"][0]["column"]), (&json!(1), &json!(1)));
    assert!(details["errors"][0].as_str().is_some_and(|error| error.contains("did you mean `source`")), "{details}");
    let create = "mutation ($input: CreatePipelineInput!) { createPipeline(input: $input) { id } }";
    let replace = "mutation ($input: String!) { replacePipelineDefinition(id: \"orders\", yaml: $input) { id } }";
    for (mutation, input) in [(create, body.clone()), (replace, json!(WRONG))] {
        let answer = user.ask(mutation, &json!({ "input": input })).await;
        let error = &answer.body["errors"][0];
        assert_eq!(error["extensions"], json!({ "code": "INVALID", "details": details }));
        assert_eq!(error["message"], rest.body["error"]);
    }
    let list = "{ pipelines { nodes { identifier version } } }";
    let nodes = user.data(list, &Value::Null).await["pipelines"]["nodes"].clone();
    assert_eq!(nodes, json!([{ "identifier": "orders", "version": 1 }]), "nothing was done");
}

#[rstest]
#[case(LINE)]
#[case(WRONG)]
#[case("]")]
#[case("source: /out\ndestination: /in\nagent: nobody\nschedule: \"0 2 * * *\"\n")]
#[tokio::test]
async fn a_dry_run_says_what_rest_says(#[case] yaml: &str) {
    let (_app, _, _, user) = with_agent().await;
    let mut rest = user.post("/api/pipelines/dry-run", &json!({ "yaml": yaml })).await.body["data"].clone();
    for diagnostic in rest["diagnostics"].as_array_mut().expect("diagnostics") {
        diagnostic["severity"] = json!(diagnostic["severity"].as_str().expect("a word").to_uppercase());
    }
    let query = "query ($yaml: String!) { is: dryRunPipeline(yaml: $yaml) {
        valid errors warnings ast diagnostics { severity line column message path } } }";
    assert_eq!(user.data(query, &json!({ "yaml": yaml })).await["is"], rest);
    let schema = user.get("/api/pipelines/schema").await.body["data"]["schema"].clone();
    assert_eq!(user.data("{ pipelineSchema }", &Value::Null).await["pipelineSchema"], schema);
}

#[tokio::test]
async fn what_takes_long_to_read_costs_accordingly() {
    let (_app, _, _, user) = with_agent().await;
    let dry = |count: usize| {
        let one = |number| format!("d{number}: dryRunPipeline(yaml: \"]\") {{ valid }}");
        format!("{{ {} }}", (0..count).map(one).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(user.ask(&dry(19), &Value::Null).await.codes(), [""; 0]);
    assert_eq!(user.ask(&dry(20), &Value::Null).await.codes(), ["INVALID"]);
}
