//! Background work, object by object: what cannot be done for one object must not keep the others waiting.

use std::{any::Any, fmt::Display, panic::AssertUnwindSafe};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::task::yield_now;

use super::ControlPlane;
use crate::error::{Error, Result};

/// How many objects are listed at once.
pub(super) const PAGE: i64 = 1_000;

/// Does a piece of background work. Whether it fails or panics, that is logged and counted, and the caller goes on.
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

/// Does a piece of background work for one object; nothing if that failed, which is logged and counted.
///
/// # Errors
///
/// [`Error::DatabaseUnavailable`]: the store is away, and so it is for every other object.
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

/// The work with a panic as its failure. It lies on the heap: whoever waits for it may be nested deeply.
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
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Error::internal(format!("panic: {}", said.unwrap_or("without a message")))
}

impl ControlPlane {
    /// Works through all objects that `list` finds, so many at a time; how many were changed. `list` is handed the last
    /// object of the page before and gives the next ones, in their order, at most [`PAGE`]. Where the work for several
    /// fails, it is done for each of them alone.
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
                // What agents report takes its turn between.
                yield_now().await;
            }
            if i64::try_from(page.len()).unwrap_or(i64::MAX) < PAGE {
                return Ok(done);
            }
        }
    }
}

/// Does the work for several objects at once; if that fails, for each of them alone.
async fn together<T, Worked>(what: &'static str, objects: &[T], work: &impl Fn(Vec<T>) -> Worked) -> Result<usize>
where
    T: Copy + Display + Send + Sync,
    Worked: Future<Output = Result<usize>> + Send,
{
    if objects.len() > 1 {
        match caught(work(objects.to_vec())).await {
            Ok(done) => return Ok(done),
            Err(error @ Error::DatabaseUnavailable(_)) => return Err(error),
            // Which of them is at fault shows below.
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
    async fn what_fails_or_panics_for_one_object_is_done_for_the_others() {
        let done = together("testing", &[1, 2, 3, 4, 5, 6], &|numbers: Vec<i32>| async move { odd(&numbers) }).await;
        assert_eq!(done.expect("done"), 4);
    }

    #[tokio::test]
    async fn a_store_that_is_away_ends_the_work_for_all() {
        let away = |_: Vec<i32>| async { Err(Error::DatabaseUnavailable("away".into())) };
        assert!(matches!(together("testing", &[1, 2], &away).await, Err(Error::DatabaseUnavailable(_))));
    }

    #[tokio::test]
    async fn a_panic_ends_no_loop() {
        assert_eq!(guarded::<()>("testing", async { panic!("at once") }).await, None);
    }
}
