//! Objects of other customers: for a caller they do not exist.

use serde_json::json;

use super::World;

#[tokio::test]
async fn an_object_of_another_customer_looks_like_one_that_does_not_exist() {
    let world = World::new().await;
    let nowhere = "0199c1f0-6c00-7000-8000-000000000001";
    let other_user = world.caller(6);
    let objects = [
        ("agents", world.owner_agent.id.to_string()),
        ("transfers", world.transfer().await),
        ("jobs", world.job().await),
        ("pipelines", world.pipeline().await),
    ];
    for (path, target) in objects {
        let foreign = other_user.get(&format!("/api/{path}/{target}")).await;
        let missing = other_user.get(&format!("/api/{path}/{nowhere}")).await;
        assert_eq!((foreign.status, &foreign.body), (404, &missing.body));
        assert_eq!(world.admin.get(&format!("/api/{path}/{nowhere}")).await.status, 404);
    }
    for path in [format!("/api/customers/{nowhere}"), format!("/api/users/{nowhere}")] {
        let answer = world.admin.patch(&path, &json!({})).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert_eq!(other_user.patch(&path, &json!({})).await.body, answer.body);
    }
}

#[tokio::test]
async fn lists_hold_the_callers_own_objects_only() {
    let world = World::new().await;
    for (path, noun) in [("/api/agents", "agents"), ("/api/transfers", "transfers")] {
        let answer = world.caller(6).get(path).await;
        let items = answer.body["data"][noun].as_array().expect("a list").clone();
        assert_eq!(items.len(), 1, "{path}");
        assert_eq!(items[0]["customerId"], json!(world.other.id));
        assert_eq!(answer.body["data"]["pagination"]["total"], 1);
        assert_eq!(world.admin.get(path).await.body["data"]["pagination"]["total"], 2);
    }
    let foreign = format!("/api/transfers?agentId={}", world.owner_agent.id);
    let answer = world.caller(6).get(&foreign).await;
    assert_eq!((answer.status, &answer.body["data"]["transfers"]), (200, &json!([])));
    assert_eq!(answer.body["data"]["pagination"]["total"], 0);
}
