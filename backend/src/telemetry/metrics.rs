//! Every metric of the server with its description.
//!
//! A label never contains text from a client: each label value is a constant of the program or the name of an enum
//! value.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// The type of a metric.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A value that only increases.
    Counter,
    /// A value that can increase and decrease.
    Gauge,
    /// A distribution.
    Histogram,
}

/// Name, type and description of each metric that the server records.
pub const METRICS: &[(&str, Kind, &str)] = &[
    ("mftplus_agents", Kind::Gauge, "Agents by status."),
    ("mftplus_background_failures_total", Kind::Counter, "Background tasks that failed, by task; each is tried again."),
    ("mftplus_bus_connected", Kind::Gauge, "Whether messages of other servers arrive (1) or not (0)."),
    (
        "mftplus_bus_dropped_total",
        Kind::Counter,
        "Messages to other servers that were dropped; each leads to a resync.",
    ),
    (
        "mftplus_bus_gaps_total",
        Kind::Counter,
        "Gaps in the numbers of events that were noticed; each leads to a resync.",
    ),
    (
        "mftplus_client_certificates_refused_total",
        Kind::Counter,
        "Handshakes and requests whose client certificate was refused, by reason.",
    ),
    ("mftplus_clock_jumps_total", Kind::Counter, "Jumps of the machine's clock that were noticed."),
    ("mftplus_connections", Kind::Gauge, "Open connections of the API."),
    ("mftplus_connections_closed_total", Kind::Counter, "Connections that the server closed, by reason."),
    ("mftplus_connections_limit", Kind::Gauge, "Maximum number of open connections of the API."),
    (
        "mftplus_delivery_duration_seconds",
        Kind::Histogram,
        "Seconds from the commit of a change until it was written to GraphQL sockets, without what throttles hold back.",
    ),
    ("mftplus_frames_sent_total", Kind::Counter, "Messages sent over GraphQL sockets."),
    (
        "mftplus_http_requests_duration_seconds",
        Kind::Histogram,
        "Seconds from a request to its answer, by method, route and status.",
    ),
    ("mftplus_http_requests_pending", Kind::Gauge, "Requests whose answer has not begun, by method and route."),
    ("mftplus_http_requests_total", Kind::Counter, "Requests by method, route and status."),
    (
        "mftplus_request_bodies_refused_total",
        Kind::Counter,
        "Requests refused because too many body bytes were in flight.",
    ),
    ("mftplus_scheduler_lateness_seconds", Kind::Histogram, "Seconds from a scheduled time to its decision."),
    ("mftplus_slots_started_total", Kind::Counter, "Scheduled times that started a run."),
    ("mftplus_subscriptions_open", Kind::Gauge, "Open GraphQL subscriptions."),
    ("mftplus_tls_handshakes_failed_total", Kind::Counter, "TLS handshakes that failed, by reason."),
    ("mftplus_transfers", Kind::Gauge, "Transfers by status."),
    ("mftplus_unreadable_rows_total", Kind::Counter, "Rows left out of a page because they could not be read."),
    (
        "mftplus_websockets_without_token_closed_total",
        Kind::Counter,
        "GraphQL sockets closed because there were too many without a token from their address.",
    ),
    (
        "mftplus_write_lock_duration_seconds",
        Kind::Histogram,
        "Seconds for which a write waited until no other one wrote to the SQLite file.",
    ),
    ("mftplus_writer_batch_size", Kind::Histogram, "Reports in one commit of the writer."),
    (
        "mftplus_writer_commit_duration_seconds",
        Kind::Histogram,
        "Seconds that the writer took for the reports of one commit, with the wait for the write lock.",
    ),
];

/// Registers the descriptions of all metrics.
pub(super) fn describe() {
    for &(name, kind, text) in METRICS {
        match kind {
            Kind::Counter => describe_counter!(name, text),
            Kind::Gauge => describe_gauge!(name, text),
            Kind::Histogram => describe_histogram!(name, text),
        }
    }
}
