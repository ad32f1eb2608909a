//! A sparkline: a small line chart of recent samples.

use leptos::prelude::*;

use crate::format::fixed;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 32.0;
const MARGIN: f64 = 2.0;
/// The minimum number of samples that fill the width; with fewer, the line starts further to the right.
const FEWEST: usize = 9;

/// A line through equidistant samples, newest at the right. The greatest sample touches the top, and more samples are
/// closer together.
#[component]
pub(crate) fn Sparkline(#[prop(into)] samples: Signal<Vec<f64>>) -> impl IntoView {
    let line = Memo::new(move |_| samples.with(|samples| line(samples)));
    let area = move || line.with(|line| area(line));
    view! {
        <svg class="sparkline" viewBox="0 0 120 32" preserveAspectRatio="none" aria-hidden="true">
            <path class="sparkline-area" d=area />
            <path class="sparkline-line" d=move || line.get() />
        </svg>
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
fn line(samples: &[f64]) -> String {
    let greatest = samples.iter().copied().fold(0.0, f64::max);
    let step = WIDTH / (samples.len().max(FEWEST) - 1) as f64;
    let mut path = String::new();
    for (place, sample) in samples.iter().enumerate() {
        let x = WIDTH - step * (samples.len() - 1 - place) as f64;
        let share = if greatest > 0.0 { sample / greatest } else { 0.0 };
        let y = HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN);
        path.push(if place == 0 { 'M' } else { 'L' });
        path.push_str(&fixed(x, 1));
        path.push(' ');
        path.push_str(&fixed(y, 1));
    }
    path
}

/// The line of a sparkline, closed along the bottom.
fn area(line: &str) -> String {
    match line.strip_prefix('M').and_then(|rest| rest.split(' ').next()) {
        Some(left) => format!("{line}V32H{left}Z"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_sample_is_at_the_right_and_the_greatest_at_the_top() {
        assert_eq!(line(&[0.0, 5.0, 10.0]), "M90.0 30.0L105.0 16.0L120.0 2.0");
    }

    #[test]
    fn many_samples_fill_the_width() {
        let path = line(&[1.0; 100]);
        assert!(path.starts_with("M0.0 2.0L1.2 2.0"), "{path}");
        assert!(path.ends_with("L120.0 2.0"), "{path}");
    }

    #[test]
    fn zeros_are_a_line_at_the_bottom() {
        assert_eq!(line(&[0.0, 0.0]), "M105.0 30.0L120.0 30.0");
        assert_eq!(line(&[]), "");
    }

    #[test]
    fn the_area_is_closed_below_its_first_sample() {
        assert_eq!(area("M60.0 30.0L120.0 2.0"), "M60.0 30.0L120.0 2.0V32H60.0Z");
        assert_eq!(area(""), "");
    }
}
