//! Boxed effects: the code that runs them exists once, and not for each effect.

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

/// How long a text must stay unchanged before it is used.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs now, and again whenever a signal that it reads changes.
pub(crate) fn effect(run: impl Fn() + 'static) {
    begin(Box::new(run));
}

fn begin(run: Box<dyn Fn()>) {
    Effect::new(move |_| run());
}

/// The value of a text after it has stayed unchanged for [`PAUSE`] (debouncing).
pub(crate) fn debounced(text: RwSignal<String>) -> Signal<String> {
    let settled = RwSignal::new(text.get_untracked());
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    effect(move || {
        let text = text.get();
        if let Some(waiting) = waiting.get_value() {
            waiting.clear();
        }
        if settled.with_untracked(|known| *known != text) {
            let settle = move || drop(settled.try_set(text.clone()));
            waiting.set_value(set_timeout_with_handle(settle, PAUSE).ok());
        }
    });
    settled.into()
}
