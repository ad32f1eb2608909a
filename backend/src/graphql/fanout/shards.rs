//! Shards. Each socket belongs to one shard, and each shard has one task, which delivers to its sockets one after the
//! other. The task never waits for a socket, so a socket that cannot be written to delays no other.

use std::{panic::AssertUnwindSafe, sync::Arc, thread::available_parallelism};

use futures_util::FutureExt;
use tokio::{
    sync::mpsc,
    task::{coop::unconstrained, yield_now},
};
use tokio_util::sync::CancellationToken;

use super::shard_subscribers::{Partition, Shard};
use crate::{
    graphql::{
        errors::{json, server_error},
        result_frames::FrameBlock,
    },
    transport::panicked,
};

/// The maximum number of shards. Each shared subscription has a part in each of them.
const MAX_SHARDS: usize = 16;

/// The receiving end of a shard's queue: the partitions that have states or a resync to deliver.
pub(super) type QueuedPartitions = mpsc::UnboundedReceiver<Arc<Partition>>;

/// Creates a shard for each processor, at most [`MAX_SHARDS`], and returns both ends of their queues.
pub(super) fn shards() -> (Vec<Shard>, Vec<QueuedPartitions>) {
    let processors = available_parallelism().map_or(1, usize::from);
    (0..processors.min(MAX_SHARDS)).map(|_| mpsc::unbounded_channel()).unzip()
}

/// Runs the task of a shard until the server stops.
pub(super) async fn run(mut partitions: QueuedPartitions, stop: CancellationToken) {
    let working = async {
        let mut block = FrameBlock::default();
        while let Some(partition) = partitions.recv().await {
            // A panic ends the subscriptions of this partition, and not the shard.
            if let Err(panic) = AssertUnwindSafe(partition.deliver(&mut block)).catch_unwind().await {
                let errors = json(&[server_error(&panicked(panic.as_ref()))]);
                partition.clear().into_iter().for_each(|subscriber| subscriber.fail(errors.clone()));
            }
            metrics::counter!("mftplus_frames_sent_total").increment(block.take_sent());
            yield_now().await;
        }
    };
    // Each write to a socket takes of tokio's budget for a task. Without budget a write would seem to block, so the shard
    // has none, and lets other tasks run by itself.
    let _ = stop.run_until_cancelled(unconstrained(working)).await;
}
