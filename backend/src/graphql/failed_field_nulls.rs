//! Nulls for failed fields. The library leaves a failed field out of its object. The specification requires null in its
//! place or, if the field is not nullable, in the place of the nearest nullable parent.

use std::{
    collections::HashSet,
    mem::take,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::{QueryPathNode, QueryPathSegment, Response, ServerError, ServerResult, Value};

/// The failed fields of one execution so far.
#[derive(Default)]
pub(super) struct Nulls(Mutex<Missing>);

#[derive(Default)]
struct Missing {
    /// The errors of fields that are null because they failed.
    errors: Vec<ServerError>,
    /// The paths of objects that lack a field because it is not nullable.
    incomplete: HashSet<Vec<String>>,
}

/// The error of a value that is not nullable and contains a failed field, which was reported already.
struct Reported;

impl Nulls {
    /// Returns the value of a field or list item after it was resolved: null if it failed and its type is nullable. If
    /// it failed and its type is not nullable, returns the error, which makes the parent fail.
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
            missing.errors.extend(Some(error).filter(is_unreported));
            return Ok(Some(Value::Null));
        }
        // A failed item fails its list; a failed field only leaves its object incomplete.
        if matches!(place.segment, QueryPathSegment::Name(_)) {
            missing.incomplete.insert(place.parent.map(|parent| parent.to_string_vec()).unwrap_or_default());
        }
        Err(error)
    }

    /// Completes a response after its execution: adds the errors of the fields that became null, and makes `data` null
    /// if a field of the root failed and is not nullable.
    pub(super) fn complete(&self, mut response: Response) -> Response {
        let Missing { errors, incomplete } = take(&mut *self.lock());
        if !incomplete.is_empty() {
            response.data = Value::Null;
        }
        response.errors.retain(is_unreported);
        response.errors.extend(errors);
        response
    }

    fn lock(&self) -> MutexGuard<'_, Missing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_unreported(error: &ServerError) -> bool {
    error.source::<Reported>().is_none()
}
