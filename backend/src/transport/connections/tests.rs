//! The limits of connections, at moments that the tests choose.

use super::*;

fn limits() -> ConnectionLimits {
    ConnectionLimits { anonymous: 2, ..ConnectionLimits::of_api(3) }
}

fn open(connections: &Connections) -> Slot {
    connections.open(Instant::now()).expect("there is room")
}

fn is_closing(slot: &Slot) -> bool {
    slot.0.closing.is_cancelled()
}

#[test]
fn beyond_the_limit_the_oldest_idle_anonymous_connection_is_closed() {
    let connections = Connections::new(limits());
    let [busy, idle] = [(); 2].map(|()| open(&connections));
    busy.0.begin();
    let third = open(&connections);
    assert_eq!([&busy, &idle, &third].map(is_closing), [false, true, false]);
    // Without an idle one it is the oldest.
    third.0.begin();
    let fourth = open(&connections);
    assert_eq!([&busy, &third, &fourth].map(is_closing), [true, false, false]);
    assert_eq!(connections.len(), 2);
}

#[tokio::test]
async fn connections_of_authenticated_callers_are_never_closed_for_others() {
    let connections = Connections::new(limits());
    let known = [(); 3].map(|()| {
        let slot = open(&connections);
        slot.0.authenticated();
        slot
    });
    assert!(connections.open(Instant::now()).is_none() && !connections.make_room());
    assert!(!known.iter().any(is_closing));
    drop(known);
    connections.closed().await;
    assert!(connections.open(Instant::now()).is_some());
}

#[test]
fn anonymous_connections_leave_room_for_others() {
    let connections = Connections::new(limits());
    let anonymous: Vec<Slot> = std::iter::repeat_with(|| open(&connections)).take(10).collect();
    assert_eq!(connections.len(), 2);
    anonymous[9].0.authenticated();
    assert!(!is_closing(&open(&connections)));
    assert!(!is_closing(&anonymous[9]));
}

#[test]
fn each_phase_has_its_time() {
    let (connections, start) = (Connections::new(limits()), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    let slot = connections.open(start).expect("there is room");
    let connection = &slot.0;
    assert_eq!(connection.deadline(), Some(at(10)), "headers are awaited");
    connection.begin();
    assert_eq!(connection.deadline(), None, "a handler has time limits of its own");
    connection.end(at(5));
    assert_eq!(connection.deadline(), Some(at(125)), "idle");
    connection.received(at(20));
    assert_eq!(connection.deadline(), Some(at(30)), "the next request has begun");
    connection.received(at(24));
    assert_eq!(connection.deadline(), Some(at(30)), "further bytes win no time");
    connection.upgraded();
    assert_eq!(connection.deadline(), None);
}

#[test]
fn a_client_that_takes_its_answer_too_slowly_is_given_up() {
    let (connections, start) = (Connections::new(limits()), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    let slot = connections.open(start).expect("there is room");
    let connection = &slot.0;
    connection.begin();
    connection.blocked(at(0));
    assert_eq!(connection.deadline(), Some(at(30)));
    connection.sent(8192, at(20));
    assert_eq!(connection.deadline(), None, "it takes what it is sent");
    connection.blocked(at(100));
    assert_eq!(connection.deadline(), Some(at(112)), "30 s, less 20, and 2 for what it took");
}
