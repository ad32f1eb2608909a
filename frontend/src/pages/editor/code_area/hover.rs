//! A tooltip with the description of the key below the pointer.

use std::time::Duration;

use leptos::{ev::PointerEvent, html, leptos_dom::helpers::TimeoutHandle, prelude::*, web_sys::Element};

use crate::{
    api::definition_dry_run_and_schema::Grammar,
    pages::editor::{highlight::Kind, yaml_key_help::help_at},
    ui::Tooltip,
};

/// How long the pointer must rest on a key before the tooltip opens.
const REST: Duration = Duration::from_millis(350);

/// The tooltip of the keys of the definition. A handle: copies share the same tooltip.
#[derive(Clone, Copy)]
pub(super) struct Hover {
    text: RwSignal<String>,
    grammar: Signal<Grammar>,
    /// The element that contains the coloured lines, behind the text area.
    lines: NodeRef<html::Div>,
    /// The number of the first line in that element, from 0.
    first: Memo<usize>,
    tooltip: Tooltip,
    tooltip_key: u32,
    /// The byte offset of the key below the pointer.
    current: StoredValue<Option<usize>>,
    waiting: StoredValue<Option<TimeoutHandle>>,
}

impl Hover {
    pub(super) fn new(
        text: RwSignal<String>,
        grammar: Signal<Grammar>,
        lines: NodeRef<html::Div>,
        first: Memo<usize>,
    ) -> Self {
        let tooltip = expect_context::<Tooltip>();
        let hover = Self {
            text,
            grammar,
            lines,
            first,
            tooltip,
            tooltip_key: tooltip.key(),
            current: StoredValue::new(None),
            waiting: StoredValue::new(None),
        };
        on_cleanup(move || tooltip.close(hover.tooltip_key));
        hover
    }

    /// Handles a movement of the pointer over the text area.
    pub(super) fn moved(self, event: &PointerEvent) {
        let found = self.key_at(f64::from(event.client_x()), f64::from(event.client_y()));
        let at = found.as_ref().map(|(at, _)| *at);
        if self.current.get_value() == at {
            return;
        }
        self.leave();
        let Some((at, element)) = found else { return };
        self.current.set_value(Some(at));
        let show = move || {
            // The page may have been left, the pointer moved or the text changed.
            if self.current.try_get_value().flatten() == Some(at) && element.is_connected() {
                let help =
                    self.text.with_untracked(|text| self.grammar.with_untracked(|grammar| help_at(grammar, text, at)));
                if let Some(help) = help {
                    self.tooltip.show(self.tooltip_key, &element, help.lines);
                }
            }
        };
        self.waiting.set_value(set_timeout_with_handle(show, REST).ok());
    }

    /// Closes the tooltip, unless the pointer moves on to it.
    pub(super) fn leave(self) {
        if let Some(waiting) = self.waiting.get_value() {
            waiting.clear();
        }
        if self.current.get_value().is_some() {
            self.current.set_value(None);
            self.tooltip.leave(self.tooltip_key);
        }
    }

    /// Closes the tooltip at once, because the text changes.
    pub(super) fn close(self) {
        self.leave();
        self.tooltip.close(self.tooltip_key);
    }

    /// The byte offset and the element of the key at a point of the window; `None` if there is no key.
    fn key_at(self, x: f64, y: f64) -> Option<(usize, Element)> {
        let mut line = self.lines.get_untracked()?.first_element_child();
        let mut number = self.first.get_untracked();
        while let Some(current) = line {
            let area = current.get_bounding_client_rect();
            if (area.top()..area.bottom()).contains(&y) {
                let (column, element) = key_of_line(&current, x)?;
                let start = self
                    .text
                    .with_untracked(|text| text.split_inclusive('\n').take(number).map(str::len).sum::<usize>());
                return Some((start + column, element));
            }
            line = current.next_element_sibling();
            number += 1;
        }
        None
    }
}

/// The byte offset within the line, and the element, of the key at a horizontal position of the window; `None` if there
/// is no key.
fn key_of_line(line: &Element, x: f64) -> Option<(usize, Element)> {
    let mut part = line.first_element_child();
    let mut column = 0;
    while let Some(current) = part {
        let area = current.get_bounding_client_rect();
        if (area.left()..area.right()).contains(&x) {
            let is_key = current.get_attribute("data-kind").as_deref() == Some(Kind::Key.name());
            return is_key.then_some((column, current));
        }
        column += current.text_content().map_or(0, |text| text.len());
        part = current.next_element_sibling();
    }
    None
}
