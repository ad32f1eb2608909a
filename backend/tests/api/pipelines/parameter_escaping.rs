//! Parameters in webhooks: escaped for their position, unless the version is older than that rule.

use backend::store::db::sql;
use serde_json::{Value, json};

use super::{Fixture, MOMENT, id, step};
use crate::support::{Receiver, TestApp};

/// A value that ends a string and an object of JSON, and begins a query in a URL.
const HOSTILE: &str = "a\"b\\c/../d?e=f&g#h";

async fn fixture() -> Fixture {
    Fixture::of(TestApp::with(&["--rate-limits", "off", "--webhook-networks", "127.0.0.1"]).await).await
}

fn yaml(receiver: &Receiver) -> String {
    format!(
        "source: /a\ndestination: /b\nparameters: {{ x: plain, n: 1 }}\nsteps:\n  - id: tell\n    type: webhook\n    \
         url: \"{}/${{{{ params.x }}}}?q=${{{{ params.x }}}}\"\n    \
         body: '{{\"text\": \"<${{{{ params.x }}}}>\", \"n\": ${{{{ params.n }}}}}}'\n",
        receiver.url()
    )
}

/// Runs the pipeline and waits until its webhook has ended.
async fn run(fixture: &Fixture, pipeline: &Value, parameters: &Value) -> Value {
    let path = format!("/api/pipelines/{}/runs", id(pipeline));
    let answer = fixture.admin.post(&path, &json!({ "parameters": parameters })).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let run = answer.body["data"]["run"].clone();
    fixture.look_after(MOMENT).await;
    fixture.until(&run, |run| !matches!(step(run, "tell")["status"].as_str(), Some("running" | "queued"))).await
}

#[tokio::test]
async fn a_parameter_leaves_neither_its_json_string_nor_its_part_of_the_url() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(204)).await;
    let pipeline = fixture.pipeline("daily", &yaml(&receiver)).await;
    run(&fixture, &pipeline, &json!({ "x": HOSTILE, "n": "1, \"admin\": true" })).await;
    let request = receiver.received().remove(0);
    assert_eq!(request.header("content-type"), "application/json");
    let body: Value = serde_json::from_str(&request.body).expect("JSON");
    assert_eq!(body, json!({ "text": format!("<{HOSTILE}>"), "n": "1, \"admin\": true" }));
    let encoded = "a%22b%5Cc%2F..%2Fd%3Fe%3Df%26g%23h";
    assert_eq!(request.path, format!("/hook/{encoded}?q={encoded}"));
}

#[tokio::test]
async fn a_parameter_that_would_lead_up_in_a_url_is_refused() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(204)).await;
    let pipeline = fixture.pipeline("daily", &yaml(&receiver)).await;
    let path = format!("/api/pipelines/{}/runs", id(&pipeline));
    let answer = fixture.admin.post(&path, &json!({ "parameters": { "x": ".." } })).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body["error"].as_str().is_some_and(|error| error.contains("would leave the folder of the path")));
}

#[tokio::test]
async fn a_version_that_was_saved_before_keeps_its_rule_also_when_it_is_restored() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(204)).await;
    let yaml = yaml(&receiver);
    let pipeline = fixture.pipeline("daily", &yaml).await;
    // As the migration left it, which knows nothing of filters.
    let mut tx = fixture.app.app.db.begin().await.expect("a transaction");
    sql("UPDATE pipeline_versions SET filling = 'plain'").execute(&mut tx).await.expect("an older version");
    tx.commit().await.expect("a commit");
    let quoted = json!({ "x": "a\",\"b\":\"c" });
    run(&fixture, &pipeline, &quoted).await;
    let replaced = fixture.put("daily", &format!("{yaml}# newer\n")).await;
    assert_eq!(replaced.status, 200, "{}", replaced.body);
    run(&fixture, &pipeline, &quoted).await;
    let meant = id(&pipeline).parse().expect("an id");
    fixture.app.cp().restore_pipeline_version(&crate::support::admin(), &meant, 1, None).await.expect("version 3");
    run(&fixture, &pipeline, &quoted).await;
    let bodies: Vec<String> = receiver.received().into_iter().map(|request| request.body).collect();
    let plain = "{\"text\": \"<a\",\"b\":\"c>\", \"n\": 1}";
    assert_eq!(bodies, [plain, "{\"text\": \"<a\\\",\\\"b\\\":\\\"c>\", \"n\": 1}", plain]);
}

#[tokio::test]
async fn a_dry_run_warns_where_a_value_is_no_longer_put_in_as_it_stands() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(204)).await;
    let yaml = yaml(&receiver);
    let warnings = async |yaml: String| {
        let answer = fixture.user.post("/api/pipelines/dry-run", &json!({ "yaml": yaml })).await;
        assert_eq!(answer.body["data"]["valid"], true, "{}", answer.body);
        let warnings = answer.body["data"]["warnings"].as_array().cloned().unwrap_or_default();
        warnings.iter().filter(|warning| warning.to_string().contains("| raw")).count()
    };
    assert_eq!(warnings(yaml.clone()).await, 0);
    let spaced = yaml.replace("x: plain", "x: not \"plain\"");
    assert_eq!(warnings(spaced.clone()).await, 2);
    let said =
        spaced.replace("params.x }}?", "params.x | uri }}?").replace("q=${{ params.x }}", "q=${{ params.x | uri }}");
    assert_eq!(warnings(said.replace("<${{ params.x }}>", "<${{ params.x | json }}>")).await, 0);
}
