//! The messages of a socket, framed and sent in batches.

use std::{io, mem};

use super::Session;
use crate::graphql::{
    outbound_queue::Outbound, result_frames::Envelope, websocket_frame::write_text, ws::protocol::complete,
};

/// The number of messages that are sent at once.
const MAX_FRAMES: usize = 64;
/// The size of a batch, in bytes, from which on no message is added.
const MAX_BYTES: usize = 64 * 1024;

/// Frames that are sent at once.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    frames: usize,
    /// What the frames were made of: permits and payloads, which count in the budget of large responses until they are
    /// sent.
    sources: Vec<Outbound>,
}

impl Batch {
    fn text(&mut self, text: &str) {
        write_text(&mut self.bytes, &[text.as_bytes()]);
        self.frames += 1;
    }

    fn result(&mut self, envelope: &Envelope, payload: &[u8]) {
        envelope.write(&mut self.bytes, payload);
        self.frames += 1;
    }
}

impl Session {
    /// Sends the entries in batches, each with one write.
    pub(super) async fn send(&mut self, items: Vec<Outbound>) -> io::Result<()> {
        let mut batch = Batch::default();
        for item in items {
            self.add(&mut batch, item);
            if batch.frames >= MAX_FRAMES || batch.bytes.len() >= MAX_BYTES {
                self.send_batch(mem::take(&mut batch)).await?;
            }
        }
        self.send_batch(batch).await?;
        self.outbound.sent();
        Ok(())
    }

    async fn send_batch(&self, batch: Batch) -> io::Result<()> {
        let Batch { bytes, frames, sources } = batch;
        self.outbound.send(bytes).await?;
        if frames > 0 {
            metrics::counter!("mftplus_frames_sent_total").increment(frames as u64);
        }
        drop(sources);
        Ok(())
    }

    /// Adds the messages of an entry, if its operation has not ended.
    fn add(&mut self, batch: &mut Batch, item: Outbound) {
        match &item {
            Outbound::Message(text) => batch.text(text),
            Outbound::Frames(frames) => batch.bytes.extend_from_slice(frames),
            Outbound::Next(number, payload) => {
                let Some(operation) = self.operation(*number) else { return };
                batch.result(&operation.envelope, payload);
            }
            Outbound::Answer(number, payload, _) => {
                let Some(operation) = self.operation(*number) else { return };
                batch.result(&operation.envelope, payload);
                batch.text(&complete(&operation.id));
                self.end(*number);
            }
            Outbound::Error(number, errors) => {
                let Some(operation) = self.operation(*number) else { return };
                batch.result(&Envelope::new("error", &operation.id), errors);
                self.end(*number);
            }
            Outbound::Complete(number) => {
                let Some(operation) = self.operation(*number) else { return };
                batch.text(&complete(&operation.id));
                self.end(*number);
            }
            Outbound::Joined(..) => return self.join(item),
        }
        batch.sources.push(item);
    }

    fn join(&mut self, item: Outbound) {
        if let Outbound::Joined(number, guard) = item
            && let Some(operation) = self.operations.iter_mut().find(|operation| operation.number == number)
        {
            operation.join(guard);
        }
    }
}
