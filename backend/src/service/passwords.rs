//! Password hashing. It is slow by design, so it runs on blocking threads, and few hashings run at a time.

use std::sync::Arc;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use tokio::sync::Semaphore;
use tracing::Span;

use crate::error::{Error, Result};

/// The number of hashings at the same time. Each takes 19 MiB and tens of milliseconds of one core.
const AT_A_TIME: usize = 2;
/// The number of hashings that may wait, which is some seconds of work. Each holds its password of at most 1 MiB.
const WAITING: usize = 64;

const BUSY: Error = Error::Unavailable("too many sign-ins at this moment: try again in a few seconds");

/// Hashes and verifies passwords.
#[derive(Debug)]
pub(super) struct Passwords {
    running: Arc<Semaphore>,
    /// The permits of the hashings that run or wait.
    admitted: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(AT_A_TIME)), admitted: Semaphore::new(AT_A_TIME + WAITING) }
    }
}

impl Passwords {
    pub(super) async fn hash(&self, password: String, salt: [u8; 16]) -> Result<String> {
        self.run(move || {
            let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
        })
        .await?
    }

    /// Whether the password has this hash. Without a hash this is false and takes the same time, so that the time does
    /// not reveal which e-mail addresses are known.
    pub(super) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        self.run(move || {
            if let Some(Ok(hash)) = hash.as_deref().map(PasswordHash::new) {
                return Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
            }
            let wasted = Argon2::default().hash_password_with_salt(password.as_bytes(), &[0; 16]);
            drop(wasted);
            false
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _admitted = self.admitted.try_acquire().map_err(|_| BUSY)?;
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(Error::internal)?;
        let span = Span::current();
        tokio::task::spawn_blocking(move || {
            let done = span.in_scope(work);
            drop(permit);
            done
        })
        .await
        .map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn beyond_those_that_may_wait_a_hashing_is_refused_at_once() {
        let passwords = Passwords::default();
        let all = u32::try_from(AT_A_TIME + WAITING).expect("few");
        let permits = passwords.admitted.try_acquire_many(all).expect("permits");
        let refused = passwords.verify("a password".to_owned(), None).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))));
        drop(permits);
        assert!(!passwords.verify("a password".to_owned(), None).await.expect("an answer"));
    }
}
