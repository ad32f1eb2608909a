//! Rows for the tests of the store: values for every column, and checks that each column of a row has one.

use chrono::{DateTime, Utc};
use mftplus_protocol::transfer::TransferDetails;
use uuid::Uuid;

use super::{
    agents::AgentRow,
    customers,
    db::{EnumText, Tx, sql, table::Column, table::values},
    transfers::TransferRow,
};
use crate::{
    ids::{AgentId, CustomerId, RunId, TransferId},
    model::{
        agent::{AgentStatus, Os},
        customer::Customer,
        transfer::{Direction, Network, Progress, Protocol, TransferState, TransferStatus},
    },
};

/// Returns an id that differs for each number.
pub(super) fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

/// Returns a time that differs for each number.
pub(super) fn at(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_777_122_000_000 + number).unwrap()
}

/// Stores a second customer, besides that of a new scratch database, and returns its id.
pub(super) async fn second_customer(tx: &mut Tx) -> CustomerId {
    let customer = Customer { id: id(3), name: "Other".to_owned(), suspended: false, created_at: at(1).into() };
    customers::insert(tx, &customer).await.unwrap();
    customer.id
}

/// Stores a pipeline of a customer, without versions.
pub(super) async fn insert_pipeline(tx: &mut Tx, number: u128, customer: CustomerId) {
    sql("INSERT INTO pipelines (id, customer_id, owner_id, identifier, name, search, enabled, version, created_at, \
         updated_at) VALUES ($1, $2, $2, $3, 'A pipeline', '', $4, 1, $5, $5)")
    .bind(id::<Uuid>(number))
    .bind(customer)
    .bind(number.to_string())
    .bind(true)
    .bind(at(1))
    .execute(tx)
    .await
    .unwrap();
}

/// Stores a run of a pipeline, without steps, that has been running since `at(1)`.
pub(super) async fn insert_pipeline_run(tx: &mut Tx, number: u128, pipeline: u128) {
    sql("INSERT INTO pipeline_runs (id, pipeline_id, version, status, cause, parameters, graph, plan, revision, \
         created_at, started_at) VALUES ($1, $2, 1, 'running', 'manual', '{}', '{}', '{}', 1, $3, $3)")
    .bind(id::<RunId>(number))
    .bind(id::<Uuid>(pipeline))
    .bind(at(1))
    .execute(tx)
    .await
    .unwrap();
}

/// Builds an agent with a value in every column.
pub(super) fn agent(customer: CustomerId, agent: AgentId) -> AgentRow {
    AgentRow {
        id: agent,
        customer_id: customer,
        name: Some("Warehouse".to_owned()),
        hostname: "warehouse-1".to_owned(),
        os: EnumText(Os::Windows),
        version: Some("1.2.3".to_owned()),
        status: EnumText(AgentStatus::Busy),
        status_reason: Some("it copies".to_owned()),
        status_since: Some(at(9)),
        last_heartbeat: at(10),
        heartbeat_interval: 30,
        offline_since: Some(at(11)),
        ip_address: Some("192.0.2.7".to_owned()),
        load: Some(0.5),
        memory: Some(61.25),
        revision: 4,
        created_at: at(12),
    }
}

/// Builds the same agent with another value in each column that heartbeats change.
pub(super) fn agent_later(row: &AgentRow) -> AgentRow {
    AgentRow {
        status: EnumText(AgentStatus::Offline),
        status_reason: Some("it is stopped".to_owned()),
        status_since: Some(at(19)),
        last_heartbeat: at(20),
        offline_since: Some(at(21)),
        ip_address: Some("2001:db8::7".to_owned()),
        load: Some(0.75),
        memory: Some(62.5),
        revision: 5,
        ..row.clone()
    }
}

/// Two different values of a type. The first is not the default.
trait Sample {
    fn sample(is_first: bool) -> Self;
}

impl Sample for String {
    fn sample(is_first: bool) -> Self {
        let digit = if is_first { "a" } else { "b" };
        digit.repeat(64)
    }
}

impl Sample for bool {
    fn sample(is_first: bool) -> Self {
        is_first
    }
}

impl Sample for f64 {
    fn sample(is_first: bool) -> Self {
        if is_first { 0.5 } else { 0.25 }
    }
}

/// Declares details with a value in every field.
macro_rules! details {
    ($($(#[$text:meta])+ $field:ident: $type:ident = $key:literal $rest:tt)+) => {
        fn details(is_first: bool) -> TransferDetails {
            TransferDetails { $($field: Some(<$type>::sample(is_first)),)+ }
        }
    };
}

mftplus_protocol::transfer_details!(details);

/// Builds a transfer with a value in every column.
pub(super) fn transfer(number: u128, agent: &AgentRow) -> TransferRow {
    TransferRow {
        id: id::<TransferId>(number),
        customer_id: agent.customer_id,
        agent_id: agent.id,
        source: "sftp://ftp.example.com/A.csv".to_owned(),
        destination: "/data/B.csv".to_owned(),
        protocol: Protocol::Ftps,
        direction: Direction::Push,
        created_at: at(30),
        job_run_id: Some(id::<RunId>(number + 1_000)),
        pipeline_run_id: Some(id::<RunId>(number + 2_000)),
        state: TransferState {
            status: TransferStatus::Running,
            progress: Progress {
                percent: 12.5,
                bytes_total: Some(1_000),
                bytes_transferred: 125,
                speed: 25.5,
                network: Network {
                    throughput_mbps: Some(90.5),
                    latency_ms: Some(12.25),
                    packet_loss_percent: Some(0.125),
                },
            },
            error_message: Some("the disk is full".to_owned()),
            started_at: Some(at(31)),
            completed_at: Some(at(32)),
            attempt: 2,
            details: details(true),
            revision: 7,
            stalled: true,
            progressed_at: Some(at(33)),
            cancel_requested_at: Some(at(34)),
            failed_by_lease: true,
        },
        agent_name: agent.name.clone(),
        agent_hostname: agent.hostname.clone(),
    }
}

/// Builds the same transfer with another value in each column that reports of progress change.
pub(super) fn transfer_later(row: &TransferRow) -> TransferRow {
    let network = Network { throughput_mbps: Some(91.5), latency_ms: Some(13.25), packet_loss_percent: Some(0.25) };
    let progress = Progress { percent: 25.0, bytes_total: Some(2_000), bytes_transferred: 500, speed: 50.5, network };
    let state = TransferState {
        progress,
        error_message: Some("the network is slow".to_owned()),
        details: details(false),
        revision: 8,
        progressed_at: Some(at(43)),
        ..row.state.clone()
    };
    TransferRow { state, ..row.clone() }
}

/// Builds the same transfer with another value in each column that a change of status changes.
pub(super) fn transfer_ended(row: &TransferRow) -> TransferRow {
    let row = transfer_later(row);
    let state = TransferState {
        status: TransferStatus::Failed,
        started_at: Some(at(51)),
        completed_at: Some(at(52)),
        attempt: 3,
        stalled: false,
        cancel_requested_at: Some(at(54)),
        failed_by_lease: false,
        ..row.state
    };
    TransferRow { state, ..row }
}

/// Fails unless the two rows differ in each of these columns.
pub(super) fn assert_differ<R>(columns: &[Column<R>], one: &R, other: &R) {
    for ((name, one), (_, other)) in values(columns, one).zip(values(columns, other)) {
        assert_ne!(one, other, "{name} is the same in both rows, so no test would notice that it is not written");
    }
}

/// Fails unless the row has a value other than the default in each of these columns.
pub(super) fn assert_filled<R>(columns: &[Column<R>], row: &R) {
    use sea_query::Value;
    for (name, value) in values(columns, row) {
        let is_empty = match &value {
            Value::Uuid(value) => value.is_none_or(|value| value.is_nil()),
            Value::String(value) => value.as_ref().is_none_or(String::is_empty),
            Value::Bytes(value) => value.as_ref().is_none_or(Vec::is_empty),
            Value::BigInt(value) => value.is_none_or(|value| value == 0),
            Value::Double(value) => value.is_none_or(|value| value == 0.0),
            Value::Bool(value) => value.is_none_or(|value| !value),
            Value::ChronoDateTimeUtc(value) => value.is_none(),
            other => panic!("{name} is stored as {other:?}"),
        };
        assert!(!is_empty, "{name} is empty, so no test would notice that it is not stored");
    }
}
