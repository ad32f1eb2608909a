//! Schedules compared with an independent implementation of Vixie cron, and their descriptions.

mod descriptions_and_errors;
mod oracle;
mod properties;
mod transitions;
