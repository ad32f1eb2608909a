//! Compares the totals of a time range with those of an earlier one, in words and as charts. Pure.

use super::time_range::Window;
use crate::{
    api::series::{Compared, Outcomes},
    format,
    time::Instant,
    ui::{ChartData, ChartSeries, Shape, Spacing, Unit},
};

/// A total, and how it compares with that of the earlier time range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) change: String,
}

/// The totals: bytes, completed, failed, success rate. A step is a minute, hour or day of the time range. Only steps
/// that are over are compared, so that a partial step is not compared with a whole one.
pub(super) fn totals(window: Window, outcomes: &Outcomes, now: Instant) -> Vec<Total> {
    let sum = |values: &[Option<f64>], counts: &dyn Fn(usize) -> bool| {
        let known = values.iter().enumerate().filter(|(index, _)| counts(*index)).filter_map(|(_, value)| *value);
        known.fold(None, |sum: Option<f64>, value| Some(sum.unwrap_or_default() + value))
    };
    let is_over = |index: usize| outcomes.times.get(index).is_some_and(|at| is_known(window, outcomes, *at, now));
    let amounts = |compared: &Compared| Amounts {
        all: sum(&compared.now, &|_| true),
        over: sum(&compared.now, &is_over),
        before: sum(&compared.before, &is_over),
    };
    let baseline = window.baseline();
    let (completed, failed) = (amounts(&outcomes.completed), amounts(&outcomes.failed));
    let rate = |of: fn(&Amounts) -> Option<f64>| success_rate(of(&completed), of(&failed));
    let rates = Amounts { all: rate(|of| of.all), over: rate(|of| of.over), before: rate(|of| of.before) };
    let total = |name, unit: Unit, Amounts { all, over, before }| Total {
        name,
        value: all.map_or_else(|| "–".to_owned(), |all| unit.text(all)),
        change: change(over, before, baseline),
    };
    vec![
        total("Copied", Unit::Bytes, amounts(&outcomes.bytes)),
        total("Completed", Unit::Count, completed),
        total("Failed attempts", Unit::Count, failed),
        Total {
            name: "Success rate",
            value: rates.all.map_or_else(|| "–".to_owned(), percent),
            change: change_of_rate(rates.over, rates.before, baseline),
        },
    ]
}

/// An amount in all steps of the window, in its steps that are over, and in the same steps of the earlier window.
#[derive(Clone, Copy)]
struct Amounts {
    all: Option<f64>,
    over: Option<f64>,
    before: Option<f64>,
}

/// Whether the counts of the step that begins at `at` are complete. Counts of minutes arrive a little late; of hours
/// and days, only the last step is incomplete.
fn is_known(window: Window, outcomes: &Outcomes, at: Instant, now: Instant) -> bool {
    let until = if window == Window::Hour { outcomes.final_until } else { now };
    at.0 + window.step_length() <= until.0
}

/// The fraction of completed transfers among ended attempts, from 0 to 1; `None` if nothing has ended or a count is
/// unknown.
fn success_rate(completed: Option<f64>, failed: Option<f64>) -> Option<f64> {
    let (completed, failed) = (completed?, failed?);
    let ended = completed + failed;
    (ended > 0.0).then(|| completed / ended)
}

/// A rate in percent, rounded down: 100% only if nothing failed.
fn percent(rate: f64) -> String {
    format!("{}%", format::fixed((rate * 1000.0).floor() / 10.0, 1))
}

/// How an amount compares with the earlier one: `12% more than a week earlier`.
fn change(now: Option<f64>, before: Option<f64>, baseline: &str) -> String {
    let (Some(now), Some(before)) = (now, before) else { return format!("No data from {baseline}") };
    if before <= 0.0 {
        return if now > 0.0 { format!("None {baseline}") } else { format!("None {baseline} either") };
    }
    let percent = (now / before - 1.0) * 100.0;
    match format::fixed(percent.abs(), 0).as_str() {
        "0" => format!("Same as {baseline}"),
        _ if percent >= 1000.0 => format!("{} times as much as {baseline}", format::fixed(now / before, 0)),
        amount if percent > 0.0 => format!("{amount}% more than {baseline}"),
        amount => format!("{amount}% less than {baseline}"),
    }
}

/// How a rate compares with the earlier one, in percentage points.
fn change_of_rate(now: Option<f64>, before: Option<f64>, baseline: &str) -> String {
    let (Some(now), Some(before)) = (now, before) else { return format!("No success rate from {baseline}") };
    let points = (now - before) * 100.0;
    match format::fixed(points.abs(), 1).as_str() {
        "0.0" => format!("Same as {baseline}"),
        amount if points > 0.0 => format!("{amount} percentage points higher than {baseline}"),
        amount => format!("{amount} percentage points lower than {baseline}"),
    }
}

/// The chart of the throughput in bytes per second, with that of the earlier time range.
pub(super) fn throughput(window: Window, outcomes: &Outcomes, now: Instant) -> ChartData {
    let step = window.step_length();
    let rate = |index: usize, bytes: f64, elapsed: i64| {
        let is_shown =
            window != Window::Hour || outcomes.times.get(index).is_some_and(|at| is_known(window, outcomes, *at, now));
        (is_shown && elapsed > 0).then(|| bytes / seconds(elapsed))
    };
    let elapsed = |index: usize| outcomes.times.get(index).map_or(step, |at| (now.0 - at.0).min(step));
    let now_values = outcomes.bytes.now.iter().enumerate();
    let current = now_values.map(|(index, bytes)| rate(index, (*bytes)?, elapsed(index))).collect();
    let before = outcomes.bytes.before.iter().map(|bytes| bytes.map(|bytes| bytes / seconds(step))).collect();
    let series = vec![
        ChartSeries { name: "Throughput", shape: Shape::Area, colour: 1, values: current },
        ChartSeries { name: title_of(window), shape: Shape::Dashed, colour: 4, values: before },
    ];
    chart(window, outcomes, Unit::Rate, series, "No bytes copied")
}

/// The chart of the outcomes: completed transfers and failed attempts.
pub(super) fn outcomes(window: Window, outcomes: &Outcomes) -> ChartData {
    let bars = |name, colour, values: &[Option<f64>]| ChartSeries {
        name,
        shape: Shape::Bars,
        colour,
        values: values.to_vec(),
    };
    let completed = bars("Completed", 3, &outcomes.completed.now);
    let failed = bars("Failed attempts", 2, &outcomes.failed.now);
    chart(window, outcomes, Unit::Count, vec![completed, failed], "No transfers ended")
}

/// A chart. If no value is above zero, it shows the text `nothing` with the time range, up to a minute ago, because the
/// server counts once a minute.
fn chart(window: Window, outcomes: &Outcomes, unit: Unit, series: Vec<ChartSeries>, nothing: &str) -> ChartData {
    let step = window.step_length();
    let first = outcomes.times.first().copied().unwrap_or(Instant(0));
    let end = outcomes.times.last().map_or(first, |last| Instant(last.0 + step));
    ChartData {
        idle: Some(format!("{nothing} in {}, up to a minute ago", window.phrase())),
        ..ChartData::new(Spacing::Time(first, end), unit, step, outcomes.times.clone(), series)
    }
}

/// The name of the series for the earlier time range.
const fn title_of(window: Window) -> &'static str {
    match window {
        Window::Hour | Window::Day | Window::Week => "A week earlier",
        Window::Month => "30 days earlier",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a duration")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// Three hours, of which the last has run for half an hour.
    fn three_hours() -> (Outcomes, Instant) {
        let compared = |now: [f64; 3], before: [f64; 3]| Compared {
            now: now.map(Some).to_vec(),
            before: before.map(Some).to_vec(),
        };
        let outcomes = Outcomes {
            times: (0..3).map(|hour| Instant(hour * HOUR)).collect(),
            final_until: Instant(2 * HOUR + HOUR / 2),
            bytes: compared([3.6e9, 7.2e9, 1.8e9], [3.6e9, 3.6e9, 9e9]),
            completed: compared([10.0, 9.0, 5.0], [30.0, 8.0, 5.0]),
            failed: compared([0.0, 1.0, 5.0], [2.0, 0.0, 0.0]),
        };
        (outcomes, Instant(2 * HOUR + HOUR / 2))
    }

    #[test]
    fn totals_are_compared_by_the_steps_that_are_over() {
        let (outcomes, now) = three_hours();
        let totals = totals(Window::Day, &outcomes, now);
        let shown: Vec<_> = totals.iter().map(|total| (total.value.as_str(), total.change.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("12.6 GB", "50% more than a week earlier"),
                ("24", "50% less than a week earlier"),
                ("6", "50% less than a week earlier"),
                ("80.0%", "Same as a week earlier"),
            ]
        );
    }

    #[test]
    fn the_first_step_is_shown_before_it_is_over() {
        let (mut outcomes, now) = three_hours();
        for compared in [&mut outcomes.bytes, &mut outcomes.completed, &mut outcomes.failed] {
            compared.now[..2].fill(None);
        }
        let totals = totals(Window::Day, &outcomes, now);
        let shown: Vec<_> = totals.iter().map(|total| (total.value.as_str(), total.change.as_str())).collect();
        let none = "No data from a week earlier";
        assert_eq!(
            shown,
            [("1.80 GB", none), ("5", none), ("5", none), ("50.0%", "No success rate from a week earlier")]
        );
    }

    #[test]
    fn a_change_is_said_where_there_is_one() {
        let say = |now, before| change(Some(now), Some(before), "a week earlier");
        assert_eq!(say(5.0, 0.0), "None a week earlier");
        assert_eq!(say(0.0, 0.0), "None a week earlier either");
        assert_eq!(say(100.2, 100.0), "Same as a week earlier");
        assert_eq!(say(500.0, 10.0), "50 times as much as a week earlier");
        assert_eq!(change(Some(1.0), None, "a week earlier"), "No data from a week earlier");
    }

    #[test]
    fn a_rate_is_whole_only_if_nothing_failed() {
        assert_eq!([1.0, 0.9999, 0.5].map(percent), ["100.0%", "99.9%", "50.0%"]);
        assert_eq!(success_rate(Some(0.0), Some(0.0)), None);
        assert_eq!(
            change_of_rate(Some(0.9), Some(0.95), "a week earlier"),
            "5.0 percentage points lower than a week earlier"
        );
        assert_eq!(change_of_rate(Some(0.9), None, "a week earlier"), "No success rate from a week earlier");
    }

    #[test]
    fn the_rate_of_the_step_that_is_not_over_is_that_of_its_time_so_far() {
        let (outcomes, now) = three_hours();
        let chart = throughput(Window::Day, &outcomes, now);
        let rates = |index: usize| {
            let values = chart.series[index].values.iter();
            values.map(|value| value.map(format::rate).unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(rates(0), ["1.00 MB/s", "2.00 MB/s", "1.00 MB/s"]);
        assert_eq!(rates(1), ["1.00 MB/s", "1.00 MB/s", "2.50 MB/s"]);
        assert_eq!(chart.spacing, Spacing::Time(Instant(0), Instant(3 * HOUR)));
    }

    #[test]
    fn minutes_that_may_still_change_are_left_out() {
        let (mut outcomes, _) = three_hours();
        outcomes.times = (0..3).map(|minute| Instant(minute * 60_000)).collect();
        outcomes.final_until = Instant(120_000);
        let chart = throughput(Window::Hour, &outcomes, Instant(200_000));
        assert_eq!(chart.series[0].values.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn failed_attempts_stand_on_completed_transfers() {
        let (outcomes, _) = three_hours();
        let chart = super::outcomes(Window::Day, &outcomes);
        let names: Vec<_> = chart.series.iter().map(|series| (series.name, series.shape)).collect();
        assert_eq!(names, [("Completed", Shape::Bars), ("Failed attempts", Shape::Bars)]);
        assert_eq!(chart.idle.as_deref(), Some("No transfers ended in the last 24 hours, up to a minute ago"));
    }
}
