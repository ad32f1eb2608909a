//! Tests of states that are written to the socket at once, and of the states that the socket does not take.

use std::{
    collections::HashMap,
    io::Cursor,
    pin::Pin,
    sync::{Arc, Mutex},
};

use futures_util::FutureExt;
use proptest::{collection::vec, prelude::*};
use tokio::io::AsyncWrite;
use tokio_tungstenite::tungstenite::{WebSocket, protocol::Role};

use super::*;
use crate::graphql::result_frames::FrameBlock;

/// A connection that takes as many bytes as it has room for.
#[derive(Clone, Default)]
struct Connection(Arc<Mutex<Pipe>>);

#[derive(Default)]
struct Pipe {
    room: usize,
    taken: Vec<u8>,
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = self.0.lock().expect("a pipe");
        let taken = pipe.room.min(bytes.len());
        if taken < bytes.len().min(1) {
            return Poll::Pending;
        }
        pipe.room -= taken;
        pipe.taken.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A socket with two operations, as its shard and its task see it.
struct Socket {
    connection: Connection,
    sinks: [SubscriptionSink; 2],
}

impl Socket {
    fn with_room(room: usize) -> Self {
        let connection = Connection::default();
        let outbound = Arc::new(OutboundQueue::new(SocketWriter::new(connection.clone()), 0));
        let sinks = [FIRST, SECOND].map(|operation| SubscriptionSink::new(Arc::clone(&outbound), operation));
        let socket = Self { connection, sinks };
        socket.make_room(room);
        socket
    }

    fn outbound(&self) -> &OutboundQueue {
        &self.sinks[0].outbound
    }

    fn make_room(&self, room: usize) {
        self.connection.0.lock().expect("a pipe").room = room;
    }

    /// Delivers states of an operation as a shard does.
    fn deliver(&self, operation: usize, states: &[State]) {
        assert!(self.sinks[operation].deliver_all(states, &mut FrameBlock::default()));
    }

    /// Whether the task of the socket was woken.
    fn is_woken(&self) -> bool {
        self.outbound().filled.notified().now_or_never().is_some()
    }

    /// Sends what waits, as the task of the socket does. Returns whether all of it was sent.
    fn serve(&self) -> bool {
        let mut frames = Vec::new();
        for item in self.outbound().drain(Instant::now()).0 {
            let Outbound::Next(number, payload) = item else { panic!("a state, not {item:?}") };
            Envelope::new("next", &number.0.to_string()).write(&mut frames, &payload);
        }
        let is_sent = matches!(self.outbound().send(frames).now_or_never(), Some(Ok(())));
        if is_sent {
            self.outbound().sent();
        }
        is_sent
    }

    /// The messages that the client has received: operation, object and revision of each.
    fn received(&self) -> Vec<(String, u64, i64)> {
        let taken = self.connection.0.lock().expect("a pipe").taken.clone();
        let mut client = WebSocket::from_raw_socket(Cursor::new(taken), Role::Client, None);
        let messages = std::iter::from_fn(|| client.read().ok());
        let read = |message: tokio_tungstenite::tungstenite::Message| {
            let message: serde_json::Value = serde_json::from_str(message.to_text().expect("a text")).expect("JSON");
            let [object, revision] = ["object", "revision"].map(|name| message["payload"][name].as_u64());
            let id = message["id"].as_str().expect("an id").to_owned();
            (id, object.expect("an object"), revision.expect("a revision").try_into().expect("small"))
        };
        messages.map(read).collect()
    }
}

fn state(object: u64, revision: i64) -> State {
    let payload = format!(r#"{{"object":{object},"revision":{revision}}}"#);
    State { object: Uuid::from_u128(object.into()), revision, payload: payload.into(), committed_at: None }
}

/// The size of the frame of a state.
fn size(state: &State) -> usize {
    let mut frame = Vec::new();
    Envelope::new("next", "1").write(&mut frame, &state.payload);
    frame.len()
}

fn owned(all: &[(&str, u64, i64)]) -> Vec<(String, u64, i64)> {
    all.iter().map(|(id, object, revision)| ((*id).to_owned(), *object, *revision)).collect()
}

#[test]
fn states_are_written_at_once_and_no_task_is_woken_while_nothing_waits() {
    let socket = Socket::with_room(usize::MAX);
    socket.deliver(0, &[state(1, 1), state(2, 1)]);
    socket.deliver(1, &[state(1, 1)]);
    assert_eq!(socket.received(), owned(&[("1", 1, 1), ("1", 2, 1), ("2", 1, 1)]));
    assert!(!socket.is_woken());
}

#[test]
fn a_frame_that_has_begun_is_completed_and_later_states_replace_each_other() {
    let states = [state(1, 1), state(2, 1), state(3, 1)];
    let socket = Socket::with_room(size(&states[0]) + 3);
    socket.deliver(0, &states);
    assert!(socket.is_woken());
    assert!(!socket.serve(), "the connection takes nothing");
    socket.deliver(0, &[state(3, 2), state(2, 2)]);
    socket.make_room(usize::MAX);
    assert!(socket.serve());
    assert_eq!(
        socket.received(),
        owned(&[("1", 1, 1), ("1", 2, 1), ("1", 3, 1), ("1", 3, 2), ("1", 2, 2)]),
        "the third state was taken by the first attempt to send it"
    );
    socket.deliver(0, &[state(1, 2)]);
    assert_eq!(socket.received().len(), 6, "at once again");
}

#[test]
fn states_of_a_blocked_socket_wait_in_place_of_each_other() {
    let socket = Socket::with_room(0);
    socket.deliver(0, &[state(1, 1), state(2, 1)]);
    socket.deliver(0, &[state(1, 2)]);
    assert!(socket.is_woken());
    socket.make_room(usize::MAX);
    assert!(socket.serve());
    assert_eq!(socket.received(), owned(&[("1", 1, 2), ("1", 2, 1)]));
}

#[test]
fn an_operation_that_has_ended_or_has_a_throttle_is_not_written_to_at_once() {
    let socket = Socket::with_room(usize::MAX);
    socket.outbound().throttle(SECOND, Duration::from_secs(1));
    socket.deliver(1, &[state(1, 1)]);
    assert!(socket.received().is_empty() && socket.is_woken());
    socket.outbound().end(FIRST);
    socket.deliver(0, &[state(1, 1)]);
    assert!(socket.received().is_empty());
    assert!(socket.serve());
    assert_eq!(socket.received(), owned(&[("2", 1, 1)]));
}

#[test]
fn a_state_that_is_held_back_wakes_the_socket_only_if_it_is_due_earlier() {
    let socket = Socket::with_room(usize::MAX);
    socket.outbound().throttle(FIRST, Duration::from_mins(1));
    for revision in [1, 2] {
        socket.deliver(0, &[state(1, revision)]);
        assert!(socket.is_woken());
        assert!(socket.serve());
    }
    assert_eq!(socket.received(), owned(&[("1", 1, 1)]));
    socket.deliver(0, &[state(1, 3)]);
    assert!(!socket.is_woken(), "it wakes by itself");
    socket.deliver(0, &[state(2, 1)]);
    assert!(socket.is_woken(), "another object's first state");
}

#[test]
fn nothing_is_written_to_a_socket_that_is_being_closed() {
    let socket = Socket::with_room(usize::MAX);
    socket.outbound().close(Close::FORBIDDEN);
    socket.deliver(0, &[state(1, 1)]);
    assert!(socket.outbound().take_writer().is_some());
    socket.deliver(0, &[state(1, 2)]);
    assert!(socket.received().is_empty());
}

/// A step of a shard, of the client, or of the task of the socket.
#[derive(Clone, Debug)]
enum Step {
    /// States of these objects are delivered to one of the two operations.
    Deliver(usize, Vec<u64>),
    /// The client reads this many bytes.
    Read(usize),
    Serve,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..2_usize, vec(0..5_u64, 1..6)).prop_map(|(operation, objects)| Step::Deliver(operation, objects)),
        (0..400_usize).prop_map(Step::Read),
        Just(Step::Serve),
    ]
}

proptest! {
    #[test]
    fn whole_frames_arrive_in_order_and_the_latest_state_of_each_object_always(steps in vec(step(), 1..60)) {
        let socket = Socket::with_room(0);
        let mut revision = 0;
        let mut latest = HashMap::new();
        for step in steps {
            match step {
                Step::Deliver(operation, mut objects) => {
                    objects.sort_unstable();
                    objects.dedup();
                    revision += 1;
                    let states: Vec<State> = objects.iter().map(|object| state(*object, revision)).collect();
                    socket.deliver(operation, &states);
                    let id = (operation + 1).to_string();
                    latest.extend(objects.into_iter().map(|object| ((id.clone(), object), revision)));
                }
                Step::Read(room) => socket.make_room(room),
                Step::Serve => {
                    socket.serve();
                }
            }
        }
        socket.make_room(usize::MAX);
        prop_assert!(socket.serve());
        let mut received = HashMap::new();
        for (id, object, revision) in socket.received() {
            let before = received.insert((id, object), revision);
            prop_assert!(before.is_none_or(|before| before < revision), "a state was overtaken");
        }
        prop_assert_eq!(received, latest);
    }
}
