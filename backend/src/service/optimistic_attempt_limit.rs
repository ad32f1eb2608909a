//! Limits the number of attempts at a change by compare-and-set. Such a change is tried again if a concurrent change
//! was committed first.

use crate::error::{Error, Result};

/// The maximum number of attempts at one change. An attempt fails only if another change of the same object was
/// committed meanwhile; the agents and users of one object do not cause that many.
const MAX_ATTEMPTS: u32 = 100;

const CONTENDED: Error = Error::Unavailable("too many changes of this object at this moment: try again");

/// Counts the attempts at one change.
#[derive(Debug, Default)]
pub(super) struct OptimisticRetry(u32);

impl OptimisticRetry {
    /// Counts an attempt.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] after [`MAX_ATTEMPTS`] attempts.
    pub(super) const fn begin(&mut self) -> Result<()> {
        if self.0 == MAX_ATTEMPTS {
            return Err(CONTENDED);
        }
        self.0 += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_always_loses_is_given_up_and_may_be_tried_again_later() {
        let mut attempts = OptimisticRetry::default();
        assert!((0..MAX_ATTEMPTS).all(|_| attempts.begin().is_ok()));
        let given_up = attempts.begin().expect_err("one attempt too many");
        assert!(matches!(given_up, Error::Unavailable(_)) && given_up.retry_after().is_some());
    }
}
