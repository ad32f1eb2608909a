//! Series: what happened in each minute, hour, day or month of a window.

use cynic::{Id, QueryBuilder};

use super::{Request, schema};
use crate::time::Instant;

/// The period that one point of a series covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cynic::Enum)]
pub(crate) enum SeriesStep {
    Day,
    Hour,
    Minute,
    Month,
}

#[derive(cynic::QueryVariables)]
struct OutcomesVariables {
    from: Instant,
    to: Instant,
    step: SeriesStep,
    #[cynic(skip_serializing_if = "Option::is_none")]
    tz: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    customer: Option<Id>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "OutcomesVariables")]
struct GetOutcomes {
    #[arguments(metric: BYTES, from: $from, to: $to, step: $step, tz: $tz, customerId: $customer, baseline: true)]
    #[cynic(rename = "series", alias)]
    bytes: Series,
    #[arguments(metric: COMPLETED, from: $from, to: $to, step: $step, tz: $tz, customerId: $customer, baseline: true)]
    #[cynic(rename = "series", alias)]
    completed: Series,
    #[arguments(metric: FAILED, from: $from, to: $to, step: $step, tz: $tz, customerId: $customer, baseline: true)]
    #[cynic(rename = "series", alias)]
    failed: Series,
}

#[derive(cynic::QueryVariables)]
struct UsageVariables {
    from: Instant,
    to: Instant,
    tz: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    customer: Option<Id>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "UsageVariables")]
struct GetUsage {
    #[arguments(metric: BYTES, from: $from, to: $to, step: MONTH, tz: $tz, customerId: $customer)]
    #[cynic(rename = "series", alias)]
    bytes: Series,
    #[arguments(metric: COMPLETED, from: $from, to: $to, step: MONTH, tz: $tz, customerId: $customer)]
    #[cynic(rename = "series", alias)]
    completed: Series,
    #[arguments(metric: FAILED, from: $from, to: $to, step: MONTH, tz: $tz, customerId: $customer)]
    #[cynic(rename = "series", alias)]
    failed: Series,
}

#[derive(cynic::QueryFragment)]
struct Series {
    final_until: Instant,
    /// Each point is a pair: the start of its period in seconds since 1970, and its value.
    points: Vec<Vec<Option<f64>>>,
    baseline: Option<Vec<Vec<Option<f64>>>>,
}

/// The values of a metric in a window, and in the earlier window that it is compared with. `None` means that the value
/// is not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Compared {
    pub(crate) now: Vec<Option<f64>>,
    pub(crate) before: Vec<Option<f64>>,
}

/// The results of transfers in each minute, hour or day of a window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcomes {
    /// The starts of the minutes, hours or days.
    pub(crate) times: Vec<Instant>,
    /// Points that end at this time or earlier do not change any more.
    pub(crate) final_until: Instant,
    pub(crate) bytes: Compared,
    pub(crate) completed: Compared,
    /// The attempts that failed.
    pub(crate) failed: Compared,
}

/// Gets bytes, completed transfers and failed attempts of everything that the viewer may see, or of a customer. Days
/// begin in the time zone `tz`.
pub(crate) fn outcomes(
    (from, to): (Instant, Instant),
    step: SeriesStep,
    tz: Option<String>,
    customer: Option<&str>,
) -> Request<Outcomes> {
    let variables = OutcomesVariables { from, to, step, tz, customer: customer.map(Id::new) };
    Request::new(&GetOutcomes::build(variables), |GetOutcomes { bytes, completed, failed }| {
        Ok(Outcomes {
            times: bytes.points.iter().filter_map(|point| time_of(point)).collect(),
            final_until: bytes.final_until,
            bytes: compared(&bytes),
            completed: compared(&completed),
            failed: compared(&failed),
        })
    })
}

/// The usage in each month of a window. `None` means that the value is not known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Usage {
    /// The starts of the months.
    pub(crate) times: Vec<Instant>,
    pub(crate) bytes: Vec<Option<f64>>,
    pub(crate) completed: Vec<Option<f64>>,
    /// The attempts that failed.
    pub(crate) failed: Vec<Option<f64>>,
}

/// Gets bytes, completed transfers and failed attempts of everything that the viewer may see, or of a customer, by month.
/// Months begin in the time zone `tz`.
pub(crate) fn usage((from, to): (Instant, Instant), tz: String, customer: Option<&str>) -> Request<Usage> {
    let variables = UsageVariables { from, to, tz, customer: customer.map(Id::new) };
    Request::new(&GetUsage::build(variables), |GetUsage { bytes, completed, failed }| {
        Ok(Usage {
            times: bytes.points.iter().filter_map(|point| time_of(point)).collect(),
            bytes: values(&bytes.points),
            completed: values(&completed.points),
            failed: values(&failed.points),
        })
    })
}

#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 fit")]
fn time_of(point: &[Option<f64>]) -> Option<Instant> {
    point.first().copied().flatten().map(|seconds| Instant(seconds as i64 * 1000))
}

fn compared(series: &Series) -> Compared {
    Compared { now: values(&series.points), before: series.baseline.as_deref().map(values).unwrap_or_default() }
}

fn values(points: &[Vec<Option<f64>>]) -> Vec<Option<f64>> {
    points.iter().map(|point| point.get(1).copied().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_with_those_that_they_are_compared_with() {
        let series =
            |points: &str| format!(r#"{{"finalUntil":"2026-11-23T14:00:00Z","points":{points},"baseline":null}}"#);
        let bytes = r#"{"finalUntil":"2026-11-23T14:00:00Z",
            "points":[[1795438800,2.5e9],[1795442400,null]],"baseline":[[1794834000,0]]}"#;
        let response = format!(
            r#"{{"data":{{"bytes":{bytes},"completed":{},"failed":{}}}}}"#,
            series("[[1795438800,3]]"),
            series("[]")
        );
        let customer = Some("c");
        let request = outcomes((Instant(0), Instant(1)), SeriesStep::Hour, None, customer);
        assert!(request.text.contains(r#""customer":"c""#) && !request.text.contains(r#""tz":"#), "{}", request.text);
        let outcomes = (request.read)(&response).unwrap();
        assert_eq!(outcomes.times, [Instant(1_795_438_800_000), Instant(1_795_442_400_000)]);
        assert_eq!(outcomes.bytes.now, [Some(2_500_000_000.0), None]);
        assert_eq!(outcomes.bytes.before, [Some(0.0)]);
        assert_eq!((outcomes.completed.now, outcomes.failed), (vec![Some(3.0)], Compared::default()));
    }

    #[test]
    fn usage_is_counted_by_month_in_a_zone() {
        let series = |value: &str| {
            let points = format!("[[1791590400,null],[1794268800,{value}]]");
            format!(r#"{{"finalUntil":"2026-11-23T14:00:00Z","points":{points},"baseline":null}}"#)
        };
        let (bytes, completed, failed) = (series("2.5e9"), series("3"), series("0"));
        let response = format!(r#"{{"data":{{"bytes":{bytes},"completed":{completed},"failed":{failed}}}}}"#);
        let request = usage((Instant(0), Instant(1)), "Europe/Berlin".to_owned(), None);
        let is_asked = |part: &str| request.text.contains(part);
        assert!(is_asked("step: MONTH") && is_asked(r#""tz":"Europe/Berlin""#), "{}", request.text);
        let usage = (request.read)(&response).unwrap();
        assert_eq!(usage.times, [Instant(1_791_590_400_000), Instant(1_794_268_800_000)]);
        assert_eq!(usage.bytes, [None, Some(2_500_000_000.0)]);
        assert_eq!((usage.completed, usage.failed), (vec![None, Some(3.0)], vec![None, Some(0.0)]));
    }
}
