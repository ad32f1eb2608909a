//! What is wrong with the fields of the job form. Problems are found by the dashboard before it sends the form, or by
//! the server.

use leptos::prelude::*;

use super::field_table::FIELDS;
use crate::{api, browser, effect::effect, user_action::UserAction};

/// The fields of a retry policy, which the server reports together.
const RETRY: [&str; 4] = ["maxAttempts", "initialDelay", "factor", "maxDelay"];

/// The problems of the last attempt to save. A handle: copies share the same problems.
#[derive(Clone, Copy)]
pub(super) struct Problems {
    /// The problems that the dashboard found: the name of the field in the API, and a sentence.
    own: RwSignal<Vec<(&'static str, &'static str)>>,
    user_action: UserAction,
}

impl Problems {
    /// No problems so far. After each attempt with problems, the first wrong field gets the focus.
    pub(super) fn new(user_action: UserAction) -> Self {
        let problems = Self { own: RwSignal::new(Vec::new()), user_action };
        effect(move || {
            if !problems.all().is_empty() {
                // Runs after the fields are marked as invalid.
                request_animation_frame(|| browser::focus_first("form.sheet [aria-invalid=true]"));
            }
        });
        problems
    }

    /// Stores the problems that the dashboard has found. Returns whether there are none, so that the form can be sent.
    pub(super) fn check(self, found: Vec<(&'static str, &'static str)>) -> bool {
        let is_fine = found.is_empty();
        if !is_fine {
            self.user_action.reset();
        }
        self.own.set(found);
        is_fine
    }

    /// What is wrong with the field that has this name in the API. Reactive.
    pub(super) fn of(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || self.all().into_iter().find(|(name, _)| name == field).map(|(_, text)| text))
    }

    /// The error beside the button that saves. Reactive.
    pub(super) fn summary(self) -> Option<String> {
        let all = self.all();
        if all.is_empty() {
            return self.user_action.failure();
        }
        let is_shown = |name: &str| name == "agentId" || FIELDS.iter().any(|field| field.key == name);
        let others: Vec<String> =
            all.iter().filter(|(name, _)| !is_shown(name)).map(|(name, text)| format!("{name}: {text}")).collect();
        let count = crate::format::counted(i64::try_from(all.len()).unwrap_or(i64::MAX), "field");
        let lead = format!("Not saved: {count} must be corrected.");
        Some([vec![lead], others].concat().join(" "))
    }

    fn all(self) -> Vec<(String, String)> {
        let own = self.own.get().into_iter().map(|(name, text)| (name.to_owned(), text.to_owned()));
        let theirs = self.user_action.problems().into_iter().flat_map(|(name, text)| {
            if name == "retry" { retry_problems(&text) } else { vec![(name, api::sentence(&text))] }
        });
        own.chain(theirs).collect()
    }
}

/// The problems of the fields of a retry policy, from the message about the whole policy:
/// `maxAttempts: must be from 1 to 20; maxDelay: must be a duration such as 30s, 5m or 1h30m`.
fn retry_problems(message: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for part in message.split("; ") {
        let named = part.split_once(": ").filter(|(name, _)| RETRY.contains(name));
        match (named, found.last_mut()) {
            (Some((name, text)), _) => found.push((name.to_owned(), text.to_owned())),
            (None, Some((_, text))) => {
                text.push_str("; ");
                text.push_str(part);
            }
            (None, None) => found.push((RETRY[0].to_owned(), part.to_owned())),
        }
    }
    let said = |text: &str| api::sentence(&text.replace("`initialDelay`", "the first delay"));
    found.into_iter().map(|(name, text)| (name, said(&text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_problems_of_a_retry_policy_belong_to_its_fields() {
        let message =
            "maxAttempts: must be from 1 to 20; maxDelay: must not be shorter than `initialDelay`, which is 2h";
        let expected = [
            ("maxAttempts", "Must be from 1 to 20."),
            ("maxDelay", "Must not be shorter than the first delay, which is 2h."),
        ];
        let found = retry_problems(message);
        let found: Vec<_> = found.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(found, expected);
        assert_eq!(retry_problems("must be an object")[0].0, "maxAttempts");
    }
}
