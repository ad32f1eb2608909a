//! Effects, boxed: what runs them is there once, and not for each of them.

use leptos::prelude::Effect;

/// Runs now, and again whenever a signal changes that it reads.
pub(crate) fn effect(run: impl Fn() + 'static) {
    begin(Box::new(run));
}

fn begin(run: Box<dyn Fn()>) {
    Effect::new(move |_| run());
}
