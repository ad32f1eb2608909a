//! Schedules compared with an independent implementation of Vixie cron, and their descriptions.

mod oracle;
mod properties;
mod transitions;
mod words;
