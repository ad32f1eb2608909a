//! Random numbers that are not secret: jitter and idempotency keys.

use std::hash::{BuildHasher, RandomState};

use uuid::Uuid;

/// A number that differs in each call and each process.
fn random_u64() -> u64 {
    RandomState::new().hash_one(())
}

/// A number that differs in each call, at least 0 and less than 1.
pub(crate) fn random_fraction() -> f64 {
    f64::from(u32::try_from(random_u64() >> 32).unwrap_or(0)) / 4_294_967_296.0
}

/// A random UUID (version 4), as an idempotency key.
pub(crate) fn random_uuid() -> Uuid {
    let bits = u128::from(random_u64()) << 64 | u128::from(random_u64());
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::{random_fraction, random_uuid};

    #[test]
    fn two_keys_differ_and_are_valid_uuids() {
        let (one, other) = (random_uuid(), random_uuid());
        assert_ne!(one, other);
        assert_eq!(one.get_version_num(), 4);
    }

    #[test]
    fn fractions_differ_and_are_below_one() {
        let drawn: Vec<f64> = (0..100).map(|_| random_fraction()).collect();
        assert!(drawn.iter().all(|fraction| (0.0..1.0).contains(fraction)), "{drawn:?}");
        assert!(drawn.iter().any(|fraction| *fraction < 0.5) && drawn.iter().any(|fraction| *fraction >= 0.5));
    }
}
