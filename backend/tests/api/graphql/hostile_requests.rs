//! Small requests that would take all of the stack, the processor or the memory. They are refused, and the server
//! continues.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rstest::rstest;
use serde_json::{Value, json};

use super::{two_customers_and_callers::COPY, with_agent};
use crate::support::{Answer, Client, TestApp};

fn nested(open: &str, close: &str, levels: usize) -> String {
    format!("{}{}{}", open.repeat(levels), if open == "{a:" { "1" } else { "" }, close.repeat(levels))
}

/// Documents that overflow the stack of a parser with one recursion per bracket.
pub(crate) fn deep() -> Vec<String> {
    let lists = nested("[", "]", 2_000);
    vec![
        format!("{{ __typename @include(if: {lists}) }}"),
        format!("{{ __typename @include(if: {}) }}", nested("{a:", "}", 1_300)),
        format!("query ($v: [Int] = {lists}) {{ __typename }}"),
        format!("query ($v: {}Int{}) {{ __typename }}", "[".repeat(2_000), "]".repeat(2_000)),
        format!("query ($v: Int @a(b: {lists})) {{ __typename }}"),
        format!("{{ {} }}", nested("... { ", "}", 2_000)),
        format!("{{ {}", "a { ".repeat(10_000)),
        format!("{{ {}", "a(b: [".repeat(10_000)),
        // A string that does not end hides brackets from code that counts them differently than the parser.
        format!("{{ a(b: [\"\"\"[\"{lists}]) }}"),
        format!("{{ a(b: \"\"\"x\\\"\"\" \"\"\" {lists}) }}"),
    ]
}

async fn get(client: &Client, name: &str, value: &str) -> Answer {
    let rest = if name == "query" { "" } else { "&query=%7B__typename%7D" };
    client.get(&format!("/graphql?{name}={}{rest}", utf8_percent_encode(value, NON_ALPHANUMERIC))).await
}

fn assert_refused(answer: &Answer, what: &str) {
    let start: String = what.chars().take(60).collect();
    assert!(answer.status == 200 || answer.status == 400, "{start}: {}", answer.status);
    assert_eq!((answer.codes(), answer.body.get("data")), (vec!["INVALID"], None), "{start}: {}", answer.body);
}

async fn assert_well(client: &Client) {
    assert_eq!(client.data("{ __typename }", &Value::Null).await, json!({ "__typename": "Query" }));
}

#[tokio::test]
async fn a_document_that_nests_without_end_is_refused() {
    let (app, _, _, user) = with_agent().await;
    for client in [app.anonymous(), user] {
        for document in deep() {
            assert_refused(&client.ask(&document, &Value::Null).await, &document);
            // A URL has 64 KiB.
            if document.len() < 20_000 {
                assert_refused(&get(&client, "query", &document).await, &document);
            }
        }
        assert_well(&client).await;
    }
}

#[rstest]
#[case(20)]
#[case(40)]
#[case(125)]
#[case(2_000)]
#[case(100_000)]
#[tokio::test]
async fn variables_nest_so_deep_and_no_deeper(#[case] levels: usize) {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let value = format!("{{\"v\":{}1{}}}", open.repeat(levels), close.repeat(levels));
        for member in ["variables", "extensions", "more"] {
            let body = format!("{{\"query\":\"{{__typename}}\",\"{member}\":{value}}}");
            let answer = anonymous.send_bytes("POST", "/graphql", Some("application/json"), body.into_bytes()).await;
            let is_taken = levels <= 20 || (member == "more" && levels < 127);
            assert_eq!(answer.status, if is_taken { 200 } else { 400 }, "{member} {levels}: {}", answer.body);
            if member != "more" && levels <= 2_000 {
                let answer = get(&anonymous, member, &value).await;
                assert_eq!(answer.status, if is_taken { 200 } else { 400 }, "{member} {levels}: {}", answer.body);
            }
        }
    }
    assert_well(&anonymous).await;
}

/// A document with fragments, each of which spreads the previous one twice.
pub(crate) fn doubling(levels: usize, innermost: &str) -> String {
    let doubled =
        (1..=levels).map(|level| format!(" fragment F{level} on Query {{ ...F{} ...F{} }}", level - 1, level - 1));
    let doubled = doubled.collect::<Vec<_>>().concat();
    format!("{{ ...F{levels} }} fragment F0 on Query {{ {innermost} }}{doubled}")
}

#[rstest]
#[case::names_of_types("__typename")]
#[case::objects("me { id }")]
#[case::nothing("... on User { id }")]
#[tokio::test]
async fn fragments_that_double_are_refused_before_anything_walks_them(#[case] innermost: &str) {
    let (app, _, _, user) = with_agent().await;
    for client in [app.anonymous(), user] {
        for levels in [22, 30] {
            let document = doubling(levels, innermost);
            assert_refused(&client.ask(&document, &Value::Null).await, &document);
            // Fragments that nothing spreads are walked by validation too.
            let unused = document.replacen(&format!("...F{levels}"), "__typename", 1);
            assert_refused(&client.ask(&unused, &Value::Null).await, &unused);
        }
        assert_well(&client).await;
    }
}

#[tokio::test]
async fn a_field_is_selected_at_most_32_times_at_one_place() {
    let (_app, _, _, user) = with_agent().await;
    let aliases = |count: usize| (0..count).map(|one| format!("a{one}: pipelineSchema ")).collect::<Vec<_>>().concat();
    assert_eq!(user.ask(&format!("{{ {} }}", aliases(32)), &Value::Null).await.codes(), [""; 0]);
    assert_refused(&user.ask(&format!("{{ {} }}", aliases(33)), &Value::Null).await, "33");
    let apart = format!(
        "{{ ...A ...B }} fragment A on Query {{ {} }} fragment B on Query {{ b: pipelineSchema }}",
        aliases(32)
    );
    assert_refused(&user.ask(&apart, &Value::Null).await, &apart);
    let names = (0..33).map(|one| format!("a{one}: __typename ")).collect::<Vec<_>>().concat();
    assert_refused(&user.ask(&format!("{{ {names} }}"), &Value::Null).await, &names);
}

#[tokio::test]
async fn an_operation_makes_at_most_10_mutations() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let create = |from: usize, to: usize| {
        (from..to)
            .map(|one| format!("a{one}: createCustomer(input: {{ name: \"C{one}\" }}) {{ id }} "))
            .collect::<Vec<_>>()
            .concat()
    };
    let through_a_fragment = format!("mutation {{ ...A }} fragment A on Mutation {{ {} }}", create(0, 11));
    for document in [format!("mutation {{ {} }}", create(0, 11)), through_a_fragment] {
        assert_refused(&admin.ask(&document, &Value::Null).await, &document);
    }
    let total = "{ customers { totalCount } }";
    assert_eq!(admin.data(total, &Value::Null).await["customers"]["totalCount"], 0);
    admin.data(&format!("mutation {{ __typename {} }}", create(0, 10)), &Value::Null).await;
    assert_eq!(admin.data(total, &Value::Null).await["customers"]["totalCount"], 10);
}

/// A server that limits answers to 64 KiB, and a user with this many pipelines whose definitions have this many bytes.
pub(crate) async fn with_long_definitions(count: usize, bytes: usize) -> (TestApp, Client, String) {
    let app = TestApp::with(&["--rate-limits", "off", "--graphql-response-limit", "64KiB"]).await;
    let customer = app.customer("Acme").await;
    app.agent(customer.id, "server1").await;
    for one in 0..count {
        let yaml = format!("{COPY}# {}\n", "x".repeat(bytes));
        app.pipeline(customer.id, &format!("pipeline-{one}"), &yaml).await;
    }
    let user = app.bearer(&customer.token);
    (app, user, customer.token)
}

#[tokio::test]
async fn an_answer_is_refused_as_a_whole_if_it_is_too_large() {
    let (_app, user, _) = with_long_definitions(6, 10_000).await;
    assert_eq!(user.ask("{ pipelines(first: 5) { nodes { yaml } } }", &Value::Null).await.codes(), [""; 0]);
    let aliases = (0..30).map(|one| format!("y{one}: yaml ")).collect::<Vec<_>>().concat();
    for document in [
        "{ __typename pipelines { nodes { id yaml one: yaml } } }".to_owned(),
        format!("{{ pipelines(first: 5) {{ nodes {{ {aliases} }} }} }}"),
        format!(
            "{{ __typename {} }}",
            (0..30).map(|one| format!("s{one}: pipelineSchema ")).collect::<Vec<_>>().concat()
        ),
    ] {
        let plain = user.ask(&document, &Value::Null).await;
        assert_eq!((plain.status, plain.codes()), (200, vec!["RESPONSE_TOO_LARGE"]), "{document}");
        assert_eq!(plain.body.get("data"), None, "nothing of it is given: {document}");
        let newer = user.with("Accept", "application/graphql-response+json").ask(&document, &Value::Null).await;
        assert_eq!((newer.status, newer.body), (400, plain.body), "{document}");
    }
    assert_well(&user).await;
}

#[tokio::test]
async fn errors_are_part_of_an_answer() {
    let (_app, user, _) = with_long_definitions(0, 0).await;
    let missing = "0199c1f0-6c00-7000-8000-000000000001";
    let alias = "a".repeat(100);
    // Each level that is answered in part adds as many errors as it has aliases.
    let fields = ["agent", "transfer", "job", "node", "pipeline", "jobRun", "pipelineRun"]
        .into_iter()
        .flat_map(|field| (0..32).map(move |one| (field, one)))
        .map(|(field, one)| format!("{field}_{one}_{alias}: {field}(id: \"{missing}\") {{ id }} "))
        .collect::<Vec<_>>()
        .concat();
    let answer = user.ask(&format!("{{ {fields} }}"), &Value::Null).await;
    assert_eq!(answer.codes(), ["RESPONSE_TOO_LARGE"], "{}", answer.bytes.len());
}

#[rstest]
#[case("{ pipeline { id } }")]
#[case("{ pipelinez { id } }")]
#[case("{ me { id } }")]
#[case("{ nothing }")]
#[case("mutation { createCustomer { id } }")]
#[case("mutation { createCustomerz { id } }")]
#[case("query ($n: Int) { agents(first: $n) { nothing } }")]
#[case("subscription { transferUpdated { nothing } }")]
#[case("{ ...A } fragment A on Query { agent(idd: 1) { id } }")]
#[case("query A { __typename } query B { me { id } }")]
#[tokio::test]
async fn without_a_token_a_field_that_exists_looks_like_one_that_does_not(#[case] document: &str) {
    let app = TestApp::start().await;
    let answer = app.anonymous().ask(document, &json!({ "n": "x" })).await;
    let message = "send a token as `Authorization: Bearer …`; without a token, only `login` is allowed";
    let error = json!({ "message": message, "extensions": { "code": "UNAUTHENTICATED" } });
    assert_eq!((answer.status, answer.body), (200, json!({ "errors": [error] })));
}

#[rstest]
#[case("mutation { login(email: \"a@b\", passwort: \"x\") { token } }")]
#[case("mutation { login(email: \"a@b\", password: \"x\") { tokem user { emial } } }")]
#[case("mutation { login(email: [1], password: {}) { token } }")]
#[case("mutation { login { token } }")]
#[case("query ($v: CreateCustomerInputt) { __typename }")]
#[case("query ($v: CreateCustomerInput) { __typename }")]
#[case("{ __typename } fragment A on Pipelinee { yamll }")]
#[tokio::test]
async fn without_a_token_a_wrong_document_is_not_explained(#[case] document: &str) {
    let app = TestApp::start().await;
    let answer = app.anonymous().ask(document, &Value::Null).await;
    assert_eq!((answer.status, answer.codes(), answer.body.get("data")), (200, vec!["INVALID"], None));
    let text = String::from_utf8_lossy(&answer.bytes);
    assert!(text.contains("the document does not match the schema: send a token to get the reasons"), "{text}");
    for inside in ["Did you mean", "password", "token\"", "email", "yaml", "Pipeline", "Login", "String", "Input"] {
        assert!(!text.contains(inside), "{document}: {text}");
    }
}

#[tokio::test]
async fn with_a_token_a_wrong_document_is_explained() {
    let (_app, _, _, user) = with_agent().await;
    let answer = user.ask("{ transferz { totalCount } }", &Value::Null).await;
    let message = answer.body["errors"][0]["message"].as_str().expect("a message");
    assert!(message.contains("Did you mean") && message.contains("\"transfers\""), "{message}");
}

#[tokio::test]
async fn of_a_document_with_many_errors_100_are_returned() {
    let (_app, _, _, user) = with_agent().await;
    let document = (0..1_000).map(|one| format!("nothing{one} ")).collect::<Vec<_>>().concat();
    assert_eq!(user.ask(&format!("{{ {document} }}"), &Value::Null).await.codes().len(), 100);
}
