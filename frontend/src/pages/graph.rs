//! The graph of the steps of a pipeline, as SVG.
//!
//! All steps together are one tab stop; the arrow keys move from step to step. The frame around the graph is another
//! tab stop.

mod layout;
mod step_details;
mod zoom;

use std::collections::BTreeMap;

use leptos::{ev::KeyboardEvent, prelude::*};

pub(super) use self::step_details::StepDetails;
use self::{
    layout::{Layout, NODE, lay_out},
    zoom::ZoomFrame,
};
use crate::{
    api::{
        pipeline_plan::{PlannedStep, When},
        pipeline_runs::{Step, StepStatus},
    },
    browser,
    effect::effect,
    format,
    labels::pipelines::{executor, step_progress, step_state, when},
};

/// The maximum number of characters that are shown of a step's name.
const NAME: usize = 20;
/// The maximum number of characters that are shown of the line below the name.
const ABOUT: usize = 29;

/// A graph of steps. A step gets the focus with the keys, and is opened with a click, Enter or Space.
#[component]
pub(super) fn Graph(
    /// The steps in topological order.
    steps: Memo<Vec<PlannedStep>>,
    /// The steps of a run with their progress; empty without a run.
    #[prop(optional, into)]
    run_steps: Signal<Vec<Step>>,
    /// The id of the step that had the focus last.
    current: RwSignal<Option<String>>,
    /// The id of the step whose details are shown. The signal of `current` if the details follow the focus.
    #[prop(into)]
    shown: Signal<Option<String>>,
    /// Called when the user opens a step.
    #[prop(optional, into)]
    on_open: Option<Callback<String>>,
) -> impl IntoView {
    let svg = NodeRef::<leptos::svg::Svg>::new();
    let layout = Memo::new(move |_| steps.with(|steps| lay_out(&needs(steps))));
    // The step that the Tab key moves to.
    let stop = Memo::new(move |_| {
        let current = current.get();
        steps.with(|steps| {
            let is_current = |step: &&PlannedStep| Some(&step.id) == current.as_ref();
            steps.iter().find(is_current).or(steps.first()).map(|step| step.id.clone())
        })
    });
    effect(move || {
        // The focus follows the current step, but is never taken from an element outside the graph.
        let (Some(svg), Some(id)) = (svg.get(), current.get()) else { return };
        if document().active_element().is_some_and(|element| svg.contains(Some(&element))) {
            browser::focus(&element_id(&id));
        }
    });
    let press = move |event: KeyboardEvent| {
        let Some(focused) = stop.get_untracked() else { return };
        let key = event.key();
        if matches!(key.as_str(), "Enter" | " ") {
            event.prevent_default();
            current.set(Some(focused.clone()));
            if let Some(open) = on_open {
                open.run(focused);
            }
        } else if let Some(next) = steps.with_untracked(|steps| {
            let at = steps.iter().position(|step| step.id == focused)?;
            let to = layout.with_untracked(|layout| neighbour(layout, at, &key))?;
            steps.get(to).map(|step| step.id.clone())
        }) {
            event.prevent_default();
            current.set(Some(next));
        }
    };
    let zoom = RwSignal::new(None::<f64>);
    let natural_width = Memo::new(move |_| layout.with(|layout| layout.width));
    let drawn = move || {
        let layout = layout.get();
        let (width, height) = (layout.width, layout.height);
        let lines = steps.with(|steps| lines(&layout, steps));
        let nodes = steps.with(|steps| {
            let node = |(step, at): (&PlannedStep, &layout::Node)| {
                view! { <Node step=step.clone() x=at.x y=at.y run_steps current shown stop on_open /> }
            };
            steps.iter().zip(&layout.nodes).map(node).collect_view()
        });
        view! {
            <svg
                node_ref=svg
                class="graph"
                role="group"
                aria-label="Steps"
                width=width
                height=height
                style:--width=format!("{width}px")
                style:--zoom=move || format::fixed(zoom.get().unwrap_or(1.0), 3)
                data-zoomed=move || zoom.get().is_some().to_string()
                viewBox=format!("0 0 {width} {height}")
                on:keydown=press
            >
                {lines}
                {nodes}
            </svg>
        }
    };
    let has_other = Memo::new(move |_| steps.with(|steps| steps.iter().any(|step| step.when != When::Success)));
    view! {
        <ZoomFrame zoom width=natural_width>
            {drawn}
        </ZoomFrame>
        <Show when=move || has_other.get()>
            <Legend />
        </Show>
    }
}

/// The indexes of the steps that each step needs.
fn needs(steps: &[PlannedStep]) -> Vec<Vec<usize>> {
    let places: BTreeMap<&str, usize> = steps.iter().zip(0..).map(|(step, at)| (step.id.as_str(), at)).collect();
    steps.iter().map(|step| step.needs.iter().filter_map(|need| places.get(need.as_str()).copied()).collect()).collect()
}

/// The index of the step to which an arrow key moves from the step `at`; `None` if there is none.
fn neighbour(layout: &Layout, at: usize, key: &str) -> Option<usize> {
    let here = layout.nodes.get(at)?;
    let nodes = || layout.nodes.iter().enumerate();
    match key {
        "ArrowLeft" => nodes().filter(|(_, n)| n.layer == here.layer && n.x < here.x).max_by_key(|(_, n)| n.x),
        "ArrowRight" => nodes().filter(|(_, n)| n.layer == here.layer && n.x > here.x).min_by_key(|(_, n)| n.x),
        "ArrowUp" => {
            let above = here.layer.checked_sub(1)?;
            nodes().filter(|(_, n)| n.layer == above).min_by_key(|(_, n)| (n.x - here.x).abs())
        }
        "ArrowDown" => nodes().filter(|(_, n)| n.layer == here.layer + 1).min_by_key(|(_, n)| (n.x - here.x).abs()),
        "Home" => nodes().next(),
        "End" => nodes().next_back(),
        _ => return None,
    }
    .map(|(index, _)| index)
}

/// The element id of a step.
pub(super) fn element_id(step: &str) -> String {
    format!("step-{step}")
}

fn kind_of_line(when: When) -> &'static str {
    match when {
        When::Success => "success",
        When::Failure => "failure",
        When::Always => "always",
    }
}

fn lines(layout: &Layout, steps: &[PlannedStep]) -> AnyView {
    let line = |edge: &layout::Edge| {
        let kind = kind_of_line(steps.get(edge.to).map(|step| step.when).unwrap_or_default());
        view! {
            <path class="graph-line" data-when=kind d=edge.line.clone() />
            <path class="graph-head" data-when=kind d=edge.head.clone() />
        }
    };
    view! { <g aria-hidden="true">{layout.edges.iter().map(line).collect_view()}</g> }.into_any()
}

/// The legend of the lines.
#[component]
fn Legend() -> impl IntoView {
    let meaning = |(when, words): (When, &'static str)| {
        view! {
            <li>
                <svg class="graph-sample" viewBox="0 0 32 8" aria-hidden="true">
                    <path class="graph-line" data-when=kind_of_line(when) d="M0 4H32" />
                </svg>
                {words}
            </li>
        }
    };
    let meanings = [
        (When::Success, "if all previous steps completed"),
        (When::Failure, "if a previous step failed"),
        (When::Always, "always"),
    ];
    view! {
        <ul class="strip-legend" aria-label="Legend of the graph">
            {meanings.map(meaning).collect_view()}
        </ul>
    }
}

#[component]
fn Node(
    step: PlannedStep,
    x: i32,
    y: i32,
    run_steps: Signal<Vec<Step>>,
    current: RwSignal<Option<String>>,
    shown: Signal<Option<String>>,
    stop: Memo<Option<String>>,
    on_open: Option<Callback<String>>,
) -> impl IntoView {
    let id = StoredValue::new(step.id.clone());
    let own = Memo::new(move |_| {
        run_steps.with(|run_steps| id.with_value(|id| run_steps.iter().find(|step| step.id == *id).cloned()))
    });
    let is_own = move |other: &Option<String>| id.with_value(|id| other.as_ref() == Some(id));
    let state = move || own.with(|own| own.as_ref().map(|step| step_state(step.status)));
    let (kind, tag, executor) = (step.action.kind().to_owned(), when(step.when), executor(&step));
    let about = move || {
        let second = own.with(|own| own.as_ref().map_or_else(|| executor.clone(), step_progress));
        shortened(&format!("{kind} · {second}"), ABOUT)
    };
    let (kind, needs) = (step.action.kind().to_owned(), step.needs.join(", "));
    let label = move || {
        let progress =
            own.with(|own| own.as_ref().map(|step| format!(", {}", step_progress(step)))).unwrap_or_default();
        let after = if needs.is_empty() { String::new() } else { format!(", after {needs}") };
        let tag = if tag.is_empty() { String::new() } else { format!(", {tag}") };
        format!("{}: {kind}{progress}{after}{tag}", id.get_value())
    };
    let done = move || {
        own.with(|own| {
            let running = own.as_ref().filter(|step| step.status == StepStatus::Running);
            running.and_then(|step| step.progress)
        })
    };
    let (width, height) = NODE;
    #[expect(clippy::cast_possible_truncation, reason = "0 to a few hundred")]
    let bar = move || {
        done().map(|done| {
            let length = (f64::from(width - 2) * done.clamp(0.0, 100.0) / 100.0) as i32;
            view! { <rect class="graph-bar" x=1 y=height - 5 width=length height=4 /> }
        })
    };
    let open = move |_| {
        current.set(Some(id.get_value()));
        if let Some(open) = on_open {
            open.run(id.get_value());
        }
    };
    view! {
        <g
            id=element_id(&step.id)
            class="graph-node"
            role="button"
            tabindex=move || if stop.with(is_own) { "0" } else { "-1" }
            aria-label=label
            aria-pressed=move || shown.with(is_own).to_string()
            data-tone=move || state().map(|(.., tone)| tone.name())
            data-status=move || state().map(|(word, ..)| word)
            transform=format!("translate({x} {y})")
            on:click=open
            on:focus=move |_| current.set(Some(id.get_value()))
        >
            <title>{step.id.clone()}</title>
            <rect class="graph-box" width=width height=height rx="8" />
            <text class="graph-name" x="14" y="25">
                {shortened(&step.id, NAME)}
            </text>
            <text class="graph-about" x="14" y="45">
                {about}
            </text>
            <text class="graph-sign" x=width - 12 y="25" text-anchor="end">
                {move || state().map(|(_, sign, _)| sign)}
            </text>
            // The tag is beside the arrow heads that point to this step.
            <text class="graph-tag" x=width / 2 + 9 y="-8">
                {tag}
            </text>
            {bar}
        </g>
    }
}

/// A text, cut off with an ellipsis if it is too long.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(most - 1).collect();
    format!("{beginning}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrow_keys_go_from_step_to_step() {
        let layout = lay_out(&[vec![], vec![0], vec![0], vec![1, 2]]);
        let to = |at, key| neighbour(&layout, at, key);
        assert_eq!((to(0, "ArrowDown"), to(0, "ArrowUp")), (Some(1), None));
        assert_eq!((to(1, "ArrowRight"), to(2, "ArrowLeft"), to(2, "ArrowRight")), (Some(2), Some(1), None));
        assert_eq!((to(3, "Home"), to(0, "End"), to(0, "a")), (Some(0), Some(3), None));
    }

    #[test]
    fn long_names_are_cut_off() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened("längere", 5), "läng…");
    }
}
