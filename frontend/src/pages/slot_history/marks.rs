//! The marks of the strip, and their arrangement in lines.

use crate::{
    format,
    labels::slots::{Slot, State},
    time::Instant,
    ui::Tone,
    zone,
};

/// The minimum average number of slots per line. With fewer slots, a line covers a longer time.
const FULL: usize = 4;

const COMING: State = ("Upcoming", "", Tone::Neutral);

/// A slot in the strip.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    /// The element id, which is the same before and after the slot has its outcome.
    pub(super) id: String,
    /// The scheduled time.
    pub(super) at: Instant,
    /// The state of the slot.
    pub(super) state: State,
    /// The text of the mark: the symbol of its state, or the number of slots of a range.
    pub(super) sign: String,
    /// The description of the slot.
    pub(super) description: String,
    /// The address of the page of the slot's run.
    pub(super) run: Option<String>,
    /// Whether the scheduled time is in the future.
    pub(super) is_coming: bool,
}

/// The marks of all slots, latest first. `decided` must have the latest slot first, `coming` the earliest time first.
/// `runs` is the address of the pages of runs, without the id.
pub(super) fn marks(runs: &str, decided: &[Slot], coming: &[Instant]) -> Vec<Mark> {
    let newest = decided.first().map(|slot| slot.at);
    let ahead = coming.iter().rev().filter(|at| newest.is_none_or(|newest| **at > newest)).map(|at| Mark {
        id: id(*at, false),
        at: *at,
        state: COMING,
        sign: String::new(),
        description: format!("{}: {}", moment(*at), COMING.0),
        run: None,
        is_coming: true,
    });
    let behind = decided.iter().map(|slot| {
        let (_, sign, _) = slot.state;
        Mark {
            id: id(slot.at, slot.range.is_some()),
            at: slot.at,
            state: slot.state,
            sign: slot.range.map_or_else(|| sign.to_owned(), |(_, count)| format!("×{}", format::count(count.into()))),
            description: slot.describe(moment),
            run: slot.run.as_ref().map(|run| format!("{runs}/{run}")),
            is_coming: false,
        }
    });
    ahead.chain(behind).collect()
}

fn moment(at: Instant) -> String {
    format::minute(at, zone::offset(at))
}

/// The element id of a mark. A slot and a range may have the same time.
fn id(at: Instant, is_range: bool) -> String {
    format!("{}-{}", if is_range { "range" } else { "slot" }, at.0)
}

/// The lines, one for each day, month or year: the name of the line and the ids of its marks. The latest line is first;
/// within a line, the earliest mark is first.
pub(super) fn lines(marks: &[Mark], offset: impl Fn(Instant) -> i64) -> Vec<(String, Vec<String>)> {
    let in_lines = |name: fn(Instant, i64) -> String| in_lines(marks, |at| name(at, offset(at)));
    let is_full = |lines: &Vec<_>| marks.len() >= lines.len() * FULL;
    let shorter = [format::day, format::month].into_iter().map(in_lines).find(is_full);
    shorter.unwrap_or_else(|| in_lines(format::year))
}

fn in_lines(marks: &[Mark], name: impl Fn(Instant) -> String) -> Vec<(String, Vec<String>)> {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for mark in marks {
        let name = name(mark.at);
        match lines.last_mut() {
            Some((known, ids)) if *known == name => ids.insert(0, mark.id.clone()),
            _ => lines.push((name, vec![mark.id.clone()])),
        }
    }
    lines
}

/// The states of the marks, without duplicates.
pub(super) fn legend(marks: &[Mark]) -> Vec<State> {
    let mut states: Vec<State> = Vec::new();
    for mark in marks.iter().rev() {
        if !states.contains(&mark.state) {
            states.push(mark.state);
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn mark(name: &str, hours: i64) -> Mark {
        Mark {
            id: name.to_owned(),
            at: Instant(hours * HOUR),
            state: COMING,
            sign: String::new(),
            description: String::new(),
            run: None,
            is_coming: true,
        }
    }

    fn shown(marks: &[Mark]) -> Vec<(String, String)> {
        lines(marks, |_| 0).into_iter().map(|(name, ids)| (name, ids.concat())).collect()
    }

    fn owned(lines: &[(&str, &str)]) -> Vec<(String, String)> {
        lines.iter().map(|(name, ids)| ((*name).to_owned(), (*ids).to_owned())).collect()
    }

    #[test]
    fn many_slots_a_day_stand_in_the_order_of_the_clock_the_latest_day_first() {
        let marks: Vec<_> = ["h", "g", "f", "e", "d", "c", "b", "a"]
            .into_iter()
            .zip((16..24).rev())
            .map(|(n, h)| mark(n, h + 4))
            .collect();
        assert_eq!(shown(&marks), owned(&[("Fri, 2 Jan 1970", "efgh"), ("Thu, 1 Jan 1970", "abcd")]));
    }

    #[test]
    fn few_slots_a_day_are_a_line_a_month_and_few_a_month_one_a_year() {
        let marks: Vec<_> =
            ["d", "c", "b", "a"].into_iter().zip([32, 31, 30, 29]).map(|(n, d)| mark(n, d * 24)).collect();
        assert_eq!(shown(&marks), owned(&[("1970", "abcd")]));
        let marks: Vec<_> =
            ["d", "c", "b", "a"].into_iter().zip([30, 29, 28, 27]).map(|(n, d)| mark(n, d * 24)).collect();
        assert_eq!(shown(&marks), owned(&[("Jan 1970", "abcd")]));
    }

    #[test]
    fn the_legend_names_each_state_once() {
        let ran = Mark { state: ("Ran", "✓", Tone::Good), ..mark("a", 1) };
        assert_eq!(legend(&[mark("c", 3), ran.clone(), ran.clone()]), [ran.state, COMING]);
    }
}
