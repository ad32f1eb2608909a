//! Tests of the order and the limits of the outbound queue; those of [`immediate_writes`] are about states that are
//! written without the task of the socket.

use super::*;
use crate::graphql::result_frames::FrameBlock;

mod immediate_writes;

impl OperationNumber {
    /// The first operation of a socket.
    pub(in crate::graphql) const fn first() -> Self {
        Self(1)
    }
}

impl SubscriptionSink {
    /// The sink of an operation that has just begun.
    pub(in crate::graphql) fn new(outbound: Arc<OutboundQueue>, operation: OperationNumber) -> Self {
        outbound.begin(operation, Envelope::new("next", &operation.0.to_string()));
        Self { outbound, operation }
    }
}

impl OutboundQueue {
    /// Takes everything that waits, as text.
    pub(in crate::graphql) fn texts(&self) -> Vec<String> {
        sent(self, Instant::now())
    }
}

const FIRST: OperationNumber = OperationNumber(1);
const SECOND: OperationNumber = OperationNumber(2);

fn sink(operation: OperationNumber) -> SubscriptionSink {
    SubscriptionSink::new(Arc::default(), operation)
}

/// The sink of the second operation on the same socket.
fn second(one: &SubscriptionSink) -> SubscriptionSink {
    SubscriptionSink::new(Arc::clone(&one.outbound), SECOND)
}

fn sent(outbound: &OutboundQueue, now: Instant) -> Vec<String> {
    let (items, _) = outbound.drain(now);
    let text = |item: Outbound| match item {
        Outbound::Next(OperationNumber(number), payload) | Outbound::Error(OperationNumber(number), payload) => {
            format!("{number}:{}", String::from_utf8_lossy(&payload))
        }
        other => format!("{other:?}"),
    };
    items.into_iter().map(text).collect()
}

fn object(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[test]
fn the_latest_state_of_an_object_takes_the_slot_of_the_one_that_waits() {
    let one = sink(FIRST);
    let two = second(&one);
    one.deliver(object(1), "a1".into());
    one.deliver(object(2), "b1".into());
    two.deliver(object(1), "a1".into());
    one.deliver(object(1), "a2".into());
    assert_eq!(sent(&one.outbound, Instant::now()), ["1:a2", "1:b1", "2:a1"]);
    assert!(sent(&one.outbound, Instant::now()).is_empty());
}

#[test]
fn a_resync_comes_once_and_after_everything_that_waited() {
    let one = sink(FIRST);
    one.resync("resync".into());
    one.deliver(object(1), "a1".into());
    one.resync("resync".into());
    one.deliver(object(1), "a2".into());
    assert_eq!(sent(&one.outbound, Instant::now()), ["1:a2", "1:resync"]);
}

#[test]
fn states_that_wait_are_bounded() {
    let one = sink(FIRST);
    for number in 0..MAX_STATES {
        assert!(one.deliver(object(number as u128), "state".into()));
    }
    assert!(!one.deliver(object(MAX_STATES as u128), "state".into()));
    one.discard_waiting();
    assert!(one.deliver(object(0), "state".into()));
    assert_eq!(sent(&one.outbound, Instant::now()), ["1:state"]);
}

#[test]
fn the_bytes_of_states_that_wait_or_are_held_back_are_bounded() {
    let large = Bytes::from(vec![b'x'; MAX_STATE_BYTES / 4]);
    let now = Instant::now();
    for is_throttled in [false, true] {
        let one = sink(FIRST);
        if is_throttled {
            one.outbound.throttle(FIRST, Duration::from_secs(1));
        }
        for round in 0..3_u32 {
            for _ in 0..3 {
                assert!((1..=4).all(|number| one.deliver(object(number), large.clone())), "in place of the earlier");
            }
            assert!(!one.deliver(object(5), "state".into()));
            if round == 1 {
                one.discard_waiting();
            } else {
                drop(one.outbound.drain(now + Duration::from_secs(round.into())));
            }
        }
    }
}

#[test]
fn nothing_is_sent_for_an_operation_that_has_ended() {
    let one = sink(FIRST);
    let two = second(&one);
    one.outbound.throttle(FIRST, Duration::from_secs(1));
    let now = Instant::now();
    one.deliver(object(1), "a1".into());
    one.deliver(object(1), "a2".into());
    two.deliver(object(1), "a1".into());
    one.outbound.end(FIRST);
    assert!(one.deliver(object(2), "b1".into()), "it needs no resync");
    assert_eq!(sent(&one.outbound, now + Duration::from_mins(1)), ["2:a1"]);
}

#[test]
fn throttled_states_leave_one_per_interval_and_the_latest_is_never_lost() {
    let one = sink(FIRST);
    one.outbound.throttle(FIRST, Duration::from_secs(10));
    one.deliver(object(1), "a1".into());
    let now = Instant::now();
    assert_eq!(sent(&one.outbound, now), ["1:a1"], "the first at once");
    one.deliver(object(1), "a2".into());
    one.deliver(object(2), "b1".into());
    one.deliver(object(1), "a3".into());
    let (items, next) = one.outbound.drain(Instant::now());
    assert_eq!(items.len(), 1, "another object's");
    let due = next.expect("something is held back");
    assert!(due > now + Duration::from_secs(9) && due <= now + Duration::from_secs(10));
    assert_eq!(sent(&one.outbound, due), ["1:a3"]);
    assert_eq!(one.outbound.drain(due + Duration::from_mins(1)).1, None);
}

#[test]
fn states_that_throttles_hold_back_count_among_those_that_wait() {
    let one = sink(FIRST);
    let two = second(&one);
    let interval = Duration::from_secs(10);
    one.outbound.throttle(FIRST, interval);
    assert!(two.deliver(object(0), "b".into()));
    for number in 1..MAX_STATES {
        assert!(one.deliver(object(number as u128), "a1".into()));
    }
    assert!(!one.deliver(object(MAX_STATES as u128), "a1".into()), "there is no room for another");
    assert!(!two.deliver(object(1), "b".into()), "nor beside it");
    assert!(one.deliver(object(1), "a2".into()), "but for a newer state of the same");
    assert!(two.deliver(object(0), "b2".into()));
    one.discard_waiting();
    one.resync("resync".into());
    assert!(one.deliver(object(1), "a3".into()));
    let now = Instant::now();
    assert_eq!(sent(&one.outbound, now), ["2:b2", "1:resync"], "an object may have been sent just now");
    assert_eq!(sent(&one.outbound, now + interval), ["1:a3"]);
}

#[test]
fn the_delivery_of_states_is_measured_once_they_are_sent() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    ::metrics::with_local_recorder(&recorder, || {
        let one = sink(FIRST);
        let state = |number| State {
            object: object(number),
            revision: 1,
            payload: "state".into(),
            committed_at: Some(std::time::Instant::now()),
        };
        assert!(one.deliver_all(&[state(1), state(2)], &mut FrameBlock::default()));
        drop(one.outbound.drain(Instant::now()));
        assert!(!handle.render().contains("mftplus_delivery_duration_seconds_count"), "they are being sent");
        one.outbound.sent();
        one.outbound.sent();
        one.outbound.throttle(FIRST, Duration::from_secs(10));
        assert!(one.deliver_all(&[state(3)], &mut FrameBlock::default()));
        drop(one.outbound.drain(Instant::now()));
        one.outbound.sent();
        assert!(one.deliver_all(&[state(3)], &mut FrameBlock::default()));
        drop(one.outbound.drain(Instant::now() + Duration::from_secs(20)));
        one.outbound.sent();
    });
    let count = "mftplus_delivery_duration_seconds_count 2";
    assert!(handle.render().contains(count), "without the one that the throttle held back: {}", handle.render());
}

#[test]
fn a_state_that_waits_can_be_replaced_however_many_wait() {
    let one = sink(FIRST);
    for number in 0..MAX_STATES {
        assert!(one.deliver(object(number as u128), "a1".into()));
    }
    assert!(one.deliver(object(0), "a2".into()));
    assert_eq!(sent(&one.outbound, Instant::now())[0], "1:a2");
}

#[test]
fn pongs_are_sent_before_more_pings_are_read() {
    let outbound = OutboundQueue::default();
    for _ in 0..MAX_PONGS {
        assert!(!outbound.is_backlogged());
        outbound.push_pong(Outbound::Message("pong".to_owned()));
    }
    assert!(outbound.is_backlogged());
    assert_eq!(sent(&outbound, Instant::now()).len(), MAX_PONGS);
    assert!(!outbound.is_backlogged());
}

#[test]
fn a_closed_socket_keeps_nothing() {
    let one = sink(FIRST);
    one.deliver(object(1), "a1".into());
    one.outbound.shut();
    one.outbound.push(Outbound::Complete(FIRST));
    one.resync("resync".into());
    assert!(one.deliver(object(1), "a2".into()), "no client is behind");
    assert!(sent(&one.outbound, Instant::now()).is_empty());
}

#[tokio::test]
async fn log_entries_wait_for_room() {
    let one = sink(FIRST);
    for number in 0..MAX_LOG_ENTRIES {
        one.outbound.push_log_entry(FIRST, number.to_string().into()).await;
    }
    let mut late = Box::pin(one.outbound.push_log_entry(FIRST, "late".into()));
    assert!(futures_util::poll!(&mut late).is_pending());
    assert_eq!(sent(&one.outbound, Instant::now()).len(), MAX_LOG_ENTRIES);
    late.await;
    assert_eq!(sent(&one.outbound, Instant::now()), ["1:late"]);
}
