//! Tests of `GET /api/pipelines`.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Fixture, SMALL, created};

fn found(answer: &crate::support::Answer) -> Vec<&str> {
    let pipelines = answer.body["data"]["pipelines"].as_array();
    pipelines.into_iter().flatten().filter_map(|pipeline| pipeline["identifier"].as_str()).collect()
}

#[tokio::test]
async fn pipelines_are_listed_newest_first_and_paged() {
    let fixture = Fixture::new().await;
    for identifier in ["first", "second", "third"] {
        fixture.pipeline(identifier, SMALL).await;
    }
    let all = fixture.user.get("/api/pipelines").await;
    assert_eq!((all.status, found(&all)), (200, vec!["third", "second", "first"]));
    assert_eq!(all.body["data"]["pagination"], json!({ "page": 1, "limit": 20, "total": 3, "pages": 1 }));
    let second = fixture.user.get("/api/pipelines?page=2&limit=2").await;
    assert_eq!(found(&second), ["first"]);
    assert_eq!(found(&fixture.user.get("/api/pipelines?page=9").await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_search_looks_into_identifier_name_and_description_whatever_the_case() {
    let fixture = Fixture::new().await;
    for (identifier, name, description) in [
        ("orders-daily", "Bestellungen", Value::Null),
        ("plain", "Orders of the week", Value::Null),
        ("other", "Other", json!("moves ORDERS to Ävik")),
        ("percent", "100% done", json!("a_b")),
        ("none", "None", Value::Null),
    ] {
        let body = json!({ "identifier": identifier, "name": name, "description": description, "yaml": SMALL });
        assert_eq!(fixture.user.post("/api/pipelines", &body).await.status, 201);
    }
    for (search, expected) in [
        ("oRdErS", vec!["other", "plain", "orders-daily"]),
        ("%C3%84VIK", vec!["other"]),
        ("0%25", vec!["percent"]),
        ("A_B", vec!["percent"]),
        ("o%25r", vec![]),
        ("", vec!["none", "percent", "other", "plain", "orders-daily"]),
    ] {
        let answer = fixture.user.get(&format!("/api/pipelines?search={search}")).await;
        assert_eq!((answer.status, found(&answer)), (200, expected), "{search}");
    }
}

#[tokio::test]
async fn a_filter_selects_enabled_or_disabled_pipelines() {
    let fixture = Fixture::new().await;
    fixture.pipeline("on", SMALL).await;
    let body = json!({ "identifier": "off", "name": "n", "yaml": SMALL, "enabled": false });
    fixture.user.post("/api/pipelines", &body).await;
    assert_eq!(found(&fixture.user.get("/api/pipelines?enabled=true").await), ["on"]);
    let off = fixture.user.get("/api/pipelines?enabled=false").await;
    assert_eq!((found(&off), &off.body["data"]["pagination"]["total"]), (vec!["off"], &json!(1)));
}

#[tokio::test]
async fn pipelines_are_listed_by_their_next_slots_and_those_without_one_last() {
    let fixture = Fixture::new().await;
    for (identifier, schedule) in
        [("none", ""), ("yearly", "schedule: \"0 0 1 1 *\"\n"), ("hourly", "schedule: \"0 * * * *\"\n"), ("too", "")]
    {
        fixture.pipeline(identifier, &format!("{SMALL}{schedule}")).await;
    }
    let other = fixture.app.customer("other").await;
    created(&fixture.app.bearer(&other.token), "theirs", &format!("{SMALL}schedule: \"1 * * * *\"\n")).await;
    for (sort, expected) in [
        ("createdAt", ["none", "yearly", "hourly", "too"]),
        ("nextRunAt", ["hourly", "yearly", "none", "too"]),
        ("-nextRunAt", ["yearly", "hourly", "too", "none"]),
    ] {
        let answer = fixture.user.get(&format!("/api/pipelines?sort={sort}")).await;
        assert_eq!((answer.status, found(&answer)), (200, expected.to_vec()), "{sort}");
        assert_eq!(answer.body["data"]["pagination"]["total"], 4);
        let page = fixture.user.get(&format!("/api/pipelines?sort={sort}&limit=3&page=2")).await;
        assert_eq!(found(&page), expected[3..], "{sort}");
    }
    let query = "{ pipelines(first: 2 sort: { field: NEXT_RUN_AT }) { nodes { identifier } } }";
    let listed = fixture.admin.data(query, &Value::Null).await;
    let nodes = json!([{ "identifier": "theirs" }, { "identifier": "hourly" }]);
    assert_eq!(listed["pipelines"]["nodes"], nodes);
}

#[rstest]
#[case("sort=name", "sort")]
#[case("enabled=yes", "enabled")]
#[case("page=0", "page")]
#[case("limit=101", "limit")]
#[tokio::test]
async fn a_wrong_parameter_is_400(#[case] query: &str, #[case] field: &str) {
    let fixture = Fixture::new().await;
    let answer = fixture.user.get(&format!("/api/pipelines?{query}")).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec![field]));
}

#[tokio::test]
async fn a_customer_sees_their_own_and_an_administrator_all() {
    let fixture = Fixture::new().await;
    fixture.pipeline("mine", SMALL).await;
    let other = fixture.app.customer("other").await;
    created(&fixture.app.bearer(&other.token), "theirs", SMALL).await;
    created(&fixture.admin, "platforms", SMALL).await;
    assert_eq!(found(&fixture.user.get("/api/pipelines").await), ["mine"]);
    assert_eq!(found(&fixture.admin.get("/api/pipelines").await), ["platforms", "theirs", "mine"]);
}
