//! Messages of the server and of agents, in which names stand between backticks.

use leptos::prelude::*;

/// The maximum number of names that are shown as code. A bound is needed, because agents and users influence the
/// content of messages.
const MOST_NAMES: usize = 32;

/// A message whose names are shown as code.
#[component]
pub(crate) fn Message(#[prop(into)] text: Signal<String>) -> impl IntoView {
    move || text.with(|text| parts(text).into_iter().map(part).collect_view())
}

fn part((text, is_name): (&str, bool)) -> AnyView {
    let text = text.to_owned();
    if is_name { view! { <code>{text}</code> }.into_any() } else { text.into_any() }
}

/// The message without the backticks around names, for places that show plain text only.
pub(crate) fn plain(message: &str) -> String {
    parts(message).into_iter().map(|(part, _)| part).collect()
}

/// The parts of a message in their order, and whether each is a name. A backtick without a closing one is text.
fn parts(message: &str) -> Vec<(&str, bool)> {
    let (mut parts, mut rest) = (Vec::new(), message);
    for _ in 0..MOST_NAMES {
        let Some((before, (name, behind))) =
            rest.split_once('`').and_then(|(before, after)| Some((before, after.split_once('`')?)))
        else {
            break;
        };
        parts.extend([(before, false), (name, true)]);
        rest = behind;
    }
    parts.push((rest, false));
    parts.retain(|(part, _)| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::{MOST_NAMES, parts, plain};

    #[test]
    fn names_stand_between_backticks() {
        assert_eq!(
            parts("9 transfers with `sftp.example` failed: quota exceeded"),
            [("9 transfers with ", false), ("sftp.example", true), (" failed: quota exceeded", false)]
        );
        assert_eq!(parts("`edge-1` is silent"), [("edge-1", true), (" is silent", false)]);
        assert_eq!(
            parts("must be `last` or `all`"),
            [("must be ", false), ("last", true), (" or ", false), ("all", true)]
        );
        assert_eq!(parts("3 agents are silent"), [("3 agents are silent", false)]);
        assert!(parts("").is_empty());
    }

    #[test]
    fn a_backtick_without_a_second_one_is_text() {
        assert_eq!(parts("can't read `a"), [("can't read `a", false)]);
        assert_eq!(parts("`a` and `b"), [("a", true), (" and `b", false)]);
    }

    #[test]
    fn a_message_has_a_bounded_number_of_names() {
        let parts = parts(&"`a`".repeat(MOST_NAMES + 1)).len();
        assert_eq!(parts, MOST_NAMES + 1);
    }

    #[test]
    fn plain_text_has_no_backticks() {
        assert_eq!(plain("`edge-1` is silent"), "edge-1 is silent");
    }
}
