//! A stretch: a measured period in which reports are sent and watchers receive states.

use std::{
    future::poll_fn,
    ops::Range,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::watcher::{Message, Watcher};

/// The time before the first report, in which connections are opened.
const LEAD: Duration = Duration::from_millis(300);

/// The number of the next report. Each report has its own, so that every one changes its transfer and differs from all
/// others.
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// Reserves the number of the next report.
pub(super) fn next_number() -> usize {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A measured period.
pub(super) struct Stretch {
    /// When the first report is due.
    start: Instant,
    /// The numbers of the reports that are due in this stretch.
    pub(super) numbers: Range<usize>,
    /// When each report was sent, in microseconds after the start; empty if no delays are measured.
    sent: Vec<AtomicU32>,
    /// The number of states after which the stretch is over for a watcher.
    expected: usize,
    /// The number of transfers whose last states each watcher records; 0 if states are not recorded.
    transfers: usize,
    /// The number of states that all watchers together have received.
    states: AtomicUsize,
    is_over: AtomicBool,
    over: Notify,
}

/// What one watcher received.
#[derive(Default)]
pub(super) struct ReceivedStates {
    /// The delay of each state since its report was sent, in microseconds.
    pub(super) delays: Vec<u32>,
    pub(super) states: usize,
    pub(super) resyncs: usize,
    /// For each transfer, the number of the report in the last state that was received; 0 if none was received.
    pub(super) newest: Vec<u32>,
    /// Whether the server has closed the connection.
    pub(super) is_closed: bool,
}

impl Stretch {
    /// A stretch with this number of reports, in which watchers measure the delay of each state.
    pub(super) fn timed(reports: usize) -> Arc<Self> {
        let sent = (0..reports).map(|_| AtomicU32::new(0)).collect();
        Arc::new(Self { sent, expected: reports, ..Self::new(reports) })
    }

    /// A stretch with this number of reports, in which watchers record the last state of each of `transfers` transfers.
    pub(super) fn remembered(reports: usize, transfers: usize) -> Arc<Self> {
        Arc::new(Self { transfers, ..Self::new(reports) })
    }

    /// A stretch without a fixed number of reports, which lasts until [`end`](Self::end) is called.
    pub(super) fn unplanned() -> Arc<Self> {
        Arc::new(Self::new(0))
    }

    /// A stretch that is over for each watcher after its first state.
    pub(super) fn of_one_state() -> Arc<Self> {
        Arc::new(Self { expected: 1, ..Self::new(0) })
    }

    fn new(reports: usize) -> Self {
        let first = NEXT.fetch_add(reports, Ordering::Relaxed);
        Self {
            start: Instant::now() + LEAD,
            numbers: first..first + reports,
            sent: Vec::new(),
            expected: usize::MAX,
            transfers: 0,
            states: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            over: Notify::new(),
        }
    }

    /// When the report with this number is due, at `rate` reports per second.
    pub(super) fn due(&self, number: usize, rate: u32) -> Instant {
        let position = u32::try_from(number - self.numbers.start).unwrap();
        self.start + Duration::from_secs(1) * position / rate
    }

    /// The time from the start of the stretch to `at`; zero if `at` is before the start.
    pub(super) fn since_start(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }

    /// Records the time at which a report was sent.
    pub(super) fn note_sent(&self, number: usize, at: Instant) {
        if let Some(sent) = self.sent.get(number - self.numbers.start) {
            sent.store(self.micros(at), Ordering::Relaxed);
        }
    }

    /// The value of [`ReceivedStates::newest`] before a watcher has received any state.
    pub(super) fn nothing_known(&self) -> Vec<u32> {
        vec![0; self.transfers]
    }

    /// The number of states that all watchers together have received so far.
    pub(super) fn states(&self) -> usize {
        self.states.load(Ordering::Relaxed)
    }

    /// Ends the stretch for all watchers.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.over.notify_waiters();
    }

    fn micros(&self, at: Instant) -> u32 {
        u32::try_from(self.since_start(at).as_micros()).unwrap()
    }
}

impl ReceivedStates {
    fn note(&mut self, message: Message, stretch: &Stretch) {
        let Message::State(number) = message else {
            self.resyncs += 1;
            return;
        };
        self.states += 1;
        // A state of a report of an earlier stretch has a number outside this stretch, and is not counted.
        if let Some(sent) = stretch.sent.get(number.wrapping_sub(stretch.numbers.start)) {
            self.delays.push(stretch.micros(Instant::now()).saturating_sub(sent.load(Ordering::Relaxed)));
        }
        let transfers = self.newest.len();
        if transfers > 0 {
            self.newest[number % transfers] = u32::try_from(number).unwrap();
        }
    }

    fn is_complete(&self, stretch: &Stretch) -> bool {
        let received = if stretch.sent.is_empty() { self.states } else { self.delays.len() };
        received >= stretch.expected
    }
}

/// Lets a watcher receive until it has received everything, or the stretch is over. `newest` has the last states that
/// the watcher has received before.
pub(super) async fn listen(mut watcher: Watcher, stretch: Arc<Stretch>, newest: Vec<u32>) -> (Watcher, ReceivedStates) {
    let mut states = ReceivedStates { newest, ..ReceivedStates::default() };
    let mut over = pin!(stretch.over.notified());
    while !stretch.is_over.load(Ordering::Relaxed) && !states.is_complete(&stretch) {
        let before = states.states;
        let receiving = poll_fn(|context| watcher.poll_messages(context, |message| states.note(message, &stretch)));
        let is_open = tokio::select! {
            biased;
            received = receiving => received.is_ok(),
            () = &mut over => break,
        };
        stretch.states.fetch_add(states.states - before, Ordering::Relaxed);
        if !is_open {
            states.is_closed = true;
            break;
        }
    }
    (watcher, states)
}
