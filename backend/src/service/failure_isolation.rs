//! Background tasks that work on many objects: a failure for one object does not affect the others.

use std::{any::Any, fmt::Display, panic::AssertUnwindSafe};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::task::yield_now;

use super::ControlPlane;
use crate::error::{Error, Result};

/// The maximum number of ids that are listed at once.
pub(super) const PAGE: i64 = 1_000;

/// Runs a background task. If it fails or panics, the failure is logged and counted, and the result is `None`.
pub fn guarded<'a, T: 'a>(
    what: &'static str,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> impl Future<Output = Option<T>> + Send {
    let work = caught(work);
    async move {
        match work.await {
            Ok(done) => Some(done),
            Err(error) => {
                failed(what, &error, None);
                None
            }
        }
    }
}

/// Runs a background task for one object. If it fails or panics, the failure is logged and counted, and the result is
/// `None`.
///
/// # Errors
///
/// [`Error::DatabaseUnavailable`] if the task fails with it, because it would fail for every other object as well.
pub(super) fn attempt<'a, T: 'a>(
    what: &'static str,
    object: impl Display + Send + Sync,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> impl Future<Output = Result<Option<T>>> + Send {
    let work = caught(work);
    async move {
        match work.await {
            Ok(done) => Ok(Some(done)),
            Err(error @ Error::DatabaseUnavailable(_)) => Err(error),
            Err(error) => {
                failed(what, &error, Some(&object));
                Ok(None)
            }
        }
    }
}

/// Turns a panic of the work into an error. Boxed, because the futures that await it are nested deeply.
fn caught<'a, T: 'a>(work: impl Future<Output = Result<T>> + Send + 'a) -> impl Future<Output = Result<T>> + Send {
    let work: BoxFuture<'a, Result<T>> = Box::pin(work);
    async move { AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic))) }
}

fn failed(what: &'static str, error: &Error, object: Option<&dyn Display>) {
    metrics::counter!("mftplus_background_failures_total", "work" => what).increment(1);
    let error = error as &(dyn std::error::Error + 'static);
    let object = object.map(tracing::field::display);
    tracing::error!(error, what, object.id = object, "background work failed");
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", message.unwrap_or("without a message")))
}

impl ControlPlane {
    /// Runs `work` for all objects that `list` finds, `at_a_time` of them together. Returns the sum of what `work`
    /// returned. `list` receives the last object of the previous page and returns the next ones in ascending order, at
    /// most [`PAGE`]. If the work for several objects fails, it runs for each of them alone.
    pub(super) async fn work_through<T, Listed, Worked>(
        &self,
        what: &'static str,
        at_a_time: usize,
        list: impl Fn(Option<T>) -> Listed,
        work: impl Fn(Vec<T>) -> Worked,
    ) -> Result<usize>
    where
        T: Copy + Display + Send + Sync,
        Listed: Future<Output = Result<Vec<T>>> + Send,
        Worked: Future<Output = Result<usize>> + Send,
    {
        let (mut done, mut newest) = (0, None);
        loop {
            let page = list(newest).await?;
            newest = page.last().copied();
            for objects in page.chunks(at_a_time.max(1)) {
                if self.stop.is_cancelled() {
                    return Ok(done);
                }
                done += together(what, objects, &work).await?;
                // Reports of agents are handled between two transactions.
                yield_now().await;
            }
            if i64::try_from(page.len()).unwrap_or(i64::MAX) < PAGE {
                return Ok(done);
            }
        }
    }
}

/// Runs the work for several objects together; if that fails, for each of them alone.
async fn together<T, Worked>(what: &'static str, objects: &[T], work: &impl Fn(Vec<T>) -> Worked) -> Result<usize>
where
    T: Copy + Display + Send + Sync,
    Worked: Future<Output = Result<usize>> + Send,
{
    if objects.len() > 1 {
        match caught(work(objects.to_vec())).await {
            Ok(done) => return Ok(done),
            Err(error @ Error::DatabaseUnavailable(_)) => return Err(error),
            // The attempts below show which object is at fault.
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, what, "background work for several objects failed: each is tried alone");
            }
        }
    }
    let mut done = 0;
    for object in objects {
        done += attempt(what, object, work(vec![*object])).await?.unwrap_or(0);
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd(numbers: &[i32]) -> Result<usize> {
        assert!(!numbers.contains(&5), "five is at fault");
        if numbers.contains(&3) { Err(Error::internal("three is at fault")) } else { Ok(numbers.len()) }
    }

    #[tokio::test]
    async fn an_error_or_a_panic_for_one_object_does_not_affect_the_others() {
        let done = together("testing", &[1, 2, 3, 4, 5, 6], &|numbers: Vec<i32>| async move { odd(&numbers) }).await;
        assert_eq!(done.expect("done"), 4);
    }

    #[tokio::test]
    async fn a_database_that_is_not_available_ends_the_work_for_all() {
        let away = |_: Vec<i32>| async { Err(Error::DatabaseUnavailable("away".into())) };
        assert!(matches!(together("testing", &[1, 2], &away).await, Err(Error::DatabaseUnavailable(_))));
    }

    #[tokio::test]
    async fn a_panic_ends_no_loop() {
        assert_eq!(guarded::<()>("testing", async { panic!("at once") }).await, None);
    }
}
