//! The database refuses to store anything, and then works again.

use std::{net::TcpListener, time::Duration};

use super::{
    AssertSqlSafe, BOUNDS, Blockade, Connection, DatabaseLimits, Db, PgConnection, TestApp, TestDatabase, TimeDelta,
    Value, heartbeat, is_degraded, is_ready, json, patch,
};
use backend::error::Error;
use rstest::rstest;

/// Makes the next connections of a SQLite database fail with this pragma, each until it is replaced.
async fn spoil(app: &TestApp, pragma: &str) {
    let Db::Sqlite { hot, writer, .. } = &app.app.db else { panic!("SQLite") };
    for pool in [hot, writer] {
        sqlx::query(AssertSqlSafe(format!("PRAGMA {pragma}"))).execute(pool).await.expect("a pragma");
    }
}

/// A change of status with a long message, and its opposite.
fn report(index: usize) -> Value {
    let status = if index.is_multiple_of(2) { "running" } else { "failed" };
    json!({ "status": status, "errorMessage": "e".repeat(900) })
}

#[rstest]
#[case::full("max_page_count = 1")]
#[case::read_only("query_only = on")]
#[tokio::test]
async fn after_the_file_was_full_or_read_only_reports_and_everything_else_are_stored_again(#[case] pragma: &str) {
    let app = TestApp::on(&TestDatabase::sqlite(), &["--rate-limits", "off"]).await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let transfer = app.transfer(&agent).await;
    let admin = app.admin().await;
    spoil(&app, pragma).await;
    // The file has some room left in pages that are there.
    let mut index = 0;
    let refused = loop {
        let answer = patch(&app, &agent, &transfer, &report(index)).await;
        if answer.status != 200 {
            break answer;
        }
        index += 1;
        assert!(index < 100, "the file never was full");
    };
    is_degraded(&app, &refused).await;
    let answer = patch(&app, &agent, &transfer, &report(index)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["data"]["transfer"]["attempt"], 1 + index / 2, "the refused report was not counted");
    assert_eq!(heartbeat(&app, &agent).await.status, 200);
    is_ready(&app).await;
    // The same of what is not a report.
    let mut refused = 0;
    for index in 0..200 {
        let answer = admin.post("/api/customers", &json!({ "name": format!("Customer {index}") })).await;
        assert!([201, 503].contains(&answer.status), "{}", answer.body);
        refused += u32::from(answer.status == 503);
    }
    assert_eq!(refused, 1, "a connection that failed is replaced");
}

#[tokio::test]
async fn a_locked_database_is_503_and_works_again_when_the_lock_is_gone() {
    let database = TestDatabase::fresh().await;
    let app = TestApp::within(BOUNDS, &database, &[]).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let blockade = Blockade::of(&app, &database).await;
    let refused = heartbeat(&app, &agent).await;
    is_degraded(&app, &refused).await;
    blockade.end().await;
    let answer = heartbeat(&app, &agent).await;
    assert_eq!((answer.status, &answer.body["data"]["agent"]["revision"]), (200, &json!(2)), "{}", answer.body);
    is_ready(&app).await;
}

#[rstest]
#[case::it_is_closed_to_connections("55000")]
#[case::it_is_in_use("55006")]
#[case::it_grants_nothing("42501")]
#[case::it_has_too_many_connections("53300")]
#[case::it_ended_a_long_transaction("25P04")]
#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn postgresql_that_serves_no_client_is_503(#[case] code: &str) {
    let database = TestDatabase::shared().await;
    let app = TestApp::within(BOUNDS, &database, &[]).await;
    let admin = app.admin().await;
    // The database of the tests cannot be closed: others use it.
    let refuse = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION refuse()"
    );
    let url = database.database_url().expect("a URL");
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    sqlx::raw_sql(AssertSqlSafe(refuse)).execute(&mut connection).await.expect("a trigger");
    let create = async || admin.post("/api/customers", &json!({ "name": "Acme" })).await;
    let refused = create().await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")), "{}", refused.body);
    sqlx::raw_sql("DROP TRIGGER refuse ON customers").execute(&mut connection).await.expect("no trigger");
    connection.close().await.expect("an end");
    let created = create().await;
    assert_eq!(created.status, 201, "{}", created.body);
}

#[tokio::test]
async fn a_postgresql_that_cannot_be_reached_is_reported_with_the_reason() {
    // Nobody listens on the port of a listener that has ended.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let limits = DatabaseLimits { acquire: Duration::from_millis(100), ..BOUNDS };
    let refused = Db::open_postgres_within(&format!("postgres://nobody@{address}/none"), limits).await;
    match refused {
        Err(Error::DatabaseUnavailable(cause)) => assert!(cause.to_string().contains("refused"), "{cause}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_outage_of_the_database_declares_no_agent_offline_and_ends_no_lease() {
    let database = TestDatabase::fresh().await;
    let app = TestApp::within(BOUNDS, &database, &["--rate-limits", "off"]).await;
    let customer = app.customer("acme").await;
    let (agent, away) = (app.agent(customer.id, "edge-1").await, app.agent(customer.id, "edge-2").await);
    let transfer = app.transfer(&away).await;
    assert_eq!(patch(&app, &away, &transfer, &json!({ "status": "running" })).await.status, 200);
    let said = app.key(&away.key).post("/api/agents/heartbeat", &json!({ "status": "offline" })).await;
    assert_eq!(said.status, 200);
    let blockade = Blockade::of(&app, &database).await;
    assert_eq!(heartbeat(&app, &agent).await.status, 503);
    app.advance(TimeDelta::hours(1));
    let sweep = async || {
        let cp = app.cp();
        let silent = cp.mark_silent_agents_offline().await.expect("a sweep");
        let stalled = cp.mark_stalled_transfers().await.expect("a sweep");
        (silent, stalled, cp.end_leases().await.expect("a sweep"))
    };
    assert_eq!(sweep().await, (0, 0, 0), "no agent could report");
    blockade.end().await;
    // The outage ends with the first report that is stored.
    let other = app.agent(customer.id, "edge-3").await;
    assert_eq!(heartbeat(&app, &other).await.status, 200);
    app.advance(TimeDelta::milliseconds(89_999));
    assert_eq!(heartbeat(&app, &other).await.status, 200);
    let (silent, _, ended) = sweep().await;
    assert_eq!((silent, ended), (0, 0), "they have three intervals to report");
    app.advance(TimeDelta::milliseconds(1));
    let (silent, _, ended) = sweep().await;
    assert_eq!((silent, ended), (1, 1));
}
