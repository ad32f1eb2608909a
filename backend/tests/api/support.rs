//! Support for the tests: a server in the process of the test, and clients, users, agents and services around it.

pub(crate) mod app;
pub(crate) mod captured_log;
pub(crate) mod client;
pub(crate) mod database;
pub(crate) mod faulty_database_proxy;
pub(crate) mod graphql;
pub(crate) mod openapi_check;
pub(crate) mod redacted;
pub(crate) mod redis;
pub(crate) mod socket_client;
pub(crate) mod tls;
pub(crate) mod users;
pub(crate) mod webhook_receiver;

pub(crate) use app::TestApp;
pub(crate) use captured_log::Log;
pub(crate) use client::{Answer, Client};
pub(crate) use faulty_database_proxy::{Fault, Proxy};
pub(crate) use redacted::redacted;
pub(crate) use redis::{OwnRedis, connected};
pub(crate) use socket_client::{Subscriber, TestListener};
pub(crate) use users::{PASSWORD, admin, customer_of};
pub(crate) use webhook_receiver::Receiver;
