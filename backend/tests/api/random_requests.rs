//! The whole HTTP server with random requests. `cargo xtask soak` runs this for a minute.
//!
//! `BOLERO_RANDOM_SEED` repeats a failure; `BOLERO_RANDOM_TEST_TIME_MS` with `BOLERO_RANDOM_ITERATIONS` makes the test
//! longer.

mod request_from_bytes;

use serde_json::json;
use tokio::runtime::Runtime;

use self::request_from_bytes::{Target, check};
use crate::{graphql::two_customers_and_callers::COPY, support::TestApp};

/// A server with one object of each type, and the credentials of all callers.
async fn target() -> (TestApp, Target) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let transfer = app.transfer(&agent).await["id"].as_str().unwrap_or_default().to_owned();
    let job = app.job(&agent, &json!({})).await;
    let pipeline = app.pipeline(customer.id, "copy", COPY).await;
    let admin = app.create_user("admin", None).await;
    let admin = app.token(&admin.email).await;
    let target = Target {
        router: app.router.clone(),
        tokens: vec![format!("Bearer {}", customer.token), format!("Bearer {admin}")],
        keys: vec![agent.key.clone()],
        ids: vec![
            agent.id.to_string(),
            transfer,
            job.to_string(),
            pipeline.to_string(),
            customer.id.to_string(),
            "copy".into(),
        ],
    };
    (app, target)
}

#[test]
fn no_request_whatever_breaks_the_server() {
    let runtime = Runtime::new().expect("a runtime");
    let (_app, target) = runtime.block_on(target());
    let target = std::panic::AssertUnwindSafe(target);
    bolero::check!().with_iterations(1_000).with_max_len(256).for_each(|bytes: &[u8]| {
        runtime.block_on(check(&target, bytes));
    });
}
