//! Series: what happened in each minute, hour, day or month of a window.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
use strum::{Display, EnumString, VariantNames};
use utoipa::ToSchema;

use super::{
    Instant,
    field_reader::{Check, Fields, FromFields, boolean, id, instant, one_of, parsed, text},
    schedule::{DEFAULT_TIMEZONE, Zone},
};
use crate::ids::{AgentId, CustomerId, JobId};

mod buckets;

pub use buckets::Buckets;
use buckets::Window;

/// The maximum number of points of a series.
pub const MAX_POINTS: i64 = 2_000;
/// How long the totals of hours are kept, and with them those of days and months.
const HOURS_KEPT: TimeDelta = TimeDelta::days(400);
/// How long after its end a minute can still change.
const FINAL_AFTER: TimeDelta = TimeDelta::minutes(2);

/// What a series counts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantNames, Serialize, ToSchema, async_graphql::Enum,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum SeriesMetric {
    /// Bytes copied.
    Bytes,
    /// Attempts that began to run.
    Started,
    /// Transfers that were completed.
    Completed,
    /// Attempts that failed.
    Failed,
    /// Completed transfers divided by completed and failed ones, from 0 to 1.
    SuccessRate,
    /// Average number of agents whose heartbeats arrived.
    AgentsOnline,
}

/// Length of the period that a point covers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantNames, Serialize, ToSchema, async_graphql::Enum,
)]
pub enum SeriesStep {
    /// A minute. Minutes are kept for 8 days, for all transfers and for each customer.
    #[serde(rename = "1m")]
    #[strum(serialize = "1m")]
    Minute,
    /// An hour. Hours are kept for 400 days, for each agent and job too.
    #[serde(rename = "1h")]
    #[strum(serialize = "1h")]
    Hour,
    /// A day, added up from hours.
    #[serde(rename = "1d")]
    #[strum(serialize = "1d")]
    Day,
    /// A calendar month, added up from hours.
    #[serde(rename = "1mo")]
    #[strum(serialize = "1mo")]
    Month,
}

impl SeriesStep {
    /// Whether points begin at a midnight, which is another instant in each time zone.
    const fn has_zone(self) -> bool {
        matches!(self, Self::Day | Self::Month)
    }
}

/// The objects that a series is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesOf {
    /// All that the caller may see.
    Everything,
    /// One customer.
    Customer(CustomerId),
    /// One agent.
    Agent(AgentId),
    /// One job.
    Job(JobId),
}

/// Selects a series.
#[derive(Clone, Copy, Debug)]
pub struct SeriesRequest {
    /// What is counted.
    pub metric: SeriesMetric,
    /// The length of the period that a point covers.
    pub step: SeriesStep,
    /// The objects that the series is about.
    pub of: SeriesOf,
    window: Window,
    has_baseline: bool,
}

impl FromFields for SeriesRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let metric = fields.required("metric", &[], one_of::<SeriesMetric>);
        let from = fields.required("from", &[], instant);
        let to = fields.required("to", &[], instant);
        let step = fields.required("step", &[], one_of::<SeriesStep>);
        let zone = fields.optional("tz", &[], time_zone);
        let customer_id = fields.optional("customerId", &[], id::<CustomerId>);
        let agent_id = fields.optional("agentId", &[], id::<AgentId>);
        let job_id = fields.optional("jobId", &[], id::<JobId>);
        let has_baseline = fields.optional("baseline", &[], parsed(boolean));
        let (metric, from, to, step, zone) = (metric?, from?, to?, step?, zone?);
        let of = match (customer_id?, agent_id?, job_id?) {
            (None, None, None) => SeriesOf::Everything,
            (Some(customer), None, None) => SeriesOf::Customer(customer),
            (None, Some(agent), None) => SeriesOf::Agent(agent),
            (None, None, Some(job)) => SeriesOf::Job(job),
            (_, _, job) => {
                let field = if job.is_some() { "jobId" } else { "agentId" };
                fields.problem(field, "cannot be combined: give one of `customerId`, `agentId` and `jobId`");
                return None;
            }
        };
        if from >= to {
            fields.problem("to", "must be after `from`");
            return None;
        }
        if zone.is_some() && !step.has_zone() {
            fields.problem("tz", "is only allowed with the steps 1d and 1mo");
        }
        let has_minutes = matches!(of, SeriesOf::Everything | SeriesOf::Customer(_));
        if metric == SeriesMetric::AgentsOnline && !has_minutes {
            fields.problem("metric", "`agentsOnline` is not kept for a single agent or job");
        }
        if step == SeriesStep::Minute && !has_minutes {
            fields.problem("step", "must be 1h, 1d or 1mo with `agentId` or `jobId`, since their minutes are not kept");
        }
        let zone = match zone {
            Some(zone) => zone,
            None => Zone::parse(DEFAULT_TIMEZONE).ok()?,
        };
        let window = |step: SeriesStep| match step {
            SeriesStep::Minute => Window::even(60, from, to),
            SeriesStep::Hour => Window::even(3_600, from, to),
            SeriesStep::Day => Window::days(zone, from, to),
            SeriesStep::Month => Window::months(zone, from, to),
        };
        let count = window(step).count();
        if count > MAX_POINTS {
            let larger = [SeriesStep::Hour, SeriesStep::Day, SeriesStep::Month];
            match larger.into_iter().find(|step| window(*step).count() <= MAX_POINTS) {
                Some(fits) => fields.problem(
                    "step",
                    format!("gives {count} points, and at most {MAX_POINTS} are allowed: the smallest step that fits is {fits}"),
                ),
                None => fields.problem("to", format!("must be at most {MAX_POINTS} months after `from`")),
            }
            return None;
        }
        Some(Self { metric, step, of, window: window(step), has_baseline: has_baseline?.unwrap_or(false) })
    }
}

fn time_zone(value: Value) -> Check<Zone> {
    Zone::parse(&text(1, 64)(value)?)
}

impl SeriesRequest {
    /// The buckets of the window.
    #[must_use]
    pub fn buckets(&self) -> Buckets {
        self.window.buckets()
    }

    /// The buckets of the window that the series is compared with; `None` if the request does not ask for it.
    #[must_use]
    pub fn baseline(&self) -> Option<Buckets> {
        self.has_baseline.then(|| self.window.baseline().buckets())
    }
}

/// A point of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesPoint {
    /// The start of the period that the point covers, in Unix seconds.
    pub at: i64,
    /// The value; `None` if nothing is known about that period, or if there is no rate.
    pub value: Option<f64>,
}

impl Serialize for SeriesPoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.at, self.value).serialize(serializer)
    }
}

/// A series.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What is counted.
    pub metric: SeriesMetric,
    /// The length of the period that a point covers.
    pub step: SeriesStep,
    /// Points that end at this time or earlier do not change any more.
    pub final_until: Instant,
    /// The points in chronological order.
    pub points: Vec<SeriesPoint>,
    /// The points of the window that the series is compared with, in the same order.
    pub baseline: Option<Vec<SeriesPoint>>,
}

/// The end of the last minute that is final.
#[must_use]
pub fn final_until(now: DateTime<Utc>) -> Instant {
    let second = (now - FINAL_AFTER).timestamp().div_euclid(60) * 60;
    DateTime::from_timestamp(second, 0).unwrap_or(now).into()
}

/// The totals of one period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SeriesTotals {
    /// Bytes copied.
    pub bytes: f64,
    /// Attempts that began to run.
    pub started: i64,
    /// Transfers that were completed.
    pub completed: i64,
    /// Attempts that failed.
    pub failed: i64,
    /// Agents whose heartbeats arrived, summed over the observations.
    pub agents_online: i64,
    /// How often the online agents were counted.
    pub observations: i64,
}

impl SeriesTotals {
    /// Adds other totals.
    pub fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.started += other.started;
        self.completed += other.completed;
        self.failed += other.failed;
        self.agents_online += other.agents_online;
        self.observations += other.observations;
    }

    /// The value of a metric, where the agents were counted `observations` times.
    #[expect(clippy::cast_precision_loss, reason = "numbers of a chart")]
    fn value(&self, metric: SeriesMetric, observations: i64) -> Option<f64> {
        let ratio = |part: i64, whole: i64| (whole > 0).then(|| part as f64 / whole as f64);
        match metric {
            SeriesMetric::Bytes => Some(self.bytes),
            SeriesMetric::Started => Some(self.started as f64),
            SeriesMetric::Completed => Some(self.completed as f64),
            SeriesMetric::Failed => Some(self.failed as f64),
            SeriesMetric::SuccessRate => ratio(self.completed, self.completed + self.failed),
            SeriesMetric::AgentsOnline => ratio(self.agents_online, observations),
        }
    }
}

/// The time since which all hours are stored, in Unix seconds. Hours of a day or month that begins earlier may have
/// been deleted.
#[must_use]
pub fn kept_since(now: DateTime<Utc>) -> i64 {
    (now - HOURS_KEPT).timestamp()
}

/// Computes the points of a metric. `own` are the totals of the requested objects, `platform` those of all objects. If
/// `platform` has no totals for a period, no server was collecting, and the value is unknown. The value is also unknown
/// for a period that begins before `kept_since`, in Unix seconds, since a part of its totals may have been deleted.
#[must_use]
pub fn points(
    metric: SeriesMetric,
    buckets: &Buckets,
    own: &[(i64, SeriesTotals)],
    platform: &[(i64, SeriesTotals)],
    kept_since: i64,
) -> Vec<SeriesPoint> {
    let (own, platform) = (added_up(buckets, own), added_up(buckets, platform));
    let counted = buckets.starts().iter().zip(own.into_iter().zip(platform));
    let point = |(at, (own, platform)): (&i64, (Option<SeriesTotals>, Option<SeriesTotals>))| {
        let observations = platform.map_or(0, |totals| totals.observations);
        let known = own.or(platform.map(|_| SeriesTotals::default())).filter(|_| *at >= kept_since);
        SeriesPoint { at: *at, value: known.and_then(|totals| totals.value(metric, observations)) }
    };
    counted.map(point).collect()
}

/// The totals of each bucket; `None` where there are none.
fn added_up(buckets: &Buckets, counted: &[(i64, SeriesTotals)]) -> Vec<Option<SeriesTotals>> {
    let mut totals: Vec<Option<SeriesTotals>> = vec![None; buckets.starts().len()];
    for (at, counted) in counted {
        if let Some(bucket) = buckets.index_of(*at).and_then(|index| totals.get_mut(index)) {
            bucket.get_or_insert_default().add(counted);
        }
    }
    totals
}

#[cfg(test)]
mod tests;
