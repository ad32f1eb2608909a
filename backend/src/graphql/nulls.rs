//! Null where a field failed. The library leaves such a field out of its object; the specification wants null in its
//! place or, where that may not be, in the place of whatever holds it.

use std::{
    collections::HashSet,
    mem::take,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::{QueryPathNode, QueryPathSegment, Response, ServerError, ServerResult, Value};

/// What could not be had so far in one execution.
#[derive(Default)]
pub(super) struct Nulls(Mutex<Missing>);

#[derive(Default)]
struct Missing {
    /// Of fields that are null because of it.
    errors: Vec<ServerError>,
    /// The places of objects that lack a field which may not be null.
    incomplete: HashSet<Vec<String>>,
}

/// The error of a place that may not be null but has to be, because something in it failed: that is reported already.
struct Reported;

impl Nulls {
    /// What takes the place of a field, or of an item of a list, once it was resolved.
    pub(super) fn settle(
        &self,
        place: &QueryPathNode<'_>,
        ty: &str,
        outcome: ServerResult<Option<Value>>,
    ) -> ServerResult<Option<Value>> {
        let mut missing = self.lock();
        let error = match outcome {
            Err(error) => error,
            Ok(_) if !missing.incomplete.is_empty() && missing.incomplete.remove(&place.to_string_vec()) => {
                ServerError { source: Some(Arc::new(Reported)), ..ServerError::new("", None) }
            }
            Ok(value) => return Ok(value),
        };
        if !ty.ends_with('!') {
            missing.errors.extend(Some(error).filter(is_news));
            return Ok(Some(Value::Null));
        }
        // A list fails with its item; an object goes on without its field.
        if matches!(place.segment, QueryPathSegment::Name(_)) {
            missing.incomplete.insert(place.parent.map(|parent| parent.to_string_vec()).unwrap_or_default());
        }
        Err(error)
    }

    /// The response of the execution, with nothing left out.
    pub(super) fn complete(&self, mut response: Response) -> Response {
        let Missing { errors, incomplete } = take(&mut *self.lock());
        if !incomplete.is_empty() {
            response.data = Value::Null;
        }
        response.errors.retain(is_news);
        response.errors.extend(errors);
        response
    }

    fn lock(&self) -> MutexGuard<'_, Missing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_news(error: &ServerError) -> bool {
    error.source::<Reported>().is_none()
}
