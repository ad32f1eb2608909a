//! A sparkline: a small line chart of recent samples.

use leptos::prelude::*;

use crate::format::fixed;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 32.0;
const MARGIN: f64 = 2.0;
/// The minimum number of samples that fill the whole width. With fewer samples, the line starts further to the right.
const FEWEST: usize = 9;

/// A line through equidistant samples, newest at the right. `None` is a gap. The greatest sample is at the top. The
/// more samples there are, the closer together they are.
#[component]
pub(crate) fn Sparkline(#[prop(into)] samples: Signal<Vec<Option<f64>>>) -> impl IntoView {
    let lines = Memo::new(move |_| samples.with(|samples| lines(samples)));
    let area = move || lines.with(|lines| lines.iter().map(|line| area(line)).collect::<String>());
    view! {
        <svg class="sparkline" viewBox="0 0 120 32" preserveAspectRatio="none" aria-hidden="true">
            <path class="sparkline-area" d=area />
            <path class="sparkline-line" d=move || lines.with(|lines| lines.concat()) />
        </svg>
    }
}

/// The paths of the lines between the gaps.
#[expect(clippy::cast_precision_loss, reason = "a few hundred samples")]
fn lines(samples: &[Option<f64>]) -> Vec<String> {
    let greatest = samples.iter().copied().flatten().fold(0.0, f64::max);
    let step = WIDTH / (samples.len().max(FEWEST) - 1) as f64;
    let mut lines: Vec<String> = Vec::new();
    let mut is_after_gap = true;
    for (place, sample) in samples.iter().enumerate() {
        let Some(sample) = sample else {
            is_after_gap = true;
            continue;
        };
        let x = WIDTH - step * (samples.len() - 1 - place) as f64;
        let share = if greatest > 0.0 { sample / greatest } else { 0.0 };
        let y = HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN);
        let point = format!("{} {}", fixed(x, 1), fixed(y, 1));
        match lines.last_mut() {
            Some(line) if !is_after_gap => {
                line.push('L');
                line.push_str(&point);
            }
            _ => lines.push(format!("M{point}")),
        }
        is_after_gap = false;
    }
    lines
}

/// The area between a line and the bottom of the sparkline.
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
        assert_eq!(lines(&[0.0, 5.0, 10.0].map(Some)), ["M90.0 30.0L105.0 16.0L120.0 2.0"]);
    }

    #[test]
    fn many_samples_fill_the_width() {
        let path = lines(&[Some(1.0); 100]).concat();
        assert!(path.starts_with("M0.0 2.0L1.2 2.0"), "{path}");
        assert!(path.ends_with("L120.0 2.0"), "{path}");
    }

    #[test]
    fn zeros_are_a_line_at_the_bottom() {
        assert_eq!(lines(&[Some(0.0), Some(0.0)]), ["M105.0 30.0L120.0 30.0"]);
        assert!(lines(&[]).is_empty());
    }

    #[test]
    fn samples_that_are_missing_leave_a_gap() {
        let samples = [Some(10.0), Some(10.0), None, None, Some(10.0)];
        assert_eq!(lines(&samples), ["M60.0 2.0L75.0 2.0", "M120.0 2.0"]);
        assert!(lines(&[None, None]).is_empty());
    }

    #[test]
    fn the_area_is_closed_below_its_first_sample() {
        assert_eq!(area("M60.0 30.0L120.0 2.0"), "M60.0 30.0L120.0 2.0V32H60.0Z");
        assert_eq!(area(""), "");
    }
}
