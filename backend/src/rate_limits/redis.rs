//! The window counter in Redis, shared by all servers.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::redis::{Client, FromRedisValue, Script, ScriptInvocation, aio::MultiplexedConnection};
use tokio::{
    sync::Mutex as AsyncMutex,
    time::{Instant, timeout},
};

use super::{Class, WINDOW_MS, Window};
use crate::error::{Error, Result};

/// How long a request waits for Redis before it is counted in memory.
const TIMEOUT: Duration = Duration::from_millis(100);
/// How long Redis is not used after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Counts a request; returns the count and the milliseconds to the end of the window. `Memory` in `rate_limits.rs` does the
/// same.
const ADD: &str = "
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}";

/// Counts an attempt unless the window is full; returns the count, the milliseconds to the end of the window, and
/// whether the attempt was counted. `Memory` in `rate_limits.rs` does the same.
const RESERVE: &str = "
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
local is_free = 0
if count < tonumber(ARGV[2]) then
  count = redis.call('INCR', KEYS[1])
  is_free = 1
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left, is_free}";

/// Subtracts an attempt, if the window has not ended.
const RELEASE: &str = "
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then
  redis.call('DECR', KEYS[1])
end
return 0";

struct Scripts {
    add: Script,
    reserve: Script,
    release: Script,
}

/// The windows in Redis. Clones share one connection.
#[derive(Clone)]
pub struct Shared {
    client: Client,
    realm: Arc<str>,
    scripts: Arc<Scripts>,
    connection: Arc<AsyncMutex<Option<MultiplexedConnection>>>,
    /// The time until which Redis is not used, after a failure.
    unavailable_until: Arc<Mutex<Option<Instant>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    /// Prepares the windows in the Redis at `url`, which are shared with the servers of the same `realm`. It does not
    /// connect: the first request does.
    ///
    /// # Errors
    ///
    /// An error if the URL is not valid.
    pub fn new(url: &str, realm: String) -> Result<Self> {
        let client = Client::open(url).map_err(Error::internal)?;
        Ok(Self {
            client,
            realm: realm.into(),
            scripts: Arc::new(Scripts {
                add: Script::new(ADD),
                reserve: Script::new(RESERVE),
                release: Script::new(RELEASE),
            }),
            connection: Arc::default(),
            unavailable_until: Arc::default(),
        })
    }

    /// Counts a request; `None` while Redis is not available.
    pub(super) async fn add(&self, class: Class, subject: &str, now: i64) -> Option<Window> {
        let mut script = self.scripts.add.key(self.key(class, subject));
        let (count, left): (u32, i64) = self.invoke(script.arg(WINDOW_MS)).await?;
        Some(Window { count, ends_at: now + left })
    }

    /// Counts an attempt unless the window is full. Returns the window and whether the attempt was counted; `None`
    /// while Redis is not available.
    pub(super) async fn reserve(&self, class: Class, subject: &str, now: i64, limit: u32) -> Option<(Window, bool)> {
        let mut script = self.scripts.reserve.key(self.key(class, subject));
        let (count, left, is_free): (u32, i64, bool) = self.invoke(script.arg(WINDOW_MS).arg(limit)).await?;
        Some((Window { count, ends_at: now + left }, is_free))
    }

    /// Subtracts an attempt from the count of its window; has no effect while Redis is not available.
    pub(super) async fn release(&self, class: Class, subject: &str) {
        let script = self.scripts.release.key(self.key(class, subject));
        let _: Option<u32> = self.invoke(&script).await;
    }

    fn key(&self, class: Class, subject: &str) -> String {
        let class: &str = class.into();
        format!("mftplus:limit:{}:{class}:{subject}", self.realm)
    }

    /// Runs a script; `None` if Redis is not available or answers with an error.
    async fn invoke<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Option<T> {
        let unavailable_until = *self.unavailable_until.lock().unwrap_or_else(PoisonError::into_inner);
        if unavailable_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let invoked = async {
            let mut connection = self.connection().await?;
            script.invoke_async(&mut connection).await
        };
        match timeout(TIMEOUT, invoked).await {
            Ok(Ok(answer)) => return Some(answer),
            // Redis answered with an error, for instance because another version uses the key: Redis stays in use.
            Ok(Err(error)) if error.code().is_some() => return None,
            Ok(Err(_)) | Err(_) => {}
        }
        *self.unavailable_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + RETRY_AFTER);
        if let Ok(mut connection) = self.connection.try_lock() {
            *connection = None;
        }
        None
    }

    async fn connection(&self) -> ::redis::RedisResult<MultiplexedConnection> {
        let mut open = self.connection.lock().await;
        if let Some(connection) = &*open {
            return Ok(connection.clone());
        }
        let connection = self.client.get_multiplexed_async_connection().await?;
        *open = Some(connection.clone());
        Ok(connection)
    }
}
