//! Schedules against an independent reading of Vixie cron, and what they say of themselves.

mod oracle;
mod properties;
mod transitions;
mod words;
