//! Tests of `POST /api/pipelines/dry-run`.

use serde_json::{Value, json};

use super::{Fixture, LINE, SMALL, created};
use crate::support::{Client, admin};

async fn dry_run(client: &Client, yaml: &str) -> Value {
    let answer = client.post("/api/pipelines/dry-run", &json!({ "yaml": yaml })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"].clone()
}

#[tokio::test]
async fn a_good_definition_is_shown_as_it_will_run() {
    let fixture = Fixture::new().await;
    let yaml = "\
source: sftp://ftp.example.com/orders-${{ params.date }}.csv
destination: /data/in/
schedule: \"0 2 * * *\"
timezone: Africa/Johannesburg
parameters: { date: \"2026-01-01\" }
steps:
  - { id: check, type: checksum, needs: [fetch], path: \"/data/in/orders-${{ params.date }}.csv\" }
  - { id: fetch, type: transfer }
";
    let verdict = dry_run(&fixture.user, yaml).await;
    assert_eq!(
        (&verdict["valid"], &verdict["errors"], &verdict["warnings"], &verdict["diagnostics"]),
        (&json!(true), &json!([]), &json!([]), &json!([]))
    );
    let ast = &verdict["ast"];
    let ids: Vec<_> = ast["steps"].as_array().expect("steps").iter().map(|step| step["id"].clone()).collect();
    assert_eq!(ids, ["fetch", "check"], "in the order they run in");
    let agent = json!({ "id": fixture.agent.id, "name": "edge-1", "hostname": "edge-1" });
    assert!(ast["steps"].as_array().expect("steps").iter().all(|step| step["agent"] == agent), "{ast}");
    assert_eq!(ast["steps"][1]["path"], "/data/in/orders-2026-01-01.csv");
    assert_eq!(
        ast["schedule"]["next"],
        json!([
            "2026-04-26T00:00:00Z",
            "2026-04-27T00:00:00Z",
            "2026-04-28T00:00:00Z",
            "2026-04-29T00:00:00Z",
            "2026-04-30T00:00:00Z"
        ])
    );
}

#[tokio::test]
async fn a_bad_one_is_answered_with_all_that_is_wrong() {
    let fixture = Fixture::new().await;
    let verdict = dry_run(&fixture.user, "sorce: /a\ndestination: /b\ntimeout: soon\n").await;
    assert_eq!((&verdict["valid"], &verdict["ast"]), (&json!(false), &json!({})));
    let first = &verdict["diagnostics"][0];
    assert_eq!((&first["severity"], &first["line"], &first["column"]), (&json!("error"), &json!(1), &json!(1)));
    let errors: Vec<&str> = verdict["errors"].as_array().expect("errors").iter().filter_map(Value::as_str).collect();
    assert!(errors[0].starts_with("line 1, column 1: ") && errors[0].contains("`source`"), "{errors:?}");
    assert!(errors.iter().any(|error| error.starts_with("line 3, column ")), "{errors:?}");
    assert_eq!(dry_run(&fixture.user, "").await["valid"], false);
    let fields = fixture.user.post("/api/pipelines/dry-run", &json!({ "yaml": 1 })).await;
    assert_eq!((fields.status, fields.wrong_fields()), (400, vec!["yaml"]));
}

#[tokio::test]
async fn what_is_missing_beside_the_text_is_a_warning() {
    let fixture = Fixture::new().await;
    let hook = "  - { id: tell, type: webhook, needs: [pack], url: \"https://example.com/hook\" }\n";
    let yaml = format!("{LINE}{}agent: nobody\n", hook.replace(" }", ", timeout: 11s }"));
    let verdict = dry_run(&fixture.user, &yaml).await;
    let warnings = verdict["warnings"].to_string();
    assert_eq!(verdict["valid"], true);
    assert!(warnings.contains("`tell` has 10 s at most"), "{warnings}");
    assert!(warnings.contains("there is no agent with the id, name or host name `nobody`"), "{warnings}");
    assert!(warnings.contains("create one with `rotateWebhookSecret`"), "{warnings}");
    fixture.app.cp().rotate_webhook_secret(&admin(), Some(fixture.customer.id)).await.expect("a secret");
    let warnings = dry_run(&fixture.user, &format!("{LINE}{hook}")).await["warnings"].clone();
    assert_eq!(warnings, json!([]));
}

#[tokio::test]
async fn agents_are_looked_for_among_the_owners_only() {
    let fixture = Fixture::new().await;
    let other = fixture.app.customer("other").await;
    fixture.app.agent(other.id, "edge-2").await;
    let named = format!("{SMALL}agent: edge-2\n");
    assert!(dry_run(&fixture.user, &named).await["warnings"].to_string().contains("there is no agent"));
    assert_eq!(dry_run(&fixture.app.bearer(&other.token), &named).await["warnings"], json!([]));
    let asked = json!({ "yaml": named, "customerId": other.id });
    let answer = fixture.admin.post("/api/pipelines/dry-run", &asked).await;
    assert_eq!(answer.body["data"]["warnings"], json!([]));
    fixture.app.agent(other.id, "edge-3").await;
    let several = dry_run(&fixture.app.bearer(&other.token), SMALL).await;
    assert!(several["warnings"].to_string().contains("there are several agents"), "{several}");
    assert_eq!(several["ast"]["steps"][0]["agent"], Value::Null);
}

#[tokio::test]
async fn a_diagnostic_says_how_a_pipeline_of_no_customer_names_an_agent() {
    let fixture = Fixture::new().await;
    let named = dry_run(&fixture.admin, &format!("{SMALL}agent: edge-1\n")).await;
    assert!(
        named["warnings"].to_string().contains("`edge-1` cannot be found, because the pipeline belongs to no customer")
    );
    let unnamed = dry_run(&fixture.admin, SMALL).await["warnings"].to_string();
    assert!(unnamed.contains("the pipeline belongs to no customer and names no agent"), "{unnamed}");
}

#[tokio::test]
async fn what_several_agents_are_called_is_refused_wherever_it_is_written() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    let second = fixture.app.agent(fixture.customer.id, "edge-1").await;
    let yaml = format!("{SMALL}agent: edge-1\n");
    assert_eq!(dry_run(&fixture.user, &yaml).await["valid"], false);
    let body = json!({ "identifier": "named", "name": "A pipeline", "yaml": yaml });
    let made = fixture.user.post("/api/pipelines", &body).await;
    let changed = fixture.user.send("PUT", "/api/pipelines/daily/yaml", Some(&json!({ "yaml": yaml }))).await;
    for answer in [made, changed] {
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body["details"]["errors"].to_string().contains(&second.id.to_string()), "{}", answer.body);
    }
}

#[tokio::test]
async fn nothing_is_kept_of_it() {
    let fixture = Fixture::new().await;
    dry_run(&fixture.user, SMALL).await;
    assert_eq!(fixture.user.get("/api/pipelines").await.body["data"]["pagination"]["total"], 0);
    created(&fixture.user, "daily", SMALL).await;
}
