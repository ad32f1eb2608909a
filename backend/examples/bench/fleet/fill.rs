//! Fills a database with a fleet. Agents and their keys are inserted in bulk; transfers and users are created through
//! the control plane.

use std::sync::Arc;

use backend::{
    actor::{Actor, Scope},
    app::{Ambient, App},
    ids::{AgentId, CustomerId, IdGenerator},
    model::{
        FromFields, account::CreateUser, agent::RegisterAgent, customer::CreateCustomer,
        enrolment_code::CreateEnrolmentCode,
    },
    service::ControlPlane,
    store::{self, agents::AgentRow},
};
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{ADMINS, CUSTOMERS, agents::Agent};
use crate::place::{self, Place};

/// The number of agents that are stored in one transaction.
const CHUNK: usize = 5_000;
/// The number of concurrent requests while transfers are created.
const AT_ONCE: usize = 64;

/// The objects in the database that the load uses.
pub(super) struct Fleet {
    pub(super) agents: Vec<Agent>,
    /// The access token of a user of each customer.
    pub(super) customers: Vec<String>,
    /// The access tokens of administrators.
    pub(super) admins: Vec<String>,
}

/// The number of running transfers of the agent with this index. Of 1,000 agents, 40 have one and 12 have five.
fn transfers_of(index: usize) -> usize {
    match index % 1000 {
        0..40 => 1,
        40..52 => 5,
        _ => 0,
    }
}

pub(super) async fn fill(place: &Place, count: usize, connections: usize) -> Fleet {
    let app = App::start(&place::filling(place), Ambient::default()).await.unwrap();
    let cp = Arc::clone(&app.cp);
    let mut customers = Vec::with_capacity(CUSTOMERS);
    let mut tokens = Vec::with_capacity(CUSTOMERS);
    for number in 0..CUSTOMERS {
        let input = CreateCustomer { name: format!("Customer {number}") };
        let customer = cp.create_customer(&Actor::System, input, None).await.unwrap().id;
        tokens.push(user(&cp, &format!("user-{number}@example.com"), Some(customer)).await);
        customers.push(customer);
    }
    let mut admins = Vec::with_capacity(ADMINS);
    for number in 0..ADMINS {
        admins.push(user(&cp, &format!("admin-{number}@example.com"), None).await);
    }
    // The agents of one connection belong to one customer.
    let owner = |index: usize| customers[index % connections % CUSTOMERS];
    let (ids, keys) = agents(&app, count, owner).await;
    let mut agents: Vec<Agent> = keys.into_iter().map(|key| Agent { key, transfers: Vec::new() }).collect();
    let running = (0..count).flat_map(|index| std::iter::repeat_n(index, transfers_of(index)));
    let created = stream::iter(running)
        .map(|index| {
            let (cp, actor) = (Arc::clone(&cp), Actor::Agent { agent: ids[index], customer: owner(index), key: None });
            async move { (index, place::transfer(&cp, &actor, index).await) }
        })
        .buffer_unordered(AT_ONCE);
    for (index, id) in created.collect::<Vec<_>>().await {
        agents[index].transfers.push(id.to_string());
    }
    drop(cp);
    app.close().await;
    Fleet { agents, customers: tokens, admins }
}

/// Creates a user of the customer, or an administrator if `customer` is `None`. Returns an access token.
async fn user(cp: &ControlPlane, email: &str, customer: Option<CustomerId>) -> String {
    let role = if customer.is_some() { "customer" } else { "admin" };
    let input = json!({ "email": email, "password": "correct horse battery", "role": role, "customerId": customer });
    cp.create_user(&Actor::System, CreateUser::read(object(input)).unwrap(), None).await.unwrap();
    cp.issue_token(&Actor::System, email, TimeDelta::hours(1)).await.unwrap().token
}

/// Stores agents in bulk. Returns their ids and keys.
async fn agents(app: &App, count: usize, owner: impl Fn(usize) -> CustomerId) -> (Vec<AgentId>, Vec<String>) {
    let code = app.cp.create_enrolment_code(&Actor::System, owner(0), CreateEnrolmentCode::default()).await;
    let input = json!({ "hostname": "template", "os": "linux", "customerIdentifier": code.unwrap().code });
    let input = RegisterAgent::read(object(input)).unwrap();
    let template = app.cp.register_agent(None, input, None).await.unwrap().agent.id;
    let template = store::agents::find(&app.db, Scope::All, template).await.unwrap().unwrap();
    let (generator, now) = (IdGenerator::system(), template.created_at);
    let (mut ids, mut keys) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for start in (0..count).step_by(CHUNK) {
        let mut tx = app.db.begin().await.unwrap();
        for index in start..count.min(start + CHUNK) {
            let (id, key): (AgentId, String) = (generator.next(now), generator.secret("mft_ak_"));
            let hostname = format!("agent-{index}.example.com");
            let row = AgentRow { id, customer_id: owner(index), hostname, ..template.clone() };
            store::agents::insert(&mut tx, &row).await.unwrap();
            let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
            store::api_keys::insert_key(&mut tx, id, &digest, &key[..12], now).await.unwrap();
            ids.push(id);
            keys.push(key);
        }
        tx.commit().await.unwrap();
    }
    (ids, keys)
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    let Value::Object(object) = value else { unreachable!("an object") };
    object
}
