//! The diagnostics of a definition: their number, and a list with links to their lines.

use leptos::prelude::*;

use super::{code_area::PROBLEMS, text_and_selection::Buffer};
use crate::{
    api::definition_dry_run_and_schema::{Diagnostic, Severity, Verdict},
    format,
    reactive_query::Fetch,
    ui::{Icon, Message, Notice},
};

/// The diagnostics, each with a link to its line.
#[component]
pub(super) fn DiagnosticList(
    code: Buffer,
    problems: Memo<Vec<Diagnostic>>,
    verdict: Fetch<Verdict>,
    /// Whether the text has changed since the last dry run.
    is_stale: Signal<bool>,
) -> impl IntoView {
    let is_known = Memo::new(move |_| verdict.read(|_| ()).is_some());
    let counted = Memo::new(move |_| problems.with(|problems| summary(problems)));
    let count_label = move || if is_known.get() { counted.get() } else { String::new() };
    let tone = move || {
        problems.with(|problems| {
            let has = |severity| problems.iter().any(|found| found.severity == severity);
            match (is_known.get(), has(Severity::Error), has(Severity::Warning)) {
                (false, ..) => "neutral",
                (_, true, _) => "bad",
                (_, _, true) => "warn",
                _ => "good",
            }
        })
    };
    let line = move |found: Diagnostic| {
        let Diagnostic { severity, line, column, message } = found;
        let (tone, word) = match severity {
            Severity::Error => ("bad", "Error"),
            Severity::Warning => ("warn", "Warning"),
        };
        view! {
            <li>
                <button type="button" class="problem" data-tone=tone on:click=move |_| code.go(line, column)>
                    <span class="problem-place">
                        {word} " in line " {line} ", column " {column}
                    </span>
                    <span class="problem-text"><Message text=format::capitalized(&message) /></span>
                </button>
            </li>
        }
    };
    view! {
        <section class="problems" aria-label="Problems" aria-busy=move || is_stale.get().to_string()>
            <p class="problems-count" id=format!("{PROBLEMS}-count") role="status" data-tone=tone>
                <Icon name="done" />
                <span>{count_label}</span>
            </p>
            <ol class="problems-list">{move || problems.get().into_iter().map(line).collect_view()}</ol>
            <Notice text=Signal::derive(move || {
                verdict.failure().map(|error| format!("The definition could not be checked. {error}"))
            }) />
        </section>
    }
}

/// The line and the column of the first error; `None` if there are only warnings.
pub(super) fn first_error(problems: &[Diagnostic]) -> Option<(i32, i32)> {
    let first = problems.iter().find(|found| found.severity == Severity::Error)?;
    Some((first.line, first.column))
}

/// The number of diagnostics: `2 errors, 1 warning`.
pub(super) fn summary(problems: &[Diagnostic]) -> String {
    let count = |severity| problems.iter().filter(|found| found.severity == severity).count();
    let parts = [(Severity::Error, "error"), (Severity::Warning, "warning")].map(|(severity, noun)| {
        let count = i64::try_from(count(severity)).unwrap_or(i64::MAX);
        (count > 0).then(|| format::counted(count, noun))
    });
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "No problems".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_is_found_after_warnings() {
        let found = |severity, line| Diagnostic { severity, line, column: 3, message: String::new() };
        assert_eq!(first_error(&[found(Severity::Warning, 1)]), None);
        let both = [found(Severity::Warning, 1), found(Severity::Error, 2), found(Severity::Error, 4)];
        assert_eq!(first_error(&both), Some((2, 3)));
    }

    #[test]
    fn diagnostics_are_counted_by_severity() {
        let found = |severity| Diagnostic { severity, line: 1, column: 1, message: String::new() };
        assert_eq!(summary(&[]), "No problems");
        assert_eq!(summary(&[found(Severity::Warning)]), "1 warning");
        assert_eq!(summary(&[Severity::Error, Severity::Warning, Severity::Error].map(found)), "2 errors, 1 warning");
    }
}
