//! What the server logs.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{fmt, prelude::*};

/// The captured log, as lines of JSON.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Captures what is logged until the guard is dropped. The server's tasks run on the thread of the test, which logs
    /// here.
    pub(crate) fn capture() -> (Self, DefaultGuard) {
        let log = Self::default();
        let sink = log.clone();
        let layer = fmt::layer().json().with_writer(move || sink.clone());
        (log, tracing::subscriber::set_default(tracing_subscriber::registry().with(layer)))
    }

    /// The lines with this message.
    pub(crate) fn lines(&self, message: &str) -> Vec<Value> {
        let bytes = self.0.lock().expect("the log").clone();
        let lines = String::from_utf8(bytes).expect("text");
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.filter(|line| line["fields"]["message"] == message).collect()
    }
}
