//! Schedules against an independent reading of Vixie cron, and what they say of themselves.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod oracle;
mod properties;
mod transitions;
mod words;
