//! What a query fills: the same four cases everywhere.

use leptos::prelude::*;

use super::{Failure, SkeletonRows};
use crate::fetch::Stage;

/// The children, or what stands in their place: bones while the query is under way, why it failed, or that there is
/// nothing.
#[component]
pub(crate) fn QueryResult(
    /// How far the query is.
    stage: Signal<Stage>,
    /// Whether it has found nothing.
    #[prop(into)]
    is_empty: Signal<bool>,
    /// How many rows are hinted at meanwhile.
    #[prop(default = 5)]
    skeleton_rows: usize,
    /// Runs the query again.
    #[prop(into)]
    on_retry: Callback<()>,
    /// What stands there when it has found nothing.
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
