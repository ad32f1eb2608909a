//! Tests of requests for series, and of the values of points.

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::error::Result;

const ID: &str = "0199c1f0-6c00-7000-8000-000000000001";

/// A valid request in which these fields are replaced.
fn request(fields: &Value) -> Result<SeriesRequest> {
    let mut all = json!({
        "metric": "bytes", "from": "2026-04-25T00:00:00Z", "to": "2026-04-25T12:00:00Z", "step": "1h",
    });
    let all = all.as_object_mut().expect("an object");
    all.extend(fields.as_object().cloned().unwrap_or_default());
    SeriesRequest::read(all.clone())
}

#[rstest]
#[case::one_field_missing(json!({ "metric": null }), "metric", "is required")]
#[case::unknown_step(json!({ "step": "5m" }), "step", "must be one of 1m, 1h, 1d, 1mo")]
#[case::empty_window(json!({ "to": "2026-04-25T00:00:00Z" }), "to", "must be after `from`")]
#[case::zone_of_hours(json!({ "tz": "Europe/Berlin" }), "tz", "only allowed with the steps 1d and 1mo")]
#[case::unknown_zone(json!({ "step": "1d", "tz": "Europe/Berlln" }), "tz", "did you mean Europe/Berlin?")]
#[case::long_zone(json!({ "step": "1d", "tz": "x".repeat(65) }), "tz", "must be 1 to 64 characters long")]
#[case::zone_that_is_no_text(json!({ "step": "1d", "tz": 1 }), "tz", "must be a string")]
#[case::agents_of_an_agent(json!({ "metric": "agentsOnline", "agentId": ID }), "metric", "not kept for a single agent")]
#[case::agents_of_a_job(json!({ "metric": "agentsOnline", "jobId": ID }), "metric", "not kept for a single agent")]
#[case::minutes_of_an_agent(json!({ "step": "1m", "agentId": ID }), "step", "must be 1h, 1d or 1mo with `agentId`")]
#[case::two_objects(json!({ "customerId": ID, "agentId": ID }), "agentId", "cannot be combined")]
#[case::three_objects(json!({ "customerId": ID, "agentId": ID, "jobId": ID }), "jobId", "cannot be combined")]
#[case::too_many_minutes(
    json!({ "step": "1m", "to": "2026-04-26T09:21:00Z" }), "step", "gives 2001 points, and at most 2000 are allowed: the smallest step that fits is 1h"
)]
#[case::too_many_hours(json!({ "to": "2026-07-25T00:00:00Z" }), "step", "the smallest step that fits is 1d")]
#[case::too_many_days(json!({ "step": "1d", "to": "2036-04-25T00:00:00Z" }), "step", "the smallest step that fits is 1mo")]
#[case::too_many_months(json!({ "step": "1mo", "to": "2196-04-25T00:00:00Z" }), "to", "must be at most 2000 months after `from`")]
fn a_request_without_meaning_is_refused(#[case] fields: Value, #[case] field: &str, #[case] problem: &str) {
    let error = request(&fields).expect_err("it is refused");
    let details = error.details().expect("details");
    let found = details["fields"][field][0].as_str().unwrap_or_default();
    assert!(found.contains(problem), "{details}");
}

#[rstest]
#[case::most_minutes(json!({ "step": "1m", "to": "2026-04-26T09:20:00Z" }), 2_000)]
#[case::hours(json!({}), 12)]
#[case::a_day(json!({ "step": "1d", "tz": "Asia/Tokyo" }), 1)]
#[case::days(json!({ "step": "1d", "tz": "Asia/Tokyo", "to": "2026-04-25T15:00:01Z" }), 2)]
#[case::a_month(json!({ "step": "1mo", "to": "2026-05-01T00:00:00Z" }), 1)]
#[case::months(json!({ "step": "1mo", "tz": "Asia/Tokyo", "to": "2026-05-01T00:00:00Z" }), 2)]
#[case::hours_of_a_job(json!({ "jobId": ID }), 12)]
fn a_request_has_a_point_for_each_step(#[case] fields: Value, #[case] count: usize) {
    let request = request(&fields).expect("a request");
    assert_eq!(request.buckets().starts().len(), count);
    assert_eq!(request.baseline(), None);
}

#[test]
fn a_request_may_be_compared_with_the_week_before() {
    let request = request(&json!({ "baseline": "true" })).expect("a request");
    let (window, before) = (request.buckets(), request.baseline().expect("the window before"));
    assert_eq!(window.first() - before.first(), 7 * 86_400);
    assert_eq!(window.starts().len(), before.starts().len());
}

fn totals(completed: i64, failed: i64) -> SeriesTotals {
    SeriesTotals { bytes: 10.0, started: 1, completed, failed, ..SeriesTotals::default() }
}

#[rstest]
#[case(SeriesMetric::Bytes, [Some(20.0), Some(0.0), None])]
#[case(SeriesMetric::Started, [Some(2.0), Some(0.0), None])]
#[case(SeriesMetric::Completed, [Some(3.0), Some(0.0), None])]
#[case(SeriesMetric::Failed, [Some(1.0), Some(0.0), None])]
#[case(SeriesMetric::SuccessRate, [Some(0.75), None, None])]
#[case(SeriesMetric::AgentsOnline, [None, Some(0.0), None])]
fn what_is_not_known_is_null_and_what_did_not_happen_is_zero(
    #[case] metric: SeriesMetric,
    #[case] expected: [Option<f64>; 3],
) {
    let window = json!({ "step": "1m", "to": "2026-04-25T00:03:00Z" });
    let buckets = request(&window).expect("a request").buckets();
    let start = buckets.first();
    let own = [(start, totals(2, 1)), (start + 59, totals(1, 0)), (start + 180, totals(5, 5))];
    let observed = SeriesTotals { agents_online: 4, observations: 2, ..SeriesTotals::default() };
    let values = points(metric, &buckets, &own, &[(start + 60, observed)], start);
    assert_eq!(values.iter().map(|point| point.value).collect::<Vec<_>>(), expected);
    assert_eq!(values.iter().map(|point| point.at - start).collect::<Vec<_>>(), [0, 60, 120]);
}

#[test]
fn what_began_before_all_hours_are_kept_is_not_known() {
    let months = json!({ "step": "1mo", "to": "2026-06-30T00:00:00Z" });
    let buckets = request(&months).expect("a request").buckets();
    let counted: Vec<(i64, SeriesTotals)> = buckets.starts().iter().map(|start| (*start, totals(1, 0))).collect();
    let values = |kept_since: i64| -> Vec<Option<f64>> {
        let values = points(SeriesMetric::Completed, &buckets, &counted, &counted, kept_since);
        values.iter().map(|point| point.value).collect()
    };
    let may = counted[1].0;
    assert_eq!(values(may), [None, Some(1.0), Some(1.0)]);
    assert_eq!(values(may + 1), [None, None, Some(1.0)]);
}

#[test]
fn the_number_of_agents_is_an_average() {
    let buckets = request(&json!({ "to": "2026-04-25T01:00:00Z" })).expect("a request").buckets();
    let observed = |agents_online| SeriesTotals { agents_online, observations: 1, ..SeriesTotals::default() };
    let all = [(buckets.first(), observed(4)), (buckets.first() + 60, observed(3))];
    let values = points(SeriesMetric::AgentsOnline, &buckets, &all, &all, buckets.first());
    assert_eq!(values, [SeriesPoint { at: buckets.first(), value: Some(3.5) }]);
}

#[rstest]
#[case("2026-04-25T13:00:00Z", "2026-04-25T12:58:00Z")]
#[case("2026-04-25T13:00:59.999Z", "2026-04-25T12:58:00Z")]
#[case("2026-04-25T13:01:00Z", "2026-04-25T12:59:00Z")]
fn a_minute_is_final_two_minutes_after_its_end(#[case] now: &str, #[case] until: &str) {
    let at = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");
    assert_eq!(final_until(at(now)).0, at(until));
}
