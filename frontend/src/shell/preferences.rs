//! The preferences that are kept in this browser: the theme, and the zone in which times are shown.

use leptos::prelude::*;

use crate::{browser, zone};

/// The choice of the theme: system, light or dark.
#[component]
pub(super) fn ThemeChoice() -> impl IntoView {
    let chosen = RwSignal::new(browser::stored("theme").unwrap_or_default());
    let choose = move |value: &'static str| {
        chosen.set(value.to_owned());
        browser::set_look("theme", (!value.is_empty()).then_some(value));
    };
    view! {
        <Segments
            legend="Theme"
            name="theme"
            options=vec![("", "System"), ("light", "Light"), ("dark", "Dark")]
            chosen
            on_choose=choose
        />
    }
}

/// The choice of the zone in which times are shown: of this browser, or UTC.
#[component]
pub(super) fn ZoneChoice() -> impl IntoView {
    let chosen = Signal::derive(|| if zone::is_utc() { "utc" } else { "local" }.to_owned());
    view! {
        <Segments
            legend="Times"
            name="zone"
            options=vec![("local", "Local time"), ("utc", "UTC")]
            chosen
            on_choose=|value: &'static str| zone::show_utc(value == "utc")
        />
    }
}

/// A group of radio buttons in one line.
#[component]
fn Segments(
    legend: &'static str,
    /// The name of the group.
    name: &'static str,
    /// Values with their labels.
    options: Vec<(&'static str, &'static str)>,
    #[prop(into)] chosen: Signal<String>,
    #[prop(into)] on_choose: Callback<&'static str>,
) -> impl IntoView {
    let option = move |(value, label): (&'static str, &'static str)| {
        view! {
            <label class="segment">
                <input
                    type="radio"
                    name=name
                    value=value
                    prop:checked=move || chosen.get() == value
                    on:change=move |_| on_choose.run(value)
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <fieldset class="segments">
            <legend class="visually-hidden">{legend}</legend>
            {options.into_iter().map(option).collect_view()}
        </fieldset>
    }
}
