//! Icons, 24 by 24, which repeat the text beside them.

use leptos::prelude::*;

/// An icon by its name.
#[component]
pub(crate) fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=outline(name) />
        </svg>
    }
}

/// The logo of the product.
#[component]
pub(crate) fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="8" />
            <path d="M7 12.5h15m-5-5 5 5-5 5" />
            <path d="M25 20.5H10m5 4.5-4.5-4.5" />
        </svg>
    }
}

fn outline(name: &str) -> &'static str {
    match name {
        "live" => "M3 12h4l3-8 4 16 3-8h4",
        "transfers" => "M4 8h14m-4-4 4 4-4 4M20 16H6m4-4-4 4 4 4",
        "agents" => "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01",
        "jobs" => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
        "pipelines" => "M4 4h6v5H4zM14 15h6v5h-6zM7 9v4a3 3 0 0 0 3 3h4m-2.500-2.500 2.500 2.500-2.500 2.500",
        "customers" => "M5 21V4h9v17M14 9h5v12M3 21h18M8.5 8h2M8.5 12h2M8.5 16h2",
        "users" => {
            "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.5 3-5.5 6.5-5.500s6.5 2 6.5 5.500M16 4.500a3.5 3.5 0 0 1 0 6.200M18.5 15c2 .8 3 2.6 3 5"
        }
        "activity" => "M4 6h.01M4 12h.01M4 18h.01M9 6h11M9 12h11M9 18h11",
        "key" => "M14.5 9.500a4 4 0 1 0-3.9 4l1.4-1.400V10h2zM13 11l7 7m-3-3 2-2",
        "menu" => "M4 7h16M4 12h16M4 17h16",
        "filter" => "M4 6h16M7 12h10M10 18h4",
        "more" => "M5 12h.01M12 12h.01M19 12h.01",
        "saved" => "M6 4h12v16l-6-4-6 4z",
        "view" => "M4 5h16v14H4zM10 5v14M15 5v14",
        "close" => "M6 6l12 12M18 6 6 18",
        "copy" => "M9 9h11v11H9zM5 15H4V4h11v1",
        "push" => "M12 20V6m-6 6 6-6 6 6",
        "pull" => "M12 4v14m-6-6 6 6 6-6",
        "theme" => "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
        "leave" => "M10 4H5v16h5M15 8l4 4-4 4M19 12H9",
        "plus" => "M12 5v14M5 12h14",
        "retry" => "M4 12a8 8 0 1 0 2.5-5.800L4 8.500M4 4v4.500h4.5",
        "search" => "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4",
        "done" => "M5 12.500l4.5 4.500L19 7",
        "critical" => "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16h.01",
        "notice" => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.500M12 8h.01",
        "warning" => "M12 4 2.5 20h19zM12 10v4.500M12 17.500h.01",
        _ => "M12 12h.01",
    }
}
