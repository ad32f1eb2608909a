//! The page of one object: loading, not found, failed, or its content.

use leptos::prelude::*;

use super::{Empty, Failure, PageHead, SkeletonRows};
use crate::{base_path::href, reactive_query::Stage};

/// The page of an object that does not exist, or that the user may not see.
#[component]
pub(crate) fn Missing(
    /// The kind of the object, such as "Job".
    noun: &'static str,
    /// The list that such objects belong to: address and name.
    parent: (&'static str, &'static str),
    /// The possible reason.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    let (address, name) = parent;
    view! {
        <PageHead title=format!("{noun} not found") parent />
        <div class="card">
            <Empty icon="search" title=format!("There is no {} at this address", noun.to_ascii_lowercase())>
                <p>{text}</p>
                <a class="button" href=href(address)>
                    {format!("All {}", name.to_ascii_lowercase())}
                </a>
            </Empty>
        </div>
    }
}

/// Shows the children once the object is loaded, and a placeholder page otherwise.
#[component]
pub(crate) fn ObjectPage(
    /// The kind of the object, such as "Job".
    noun: &'static str,
    /// The list that the object belongs to: address and name.
    parent: (&'static str, &'static str),
    /// The sentence for an object that was not found.
    missing: &'static str,
    /// The stage of the object's query.
    stage: Signal<Stage>,
    /// Runs the query again.
    #[prop(into)]
    on_retry: Callback<()>,
    children: ChildrenFn,
) -> impl IntoView {
    let case = Memo::new(move |_| stage.get());
    move || match case.get() {
        Stage::Pending => view! {
            <PageHead title=noun parent />
            <div class="card">
                <SkeletonRows rows=6 />
            </div>
        }
        .into_any(),
        Stage::Failed(error) if error.is_not_found() => view! { <Missing noun parent text=missing /> }.into_any(),
        Stage::Failed(error) => view! {
            <PageHead title=noun parent />
            <div class="card">
                <Failure error on_retry />
            </div>
        }
        .into_any(),
        Stage::Ready => children(),
    }
}
