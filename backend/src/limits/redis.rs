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

/// An answer is not delayed longer than this by a Redis that does not answer.
const PATIENCE: Duration = Duration::from_millis(100);
/// After a failure Redis is left alone for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// Adds to a window and says how it stands. The same in `limits.rs` for memory.
const ADD: &str = "
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}";

/// Adds to a window that is not full, and says how it stands and whether it added. The same in `limits.rs` for memory.
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

/// Takes one out of a window that still runs.
const GIVE_BACK: &str = "
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then
  redis.call('DECR', KEYS[1])
end
return 0";

struct Scripts {
    add: Script,
    reserve: Script,
    give_back: Script,
}

/// The windows in Redis.
#[derive(Clone)]
pub struct Shared {
    client: Client,
    realm: Arc<str>,
    scripts: Arc<Scripts>,
    line: Arc<AsyncMutex<Option<MultiplexedConnection>>>,
    away_until: Arc<Mutex<Option<Instant>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    /// Windows in the Redis at `url`, shared with the servers of the same `realm`; connected to when first needed.
    ///
    /// # Errors
    ///
    /// If the URL is wrong.
    pub fn new(url: &str, realm: String) -> Result<Self> {
        let client = Client::open(url).map_err(Error::internal)?;
        Ok(Self {
            client,
            realm: realm.into(),
            scripts: Arc::new(Scripts {
                add: Script::new(ADD),
                reserve: Script::new(RESERVE),
                give_back: Script::new(GIVE_BACK),
            }),
            line: Arc::default(),
            away_until: Arc::default(),
        })
    }

    /// Adds to a window; nothing while Redis is away.
    pub(super) async fn add(&self, class: Class, subject: &str, now: i64) -> Option<Window> {
        let mut script = self.scripts.add.key(self.key(class, subject));
        let (count, left): (u32, i64) = self.ask(script.arg(WINDOW_MS)).await?;
        Some(Window { count, ends_at: now + left })
    }

    /// Adds to a window that is not full; the window, and whether it did. Nothing while Redis is away.
    pub(super) async fn reserve(&self, class: Class, subject: &str, now: i64, limit: u32) -> Option<(Window, bool)> {
        let mut script = self.scripts.reserve.key(self.key(class, subject));
        let (count, left, is_free): (u32, i64, bool) = self.ask(script.arg(WINDOW_MS).arg(limit)).await?;
        Some((Window { count, ends_at: now + left }, is_free))
    }

    /// Takes one out of a window; while Redis is away it stays.
    pub(super) async fn give_back(&self, class: Class, subject: &str) {
        let script = self.scripts.give_back.key(self.key(class, subject));
        let _: Option<u32> = self.ask(&script).await;
    }

    fn key(&self, class: Class, subject: &str) -> String {
        let class: &str = class.into();
        format!("mftplus:limit:{}:{class}:{subject}", self.realm)
    }

    async fn ask<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Option<T> {
        let away = *self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        if away.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let invoked = async {
            let mut line = self.connection().await?;
            script.invoke_async(&mut line).await
        };
        match timeout(PATIENCE, invoked).await {
            Ok(Ok(answer)) => return Some(answer),
            // What stands at the key is of another version, say: Redis is there, and counts the rest.
            Ok(Err(error)) if error.code().is_some() => return None,
            Ok(Err(_)) | Err(_) => {}
        }
        *self.away_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
        if let Ok(mut line) = self.line.try_lock() {
            *line = None;
        }
        None
    }

    async fn connection(&self) -> ::redis::RedisResult<MultiplexedConnection> {
        let mut line = self.line.lock().await;
        if let Some(connection) = &*line {
            return Ok(connection.clone());
        }
        let connection = self.client.get_multiplexed_async_connection().await?;
        *line = Some(connection.clone());
        Ok(connection)
    }
}
