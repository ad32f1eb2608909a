//! Pages whose code comes when somebody first wants to see them.
//!
//! With the feature `split` the code of such pages is cut into files of its own, which the first load need not bring.
//! Without it, as in a plain `trunk build`, everything is in one file, and nothing waits.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use leptos::{prelude::*, task::spawn_local};

use crate::ui::{Icon, PageHead, SkeletonRows, SkeletonText};

/// What makes a page, once its code is here.
pub(crate) type MakePage = fn() -> AnyView;

/// A page's code on its way.
pub(crate) type Loading = Pin<Box<dyn Future<Output = Result<MakePage, LoadError>>>>;

/// The code of a page did not come: no network, or the server has been replaced by one with other files.
#[derive(Clone, Copy)]
pub(crate) struct LoadError;

#[cfg(feature = "split")]
impl From<wasm_split_helpers::SplitLoaderError> for LoadError {
    fn from(_: wasm_split_helpers::SplitLoaderError) -> Self {
        Self
    }
}

/// Declares functions that load pages: `pieces! { admin: customers => Customers, users => Users }`. All pages of one name
/// before a colon come in one file.
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

/// A view for a route: the page as soon as its code is here.
pub(crate) fn lazy(load: fn() -> Loading) -> impl Fn() -> AnyView + Copy {
    move || show(load())
}

/// Loads a page's code because it may be wanted soon.
pub(crate) fn prepare(load: fn() -> Loading) {
    // Whoever then wants the page is told if this has failed.
    spawn_local(async move {
        let _ = load().await;
    });
}

fn show(mut loading: Loading) -> AnyView {
    let outcome = RwSignal::new(None);
    // The code is here already but for the first time, and then there is nothing to flash.
    match loading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(make)) => return make(),
        Poll::Ready(Err(LoadError)) => outcome.set(Some(Err(LoadError))),
        // The user may have gone elsewhere meanwhile.
        Poll::Pending => spawn_local(async move {
            outcome.try_set(Some(loading.await));
        }),
    }
    (move || match outcome.get() {
        None => skeleton(),
        Some(Ok(make)) => make(),
        Some(Err(LoadError)) => failure(),
    })
    .into_any()
}

/// What a page looks like before it is there.
fn skeleton() -> AnyView {
    view! {
        <header class="page-head">
            <div class="page-bones">
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
        <div class="card">
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
        </div>
    }
    .into_any()
}
