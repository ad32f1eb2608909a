//! The browser tab: its title and icon, which show the number of attention items, and whether the user has visited more
//! than one page.

use leptos::prelude::*;

use crate::effect::effect;

/// The end of the icon's data URL.
const END_OF_ICON: &str = "%3C/svg%3E";

/// The state of the tab: the title of the page, the number of attention items, and the visited pages. A handle: copies
/// share the same state.
#[derive(Clone, Copy)]
pub(crate) struct Tab {
    title: RwSignal<String>,
    visited: StoredValue<Visited>,
    /// The number of attention items; `None` while it is not known.
    count: RwSignal<Option<i32>>,
}

/// Which pages were visited.
#[derive(Debug, PartialEq)]
enum Visited {
    Nothing,
    One(String),
    Several,
}

impl Tab {
    /// Takes over the title and the icon of the page, and keeps them up to date.
    pub(crate) fn new() -> Self {
        let (title, visited) = (RwSignal::new(document().title()), StoredValue::new(Visited::Nothing));
        let tab = Self { title, visited, count: RwSignal::new(None) };
        let count = Memo::new(move |_| tab.count.get().unwrap_or(0));
        effect(move || document().set_title(&tab.title.with(|title| with_count(title, count.get()))));
        let icon = document().query_selector("link[rel=icon]").ok().flatten();
        let plain = icon.as_ref().and_then(|icon| icon.get_attribute("href")).unwrap_or_default();
        effect(move || {
            let address = with_badge(&plain, count.get());
            if let Some(icon) = &icon {
                // A failure only leaves the icon as it was.
                let _ = icon.set_attribute("href", &address);
            }
        });
        tab
    }

    /// Shows the title of a page.
    pub(crate) fn set_title(self, page: &str) {
        self.title.set(format!("{page} · MFTPlus"));
    }

    /// Records a visit of the page at `path`. Returns whether the user has visited another page before.
    pub(crate) fn was_on_another_page(self, path: &str) -> bool {
        let visited = self.visited.try_update_value(|visited| {
            match visited {
                Visited::Nothing => *visited = Visited::One(path.to_owned()),
                Visited::One(first) if first == path => {}
                Visited::One(_) | Visited::Several => *visited = Visited::Several,
            }
            *visited == Visited::Several
        });
        visited == Some(true)
    }

    /// Shows `count` in the title and the icon, as long as the current reactive owner lives.
    pub(crate) fn follow(self, count: Signal<Option<i32>>) {
        effect(move || self.count.set(count.get()));
        on_cleanup(move || self.count.set(None));
    }
}

fn with_count(title: &str, count: i32) -> String {
    if count > 0 { format!("({count}) {title}") } else { title.to_owned() }
}

/// The data URL of the icon with a number in its corner. An icon of another form is returned unchanged.
fn with_badge(icon: &str, count: i32) -> String {
    match icon.strip_suffix(END_OF_ICON) {
        Some(drawing) if count > 0 => {
            let text = if count > 9 { "9%2B".to_owned() } else { count.to_string() };
            format!(
                "{drawing}%3Ccircle cx='22' cy='10' r='10' fill='%23d4372e'/%3E%3Ctext x='22' y='15' font-family='sans-serif' \
                 font-size='14' font-weight='700' text-anchor='middle' fill='%23fff'%3E{text}%3C/text%3E{END_OF_ICON}"
            )
        }
        _ => icon.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_begins_with_a_number_above_zero() {
        assert_eq!(with_count("Overview · MFTPlus", 12), "(12) Overview · MFTPlus");
        assert_eq!(with_count("Overview · MFTPlus", 0), "Overview · MFTPlus");
    }

    #[test]
    fn the_icon_has_a_badge_with_at_most_one_digit() {
        let plain = "data:image/svg+xml,%3Csvg%3E%3Cpath/%3E%3C/svg%3E";
        assert_eq!(with_badge(plain, 0), plain);
        for (count, text) in [(1, "%3E1%3C/text"), (9, "%3E9%3C/text"), (10, "%3E9%2B%3C/text")] {
            let icon = with_badge(plain, count);
            assert!(icon.starts_with("data:image/svg+xml,%3Csvg%3E%3Cpath/%3E%3Ccircle"), "{icon}");
            assert!(icon.contains(text) && icon.ends_with("%3C/svg%3E") && !icon.contains('#'), "{icon}");
        }
        assert_eq!(with_badge("/favicon.ico", 3), "/favicon.ico");
    }
}
