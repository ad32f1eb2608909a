//! What waits, in which order, and how much of it.

use super::*;

impl OperationNumber {
    /// The first on a socket.
    pub(in crate::graphql) const fn first() -> Self {
        Self(1)
    }
}

impl SubscriptionSink {
    pub(in crate::graphql) const fn new(outbox: Arc<Outbox>, operation: OperationNumber) -> Self {
        Self { outbox, operation }
    }
}

impl Outbox {
    /// Takes what waits, as text.
    pub(in crate::graphql) fn texts(&self) -> Vec<String> {
        sent(self, Instant::now())
    }
}

const FIRST: OperationNumber = OperationNumber(1);
const SECOND: OperationNumber = OperationNumber(2);

fn sink(operation: OperationNumber) -> SubscriptionSink {
    SubscriptionSink { outbox: Arc::default(), operation }
}

fn sent(outbox: &Outbox, now: Instant) -> Vec<String> {
    let (frames, _) = outbox.take(now);
    let text = |frame: Frame| match frame {
        Frame::Next(OperationNumber(number), payload) | Frame::Error(OperationNumber(number), payload) => {
            format!("{number}:{}", String::from_utf8_lossy(&payload))
        }
        other => format!("{other:?}"),
    };
    frames.into_iter().map(text).collect()
}

fn object(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[test]
fn of_each_object_and_operation_the_latest_state_waits_in_the_place_of_the_first() {
    let one = sink(FIRST);
    let two = SubscriptionSink { operation: SECOND, ..one.clone() };
    one.deliver(object(1), "a1".into());
    one.deliver(object(2), "b1".into());
    two.deliver(object(1), "a1".into());
    one.deliver(object(1), "a2".into());
    assert_eq!(sent(&one.outbox, Instant::now()), ["1:a2", "1:b1", "2:a1"]);
    assert!(sent(&one.outbox, Instant::now()).is_empty());
}

#[test]
fn a_call_to_ask_again_comes_after_all_that_waited_and_once() {
    let one = sink(FIRST);
    one.resync("resync".into());
    one.deliver(object(1), "a1".into());
    one.resync("resync".into());
    one.deliver(object(1), "a2".into());
    assert_eq!(sent(&one.outbox, Instant::now()), ["1:a2", "1:resync"]);
}

#[test]
fn what_waits_is_bounded() {
    let one = sink(FIRST);
    for number in 0..MAX_STATES {
        assert!(one.deliver(object(number as u128), "state".into()));
    }
    assert!(!one.deliver(object(MAX_STATES as u128), "state".into()));
    one.forget();
    assert!(one.deliver(object(0), "state".into()));
    assert_eq!(sent(&one.outbox, Instant::now()), ["1:state"]);
}

#[test]
fn the_bytes_of_what_waits_or_is_held_back_are_bounded() {
    let large = Bytes::from(vec![b'x'; MAX_STATE_BYTES / 4]);
    let now = Instant::now();
    for is_throttled in [false, true] {
        let one = sink(FIRST);
        if is_throttled {
            one.outbox.throttle(FIRST, Duration::from_secs(1));
        }
        for round in 0..3_u32 {
            for _ in 0..3 {
                assert!((1..=4).all(|number| one.deliver(object(number), large.clone())), "in place of the earlier");
            }
            assert!(!one.deliver(object(5), "state".into()));
            if round == 1 { one.forget() } else { drop(one.outbox.take(now + Duration::from_secs(round.into()))) }
        }
    }
}

#[test]
fn nothing_is_sent_for_an_operation_that_has_ended() {
    let one = sink(FIRST);
    let two = SubscriptionSink { operation: SECOND, ..one.clone() };
    one.outbox.throttle(FIRST, Duration::from_secs(1));
    let now = Instant::now();
    one.deliver(object(1), "a1".into());
    one.deliver(object(1), "a2".into());
    two.deliver(object(1), "a1".into());
    one.outbox.end(FIRST);
    assert_eq!(sent(&one.outbox, now + Duration::from_mins(1)), ["2:a1"]);
}

#[test]
fn throttled_states_leave_one_per_interval_and_the_latest_is_never_lost() {
    let one = sink(FIRST);
    one.outbox.throttle(FIRST, Duration::from_secs(10));
    one.deliver(object(1), "a1".into());
    let now = Instant::now();
    assert_eq!(sent(&one.outbox, now), ["1:a1"], "the first at once");
    one.deliver(object(1), "a2".into());
    one.deliver(object(2), "b1".into());
    one.deliver(object(1), "a3".into());
    let (frames, next) = one.outbox.take(Instant::now());
    assert_eq!(frames.len(), 1, "another object's");
    let due = next.expect("something is held back");
    assert!(due > now + Duration::from_secs(9) && due <= now + Duration::from_secs(10));
    assert_eq!(sent(&one.outbox, due), ["1:a3"]);
    assert_eq!(one.outbox.take(due + Duration::from_mins(1)).1, None);
}

#[test]
fn what_throttles_hold_back_is_bounded_together_with_what_waits() {
    let one = sink(FIRST);
    let two = SubscriptionSink { operation: SECOND, ..one.clone() };
    let interval = Duration::from_secs(10);
    one.outbox.throttle(FIRST, interval);
    assert!(two.deliver(object(0), "b".into()));
    for number in 1..MAX_STATES {
        assert!(one.deliver(object(number as u128), "a1".into()));
    }
    assert!(!one.deliver(object(MAX_STATES as u128), "a1".into()), "there is no room for another");
    assert!(!two.deliver(object(1), "b".into()), "nor beside it");
    assert!(one.deliver(object(1), "a2".into()), "but for a newer state of the same");
    assert!(two.deliver(object(0), "b2".into()));
    one.forget();
    one.resync("resync".into());
    assert!(one.deliver(object(1), "a3".into()));
    let now = Instant::now();
    assert_eq!(sent(&one.outbox, now), ["2:b2", "1:resync"], "an object may have had its turn just now");
    assert_eq!(sent(&one.outbox, now + interval), ["1:a3"]);
}

#[test]
fn a_state_that_waits_can_be_replaced_however_many_wait() {
    let one = sink(FIRST);
    for number in 0..MAX_STATES {
        assert!(one.deliver(object(number as u128), "a1".into()));
    }
    assert!(one.deliver(object(0), "a2".into()));
    assert_eq!(sent(&one.outbox, Instant::now())[0], "1:a2");
}

#[test]
fn answers_to_pings_are_sent_before_more_are_heard() {
    let outbox = Outbox::default();
    for _ in 0..MAX_PONGS {
        assert!(!outbox.is_crowded());
        outbox.push_pong("pong".to_owned());
    }
    assert!(outbox.is_crowded());
    assert_eq!(sent(&outbox, Instant::now()).len(), MAX_PONGS);
    assert!(!outbox.is_crowded());
}

#[test]
fn a_socket_that_is_gone_keeps_nothing() {
    let one = sink(FIRST);
    one.deliver(object(1), "a1".into());
    one.outbox.shut();
    one.outbox.push(Frame::Complete(FIRST));
    one.resync("resync".into());
    assert!(one.deliver(object(1), "a2".into()), "nobody is behind");
    assert!(sent(&one.outbox, Instant::now()).is_empty());
}

#[tokio::test]
async fn lines_of_a_log_wait_for_room() {
    let one = sink(FIRST);
    for number in 0..MAX_LINES {
        one.outbox.push_line(FIRST, number.to_string().into()).await;
    }
    let mut late = Box::pin(one.outbox.push_line(FIRST, "late".into()));
    assert!(futures_util::poll!(&mut late).is_pending());
    assert_eq!(sent(&one.outbox, Instant::now()).len(), MAX_LINES);
    late.await;
    assert_eq!(sent(&one.outbox, Instant::now()), ["1:late"]);
}
