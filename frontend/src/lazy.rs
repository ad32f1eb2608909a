//! Pages whose code is loaded when they are first opened, and parts of pages.
//!
//! With the feature `split`, the code of these pages and parts is in separate files, which are not part of the first
//! load. Without the feature, as in a plain `trunk build`, all code is in one file.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use leptos::{prelude::*, task::spawn_local};

use crate::{
    effect::effect,
    pending_first_queries::FirstQueries,
    ui::{Icon, PageHead, SkeletonRows, SkeletonText, Toasts},
};

/// Creates the view of a loaded page.
pub(crate) type MakePage = fn() -> AnyView;

/// The future that loads the code of a page.
pub(crate) type Loading = Pin<Box<dyn Future<Output = Result<MakePage, LoadError>>>>;

/// Creates the view of a loaded part of a page. `P` is the value that the page passes to the part.
pub(crate) type MakePart<P> = fn(P) -> AnyView;

/// The future that loads the code of a part of a page.
pub(crate) type LoadingPart<P> = Pin<Box<dyn Future<Output = Result<MakePart<P>, LoadError>>>>;

/// The code of a page failed to load: the server cannot be reached, or was updated and has other files.
#[derive(Clone, Copy)]
pub(crate) struct LoadError;

#[cfg(feature = "split")]
impl From<wasm_split_helpers::SplitLoaderError> for LoadError {
    fn from(_: wasm_split_helpers::SplitLoaderError) -> Self {
        Self
    }
}

/// Declares functions that load pages, such as `pieces! { admin: customers => Customers, users => Users; }`. The
/// function `customers` loads the page `Customers`. The pages of one piece, here `admin`, are in one file.
macro_rules! pieces {
    ($($piece:ident: $($load:ident => $page:path),+;)+) => {$($(
        pub(crate) fn $load() -> $crate::lazy::Loading {
            #[cfg(feature = "split")]
            #[wasm_split_helpers::wasm_split($piece, fallible)]
            fn $load() -> Result<$crate::lazy::MakePage, $crate::lazy::LoadError> {
                Ok(|| $page().into_any())
            }
            #[cfg(feature = "split")]
            let loading = $load();
            #[cfg(not(feature = "split"))]
            let loading = std::future::ready(Ok((|| $page().into_any()) as $crate::lazy::MakePage));
            Box::pin(loading)
        }
    )+)+};
}
pub(crate) use pieces;

/// Declares a function that loads a part of a page, such as `part! { charts: load(Scope) => show }`. The function
/// `load` loads the piece `charts`, and `show` creates the view of the part from a `Scope`.
macro_rules! part {
    ($piece:ident: $load:ident($given:ty) => $make:path) => {
        fn $load() -> $crate::lazy::LoadingPart<$given> {
            #[cfg(feature = "split")]
            #[wasm_split_helpers::wasm_split($piece, fallible)]
            fn $load() -> Result<$crate::lazy::MakePart<$given>, $crate::lazy::LoadError> {
                Ok($make)
            }
            #[cfg(feature = "split")]
            let loading = $load();
            #[cfg(not(feature = "split"))]
            let loading = std::future::ready(Ok($make as $crate::lazy::MakePart<$given>));
            Box::pin(loading)
        }
    };
}
pub(crate) use part;

/// The view of a route: a skeleton until the code of the page is loaded, then the page.
pub(crate) fn lazy(load: fn() -> Loading) -> impl Fn() -> AnyView + Copy {
    move || show(load(), skeleton, failure)
}

/// A part of a page whose code begins to load when the part is created. Until the code is loaded, it is a card with a
/// skeleton. Content that waits for the first queries ([`FirstQueries`]) also waits for this code.
pub(crate) fn lazy_card(load: fn() -> Loading) -> AnyView {
    show(load(), card_skeleton, card_failure)
}

/// A dialog, or another part of all pages, whose code is loaded when `open` is first set. If loading fails, `open` is
/// reset and a notification says so.
pub(crate) fn lazy_dialog(open: RwSignal<bool>, load: fn() -> Loading) -> impl Fn() -> Option<AnyView> {
    let toasts = expect_context::<Toasts>();
    let make = RwSignal::new(None::<MakePage>);
    effect(move || {
        if !open.get() || make.with_untracked(Option::is_some) {
            return;
        }
        spawn_local(async move {
            if let Ok(loaded) = load().await {
                make.try_set(Some(loaded));
            } else {
                open.try_set(false);
                toasts.error("Part of the dashboard failed to load. Reload the page.".to_owned());
            }
        });
    });
    move || make.get().map(|make| make())
}

/// A part of all pages whose code is loaded after a pause. If loading fails, the part is not shown.
pub(crate) fn lazy_later(pause: Duration, load: fn() -> Loading) -> impl Fn() -> Option<AnyView> {
    let make = RwSignal::new(None::<MakePage>);
    let begin = move || {
        spawn_local(async move {
            if let Ok(loaded) = load().await {
                make.try_set(Some(loaded));
            }
        });
    };
    set_timeout(begin, pause);
    move || make.get().map(|make| make())
}

/// A part of a page whose code is loaded when the page is first shown: a skeleton until then.
pub(crate) fn lazy_part<P: Clone + Send + Sync + 'static>(mut loading: LoadingPart<P>, given: P) -> AnyView {
    let outcome = RwSignal::new(None::<Result<MakePart<P>, LoadError>>);
    match loading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(loaded) => outcome.set(Some(loaded)),
        // The user may have left the page.
        Poll::Pending => spawn_local(async move {
            outcome.try_set(Some(loading.await));
        }),
    }
    (move || match outcome.get() {
        None => view! {
            <div class="card">
                <SkeletonRows rows=8 />
            </div>
        }
        .into_any(),
        Some(Ok(make)) => make(given.clone()),
        Some(Err(LoadError)) => view! {
            <div class="card">
                <p class="card-text" role="alert">
                    "Part of the dashboard failed to load. Reload the page."
                </p>
            </div>
        }
        .into_any(),
    })
    .into_any()
}

/// Loads the code of a page in advance.
pub(crate) fn prepare(load: fn() -> Loading) {
    // If loading fails, opening the page tries again and shows the failure.
    spawn_local(async move {
        let _ = load().await;
    });
}

/// Loads the code of a part of a page in advance.
pub(crate) fn prepare_part<P: 'static>(loading: LoadingPart<P>) {
    // If loading fails, showing the part tries again and shows the failure.
    spawn_local(async move {
        let _ = loading.await;
    });
}

fn show(mut loading: Loading, skeleton: fn() -> AnyView, failure: fn() -> AnyView) -> AnyView {
    let outcome = RwSignal::new(None);
    // If the code is loaded already, the future is ready at once, so that no skeleton flashes.
    match loading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(make)) => return make(),
        Poll::Ready(Err(LoadError)) => outcome.set(Some(Err(LoadError))),
        // The user may have left the page.
        Poll::Pending => {
            let first = use_context::<FirstQueries>();
            first.into_iter().for_each(FirstQueries::begin);
            spawn_local(async move {
                outcome.try_set(Some(loading.await));
                first.into_iter().for_each(FirstQueries::end);
            });
        }
    }
    (move || match outcome.get() {
        None => skeleton(),
        Some(Ok(make)) => make(),
        Some(Err(LoadError)) => failure(),
    })
    .into_any()
}

/// The placeholder of a part of a page whose code is loading.
fn card_skeleton() -> AnyView {
    view! {
        <div class="card">
            <SkeletonRows rows=3 />
        </div>
    }
    .into_any()
}

/// The message in place of a part of a page whose code could not be loaded.
fn card_failure() -> AnyView {
    view! { <div class="card">{reload_offer()}</div> }.into_any()
}

/// The placeholder of a page whose code is loading.
fn skeleton() -> AnyView {
    view! {
        <header class="page-head">
            <div class="page-skeleton">
                <SkeletonText />
            </div>
        </header>
        <div class="card">
            <SkeletonRows rows=8 />
        </div>
    }
    .into_any()
}

fn failure() -> AnyView {
    view! {
        <PageHead title="This page could not be loaded" />
        <div class="card">{reload_offer()}</div>
    }
    .into_any()
}

/// The message that code could not be loaded, with a button that reloads the page.
fn reload_offer() -> AnyView {
    view! {
        <div class="empty" role="alert">
            <span class="empty-icon" data-tone="bad">
                <Icon name="warning" />
            </span>
            <p class="empty-title">"Part of the dashboard failed to load"</p>
            <p class="empty-text">
                "The server may have been updated since this tab was opened, or it cannot be reached."
            </p>
            <button type="button" class="button" on:click=|_| drop(window().location().reload())>
                "Reload"
            </button>
        </div>
    }
    .into_any()
}
