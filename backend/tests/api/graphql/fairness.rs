//! Requests of one caller do not keep other callers from being answered.

use backend::store::db::sql;
use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::{Value, json};

use super::with_agent;

#[tokio::test]
async fn operations_of_one_caller_that_wait_keep_no_other_from_being_answered() {
    let (app, customer, _, user) = with_agent().await;
    let other = app.customer("Other").await;
    app.agent(other.id, "server2").await;
    let server = app.listen().await;
    let mut subscriber = server.subscriber(&customer.token).await;

    // Mutations wait for this transaction.
    let mut tx = app.app.db.begin().await.expect("a transaction");
    sql("UPDATE event_head SET number = number WHERE id = 1").execute(&mut tx).await.expect("the head of the log");
    let create = "mutation ($customer: ID!) { createEnrolmentCode(customerId: $customer) { id } }";
    let variables = json!({ "customer": customer.id });
    let mut sent: FuturesUnordered<_> = (0..101).map(|_| user.ask(create, &variables)).collect();
    let refused = sent.next().await.expect("an answer");
    assert_eq!((refused.status, refused.codes()), (503, vec!["UNAVAILABLE"]), "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("5"));
    subscriber.subscribe("more", "{ __typename }").await;
    let frame = subscriber.receive().await;
    assert_eq!(frame["payload"][0]["extensions"]["code"], "UNAVAILABLE", "on a socket too: {frame}");

    let answer = app.bearer(&other.token).data("{ agents { totalCount } }", &Value::Null).await;
    assert_eq!(answer, json!({ "agents": { "totalCount": 1 } }));
    let answer = app.anonymous().data("{ __typename }", &Value::Null).await;
    assert_eq!(answer, json!({ "__typename": "Query" }));

    tx.commit().await.expect("a commit");
    while let Some(answer) = sent.next().await {
        assert_eq!((answer.status, answer.codes()), (200, vec![]), "{}", answer.body);
    }
    subscriber.subscribe("again", "{ __typename }").await;
    assert_eq!(subscriber.data("again").await, json!({ "__typename": "Query" }));
}
