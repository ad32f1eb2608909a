//! The result of a query: loading, failed, empty, or its content.

use leptos::prelude::*;

use super::{Failure, SkeletonRows};
use crate::reactive_query::Stage;

/// Shows the children when the query has a result. Shows a skeleton while the query is pending, the error if it failed,
/// or `nothing` if it found nothing.
#[component]
pub(crate) fn QueryResult(
    /// The stage of the query.
    stage: Signal<Stage>,
    /// Whether the query has found nothing.
    #[prop(into)]
    is_empty: Signal<bool>,
    /// The number of rows of the skeleton.
    #[prop(default = 5)]
    skeleton_rows: usize,
    /// Runs the query again.
    #[prop(into)]
    on_retry: Callback<()>,
    /// Shown when the query has found nothing.
    #[prop(into)]
    nothing: ViewFn,
    children: ChildrenFn,
) -> impl IntoView {
    let case = Memo::new(move |_| (stage.get(), is_empty.get()));
    move || match case.get() {
        (Stage::Pending, _) => view! { <SkeletonRows rows=skeleton_rows /> }.into_any(),
        (Stage::Failed(error), _) => view! { <Failure error on_retry /> }.into_any(),
        (Stage::Ready, true) => nothing.run(),
        (Stage::Ready, false) => children(),
    }
}
