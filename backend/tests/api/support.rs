//! What the tests stand on: a whole server without a socket, and the people and machines who call it.

pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod database;
pub(crate) mod described;
pub(crate) mod graphql;
pub(crate) mod live;
pub(crate) mod people;
pub(crate) mod proxy;
pub(crate) mod receiver;
pub(crate) mod redis;
pub(crate) mod steady;

pub(crate) use app::TestApp;
pub(crate) use client::{Answer, Client};
pub(crate) use live::{Listening, Watcher};
pub(crate) use people::{PASSWORD, admin, customer_of};
pub(crate) use proxy::{Fault, Proxy};
pub(crate) use receiver::Receiver;
pub(crate) use redis::{OwnRedis, connected};
pub(crate) use steady::steady;
