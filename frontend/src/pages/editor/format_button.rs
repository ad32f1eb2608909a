//! The button that formats the definition. The text is replaced only if the server reads the same plan from the
//! formatted text.

use leptos::prelude::*;

use super::{
    format::{Unformattable, format},
    text_and_selection::Buffer,
    text_edits::{Edit, Selection},
};
use crate::{
    api::definition_dry_run_and_schema::{self, Reading},
    session::Session,
    ui::Toasts,
};

/// The button that formats the text.
#[component]
pub(super) fn FormatButton(
    code: Buffer,
    /// The id of the customer that the definition is for, if there is one.
    owner: Signal<Option<String>>,
) -> impl IntoView {
    let (session, toasts) = (expect_context::<Session>(), expect_context::<Toasts>());
    let is_busy = RwSignal::new(false);
    let read = move |text: &str, done: Box<dyn FnOnce(Reading)>| {
        // The user may have left the page before the second request.
        let Some(owner) = owner.try_get_untracked() else { return };
        let owner = owner.map(cynic::Id::new);
        session.execute(definition_dry_run_and_schema::read(text.to_owned(), owner), move |outcome| match outcome {
            Ok(reading) => done(reading),
            Err(error) => {
                is_busy.try_set(false);
                toasts.error(format!("The definition was not formatted. {error}"));
            }
        });
    };
    let finish = move |text: &str, formatted: &str| {
        is_busy.try_set(false);
        // The user may have left the page or typed.
        if code.text.try_with_untracked(|now| now == text) == Some(true) {
            code.apply(&replacement(text, formatted));
            toasts.success("The definition was formatted.".to_owned());
        }
    };
    let refuse = move |why: &str| {
        is_busy.try_set(false);
        toasts.error(format!("The definition was not formatted: {why}."));
    };
    let start = move |_| {
        if is_busy.get_untracked() {
            return;
        }
        let text = code.text.get_untracked();
        let formatted = match format(&text) {
            Ok(formatted) if formatted == text => {
                return toasts.success("The definition is formatted already.".to_owned());
            }
            Ok(formatted) => formatted,
            Err(Unformattable { line, reason }) => return refuse(&format!("{reason}, in line {line}")),
        };
        is_busy.set(true);
        let first = text.clone();
        let compare = move |before: Reading| {
            if !before.is_plan() {
                return refuse("it has errors, which have to be fixed first");
            }
            let second = formatted.clone();
            let compare = move |after: Reading| {
                if after == before { finish(&text, &formatted) } else { refuse("its meaning would change") }
            };
            read(&second, Box::new(compare));
        };
        read(&first, Box::new(compare));
    };
    view! {
        // The attribute `disabled` is not used, because it would take the focus from the button.
        <button
            type="button"
            class="button button-small"
            aria-disabled=move || is_busy.get().to_string()
            on:click=start
        >
            "Format"
        </button>
    }
}

/// The edit that turns `before` into `after`. It does not touch equal lines at the beginning and the end.
fn replacement(before: &str, after: &str) -> Edit {
    let from = same_length(before.split_inclusive('\n').zip(after.split_inclusive('\n')));
    let (rest, new) = (before.get(from..).unwrap_or_default(), after.get(from..).unwrap_or_default());
    let end = same_length(rest.split_inclusive('\n').rev().zip(new.split_inclusive('\n').rev()));
    let text = new.get(..new.len() - end).unwrap_or_default().to_owned();
    Edit { from, to: before.len() - end, text, selected: Selection::caret(from) }
}

/// The number of bytes of the first lines, as long as they are the same in both texts.
fn same_length<'t>(lines: impl Iterator<Item = (&'t str, &'t str)>) -> usize {
    lines.take_while(|(one, other)| one == other).map(|(line, _)| line.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(before: &str, after: &str) -> (usize, usize, String) {
        let Edit { from, to, text, .. } = replacement(before, after);
        assert_eq!(format!("{}{text}{}", &before[..from], &before[to..]), after);
        (from, to, text)
    }

    #[test]
    fn only_the_lines_that_differ_are_replaced() {
        assert_eq!(replaced("a\n b\nc\n", "a\nb\nc\n"), (2, 5, "b\n".to_owned()));
        assert_eq!(replaced("a\na\n", "a\n"), (2, 4, String::new()));
        assert_eq!(replaced("a", "a"), (1, 1, String::new()));
        assert_eq!(replaced(" é", "é"), (0, 3, "é".to_owned()));
    }
}
