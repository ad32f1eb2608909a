//! The lock that allows only one renewal of the token at a time, in this tab and among all tabs.

use std::{cell::RefCell, future::Future, rc::Rc};

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use crate::api::ApiError;

/// The renewal that runs in this tab, if there is one.
#[derive(Clone, Default)]
pub(super) struct RenewalLock(Rc<RefCell<Option<Renewal>>>);

/// A running renewal and its outcome.
#[derive(Clone)]
struct Renewal {
    ended: Promise,
    outcome: Rc<RefCell<Result<(), ApiError>>>,
}

impl RenewalLock {
    /// Runs a renewal when no other tab runs one. If this tab runs one already, waits for it and returns its outcome.
    pub(super) async fn run(
        self,
        renewal: impl Future<Output = Result<(), ApiError>> + 'static,
    ) -> Result<(), ApiError> {
        let running = self.0.borrow().clone();
        let Renewal { ended, outcome } = running.unwrap_or_else(|| self.begin(renewal));
        if JsFuture::from(ended).await.is_err() {
            return Err(ApiError::Unreachable);
        }
        outcome.borrow().clone()
    }

    fn begin(&self, renewal: impl Future<Output = Result<(), ApiError>> + 'static) -> Renewal {
        let outcome = Rc::new(RefCell::new(Err(ApiError::Unreachable)));
        let (running_renewal, result) = (Rc::clone(&self.0), Rc::clone(&outcome));
        let ended = with_browser_lock(async move {
            let renewed = renewal.await;
            *result.borrow_mut() = renewed;
            running_renewal.borrow_mut().take();
            Ok(JsValue::UNDEFINED)
        });
        let renewal_handle = Renewal { ended, outcome };
        *self.0.borrow_mut() = Some(renewal_handle.clone());
        renewal_handle
    }
}

/// Runs a future while no other tab runs one. Browsers provide such locks only to pages that were loaded securely;
/// without them, the future runs at once.
fn with_browser_lock(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    match request_lock() {
        Some((locks, request)) => {
            let run = Closure::once_into_js(move |_lock: JsValue| future_to_promise(work));
            let granted = request.call2(&locks, &JsValue::from_str("mftplus-session"), &run);
            granted.map_or_else(|error| Promise::reject(&error), JsCast::unchecked_into)
        }
        None => future_to_promise(work),
    }
}

/// `navigator.locks` and its `request`, which are unstable in `web-sys`.
fn request_lock() -> Option<(JsValue, Function)> {
    let navigator = window().navigator();
    let locks = Reflect::get(&navigator, &JsValue::from_str("locks")).ok()?;
    let request = Reflect::get(&locks, &JsValue::from_str("request")).ok()?;
    Some((locks, request.dyn_into().ok()?))
}
