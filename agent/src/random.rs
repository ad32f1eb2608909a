//! Random numbers that are not secret: jitter and idempotency keys.

use std::hash::{BuildHasher, RandomState};

use uuid::Uuid;

/// A number that differs in each call and each process.
pub(crate) fn random_u64() -> u64 {
    RandomState::new().hash_one(())
}

/// A random UUID (version 4), as an idempotency key.
pub(crate) fn random_uuid() -> Uuid {
    let bits = u128::from(random_u64()) << 64 | u128::from(random_u64());
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::random_uuid;

    #[test]
    fn two_keys_differ_and_are_proper_uuids() {
        let (one, other) = (random_uuid(), random_uuid());
        assert_ne!(one, other);
        assert_eq!(one.get_version_num(), 4);
    }
}
