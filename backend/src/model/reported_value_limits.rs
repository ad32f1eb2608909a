//! The highest numbers that agents may report. They are far higher than any real measurement, and low enough that the
//! numbers of many agents can be added without an overflow.

/// The maximum number of bytes of one file, folder or run: an exbibyte.
pub const MAX_BYTES: i64 = 1 << 60;
/// The highest speed, in bytes per second: a petabyte. Every integer up to it is exact in the floating-point numbers of JSON.
pub const MAX_SPEED: f64 = 1e15;
/// The highest load, memory in MB, throughput in Mbit/s or latency in ms: a million millions.
pub const MAX_MEASURE: f64 = 1e12;
/// The highest number of an attempt: what an `Int` of GraphQL holds.
pub const MAX_ATTEMPT: i64 = i32::MAX as i64;
