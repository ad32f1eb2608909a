//! The course of a figure over the last minutes.

use std::fmt::Write;

use leptos::prelude::*;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 32.0;
const MARGIN: f64 = 2.0;

/// A line through samples of equal distance, newest at the right; the greatest touches the top.
#[component]
pub(crate) fn Sparkline(
    #[prop(into)] samples: Signal<Vec<f64>>,
    /// How many samples fill the width.
    capacity: usize,
) -> impl IntoView {
    let line = Memo::new(move |_| samples.with(|samples| line(samples, capacity)));
    let area = move || line.with(|line| area(line));
    view! {
        <svg class="sparkline" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
            <path class="sparkline-area" d=area />
            <path class="sparkline-line" d=move || line.get() />
        </svg>
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
fn line(samples: &[f64], capacity: usize) -> String {
    let greatest = samples.iter().copied().fold(0.0, f64::max);
    let step = WIDTH / (capacity.max(2) - 1) as f64;
    let mut path = String::new();
    for (place, sample) in samples.iter().enumerate() {
        let x = WIDTH - step * (samples.len() - 1 - place) as f64;
        let share = if greatest > 0.0 { sample / greatest } else { 0.0 };
        let y = HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN);
        let command = if place == 0 { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        let _ = write!(path, "{command}{x:.1} {y:.1}");
    }
    path
}

/// The same line, closed along the bottom.
fn area(line: &str) -> String {
    match line.strip_prefix('M').and_then(|rest| rest.split(' ').next()) {
        Some(left) => format!("{line}V{HEIGHT}H{left}Z"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_sample_is_at_the_right_and_the_greatest_at_the_top() {
        assert_eq!(line(&[0.0, 5.0, 10.0], 5), "M60.0 30.0L90.0 16.0L120.0 2.0");
    }

    #[test]
    fn silence_is_a_line_at_the_bottom() {
        assert_eq!(line(&[0.0, 0.0], 2), "M0.0 30.0L120.0 30.0");
        assert_eq!(line(&[], 5), "");
    }

    #[test]
    fn the_area_is_closed_below_its_first_sample() {
        assert_eq!(area("M60.0 30.0L120.0 2.0"), "M60.0 30.0L120.0 2.0V32H60.0Z");
        assert_eq!(area(""), "");
    }
}
