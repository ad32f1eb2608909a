//! Prints rows of results: a measured value, and the required one.

use super::ratios::Ratio;

/// The requirement for a measured value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    AtLeast(f64),
    AtMost(f64),
    /// There is no requirement: the value is printed because it explains others.
    Nothing,
}

/// Prints a measured value, and whether it meets the requirement.
pub(crate) fn print(what: &str, measured: f64, unit: &str, asked: Asked) {
    let (asked, is_reached) = match asked {
        Asked::AtLeast(least) => (format!("at least {least}{unit}"), measured >= least),
        Asked::AtMost(most) => (format!("at most {most}{unit}"), measured <= most),
        Asked::Nothing => {
            println!("  {what:<72} {measured:>9.2}{unit}");
            return;
        }
    };
    let verdict = if is_reached { "reached" } else { "MISSED" };
    println!("  {what:<72} {measured:>9.2}{unit}  (asked: {asked}: {verdict})");
}

/// Prints a ratio of speeds, which must be at least `asked`, if given.
pub(crate) fn speeds(name: impl Into<String>, value: f64, asked: Option<f64>) -> Ratio {
    let name = name.into();
    print(&name, value, "x", asked.map_or(Asked::Nothing, Asked::AtLeast));
    Ratio::of_speeds(name, value)
}

/// Prints a ratio of durations or costs, which must be at most `asked`, if given.
pub(crate) fn durations(name: impl Into<String>, value: f64, asked: Option<f64>) -> Ratio {
    let name = name.into();
    print(&name, value, "x", asked.map_or(Asked::Nothing, Asked::AtMost));
    Ratio::of_durations(name, value)
}

/// The median of the values. Panics if there are none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
