//! Support for the tests: a server in the process of the test, and clients, users, agents and services around it.

pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod database;
pub(crate) mod described;
pub(crate) mod graphql;
pub(crate) mod live;
pub(crate) mod log;
pub(crate) mod proxy;
pub(crate) mod receiver;
pub(crate) mod redacted;
pub(crate) mod redis;
pub(crate) mod tls;
pub(crate) mod users;

pub(crate) use app::TestApp;
pub(crate) use client::{Answer, Client};
pub(crate) use live::{Subscriber, TestListener};
pub(crate) use log::Log;
pub(crate) use proxy::{Fault, Proxy};
pub(crate) use receiver::Receiver;
pub(crate) use redacted::redacted;
pub(crate) use redis::{OwnRedis, connected};
pub(crate) use users::{PASSWORD, admin, customer_of};
