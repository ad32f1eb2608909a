//! Tests of a shared subscription that cannot keep up or panics.

use std::{
    future::{poll_fn, ready},
    task::Poll,
};

use chrono::DateTime;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::{
    graphql::{
        fanout::change::Filter,
        outbound_queue::{OperationNumber, OutboundQueue},
    },
    model::fleet::{AgentCounts, Fleet, TransferCounts},
};

fn subscription(topic: Topic) -> Arc<SharedSubscription> {
    let (shard, _) = mpsc::unbounded_channel();
    Arc::new(SharedSubscription::new(topic, CancellationToken::new(), &[shard]))
}

fn sink() -> (Arc<OutboundQueue>, SubscriptionSink) {
    let outbound = Arc::<OutboundQueue>::default();
    (Arc::clone(&outbound), SubscriptionSink::new(outbound, OperationNumber::first()))
}

fn totals(number: i64) -> Change {
    let fleet = Fleet {
        agents: AgentCounts::default(),
        transfers: TransferCounts::default(),
        bytes_per_second: 0.0,
        failures_in_last_day: 0,
        at: DateTime::UNIX_EPOCH.into(),
    };
    Change::Fleet(Arc::new(fleet), number)
}

/// A subscription that sends one response and then panics.
fn fragile() -> (Execution, EventFilter) {
    let first = stream::once(async { async_graphql::Response::new(async_graphql::Value::Null) });
    let then = stream::poll_fn(|_| panic!("a resolver panics"));
    (Execution::of(first.chain(then).boxed()), EventFilter { ids: None, filter: Filter::Fleet })
}

#[tokio::test]
async fn a_subscription_that_panics_fails_its_subscribers_and_accepts_no_more() {
    let subscription = subscription(Topic::Fleet);
    let (outbound, sink) = sink();
    subscription.add(sink, false);
    let running = Arc::clone(&subscription);
    let work = running.catch_panics(running.run(ready(Ok(fragile()))));
    let (opened, ()) = tokio::join!(
        async {
            let opened = subscription.opened().await;
            subscription.notify(&totals(1));
            opened
        },
        work
    );
    assert!(opened.is_ok());
    assert!(subscription.is_closed() && subscription.end.is_cancelled());
    let messages = outbound.texts();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].contains("INTERNAL") && !messages[0].contains("a resolver panics"), "{messages:?}");
}

#[tokio::test]
async fn a_subscription_that_panics_before_it_opens_refuses_its_subscribers() {
    let subscription = subscription(Topic::Fleet);
    let (outbound, sink) = sink();
    subscription.add(sink, false);
    let opening = poll_fn(|_| -> Poll<Result<(Execution, EventFilter), Refusal>> { panic!("a resolver panics") });
    subscription.catch_panics(subscription.run(opening)).await;
    let refusal = subscription.opened().await.expect_err("it never opens");
    assert!(matches!(refusal, Refusal::Errors(errors) if errors.len() == 1));
    assert_eq!(outbound.texts(), [""; 0], "the operation that waits tells its own client");
}

#[test]
fn changes_that_wait_to_be_executed_are_bounded() {
    let subscription = subscription(Topic::Agents);
    let revoked = |number: usize| Change::Revoked(Uuid::from_u128(number as u128));
    (0..MAX_CHANGES).for_each(|number| subscription.notify(&revoked(number)));
    subscription.notify(&revoked(0));
    let (changes, is_resync_due) = subscription.take(MAX_CHANGES);
    assert_eq!((changes.len(), is_resync_due), (MAX_CHANGES, false));
    (0..=MAX_CHANGES).for_each(|number| subscription.notify(&revoked(number)));
    let (changes, is_resync_due) = subscription.take(MAX_CHANGES);
    assert_eq!((changes.len(), is_resync_due), (1, true));
}

#[test]
fn changes_are_taken_in_order_and_those_that_wait_are_replaced() {
    let subscription = subscription(Topic::Agents);
    let revoked = |number: u128| Change::Revoked(Uuid::from_u128(number));
    (0..4).for_each(|number| subscription.notify(&revoked(number)));
    let taken = |most| {
        let (changes, _) = subscription.take(most);
        changes.iter().map(|waiting| waiting.change.id().as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(taken(2), [0, 1]);
    subscription.notify(&revoked(0));
    subscription.notify(&revoked(2));
    assert_eq!(taken(2), [2, 3]);
    assert_eq!(taken(2), [0]);
    assert!(taken(2).is_empty());
}
