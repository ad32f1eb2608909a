//! Typed identifiers (`UUIDv7`) and the source of ids, tokens and randomness.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A type of id that knows what its objects are called.
pub trait Named {
    /// The noun in error messages, such as `enrolment code`.
    const NOUN: &'static str;
}

/// The length of a UUID in the hyphenated form.
const HYPHENATED: usize = 36;

/// The error of a text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID in the hyphenated form")]
pub struct InvalidId;

/// Declares newtypes over UUIDs, so that ids of different types cannot be confused.
macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident = $noun:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = Uuid, format = "uuid", example = "0199c1f0-6c00-7000-8000-000000000001")]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Only the hyphenated form of a UUID has this length.
                let id = Some(text).filter(|text| text.len() == HYPHENATED).and_then(|text| Uuid::try_parse(text).ok());
                id.map(Self).ok_or(InvalidId)
            }
        }

        impl Named for $name {
            const NOUN: &'static str = $noun;
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }
    )+};
}

typed_id! {
    /// Id of a customer.
    CustomerId = "customer",
    /// Id of a user.
    UserId = "user",
    /// Id of a session.
    SessionId = "session",
    /// Id of an enrolment code.
    EnrolmentCodeId = "enrolment code",
    /// Id of an agent.
    AgentId = "agent",
    /// Id of a transfer.
    TransferId = "transfer",
    /// Id of a job.
    JobId = "job",
    /// Id of a job run or pipeline run.
    RunId = "run",
    /// Id of a slot in the slot history.
    SlotId = "slot",
    /// Id of a directive.
    DirectiveId = "directive",
    /// Id of a pipeline.
    PipelineId = "pipeline",
    /// Id of an agent process, which the process chooses at its start.
    InstanceId = "instance",
    /// Id of a webhook secret.
    WebhookSecretId = "webhook secret",
    /// Id of an attention item: a hash of its kind and its group, so it stays the same while the item lasts.
    AttentionId = "attention item",
    /// Id of a saved view.
    SavedViewId = "view",
    /// Id of an object of any type.
    ObjectId = "object",
}

/// Generates ids, secrets and random bytes.
#[derive(Debug)]
pub struct IdGenerator {
    source: Source,
    /// The milliseconds of the last id, shifted left by [`SEQUENCE_BITS`], and its sequence number.
    last: AtomicU64,
}

#[derive(Debug)]
enum Source {
    System,
    /// Like [`Source::System`], with the random bytes of ids taken many at once.
    Buffered(Box<Mutex<Buffer>>),
    /// A counter, so that each run of a test gets the same values.
    Seeded(AtomicU64),
}

/// The number of ids for which random bytes are taken from the operating system at once.
const DRAWS: usize = 64;

/// Random bytes for ids, each of which is used once.
#[derive(Debug)]
struct Buffer {
    draws: [[u8; 8]; DRAWS],
    /// The number of draws that were not used, at the start of `draws`.
    left: usize,
}

impl Buffer {
    fn draw(&mut self) -> [u8; 8] {
        if self.left == 0 {
            fill(self.draws.as_flattened_mut());
            self.left = DRAWS;
        }
        self.left -= 1;
        self.draws[self.left]
    }
}

/// Bits of the sequence number within one millisecond.
const SEQUENCE_BITS: u32 = 18;

impl IdGenerator {
    /// Creates a generator that takes random bytes from the operating system.
    #[must_use]
    pub const fn system() -> Self {
        Self { source: Source::System, last: AtomicU64::new(0) }
    }

    /// Creates a generator that takes random bytes from the operating system, for many ids at once, which saves a
    /// system call for each id. Use it for ids that are not stored only: copies of a running machine would generate the
    /// same ids.
    #[must_use]
    pub fn buffered() -> Self {
        let buffer = Buffer { draws: [[0; 8]; DRAWS], left: 0 };
        Self { source: Source::Buffered(Box::new(Mutex::new(buffer))), last: AtomicU64::new(0) }
    }

    /// Creates a generator of reproducible values, for tests.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { source: Source::Seeded(AtomicU64::new(seed)), last: AtomicU64::new(0) }
    }

    /// Generates a `UUIDv7` for an object created at `now`. Its first 48 bits are the milliseconds of `now`. A sequence
    /// number follows, so that ids generated by one server within a millisecond are in order.
    #[must_use]
    pub fn next<T: From<Uuid>>(&self, now: DateTime<Utc>) -> T {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let sequence = self.sequence(millis);
        let mut bytes = [0_u8; 16];
        match &self.source {
            Source::Buffered(buffer) => {
                bytes[8..].copy_from_slice(&buffer.lock().unwrap_or_else(PoisonError::into_inner).draw());
            }
            Source::System | Source::Seeded(_) => self.fill(&mut bytes[8..]),
        }
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        let [.., high, middle, low] = (sequence << 6).to_be_bytes();
        // 12 bits of the sequence follow the version, the other 6 follow the variant.
        bytes[6] = 0x70 | (high >> 4);
        bytes[7] = (high << 4) | (middle >> 4);
        bytes[8] = 0x80 | ((middle << 2) & 0x3c) | (low >> 6);
        Uuid::from_bytes(bytes).into()
    }

    fn sequence(&self, millis: u64) -> u64 {
        let floor = millis << SEQUENCE_BITS;
        let step = |last: u64| {
            if last >> SEQUENCE_BITS == millis { last + 1 } else { floor }
        };
        let before = self.last.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(step(last)));
        step(before.unwrap_or_else(|last| last)) & ((1 << SEQUENCE_BITS) - 1)
    }

    /// Fills `bytes` with random bytes, which are suitable for secrets unless the source is seeded.
    ///
    /// # Panics
    ///
    /// If the operating system provides no random bytes.
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.source {
            Source::System | Source::Buffered(_) => fill(bytes),
            Source::Seeded(counter) => {
                for chunk in bytes.chunks_mut(8) {
                    let draw = counter.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::AcqRel);
                    let mixed = (draw ^ (draw >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    chunk.copy_from_slice(&mixed.to_be_bytes()[..chunk.len()]);
                }
            }
        }
    }

    /// Generates a secret: `prefix`, followed by 32 random bytes in base62.
    #[must_use]
    pub fn secret(&self, prefix: &str) -> String {
        let mut bytes = [0_u8; 32];
        self.fill(&mut bytes);
        format!("{prefix}{}", base62(bytes))
    }
}

/// Fills `bytes` from the operating system.
#[expect(clippy::expect_used, reason = "a server without randomness must not go on")]
fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}

/// Encodes `bytes` as a number of 43 digits in base62.
fn base62(mut bytes: [u8; 32]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = vec![b'0'; 43];
    for digit in text.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut bytes {
            let value = (remainder << 8) | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        *digit = DIGITS[remainder as usize];
    }
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_of_one_millisecond_keep_their_order() {
        let ids = IdGenerator::seeded(7);
        let now = DateTime::UNIX_EPOCH;
        let made: Vec<TransferId> = (0..5000).map(|_| ids.next(now)).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.iter().all(|id| id.0.get_version_num() == 7 && id.0.get_variant() == uuid::Variant::RFC4122));
    }

    #[test]
    fn random_bytes_of_a_buffer_are_used_once() {
        let ids = IdGenerator::buffered();
        let made: Vec<Uuid> = (0..3 * DRAWS).map(|_| ids.next(DateTime::UNIX_EPOCH)).collect();
        // The last seven bytes are random: 56 bits do not repeat within some hundred ids.
        let random: HashSet<&[u8]> = made.iter().map(|id| &id.as_bytes()[9..]).collect();
        assert_eq!(random.len(), made.len());
        assert!(!random.contains(&[0; 7][..]));
        assert!(made.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn an_id_is_read_in_the_hyphenated_form_only() {
        let id = AgentId(Uuid::from_u128(0x0199_c1f0_6c00_7000_8000_0000_0000_0001));
        assert_eq!("0199c1f0-6c00-7000-8000-000000000001".parse(), Ok(id));
        let (simple, braced) = ("0199c1f06c0070008000000000000001", "{0199c1f0-6c00-7000-8000-000000000001}");
        for text in ["", simple, braced, "0199c1f0-6c00-7000-8000-00000000000g"] {
            assert_eq!(text.parse::<AgentId>(), Err(InvalidId), "{text}");
        }
    }

    #[test]
    fn an_id_begins_with_the_milliseconds_of_its_creation() {
        let now = DateTime::from_timestamp_millis(1_777_122_000_123).unwrap_or_default();
        let id: AgentId = IdGenerator::system().next(now);
        assert_eq!(id.0.as_u128() >> 80, 1_777_122_000_123);
    }

    #[test]
    fn a_secret_holds_all_its_random_bits() {
        assert_eq!(base62([0xff; 32]).len(), 43);
        assert_eq!(base62([0; 32]), "0".repeat(43));
        assert_ne!(IdGenerator::system().secret("mft_ak_"), IdGenerator::system().secret("mft_ak_"));
    }
}
