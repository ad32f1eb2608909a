//! The window counter in Redis, shared by all servers.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::redis::{Client, Script, aio::MultiplexedConnection};
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
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}";

/// The windows in Redis.
#[derive(Clone)]
pub struct Shared {
    client: Client,
    realm: Arc<str>,
    script: Arc<Script>,
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
            script: Arc::new(Script::new(ADD)),
            line: Arc::default(),
            away_until: Arc::default(),
        })
    }

    /// Adds to a window; nothing while Redis is away.
    pub(super) async fn add(&self, class: Class, subject: &str, now: i64, by: u32) -> Option<Window> {
        let away = *self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        if away.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let counted = timeout(PATIENCE, self.ask(class, subject, by)).await;
        let Ok(Ok((count, left))) = counted else {
            *self.away_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
            if let Ok(mut line) = self.line.try_lock() {
                *line = None;
            }
            return None;
        };
        Some(Window { count, ends_at: now + left })
    }

    async fn ask(&self, class: Class, subject: &str, by: u32) -> ::redis::RedisResult<(u32, i64)> {
        let mut line = self.connection().await?;
        let class: &str = class.into();
        let key = format!("mftplus:limit:{}:{class}:{subject}", self.realm);
        self.script.key(key).arg(WINDOW_MS).arg(by).invoke_async(&mut line).await
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
