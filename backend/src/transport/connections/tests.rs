//! The limits of connections, with times that the tests choose.

use uuid::Uuid;

use super::*;
use crate::ids::{AgentId, CustomerId, SessionId, UserId};

fn limits() -> ConnectionLimits {
    ConnectionLimits { anonymous: 2, ..ConnectionLimits::of_api(3) }
}

fn open(connections: &Connections) -> Slot {
    connections.open(Instant::now()).expect("there is room")
}

/// A user of this customer, in a new session.
fn user_of(customer: u128) -> Actor {
    let [user, session] = [1, 2].map(Uuid::from_u128);
    Actor::Customer { user: UserId(user), session: SessionId(session), customer: CustomerId(Uuid::from_u128(customer)) }
}

fn administrator(user: u128) -> Actor {
    Actor::Admin { user: UserId(Uuid::from_u128(user)), session: SessionId(Uuid::from_u128(2)) }
}

/// An agent of this customer.
fn agent_of(customer: u128) -> Actor {
    Actor::Agent { agent: AgentId(Uuid::from_u128(3)), customer: CustomerId(Uuid::from_u128(customer)), key: None }
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
    let known = [1, 2, 3].map(|customer| {
        let slot = open(&connections);
        assert!(slot.0.authenticated(&user_of(customer)));
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
    assert!(anonymous[9].0.authenticated(&user_of(1)));
    assert!(!is_closing(&open(&connections)));
    assert!(!is_closing(&anonymous[9]));
}

#[test]
fn one_customer_or_administrator_holds_a_quarter_of_all_connections_at_most() {
    for (total, most) in [(65_536, 16_384), (444, 111), (100, 32), (40, 20), (1, 1)] {
        assert_eq!(ConnectionLimits::of_api(total).per_principal, most);
    }
    let connections =
        Connections::new(ConnectionLimits { per_principal: 2, few_left: 100, ..ConnectionLimits::of_api(100) });
    let at_work = |caller: &Actor| {
        let slot = open(&connections);
        slot.0.begin();
        (slot.0.authenticated(caller), slot)
    };
    // A customer's users and agents count together, an administrator alone.
    for [caller, colleague] in [[user_of(1), agent_of(1)], [administrator(1), administrator(1)]] {
        let [first, second, third] = [&caller, &colleague, &caller].map(at_work);
        assert_eq!([first.0, second.0, third.0], [true, true, false]);
        assert!(third.1.0.is_over_quota() && !third.1.0.is_known() && !first.1.0.is_over_quota());
        let [other, another] = [at_work(&user_of(2)), at_work(&administrator(2))];
        assert!(other.0 && another.0, "there is room for others");
        drop(first);
        assert!(third.1.0.authenticated(&caller), "what ends makes room");
        assert!(!is_closing(&second.1));
    }
    assert!(connections.is_empty());
}

#[test]
fn while_many_connections_are_left_a_customer_holds_any_number() {
    let connections = Connections::new(ConnectionLimits { few_left: 4, ..ConnectionLimits::of_api(16) });
    let at_work = |caller: &Actor| {
        let slot = open(&connections);
        slot.0.begin();
        (slot.0.authenticated(caller), slot)
    };
    let held: Vec<_> = (0..12).map(|_| at_work(&user_of(1))).collect();
    assert!(held.iter().all(|(is_admitted, _)| *is_admitted));
    let beyond = at_work(&user_of(1));
    assert!(!beyond.0, "the last quarter is for others");
    assert!(at_work(&user_of(2)).0);
}

#[test]
fn beyond_its_quota_the_oldest_idle_connection_of_a_customer_is_closed_for_a_new_one() {
    let now = Instant::now();
    let connections =
        Connections::new(ConnectionLimits { per_principal: 2, few_left: 100, ..ConnectionLimits::of_api(100) });
    let held = [1, 1, 2].map(|customer| {
        let slot = open(&connections);
        slot.0.begin();
        assert!(slot.0.authenticated(&user_of(customer)));
        slot
    });
    held[1].0.end(now);
    held[2].0.end(now);
    let new = open(&connections);
    new.0.begin();
    assert!(new.0.authenticated(&user_of(1)));
    assert_eq!([&held[0], &held[1], &held[2], &new].map(is_closing), [false, true, false, false]);
    assert_eq!(connections.len(), 3, "what is being closed counts no more");
}

#[test]
fn a_connection_counts_for_the_caller_of_its_last_request() {
    let connections =
        Connections::new(ConnectionLimits { per_principal: 1, few_left: 100, ..ConnectionLimits::of_api(100) });
    let [shared, other] = [(); 2].map(|()| open(&connections));
    shared.0.begin();
    assert!(shared.0.authenticated(&user_of(1)) && shared.0.authenticated(&user_of(1)));
    // A proxy sends requests of several customers over one connection.
    assert!(shared.0.authenticated(&user_of(2)));
    other.0.begin();
    assert!(other.0.authenticated(&user_of(1)));
    assert!(!shared.0.authenticated(&user_of(1)) && shared.0.is_over_quota());
    assert!(shared.0.authenticated(&user_of(2)) && !shared.0.is_over_quota());
    assert_eq!(connections.len(), 2);
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
