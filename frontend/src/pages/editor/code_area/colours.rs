//! The coloured text behind the text area, whose own text is transparent. Only the lines around the visible part are
//! elements, so that a long text costs no more than a short one.

use leptos::{html, prelude::*};

use crate::pages::editor::highlight::{Kind, visible};

/// The maximum length of a text with colours, in bytes: the maximum length of a definition.
const LONGEST: usize = 256 * 1024;
/// The number of lines that are rendered as elements: as many as the highest text area shows, and some above and below.
const LINES: usize = 96;
/// The number of rendered lines above the visible ones.
const ABOVE: usize = 24;
/// Scrolling by fewer lines than this creates no new elements.
const STEP: usize = 16;

/// Whether a text of this length, in bytes, has colours.
pub(super) fn has_colours(length: usize) -> bool {
    length <= LONGEST
}

/// The number of the first line, from 0, that is rendered as an element. `lines` is the number of lines of the text,
/// `height` its height in pixels, and `above` how many of these pixels are above the visible part.
pub(super) fn first_line(lines: usize, above: i32, height: i32) -> usize {
    let (above, height) = (u64::try_from(above).unwrap_or(0), u64::try_from(height).unwrap_or(0).max(1));
    let visible = u64::try_from(lines).unwrap_or(u64::MAX).saturating_mul(above) / height;
    let first = usize::try_from(visible).unwrap_or(0).saturating_sub(ABOVE);
    first - first % STEP
}

/// The lines from `first` on, in colours.
#[component]
pub(super) fn Colours(
    text: RwSignal<String>,
    first: Memo<usize>,
    /// The element that contains the lines.
    element: NodeRef<html::Div>,
) -> impl IntoView {
    let lines = Memo::new(move |_| {
        let first = first.get();
        let is_coloured = text.with(|text| has_colours(text.len()));
        (first, if is_coloured { text.with(|text| visible(text, first, LINES)) } else { Vec::new() })
    });
    let part = |(kind, text): (Kind, String)| view! { <span data-kind=kind.name()>{text}</span> };
    let line = move |parts: Vec<(Kind, String)>| {
        view! { <div class="code-line">{parts.into_iter().map(part).collect_view()}</div> }
    };
    view! {
        <div
            class="code-colours"
            node_ref=element
            style:--line=move || lines.with(|(first, _)| first.to_string())
        >
            {move || lines.get().1.into_iter().map(line).collect_view()}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_around_the_visible_part_are_elements() {
        assert_eq!(first_line(30, 0, 600), 0);
        assert_eq!(first_line(10_000, 100_000, 200_000), 4976);
        assert_eq!(first_line(10_000, 100_200, 200_000), 4976);
        // The last 36 lines are visible.
        let first = first_line(262_144, 5_242_160, 5_242_880);
        assert!(first + LINES >= 262_144 && first <= 262_144 - 36, "{first}");
        assert_eq!(first_line(1, 0, 0), 0);
    }
}
