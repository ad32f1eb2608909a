//! The tables of the totals of series by minute and by hour. Only the collector writes them, in transactions that lock
//! the row of `collector`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::db::{Db, Tx, row, sql};
use crate::{
    error::Result,
    ids::{AgentId, CustomerId, JobId},
    model::series::SeriesTotals,
};

/// The maximum number of rows of one statement.
const ROWS_AT_A_TIME: usize = 500;

/// The length of the period of which each row has the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Minutes. Totals by minute exist for the whole platform and for each customer.
    Minute,
    /// Hours. Totals by hour exist for each agent and each job as well.
    Hour,
}

/// The objects that totals are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// All transfers and agents.
    All,
    /// The transfers and agents of one customer.
    Customer(CustomerId),
    /// The transfers of one agent.
    Agent(AgentId),
    /// The transfers of one job.
    Job(JobId),
}

/// The objects that a transfer belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Owners {
    /// The customer of the transfer.
    pub customer: CustomerId,
    /// The agent of the transfer.
    pub agent: AgentId,
    /// The job of the transfer, if it has one.
    pub job: Option<JobId>,
}

row! {
    struct TotalsRow {
        at: i64,
        bytes: f64,
        started: i64,
        completed: i64,
        failed: i64,
        agents_online: i64,
        observations: i64,
    }
}

impl TotalsRow {
    const fn totals(&self) -> SeriesTotals {
        let Self { at: _, bytes, started, completed, failed, agents_online, observations } = *self;
        SeriesTotals { bytes, started, completed, failed, agents_online, observations }
    }
}

impl Resolution {
    const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }

    /// Returns the start of the minute or hour that contains a time. Both are in Unix seconds.
    const fn start(self, second: i64) -> i64 {
        second.div_euclid(self.seconds()) * self.seconds()
    }

    const fn insert(self) -> &'static str {
        match self {
            Self::Minute => "INSERT INTO series_minutes ",
            Self::Hour => "INSERT INTO series_hours ",
        }
    }

    const fn select(self) -> &'static str {
        match self {
            Self::Minute => {
                "SELECT at, bytes, started, completed, failed, agents_online, observations FROM series_minutes"
            }
            Self::Hour => "SELECT at, bytes, started, completed, failed, agents_online, observations FROM series_hours",
        }
    }

    const fn on_conflict(self) -> &'static str {
        match self {
            Self::Minute => {
                " ON CONFLICT (scope_id, at) DO UPDATE SET bytes = series_minutes.bytes + excluded.bytes, \
                 started = series_minutes.started + excluded.started, \
                 completed = series_minutes.completed + excluded.completed, \
                 failed = series_minutes.failed + excluded.failed, \
                 agents_online = series_minutes.agents_online + excluded.agents_online, \
                 observations = series_minutes.observations + excluded.observations"
            }
            Self::Hour => {
                " ON CONFLICT (scope_id, at) DO UPDATE SET bytes = series_hours.bytes + excluded.bytes, \
                 started = series_hours.started + excluded.started, \
                 completed = series_hours.completed + excluded.completed, \
                 failed = series_hours.failed + excluded.failed, \
                 agents_online = series_hours.agents_online + excluded.agents_online, \
                 observations = series_hours.observations + excluded.observations"
            }
        }
    }
}

impl Counted {
    const fn scope_id(self) -> Uuid {
        match self {
            Self::All => Uuid::nil(),
            Self::Customer(customer) => customer.0,
            Self::Agent(agent) => agent.0,
            Self::Job(job) => job.0,
        }
    }
}

/// The changes of totals that a transaction writes.
#[derive(Debug, Default)]
pub struct SeriesChanges {
    minutes: BTreeMap<(Uuid, i64), SeriesTotals>,
    hours: BTreeMap<(Uuid, i64), SeriesTotals>,
}

impl SeriesChanges {
    /// Adds changes of a transfer at a time to the totals of all its owners. Writes nothing yet.
    pub fn add(&mut self, owners: Owners, at: DateTime<Utc>, totals: &SeriesTotals) {
        let second = at.timestamp();
        for counted in [Counted::All, Counted::Customer(owners.customer)] {
            self.add_minute(counted, second, totals);
            self.add_hour(counted, second, totals);
        }
        let job = owners.job.map(Counted::Job);
        for counted in [Some(Counted::Agent(owners.agent)), job].into_iter().flatten() {
            self.add_hour(counted, second, totals);
        }
    }

    /// Adds one observation of the number of agents that are not offline, by customer. Writes nothing yet.
    pub fn observe(&mut self, at: DateTime<Utc>, online: &[(CustomerId, i64)]) {
        let all: i64 = online.iter().map(|(_, agents)| agents).sum();
        let customers = online.iter().map(|(customer, agents)| (Counted::Customer(*customer), *agents));
        for (counted, agents_online) in customers.chain([(Counted::All, all)]) {
            let totals = SeriesTotals { agents_online, observations: 1, ..SeriesTotals::default() };
            self.add_minute(counted, at.timestamp(), &totals);
            self.add_hour(counted, at.timestamp(), &totals);
        }
    }

    fn add_minute(&mut self, counted: Counted, second: i64, totals: &SeriesTotals) {
        self.minutes.entry((counted.scope_id(), Resolution::Minute.start(second))).or_default().add(totals);
    }

    fn add_hour(&mut self, counted: Counted, second: i64, totals: &SeriesTotals) {
        self.hours.entry((counted.scope_id(), Resolution::Hour.start(second))).or_default().add(totals);
    }

    /// Writes the changes: adds them to the stored totals.
    pub async fn apply(self, tx: &mut Tx) -> Result<()> {
        for (resolution, changes) in [(Resolution::Minute, self.minutes), (Resolution::Hour, self.hours)] {
            let changes: Vec<((Uuid, i64), SeriesTotals)> = changes.into_iter().collect();
            for rows in changes.chunks(ROWS_AT_A_TIME) {
                let mut statement = sql(resolution.insert())
                    .push("(scope_id, at, bytes, started, completed, failed, agents_online, observations) VALUES ");
                for (index, ((scope, at), totals)) in rows.iter().enumerate() {
                    statement = statement.push(if index == 0 { "" } else { ", " }).push_tuple([
                        (*scope).into(),
                        (*at).into(),
                        totals.bytes.into(),
                        totals.started.into(),
                        totals.completed.into(),
                        totals.failed.into(),
                        totals.agents_online.into(),
                        totals.observations.into(),
                    ]);
                }
                statement.push(resolution.on_conflict()).execute(tx).await?;
            }
        }
        Ok(())
    }
}

/// Reads the sum of the totals by hour for each of these spans, with the start of the span. A span consists of its
/// start and its end (excluded) in Unix seconds. The result has no entry for a span without stored hours.
pub async fn sums(
    db: &Db,
    counted: Counted,
    spans: impl IntoIterator<Item = (i64, i64)>,
) -> Result<Vec<(i64, SeriesTotals)>> {
    let mut statement = sql("WITH spans(start_at, end_at) AS (VALUES ");
    for (index, (start, end)) in spans.into_iter().enumerate() {
        statement = statement.push(if index == 0 { "" } else { ", " }).push_tuple([start.into(), end.into()]);
    }
    // With CROSS JOIN, SQLite finds the hours of each span with the primary key.
    let statement = statement.push(
        ") SELECT spans.start_at AS at, SUM(hours.bytes) AS bytes, CAST(SUM(hours.started) AS BIGINT) AS started, \
         CAST(SUM(hours.completed) AS BIGINT) AS completed, CAST(SUM(hours.failed) AS BIGINT) AS failed, \
         CAST(SUM(hours.agents_online) AS BIGINT) AS agents_online, \
         CAST(SUM(hours.observations) AS BIGINT) AS observations FROM spans CROSS JOIN series_hours hours",
    );
    let statement = statement.push_bind(" WHERE hours.scope_id = ", counted.scope_id());
    let statement = statement.push(
        " AND hours.at >= spans.start_at AND hours.at < spans.end_at GROUP BY spans.start_at ORDER BY spans.start_at",
    );
    let rows: Vec<TotalsRow> = statement.fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.at, row.totals())).collect())
}

/// Reads the totals of the minutes or hours that begin at or after `from` and before `to`, in ascending order, each
/// with its start. All times are in Unix seconds.
pub async fn list(
    db: &Db,
    resolution: Resolution,
    counted: Counted,
    from: i64,
    to: i64,
) -> Result<Vec<(i64, SeriesTotals)>> {
    let statement = sql(resolution.select()).push_bind(" WHERE scope_id = ", counted.scope_id());
    let statement = statement.push_bind(" AND at >= ", from).push_bind(" AND at < ", to).push(" ORDER BY at");
    let rows: Vec<TotalsRow> = statement.fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.at, row.totals())).collect())
}
