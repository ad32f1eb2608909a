//! What becomes of a group that falls behind or fails.

use std::{
    future::{poll_fn, ready},
    task::Poll,
};

use chrono::DateTime;
use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::{
    graphql::{
        fanout::change::Filter,
        outbox::{OperationNumber, Outbox},
    },
    model::fleet::{AgentCounts, Fleet, TransferCounts},
};

fn group(topic: Topic) -> Arc<Group> {
    Arc::new(Group::new(topic, CancellationToken::new()))
}

fn watching() -> (Arc<Outbox>, Watching) {
    let outbox = Arc::<Outbox>::default();
    (Arc::clone(&outbox), Watching::new(outbox, OperationNumber::first()))
}

fn figures(number: i64) -> Change {
    let fleet = Fleet {
        agents: AgentCounts::default(),
        transfers: TransferCounts::default(),
        bytes_per_second: 0.0,
        failures_in_last_day: 0,
        at: DateTime::UNIX_EPOCH.into(),
    };
    Change::Fleet(Arc::new(fleet), number)
}

/// A subscription that gives its first answer and then panics.
fn fragile() -> (Answers, Interest) {
    let first = stream::once(async { async_graphql::Response::new(async_graphql::Value::Null) });
    let then = stream::poll_fn(|_| panic!("a resolver panics"));
    (Answers::of(first.chain(then).boxed()), Interest { ids: None, filter: Filter::Fleet })
}

#[tokio::test]
async fn a_group_that_panics_tells_its_watchers_and_takes_in_no_more() {
    let group = group(Topic::Fleet);
    let (outbox, watching) = watching();
    group.admit(watching, false);
    let running = Arc::clone(&group);
    let work = running.guard(running.run(ready(Ok(fragile()))));
    let (opened, ()) = tokio::join!(
        async {
            let opened = group.opened().await;
            group.tell(&figures(1));
            opened
        },
        work
    );
    assert!(opened.is_ok());
    assert!(group.is_closed() && group.end.is_cancelled());
    let told = outbox.texts();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("INTERNAL") && !told[0].contains("a resolver panics"), "{told:?}");
}

#[tokio::test]
async fn a_group_that_panics_before_it_opens_refuses_whoever_waits() {
    let group = group(Topic::Fleet);
    let (outbox, watching) = watching();
    group.admit(watching, false);
    let opening = poll_fn(|_| -> Poll<Result<(Answers, Interest), Refusal>> { panic!("a resolver panics") });
    group.guard(group.run(opening)).await;
    let refusal = group.opened().await.expect_err("it never opens");
    assert!(matches!(refusal, Refusal::Errors(errors) if errors.len() == 1));
    assert_eq!(outbox.texts(), [""; 0], "whoever waits tells its own client");
}

#[test]
fn what_waits_to_be_answered_is_bounded() {
    let group = group(Topic::Agents);
    let revoked = |number: usize| Change::Revoked(Uuid::from_u128(number as u128));
    (0..MAX_CHANGES).for_each(|number| group.tell(&revoked(number)));
    group.tell(&revoked(0));
    let (changes, is_resync_due) = group.take();
    assert_eq!((changes.len(), is_resync_due), (MAX_CHANGES, false));
    (0..=MAX_CHANGES).for_each(|number| group.tell(&revoked(number)));
    let (changes, is_resync_due) = group.take();
    assert_eq!((changes.len(), is_resync_due), (1, true));
}
