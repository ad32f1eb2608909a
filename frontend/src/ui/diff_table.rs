//! A side-by-side comparison of two texts: removed lines at the left, added lines at the right.

mod line_diff;

use leptos::prelude::*;

pub(crate) use self::line_diff::diff_lines;
use self::line_diff::{Block, Pair, blocks};
use crate::{api::pipeline_versions::Line, format};

/// A table with two texts side by side.
#[component]
pub(crate) fn DiffTable(
    /// The name of the text at the left.
    #[prop(into)]
    old: String,
    /// The name of the text at the right.
    #[prop(into)]
    new: String,
    /// The compared lines of both texts.
    lines: Vec<Line>,
) -> impl IntoView {
    let label = format!("{old} compared with {new}");
    let body = blocks(&lines).into_iter().map(|block| view! { <Part block /> }).collect_view();
    view! {
        <table class="compare" aria-label=label>
            <thead>
                <tr>
                    <th scope="col" class="compare-number">
                        <span class="visually-hidden">{format!("Line of {old}")}</span>
                    </th>
                    <th scope="col">{old.clone()}</th>
                    <th scope="col" class="compare-number">
                        <span class="visually-hidden">{format!("Line of {new}")}</span>
                    </th>
                    <th scope="col">{new.clone()}</th>
                </tr>
            </thead>
            <tbody>{body}</tbody>
        </table>
    }
}

/// A block of consecutive lines. Blocks of many equal lines are folded.
#[component]
fn Part(block: Block) -> impl IntoView {
    let Block { pairs, is_folded } = block;
    let folded = RwSignal::new(is_folded);
    let counted = format::counted(i64::try_from(pairs.len()).unwrap_or_default(), "line");
    let pairs = StoredValue::new(pairs);
    move || {
        if folded.get() {
            view! {
                <tr class="compare-fold">
                    <td colspan="4">
                        <button type="button" class="button button-small" on:click=move |_| folded.set(false)>
                            {format!("Show {counted} without changes")}
                        </button>
                    </td>
                </tr>
            }
            .into_any()
        } else {
            pairs.with_value(|pairs| pairs.iter().map(row).collect_view()).into_any()
        }
    }
}

fn row(pair: &Pair) -> AnyView {
    let number = |number: Option<i32>| number.map(|number| number.to_string());
    let is_same = pair.is_same;
    let old = pair.old.clone().map(|text| {
        if is_same { view! { <span>{text}</span> }.into_any() } else { view! { <del>{text}</del> }.into_any() }
    });
    let new = pair.new.clone().map(|text| {
        if is_same { view! { <span>{text}</span> }.into_any() } else { view! { <ins>{text}</ins> }.into_any() }
    });
    let of = |text: &Option<String>, kind| match (text, is_same) {
        (None, _) => "none",
        (_, true) => "same",
        (_, false) => kind,
    };
    view! {
        <tr data-change=if is_same { "same" } else { "changed" }>
            <td class="compare-number" data-kind=of(&pair.old, "removed")>
                {number(pair.old_number)}
            </td>
            <td class="compare-text" data-kind=of(&pair.old, "removed")>
                {old}
            </td>
            <td class="compare-number" data-kind=of(&pair.new, "added")>
                {number(pair.new_number)}
            </td>
            <td class="compare-text" data-kind=of(&pair.new, "added")>
                {new}
            </td>
        </tr>
    }
    .into_any()
}
