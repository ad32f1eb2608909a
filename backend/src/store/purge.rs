//! Deletes rows whose retention has ended.

use chrono::{DateTime, TimeDelta, Utc};

use sea_query::Value;

use super::{
    db::{Db, Sql, sql},
    events,
    transfers::first_id,
};
use crate::{error::Result, model::series};

/// The maximum number of rows that one transaction deletes, so that writers do not wait long.
const AT_A_TIME: u64 = 5_000;
/// The maximum number of definitions that one transaction deletes: each may have 256 KiB.
const DEFINITIONS_AT_A_TIME: u64 = 100;
/// The number of newest drafts of a pipeline that are kept. The drafts of active runs are kept as well.
const MOST_DRAFTS: i64 = 100;
/// The number of newest versions of a pipeline that are kept. Versions of stored runs are kept as well.
const MOST_VERSIONS: i64 = 1_000;

/// A kind of rows that are purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// Events of the log.
    Events,
    /// Stored answers to requests with an idempotency key.
    Answers,
    /// Directives that expired before [`Before::events`].
    Directives,
    /// The slot history.
    Slots,
    /// The texts of drafts whose runs ended before [`Before::events`], and of other ended runs that are not among the
    /// newest 100 drafts of the pipeline. The runs are kept.
    Drafts,
    /// The versions of pipelines that are not among the newest 1,000 and of which no run is stored.
    Versions,
    /// Sessions that expired before [`Before::events`].
    Sessions,
    /// API keys that expired before [`Before::events`].
    Keys,
    /// Client certificates that expired before [`Before::events`].
    Certificates,
    /// Snoozes of attention items that have ended.
    Snoozes,
    /// The records of the last batches of writers that have committed nothing since [`Before::events`].
    Receipts,
    /// The totals of series by minute.
    Minutes,
    /// The totals of series by hour.
    Hours,
    /// The samples of transfers.
    Samples,
    /// The details by minute of the heartbeat history of agents. The summaries by hour are kept.
    HistoryMinutes,
    /// The hours of the heartbeat history of agents.
    HistoryHours,
}

/// How long the totals of minutes are kept.
const MINUTES_KEPT: TimeDelta = TimeDelta::days(8);
/// How long the samples of a transfer are kept after the last one.
const SAMPLES_KEPT: TimeDelta = TimeDelta::days(30);
/// How long the minutes of an hour of an agent's history are kept after its start: a day after its end.
const HISTORY_MINUTES_KEPT: TimeDelta = TimeDelta::hours(25);
/// How long the hours of an agent's history are kept.
const HISTORY_HOURS_KEPT: TimeDelta = TimeDelta::days(30);

/// The times before which rows are purged.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    /// The current time, for rows with an expiry time of their own and for fixed retention periods.
    pub now: DateTime<Utc>,
    /// The start of the retention of events, and of objects that events refer to.
    pub events: DateTime<Utc>,
    /// The start of the retention of the slot history.
    pub slots: DateTime<Utc>,
}

impl Kind {
    /// The maximum number of rows that one statement for this kind deletes.
    const fn at_a_time(self) -> u64 {
        if matches!(self, Self::Drafts | Self::Versions) { DEFINITIONS_AT_A_TIME } else { AT_A_TIME }
    }
}

/// Deletes the rows of one kind whose retention has ended, or clears the purged column of such rows. Uses transactions
/// of at most 5,000 rows. Returns the number of rows.
pub async fn run(db: &Db, kind: Kind, before: Before) -> Result<u64> {
    let (text, bounds): (_, Vec<Value>) = match kind {
        Kind::Events => (
            "DELETE FROM events WHERE number IN (SELECT number FROM events WHERE number <= $1 ORDER BY number LIMIT 5000)",
            vec![events::note_purge(db, before.events).await?.into()],
        ),
        Kind::Answers => (
            "DELETE FROM idempotency WHERE (caller, operation, key) IN \
             (SELECT caller, operation, key FROM idempotency WHERE expires_at < $1 LIMIT 5000)",
            vec![before.now.into()],
        ),
        Kind::Directives => (
            "DELETE FROM directives WHERE id IN (SELECT id FROM directives WHERE expires_at < $1 LIMIT 5000)",
            vec![before.events.into()],
        ),
        Kind::Slots => (
            "DELETE FROM slots WHERE id IN \
             (SELECT id FROM slots WHERE scheduled_for < $1 AND pending IS NULL LIMIT 5000)",
            vec![before.slots.into()],
        ),
        Kind::Drafts => (
            "UPDATE pipeline_runs SET draft_yaml = NULL WHERE id IN (SELECT id FROM (SELECT id, completed_at, \
             ROW_NUMBER() OVER (PARTITION BY pipeline_id ORDER BY id DESC) AS place \
             FROM pipeline_runs WHERE draft_yaml IS NOT NULL) AS drafts \
             WHERE completed_at < $1 OR (completed_at IS NOT NULL AND place > $2) LIMIT 100)",
            vec![before.events.into(), MOST_DRAFTS.into()],
        ),
        // A new run names the current version, or one that an earlier run names: never one of these.
        Kind::Versions => (
            "DELETE FROM pipeline_versions WHERE (pipeline_id, version) IN (SELECT v.pipeline_id, v.version \
             FROM pipelines p JOIN pipeline_versions v ON v.pipeline_id = p.id AND v.version <= p.version - $1 \
             WHERE p.version > $1 AND NOT EXISTS (SELECT 1 FROM pipeline_runs r \
              WHERE r.version = v.version AND r.pipeline_id = v.pipeline_id) LIMIT 100)",
            vec![MOST_VERSIONS.into()],
        ),
        Kind::Snoozes => (
            "DELETE FROM attention_snoozes WHERE item_id IN \
             (SELECT item_id FROM attention_snoozes WHERE until <= $1 LIMIT 5000)",
            vec![before.now.into()],
        ),
        Kind::Receipts => (
            "DELETE FROM writer_batches WHERE writer_id IN \
             (SELECT writer_id FROM writer_batches WHERE committed_at < $1 LIMIT 5000)",
            vec![before.events.into()],
        ),
        Kind::Sessions => (
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT 5000)",
            vec![before.events.into()],
        ),
        Kind::Certificates => (
            "DELETE FROM agent_certificates WHERE digest IN \
             (SELECT digest FROM agent_certificates WHERE expires_at < $1 LIMIT 5000)",
            vec![before.events.into()],
        ),
        Kind::Keys => (
            "DELETE FROM agent_keys WHERE digest IN (SELECT digest FROM agent_keys WHERE expires_at < $1 LIMIT 5000)",
            vec![before.events.into()],
        ),
        Kind::Minutes => (
            "DELETE FROM series_minutes WHERE (scope_id, at) IN \
             (SELECT scope_id, at FROM series_minutes WHERE at < $1 LIMIT 5000)",
            vec![(before.now - MINUTES_KEPT).timestamp().into()],
        ),
        Kind::Hours => (
            "DELETE FROM series_hours WHERE (scope_id, at) IN \
             (SELECT scope_id, at FROM series_hours WHERE at < $1 LIMIT 5000)",
            vec![series::kept_since(before.now).into()],
        ),
        Kind::Samples => (
            "DELETE FROM transfer_samples WHERE transfer_id IN \
             (SELECT transfer_id FROM transfer_samples WHERE transfer_id < $1 AND sampled_at < $2 \
              AND transfer_id NOT IN (SELECT id FROM transfers WHERE status = 'running') LIMIT 5000)",
            vec![
                // A sample is newer than its transfer, whose id begins with its milliseconds.
                first_id((before.now - SAMPLES_KEPT).timestamp_millis()).into(),
                (before.now - SAMPLES_KEPT).timestamp().into(),
            ],
        ),
        Kind::HistoryMinutes => (
            "UPDATE agent_history SET minutes = NULL WHERE (agent_id, hour) IN \
             (SELECT agent_id, hour FROM agent_history WHERE hour < $1 AND minutes IS NOT NULL LIMIT 5000)",
            vec![(before.now - HISTORY_MINUTES_KEPT).timestamp().into()],
        ),
        Kind::HistoryHours => (
            "DELETE FROM agent_history WHERE (agent_id, hour) IN \
             (SELECT agent_id, hour FROM agent_history WHERE hour < $1 LIMIT 5000)",
            vec![(before.now - HISTORY_HOURS_KEPT).timestamp().into()],
        ),
    };
    let mut removed = 0;
    loop {
        let mut tx = db.begin().await?;
        let statement = bounds.iter().cloned().fold(sql(text), Sql::bind);
        let rows = statement.execute(&mut tx).await?;
        tx.commit().await?;
        removed += rows;
        if rows < kind.at_a_time() {
            return Ok(removed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{PipelineId, RunId},
        model::{definition::Filling, pipeline::PipelineVersion},
        store::{
            pipelines::insert_version,
            scratch_database::Scratch,
            test_rows::{at, id, insert_pipeline, insert_pipeline_run},
        },
    };

    #[tokio::test]
    async fn the_newest_drafts_of_each_pipeline_are_kept_until_their_retention_ends_and_those_of_active_runs() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        let many = (1..=103).map(|number| (number, 401, (number > 1).then_some(20)));
        let few = [(201, 402, Some(9)), (202, 402, Some(10)), (203, 402, None)];
        for pipeline in [401, 402] {
            insert_pipeline(&mut tx, pipeline, scratch.agent.customer_id).await;
        }
        for (number, pipeline, ended) in many.chain(few) {
            insert_pipeline_run(&mut tx, number, pipeline).await;
            sql("UPDATE pipeline_runs SET version = 0, draft_yaml = 'steps: []', completed_at = $1 WHERE id = $2")
                .bind(ended.map(at))
                .bind(id::<RunId>(number))
                .execute(&mut tx)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let before = Before { now: at(50), events: at(10), slots: at(0) };
        assert_eq!(run(&scratch.db, Kind::Drafts, before).await.unwrap(), 3);
        let purged = sql("SELECT id FROM pipeline_runs WHERE draft_yaml IS NULL ORDER BY id");
        let purged: Vec<(RunId,)> = purged.fetch_all(&scratch.db).await.unwrap();
        assert_eq!(purged, [2, 3, 201].map(|number| (id::<RunId>(number),)));
    }

    #[tokio::test]
    async fn the_newest_versions_of_each_pipeline_are_kept_and_those_that_a_run_names() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        for (pipeline, versions) in [(401, vec![1, 2, 3, 4, 1_003]), (402, vec![1, 2])] {
            insert_pipeline(&mut tx, pipeline, scratch.agent.customer_id).await;
            for version in versions {
                let stored = PipelineVersion { version, created_at: at(1).into(), git_sha: None };
                let id = id::<PipelineId>(pipeline);
                insert_version(&mut tx, id, &stored, "steps: []", Filling::Place).await.unwrap();
                let current = sql("UPDATE pipelines SET version = $1 WHERE id = $2").bind(version).bind(id);
                current.execute(&mut tx).await.unwrap();
            }
        }
        // A run of version 1 of the first pipeline.
        insert_pipeline_run(&mut tx, 501, 401).await;
        tx.commit().await.unwrap();
        let before = Before { now: at(50), events: at(10), slots: at(0) };
        assert_eq!(run(&scratch.db, Kind::Versions, before).await.unwrap(), 2);
        let kept = sql("SELECT pipeline_id, version FROM pipeline_versions ORDER BY pipeline_id, version");
        let kept: Vec<(PipelineId, i64)> = kept.fetch_all(&scratch.db).await.unwrap();
        let expected = [(401, 1), (401, 4), (401, 1_003), (402, 1), (402, 2)];
        assert_eq!(kept, expected.map(|(pipeline, version)| (id::<PipelineId>(pipeline), version)));
    }
}
