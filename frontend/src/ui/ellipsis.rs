//! Text on one line. If it does not fit, its middle is replaced by an ellipsis, so that the beginning and the end stay
//! readable.

use leptos::{html, prelude::*};

/// The maximum number of characters at the end of a text that always stay visible.
const END: usize = 10;
/// Texts of up to this number of characters are shortened at the end instead of in the middle.
const SHORT: usize = 20;
/// From this number of characters on, a text that is not a link can get the focus, so that keyboard users can see it in
/// full.
const LONG: usize = 28;

/// A text, or a link with this text, on one line. With the pointer or the focus on it, the full text is shown.
#[component]
pub(crate) fn Ellipsis(
    #[prop(into)] text: Signal<String>,
    /// The URL that the text leads to; empty for none.
    #[prop(optional, into)]
    href: String,
    #[prop(default = "cell-title")] class: &'static str,
) -> impl IntoView {
    let beginning = NodeRef::<html::Span>::new();
    let is_cut = RwSignal::new(false);
    let measure = move || {
        let beginning = beginning.get_untracked();
        is_cut.set(beginning.is_some_and(|beginning| beginning.scroll_width() > beginning.client_width()));
    };
    let parts = Memo::new(move |_| text.with(|text| split(text)));
    let content = view! {
        <span class="middle-start" node_ref=beginning>
            {move || parts.with(|(start, _)| start.clone())}
        </span>
        <span class="middle-end">{move || parts.with(|(_, end)| end.clone())}</span>
    };
    let class = format!("middle {class}");
    let content = if href.is_empty() {
        let tab_stop = move || text.with(|text| text.chars().nth(LONG).is_some()).then_some("0");
        view! {
            <span class=class tabindex=tab_stop>
                {content}
            </span>
        }
        .into_any()
    } else {
        // Without the label, the accessible name of the link would have a space between the two parts.
        view! {
            <a class=class href=href aria-label=move || text.get()>
                {content}
            </a>
        }
        .into_any()
    };
    view! {
        <span
            class="whole"
            data-text=move || text.get()
            data-cut=move || is_cut.get().to_string()
            on:pointerenter=move |_| measure()
            on:focusin=move |_| measure()
        >
            {content}
        </span>
    }
}

/// Splits a text into its beginning, which may be shortened, and its end, which always stays visible. If the text is a
/// sentence, the end begins with a word.
fn split(text: &str) -> (String, String) {
    let count = text.chars().count();
    if count <= SHORT {
        return (text.to_owned(), String::new());
    }
    let at = text.char_indices().nth(count - END).map_or(text.len(), |(at, _)| at);
    let to_word = text.split_at(at).1.find(' ').map_or(0, |space| space + 1);
    let (start, end) = text.split_at(at + to_word);
    (start.to_owned(), end.to_owned())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn only_a_long_text_is_split() {
        let parts = |start: &str, end: &str| (start.to_owned(), end.to_owned());
        assert_eq!(split(""), parts("", ""));
        assert_eq!(split("orders-2026-01-31.cs"), parts("orders-2026-01-31.cs", ""));
        assert_eq!(split("orders-2026-01-31.csv"), parts("orders-2026", "-01-31.csv"));
    }

    #[test]
    fn the_end_of_a_sentence_begins_with_a_word() {
        let end = |text: &str| split(text).1;
        assert_eq!(end("ftp.example.com: connection reset by peer"), "by peer");
        assert_eq!(end("Weekly archive of everything that was collected"), "collected");
        assert_eq!(end("/data/a folder with a long name/"), "name/");
    }

    #[test]
    fn a_text_is_split_between_characters() {
        let (start, end) = split(&"ä".repeat(30));
        assert_eq!((start.chars().count(), end.chars().count()), (20, 10));
    }
}
