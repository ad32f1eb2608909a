//! A server with its watchers, which receive what agents report.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    reports::{self, Answered, Reported},
    setup::{Setup, TRANSFERS},
    stages::Stages,
    stretch::{self, ReceivedStates, Stretch},
    watcher::Watcher,
};
use crate::{
    connection::Connection,
    place::Server,
    usage::{cpu, resident},
};

/// The number of sockets that are opened at the same time. A server allows an address only few sockets that are not
/// authenticated yet.
const AT_ONCE: usize = 40;
/// The number of connections that report at a rate that the server can handle.
const CONNECTIONS: usize = 20;
/// The number of connections that report at a rate that the server cannot handle.
const STORM_CONNECTIONS: usize = 100;
/// The maximum time after the last report until its state must arrive.
const GRACE: Duration = Duration::from_secs(30);
/// The time after a storm within which a watcher must receive the last states.
const SETTLING: Duration = Duration::from_secs(1);
/// After [`SETTLING`], the interval of the checks whether all watchers have received the last states.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// The pause before a measurement, in which sockets are opened or closed, or the load begins.
const PAUSE: Duration = Duration::from_secs(1);
/// The maximum time until all watchers are subscribed.
const SUBSCRIBING: Duration = Duration::from_mins(1);
/// After this many seconds of saturation, the buffers of stalled watchers are full.
const FILLING: u64 = 5;
/// The seconds between two rounds of the collector. A shorter stretch may or may not include a round.
const COLLECTING: u64 = 10;

/// The measurements of reports at a fixed rate.
pub(crate) struct Paced {
    pub(crate) deliveries: usize,
    pub(crate) expected: usize,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Seconds of CPU of the server for each delivery.
    pub(crate) cpu: f64,
}

/// The measurements of reports that are sent as fast as the server answers.
pub(crate) struct Saturated {
    /// Deliveries per second.
    pub(crate) per_second: f64,
    /// Seconds of CPU of the server for each delivery.
    pub(crate) cpu: f64,
}

/// The measurements of reports at a rate that the server cannot handle.
pub(crate) struct Storm {
    /// How long the answers to the reports took, in ascending order.
    pub(crate) times: Vec<Duration>,
    /// See [`Reported::slow`].
    pub(crate) slow: Vec<Answered>,
    /// See [`Reported::own_delays`].
    pub(crate) own_delays: Vec<Duration>,
    pub(crate) refused: usize,
    pub(crate) deliveries: usize,
    pub(crate) resyncs: usize,
    /// The number of watchers that had received the last state of every transfer within [`SETTLING`].
    pub(crate) right: usize,
    /// The number of last states that a watcher had not received within [`SETTLING`]; the median of all watchers.
    pub(crate) unknown: usize,
    /// The time after the storm until every watcher had received the last state of every transfer. `None` if this took
    /// longer than [`GRACE`], which means that states are lost.
    pub(crate) settled: Option<Duration>,
}

pub(crate) struct WatchedServer<'a> {
    setup: &'a Setup,
    server: Server,
    watchers: Vec<Watcher>,
}

impl<'a> WatchedServer<'a> {
    pub(crate) fn new(setup: &'a Setup, server: Server) -> Self {
        Self { setup, server, watchers: Vec::new() }
    }

    /// Replaces the watchers by `count` new ones, which use `selections` different selections in turn.
    pub(crate) async fn watch(&mut self, count: usize, selections: usize) {
        self.watchers.clear();
        sleep(PAUSE).await;
        self.watchers = self.subscribe(count, selections).await;
        self.wait_until_subscribed().await;
    }

    /// Keeps `count` watchers and disconnects the others.
    pub(crate) async fn keep(&mut self, count: usize) {
        self.watchers.truncate(count);
        sleep(PAUSE).await;
    }

    /// Reports at `rate` per second for `seconds`.
    pub(crate) async fn paced(&mut self, rate: u32, seconds: u64) -> Paced {
        let count = reports_in(rate, seconds);
        let expected = count * self.watchers.len();
        let stretch = Stretch::timed(count);
        let listening = self.listen(&stretch);
        let before = self.cpu();
        let Reported { refused, .. } =
            reports::paced(&self.server.address, &self.setup.reporters, &stretch, rate, CONNECTIONS).await;
        assert_eq!(refused, 0, "reports were refused at {rate} per second");
        let collected = self.collect(listening, &stretch, GRACE).await;
        let taken = self.cpu() - before;
        let mut delays: Vec<u32> = collected.iter().flat_map(|collected| collected.delays.iter().copied()).collect();
        delays.sort_unstable();
        let at = |percent: usize| Duration::from_micros(u64::from(delays[(delays.len() - 1) * percent / 100]));
        Paced { deliveries: delays.len(), expected, p50: at(50), p99: at(99), cpu: taken / float(delays.len()) }
    }

    /// Measures [`Self::paced`] twice: without stalled watchers, then beside `stalled` watchers that read nothing and
    /// whose buffers are full. Both stretches follow the same load, and are long enough for a round of the collector.
    pub(crate) async fn paced_beside_stalled(&mut self, stalled: usize, rate: u32, seconds: u64) -> (Paced, Paced) {
        let seconds = seconds.max(COLLECTING);
        self.saturate(FILLING).await;
        let alone = self.paced(rate, seconds).await;
        let (address, token) = (self.server.address.clone(), self.setup.token.clone());
        let opening = async move { join_all((0..stalled).map(|_| Watcher::subscribe_stalled(&address, &token))).await };
        let _stalled = self.setup.watching.spawn(opening).await.unwrap();
        self.saturate(FILLING).await;
        (alone, self.paced(rate, seconds).await)
    }

    /// Sends reports as fast as the server answers them, for `seconds`.
    pub(crate) async fn saturate(&mut self, seconds: u64) -> Saturated {
        let stretch = Stretch::unplanned();
        let listening = self.listen(&stretch);
        let stop = Arc::new(AtomicBool::new(false));
        let reporting = reports::closed_loop(&self.server.address, &self.setup.reporters, &stop);
        let measuring = async {
            sleep(PAUSE).await;
            let (start, states, taken) = (Instant::now(), stretch.states(), self.cpu());
            sleep(Duration::from_secs(seconds)).await;
            let deliveries = float(stretch.states() - states);
            let (elapsed, taken) = (start.elapsed().as_secs_f64(), self.cpu() - taken);
            stop.store(true, Ordering::Relaxed);
            Saturated { per_second: deliveries / elapsed, cpu: taken / deliveries }
        };
        let ((), saturated) = tokio::join!(reporting, measuring);
        wait_until_quiet(&stretch).await;
        self.collect(listening, &stretch, Duration::ZERO).await;
        saturated
    }

    /// Reports at a rate that the server cannot handle, and checks shortly afterwards whether each watcher has received
    /// the last state of every transfer. Then waits until all watchers have, so that late states are distinguished from
    /// lost ones.
    pub(crate) async fn storm(&mut self, rate: u32, seconds: u64) -> Storm {
        let mut stretch = Stretch::remembered(reports_in(rate, seconds), TRANSFERS);
        let mut listening = self.listen(&stretch);
        let Reported { times, slow, own_delays, accepted, refused } =
            reports::paced(&self.server.address, &self.setup.reporters, &stretch, rate, STORM_CONNECTIONS).await;
        let end = Instant::now();
        let last = last_states(&accepted);
        let mut storm =
            Storm { times, slow, own_delays, refused, deliveries: 0, resyncs: 0, right: 0, unknown: 0, settled: None };
        sleep_until(end + SETTLING).await;
        for look in 0_u32.. {
            let elapsed = end.elapsed();
            let collected = self.collect(listening, &stretch, Duration::ZERO).await;
            storm.deliveries += collected.iter().map(|collected| collected.states + collected.resyncs).sum::<usize>();
            storm.resyncs += collected.iter().map(|collected| collected.resyncs).sum::<usize>();
            let mut unknown: Vec<usize> = collected.iter().map(|collected| unknown_states(&last, collected)).collect();
            unknown.sort_unstable();
            if look == 0 {
                storm.right = unknown.iter().filter(|unknown| **unknown == 0).count();
                storm.unknown = unknown[unknown.len() / 2];
            }
            if unknown.iter().all(|unknown| *unknown == 0) {
                storm.settled = Some(elapsed);
                break;
            }
            if elapsed > GRACE {
                break;
            }
            stretch = Stretch::remembered(0, TRANSFERS);
            listening = self.listen_on(&stretch, collected.into_iter().map(|collected| collected.newest));
            sleep(LOOK_INTERVAL).await;
        }
        storm
    }

    /// The server's memory for each of `count` idle watchers, in KiB. Before the measurement, the same number of
    /// watchers is subscribed: they use up memory that the server has allocated at its start and not used.
    pub(crate) async fn memory_of_idle(&mut self, count: usize) -> f64 {
        self.watchers = self.subscribe(count, 1).await;
        sleep(PAUSE).await;
        let before = resident(self.server.child.id());
        let _idle = self.subscribe(count, 1).await;
        sleep(PAUSE).await;
        let grown = resident(self.server.child.id()).saturating_sub(before);
        f64::from(u32::try_from(grown / 1024).unwrap()) / float(count)
    }

    /// Reads what the server and this process have measured so far.
    pub(crate) fn stages(&self) -> Stages {
        Stages::of(&self.server)
    }

    fn cpu(&self) -> f64 {
        cpu(self.server.child.id())
    }

    async fn subscribe(&self, count: usize, selections: usize) -> Vec<Watcher> {
        let (address, token) = (self.server.address.clone(), self.setup.token.clone());
        let opening = async move {
            let mut all = Vec::with_capacity(count);
            while all.len() < count {
                let numbers = all.len()..count.min(all.len() + AT_ONCE);
                let some = numbers.map(|number| Watcher::subscribe(&address, &token, number % selections));
                all.extend(join_all(some).await);
            }
            all
        };
        self.setup.watching.spawn(opening).await.unwrap()
    }

    /// Reports until every watcher has received a state.
    async fn wait_until_subscribed(&mut self) {
        let stretch = Stretch::of_one_state();
        let mut listening = self.listen(&stretch);
        let mut connection = Connection::new(self.server.address.clone());
        let start = Instant::now();
        while !listening.is_empty() {
            assert!(start.elapsed() < SUBSCRIBING, "{} watchers receive nothing", listening.len());
            let number = stretch::next_number();
            assert!(reports::send(&mut connection, &self.setup.reporters, number).await, "a report was refused");
            let until = Instant::now() + Duration::from_millis(100);
            while let Ok(Some(ended)) = timeout_at(until, listening.join_next()).await {
                self.take_back(ended);
            }
        }
        sleep(PAUSE).await;
    }

    /// Starts a task for each watcher, on the runtime of the watchers, which receives until the stretch is over.
    fn listen(&mut self, stretch: &Arc<Stretch>) -> JoinSet<(Watcher, ReceivedStates)> {
        let known = vec![stretch.nothing_known(); self.watchers.len()];
        self.listen_on(stretch, known.into_iter())
    }

    /// Like [`Self::listen`]. `known` has the last states that each watcher has received before.
    fn listen_on(
        &mut self,
        stretch: &Arc<Stretch>,
        known: impl Iterator<Item = Vec<u32>>,
    ) -> JoinSet<(Watcher, ReceivedStates)> {
        let mut listening = JoinSet::new();
        for (watcher, known) in self.watchers.drain(..).zip(known) {
            listening.spawn_on(stretch::listen(watcher, Arc::clone(stretch), known), self.setup.watching.handle());
        }
        listening
    }

    /// Waits at most `grace` until the watchers have received everything, then ends the stretch. Returns what each
    /// watcher received, in the new order of the watchers.
    async fn collect(
        &mut self,
        mut listening: JoinSet<(Watcher, ReceivedStates)>,
        stretch: &Stretch,
        grace: Duration,
    ) -> Vec<ReceivedStates> {
        let mut all = Vec::with_capacity(listening.len());
        let end = Instant::now() + grace;
        while let Ok(Some(ended)) = timeout_at(end, listening.join_next()).await {
            all.push(self.take_back(ended));
        }
        stretch.end();
        while let Some(ended) = listening.join_next().await {
            all.push(self.take_back(ended));
        }
        all
    }

    /// Adds a watcher to the server's watchers again after a stretch. Returns what the watcher received.
    fn take_back(&mut self, ended: Result<(Watcher, ReceivedStates), JoinError>) -> ReceivedStates {
        let (watcher, collected) = ended.unwrap();
        assert!(!collected.is_closed, "the server has disconnected a watcher");
        self.watchers.push(watcher);
        collected
    }
}

/// Waits until the watchers receive no more states.
async fn wait_until_quiet(stretch: &Stretch) {
    let mut before = None;
    while before != Some(stretch.states()) {
        before = Some(stretch.states());
        sleep(PAUSE / 2).await;
    }
}

/// For each transfer, the number of its last accepted report; 0 if there was none.
fn last_states(accepted: &[usize]) -> Vec<u32> {
    let mut last = vec![0; TRANSFERS];
    for number in accepted {
        let last = &mut last[number % TRANSFERS];
        *last = u32::try_from(*number).unwrap().max(*last);
    }
    last
}

/// The number of transfers whose last state a watcher has not received.
fn unknown_states(last: &[u32], collected: &ReceivedStates) -> usize {
    last.iter().zip(&collected.newest).filter(|(last, newest)| **last != 0 && last != newest).count()
}

fn reports_in(rate: u32, seconds: u64) -> usize {
    usize::try_from(u64::from(rate) * seconds).unwrap()
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
