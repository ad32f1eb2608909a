//! Password hashing. It is slow by design, so it runs on blocking threads, two hashings at a time.

use std::sync::Arc;

use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use tokio::sync::Semaphore;
use tracing::Span;

use crate::error::{Error, Result};

/// The number of hashings at the same time. Each takes the memory of its [`PasswordCost`] and tens of milliseconds of one
/// core.
const AT_A_TIME: usize = 2;
/// The number of hashings that may wait, which is some seconds of work. Each holds its password of at most 1 MiB.
const WAITING: usize = 64;

const BUSY: Error = Error::Unavailable("too many sign-ins at this moment: try again in a few seconds");

/// The cost parameters of Argon2id, with which passwords are hashed.
#[derive(Clone, Copy, Debug)]
pub struct PasswordCost {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over that memory.
    pub passes: u32,
}

impl Default for PasswordCost {
    /// The least that OWASP recommends for Argon2id: 19 MiB and two passes.
    fn default() -> Self {
        Self { memory: Params::DEFAULT_M_COST, passes: Params::DEFAULT_T_COST }
    }
}

/// Hashes and verifies passwords.
#[derive(Debug)]
pub(super) struct Passwords {
    cost: PasswordCost,
    running: Arc<Semaphore>,
    /// The permits of the hashings that run or wait.
    admitted: Semaphore,
}

impl Passwords {
    pub(super) fn new(cost: PasswordCost) -> Self {
        let (running, admitted) = (Arc::new(Semaphore::new(AT_A_TIME)), Semaphore::new(AT_A_TIME + WAITING));
        Self { cost, running, admitted }
    }

    pub(super) async fn hash(&self, password: String, salt: [u8; 16]) -> Result<String> {
        let cost = self.cost;
        self.run(move || {
            let hash = hasher(cost)?.hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
        })
        .await?
    }

    /// Whether the password has this hash. Without a hash the answer is false, but takes the same time, so that the
    /// time does not reveal which e-mail addresses have an account.
    pub(super) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let cost = self.cost;
        self.run(move || {
            if let Some(Ok(hash)) = hash.as_deref().map(PasswordHash::new) {
                // At the cost that the hash names.
                return Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            }
            let wasted = hasher(cost)?.hash_password_with_salt(password.as_bytes(), &[0; 16]);
            drop(wasted);
            Ok(false)
        })
        .await?
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

fn hasher(PasswordCost { memory, passes }: PasswordCost) -> Result<Argon2<'static>> {
    let params = Params::new(memory, passes, Params::DEFAULT_P_COST, None);
    let params = params.map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::from(params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_costs_what_is_recommended_and_is_verified_at_its_own_cost() {
        let passwords = Passwords::new(PasswordCost::default());
        let hash = passwords.hash("a password".to_owned(), [7; 16]).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let cheap = Passwords::new(PasswordCost { memory: Params::MIN_M_COST, passes: 1 });
        for (password, is_right) in [("a password", true), ("another", false)] {
            let verified = cheap.verify(password.to_owned(), Some(hash.clone())).await;
            assert_eq!(verified.expect("an answer"), is_right, "{password}");
        }
    }

    #[tokio::test]
    async fn beyond_those_that_may_wait_a_hashing_is_refused_at_once() {
        let passwords = Passwords::new(PasswordCost::default());
        let all = u32::try_from(AT_A_TIME + WAITING).expect("few");
        let permits = passwords.admitted.try_acquire_many(all).expect("permits");
        let refused = passwords.verify("a password".to_owned(), None).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))));
        drop(permits);
        assert!(!passwords.verify("a password".to_owned(), None).await.expect("an answer"));
    }
}
