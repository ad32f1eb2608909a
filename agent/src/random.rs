//! Randomness that needs no secrecy: jitter and idempotency keys.

use std::hash::{BuildHasher, RandomState};

use uuid::Uuid;

/// A number that differs from call to call and from process to process.
pub(crate) fn random_u64() -> u64 {
    RandomState::new().hash_one(())
}

/// A key under which the server knows a repeated request again.
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
