//! The page of one thing: while it is asked for, when it cannot be had, and when it is there.

use leptos::prelude::*;

use super::{Failure, PageHead, SkeletonRows};
use crate::fetch::Stage;

/// The children once the thing is there; before that, and instead, a page that says how it stands.
#[component]
pub(crate) fn ObjectPage(
    /// What kind of thing it is, such as "Job".
    noun: &'static str,
    /// The list it belongs to: an address and what it is called.
    parent: (&'static str, &'static str),
    /// Why there may be none, in a sentence.
    missing: &'static str,
    /// How far the query for it is.
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
        Stage::Failed(error) if error.is_not_found() => {
            view! { <PageHead title=format!("{noun} not found") parent about=move || missing /> }.into_any()
        }
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
