//! The problems that impair the work of the agent; heartbeats report them to the server.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The maximum length of a reason in characters. The server stores no more.
const MAX_REASON: usize = 500;

/// What a problem is about. The order of the values is the order in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// The state folder and the allowed folders.
    Folders,
    /// The configuration file that was reloaded and refused.
    Configuration,
}

/// The problems that tasks of this process have noticed: at most one for each subject.
#[derive(Debug, Default)]
pub(crate) struct Problems(Mutex<BTreeMap<Subject, String>>);

impl Problems {
    /// Sets the current problem of a subject; `None` clears it. Returns whether this is a change.
    pub(crate) fn set(&self, subject: Subject, problem: Option<String>) -> bool {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_change = problems.get(&subject) != problem.as_ref();
        match problem {
            Some(problem) => problems.insert(subject, problem),
            None => problems.remove(&subject),
        };
        is_change
    }

    /// All problems on one line, `first` before the others; `None` if there is none.
    pub(crate) fn reason(&self, first: Option<String>) -> Option<String> {
        let problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<String> = first.into_iter().chain(problems.values().cloned()).collect();
        (!all.is_empty()).then(|| shortened(&all.join("; ")))
    }
}

/// The text on one line, with at most [`MAX_REASON`] characters.
fn shortened(text: &str) -> String {
    let line: Vec<char> = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() <= MAX_REASON {
        return line.into_iter().collect();
    }
    line.into_iter().take(MAX_REASON - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::{MAX_REASON, Problems, Subject};

    #[test]
    fn a_problem_is_reported_until_it_is_solved() {
        let problems = Problems::default();
        assert_eq!(problems.reason(None), None);
        assert!(problems.set(Subject::Configuration, Some("wrong".to_owned())));
        assert!(problems.set(Subject::Folders, Some("full".to_owned())));
        assert!(!problems.set(Subject::Folders, Some("full".to_owned())), "the same again is no change");
        assert_eq!(problems.reason(Some("unwritten".to_owned())).as_deref(), Some("unwritten; full; wrong"));
        assert!(problems.set(Subject::Folders, None));
        assert!(!problems.set(Subject::Folders, None));
        assert_eq!(problems.reason(None).as_deref(), Some("wrong"));
        assert!(problems.set(Subject::Configuration, None));
        assert_eq!(problems.reason(None), None);
    }

    #[test]
    fn a_reason_is_one_short_line() {
        let problems = Problems::default();
        problems.set(Subject::Configuration, Some(format!("first\nsecond {}", "ä".repeat(MAX_REASON))));
        let reason = problems.reason(None).unwrap_or_default();
        assert!(reason.starts_with("first second ä") && reason.ends_with('…'), "{reason}");
        assert_eq!(reason.chars().count(), MAX_REASON);
    }
}
