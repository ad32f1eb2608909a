//! The number of statements for a query does not grow with the size of its result: the links of many objects are loaded
//! together.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use rstest::rstest;
use serde_json::{Value, json};
use tracing::{
    Event, Instrument, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    Registry,
    filter::dynamic_filter_fn,
    layer::{Context, Layer, SubscriberExt},
    registry::LookupSpan,
};

use super::{two_customers_and_callers::COPY, with_agent};
use crate::support::{Client, TestApp};

/// The span within which statements are counted.
const SPAN: &str = "counted";

/// Counts the statements that sqlx logs, each for the span in which it was executed.
struct Statements;

/// Whether the statement sets up a connection. The pool opens another one if the last has not been returned yet, which
/// depends on timing and not on the query.
fn is_of_a_new_connection(event: &Event<'_>) -> bool {
    struct Setting(bool);

    impl Visit for Setting {
        fn record_str(&mut self, field: &Field, value: &str) {
            self.0 |= field.name() == "summary" && (value.starts_with("PRAGMA ") || value.starts_with("SET "));
        }

        fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
    }

    let mut setting = Setting(false);
    event.record(&mut setting);
    setting.0
}

/// The number of statements within a span.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Statements {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        // What follows within a counted span, on whichever thread, counts for it.
        let above = span.parent().and_then(|parent| parent.extensions().get::<Count>().cloned());
        let own = (attributes.metadata().name() == SPAN).then(Count::default);
        if let Some(count) = own.or(above) {
            span.extensions_mut().insert(count);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != "sqlx::query" || is_of_a_new_connection(event) {
            return;
        }
        let count = context.event_span(event).and_then(|span| span.extensions().get::<Count>().cloned());
        if let Some(Count(count)) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Runs the work, and counts its statements.
async fn counted(work: impl Future<Output = Value>) -> (Count, Value) {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| {
        // Statements outside of a span, those of other tests of this process, are not counted.
        let concerned = dynamic_filter_fn(|metadata, context| {
            metadata.is_span() || (metadata.target() == "sqlx::query" && context.lookup_current().is_some())
        });
        let subscriber = Registry::default().with(Statements.with_filter(concerned));
        tracing::subscriber::set_global_default(subscriber).expect("the only subscriber of the tests");
    });
    let span = tracing::info_span!(SPAN);
    let done = work.instrument(span.clone()).await;
    let count = span.with_subscriber(|(id, dispatch)| {
        let registry = dispatch.downcast_ref::<Registry>().expect("a registry");
        registry.span(id).and_then(|span| span.extensions().get::<Count>().cloned())
    });
    (count.flatten().expect("a counted span"), done)
}

impl Count {
    /// The number of statements, after the database is closed: SQLite may answer a statement before the statement is
    /// logged.
    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// This many agents of as many customers, each with a transfer, a job that runs, and a pipeline with a run whose step
/// has a transfer.
async fn fleet(app: &TestApp, size: usize) -> Client {
    for number in 0..size {
        let customer = app.customer(&format!("Customer{number}")).await;
        let agent = app.agent(customer.id, &format!("server{number}")).await;
        app.transfer(&agent).await;
        let job = app.job(&agent, &json!({})).await;
        let answer = app.key(&agent.key).post(&format!("/api/jobs/{job}/runs"), &json!({})).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let pipeline = app.pipeline(customer.id, "orders", &format!("{COPY}schedule: \"@daily\"\n")).await;
        let run = app.run(pipeline).await;
        let transfer = json!({
            "sourceUrl": "/out/orders.csv", "destinationPath": "/in/orders.csv", "direction": "push", "protocol": "local",
            "pipelineRunId": run.id, "stepId": run.steps[0].id,
        });
        let answer = app.key(&agent.key).post("/api/transfers", &transfer).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    app.admin().await
}

/// Each question has links of a kind at one level only: whether those of two levels are followed together depends on how
/// soon the first answer comes.
#[rstest]
#[case::transfers("transfers { nodes { agentName agent { hostname customer { name } } } }", 6)]
#[case::customers_of_transfers("transfers { nodes { agent { hostname } customer { name } } }", 6)]
#[case::samples("transfers { nodes { samples { at } } }", 6)]
#[case::agents("agents { nodes { hostname customer { name } transfers(first: 3) { source agent { id } } } }", 9)]
#[case::users("users { nodes { email customer { name } } }", 3)]
#[case::jobs("jobs { nodes { name agent { hostname } customer { name } runs(first: 3) { status } } }", 9)]
#[case::runs("jobRuns { nodes { status job { name } transfers(first: 3) { id } } }", 6)]
#[case::pipelines(
    "pipelines { nodes { name versions { version } customer { name } nextRunAt runs(first: 3) { status } } }",
    9
)]
#[case::pipelines_of_runs("pipelineRuns { nodes { status pipeline { name versions { version } } } }", 7)]
#[case::transfers_of_steps("pipelineRuns { nodes { steps { status transfer { id } } } }", 6)]
#[case::plans("pipelineRuns { nodes { plan } }", 9)]
#[case::events("events { nodes { kind object { ... on Agent { transfers { id } customer { name } } } } }", 6)]
#[tokio::test]
async fn links_of_twenty_cost_as_much_as_links_of_two(#[case] question: &str, #[case] most: u64) {
    let question = format!("{{ {question} }}");
    let mut costs = Vec::new();
    for size in [2, 20] {
        let app = TestApp::start().await;
        let admin = fleet(&app, size).await;
        // From now on the session and the user are cached, and the connections are open.
        admin.data(&question, &Value::Null).await;
        let (cost, data) = counted(admin.data(&question, &Value::Null)).await;
        let found = data.as_object().and_then(|data| data.values().next());
        assert!(found.and_then(|found| found["nodes"].as_array()).is_some_and(|nodes| nodes.len() >= size));
        app.app.db.close().await;
        costs.push(cost.read());
    }
    assert_eq!(costs[0], costs[1], "{question}");
    assert!((1..=most).contains(&costs[0]), "{question}: {} statements", costs[0]);
}

#[tokio::test]
async fn a_total_that_is_not_asked_for_is_not_counted() {
    let (app, _, agent, user) = with_agent().await;
    for _ in 0..3 {
        app.transfer(&agent).await;
    }
    let question =
        |selection: &str| format!("{{ transfers(last: 2, filter: {{ protocol: SFTP }}) {{ {selection} }} }}");
    user.data(&question("nodes { id }"), &Value::Null).await;
    let (without, _) = counted(user.data(&question("nodes { id }"), &Value::Null)).await;
    let (with, _) = counted(user.data(&question("nodes { id } totalCount"), &Value::Null)).await;
    app.app.db.close().await;
    assert_eq!(with.read(), without.read() + 1);
}

#[tokio::test]
async fn a_connection_that_has_to_be_opened_costs_the_question_nothing() {
    let (app, _, agent, user) = with_agent().await;
    app.transfer(&agent).await;
    let question = "{ transfers { nodes { id } } }";
    user.data(question, &Value::Null).await;
    let (usual, _) = counted(user.data(question, &Value::Null)).await;
    // Nothing comes back to the pool as long as these are held.
    let held = [app.app.db.snapshot().await.expect("one"), app.app.db.snapshot().await.expect("another")];
    let (opening, _) = counted(user.data(question, &Value::Null)).await;
    drop(held);
    app.app.db.close().await;
    assert_eq!(opening.read(), usual.read());
}

#[tokio::test]
async fn the_same_link_is_followed_once() {
    let (app, _, agent, user) = with_agent().await;
    for _ in 0..20 {
        app.transfer(&agent).await;
    }
    let one = "{ transfers(first: 1) { nodes { agent { hostname } } } }";
    user.data(one, &Value::Null).await;
    let (one, _) = counted(user.data(one, &Value::Null)).await;
    let many = "{ transfers { nodes { agent { hostname } again: agent { os } } } }";
    let (many, _) = counted(user.data(many, &Value::Null)).await;
    app.app.db.close().await;
    assert_eq!(many.read(), one.read());
}
