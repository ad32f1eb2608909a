//! Typed identifiers (`UUIDv7`) and the source of ids, tokens and randomness.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What the things are called whose ids these are.
pub trait Named {
    /// The noun, as a sentence says it.
    const NOUN: &'static str;
}

/// The length of a UUID in the hyphenated form.
const HYPHENATED: usize = 36;

/// A text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID in the hyphenated form")]
pub struct NotAnId;

/// Declares a newtype over a UUID, so that ids of different things do not mix.
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
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                // Of the forms of a UUID only the hyphenated one has this length.
                let id = Some(text).filter(|text| text.len() == HYPHENATED).and_then(|text| Uuid::try_parse(text).ok());
                id.map(Self).ok_or(NotAnId)
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
    /// Names a customer.
    CustomerId = "customer",
    /// Names a user.
    UserId = "user",
    /// Names a signed-in session.
    SessionId = "session",
    /// Names an enrolment code.
    EnrolmentCodeId = "enrolment code",
    /// Names an agent.
    AgentId = "agent",
    /// Names a transfer.
    TransferId = "transfer",
    /// Names a job.
    JobId = "job",
    /// Names a run of a job or of a pipeline.
    RunId = "run",
    /// Names a slot of a schedule in the ledger.
    SlotId = "slot",
    /// Names a directive.
    DirectiveId = "directive",
    /// Names a pipeline.
    PipelineId = "pipeline",
    /// Names a process of an agent, which chose it.
    InstanceId = "instance",
    /// Names a secret that webhooks are signed with.
    WebhookSecretId = "webhook secret",
}

/// Where ids and random bytes come from.
#[derive(Debug)]
pub struct IdGenerator {
    source: Source,
    /// Milliseconds of the last id shifted left by 18 bits, and a sequence number within it.
    last: AtomicU64,
}

#[derive(Debug)]
enum Source {
    System,
    /// Counts up: every draw of a test run is known.
    Seeded(AtomicU64),
}

/// Bits of the sequence number within one millisecond.
const SEQUENCE_BITS: u32 = 18;

impl IdGenerator {
    /// Randomness of the operating system.
    #[must_use]
    pub const fn system() -> Self {
        Self { source: Source::System, last: AtomicU64::new(0) }
    }

    /// A reproducible source, for tests.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { source: Source::Seeded(AtomicU64::new(seed)), last: AtomicU64::new(0) }
    }

    /// A new `UUIDv7` for something created at `now`: its first 48 bits are the milliseconds of `now`, then a sequence
    /// number, so that ids made by one server in one millisecond keep their order.
    #[must_use]
    pub fn next<T: From<Uuid>>(&self, now: DateTime<Utc>) -> T {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let sequence = self.sequence(millis);
        let mut bytes = [0_u8; 16];
        self.fill(&mut bytes[8..]);
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        let [.., high, middle, low] = (sequence << 6).to_be_bytes();
        // 12 bits of the sequence beside the version, the other 6 beside the variant.
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

    /// Fills `bytes` with randomness fit for secrets.
    ///
    /// # Panics
    ///
    /// If the operating system has no randomness to give: nothing safe can be done then.
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.source {
            #[expect(clippy::expect_used, reason = "a server without randomness must not go on")]
            Source::System => getrandom::fill(bytes).expect("the operating system gives random bytes"),
            Source::Seeded(counter) => {
                for chunk in bytes.chunks_mut(8) {
                    let draw = counter.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::AcqRel);
                    let mixed = (draw ^ (draw >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    chunk.copy_from_slice(&mixed.to_be_bytes()[..chunk.len()]);
                }
            }
        }
    }

    /// A secret of 32 random bytes in base62 behind `prefix`.
    #[must_use]
    pub fn secret(&self, prefix: &str) -> String {
        let mut bytes = [0_u8; 32];
        self.fill(&mut bytes);
        format!("{prefix}{}", base62(bytes))
    }
}

/// The number that `bytes` is, in base62, 43 digits long.
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
    fn an_id_is_read_in_the_hyphenated_form_only() {
        let id = AgentId(Uuid::from_u128(0x0199_c1f0_6c00_7000_8000_0000_0000_0001));
        assert_eq!("0199c1f0-6c00-7000-8000-000000000001".parse(), Ok(id));
        let (simple, braced) = ("0199c1f06c0070008000000000000001", "{0199c1f0-6c00-7000-8000-000000000001}");
        for text in ["", simple, braced, "0199c1f0-6c00-7000-8000-00000000000g"] {
            assert_eq!(text.parse::<AgentId>(), Err(NotAnId), "{text}");
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
