//! Two customers who must not see each other's objects, and all kinds of callers.

use backend::{
    actor::Actor,
    ids::{JobId, PipelineId},
    model::{account::UpdateUser, customer::UpdateCustomer},
};
use chrono::TimeDelta;
use serde_json::Value;

use super::token_of;
use crate::support::{
    Client, TestApp,
    app::{TestAgent, TestCustomer},
    graphql::Schema,
    users::TestUser,
};

/// Callers without a valid token, who get no data.
pub(crate) const OUTCASTS: [&str; 5] =
    ["an expired token", "a garbage token", "a suspended user", "a suspended customer's user", "the owner's agent"];

/// Two customers with an agent and a user each, an administrator, and callers without a valid token.
pub(crate) struct World {
    pub(crate) app: TestApp,
    pub(crate) schema: Schema,
    pub(crate) owner: Side,
    pub(crate) other: Side,
    pub(crate) admin: TestUser,
    pub(crate) suspended: String,
    pub(crate) of_suspended_customer: String,
}

/// The definition of the pipelines of both customers.
pub(crate) const COPY: &str = "source: /out/orders.csv\ndestination: /in/orders.csv\n";

/// A customer with a user, an agent, a transfer, a job and a pipeline.
pub(crate) struct Side {
    pub(crate) customer: TestCustomer,
    pub(crate) person: TestUser,
    pub(crate) agent: TestAgent,
    pub(crate) transfer: Value,
    pub(crate) job: JobId,
    pub(crate) pipeline: PipelineId,
}

impl Side {
    pub(crate) async fn new(app: &TestApp, name: &str) -> Self {
        let customer = app.customer(name).await;
        let person = app.create_user(&format!("somebody-of-{}", name.to_lowercase()), Some(customer.id)).await;
        let agent = app.agent(customer.id, &format!("host-of-{name}")).await;
        let transfer = app.transfer(&agent).await;
        let job = app.job(&agent, &serde_json::json!({})).await;
        let pipeline = app.pipeline(customer.id, &format!("pipeline-of-{}", name.to_lowercase()), COPY).await;
        Self { customer, person, agent, transfer, job, pipeline }
    }

    /// The values that no other customer may see.
    pub(crate) fn secrets(&self, name: &str) -> Vec<String> {
        let ids = [self.customer.id.to_string(), self.agent.id.to_string(), self.person.id.to_string()];
        let transfer = self.transfer["id"].as_str().expect("an id").to_owned();
        let made = vec![transfer, self.job.to_string(), self.pipeline.to_string()];
        let names =
            vec![format!("host-of-{name}"), format!("pipeline-of-{}", name.to_lowercase()), self.person.email.clone()];
        [ids.to_vec(), made, names].concat()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let app = TestApp::start().await;
        let (owner, other) = (Side::new(&app, "Owner").await, Side::new(&app, "Stranger").await);
        let admin = app.create_user("root", None).await;
        let hour = TimeDelta::hours(1);
        let outcast = app.create_user("outcast", Some(owner.customer.id)).await;
        let suspended = token_of(&app, &outcast.email, hour).await;
        let change = UpdateUser { suspended: Some(true), ..UpdateUser::default() };
        app.cp().update_user(&Actor::System, outcast.id, change).await.expect("a suspension");
        let shut = app.customer("Shut").await;
        let change = UpdateCustomer { suspended: Some(true), ..UpdateCustomer::default() };
        app.cp().update_customer(&Actor::System, shut.id, change).await.expect("a suspension");
        Self { app, schema: Schema::read(), owner, other, admin, suspended, of_suspended_customer: shut.token }
    }

    /// A caller with a new session, since the caller may end it.
    pub(crate) async fn caller(&self, who: &str) -> Client {
        match (who, self.token(who).await) {
            ("the owner's agent", _) => self.app.key(&self.owner.agent.key),
            (_, Some(token)) => self.app.bearer(&token),
            (_, None) => self.app.anonymous(),
        }
    }

    /// The access token of a caller; `None` if the caller has none.
    pub(crate) async fn token(&self, who: &str) -> Option<String> {
        let app = &self.app;
        let signed_in = async |person: &TestUser| token_of(app, &person.email, TimeDelta::hours(1)).await;
        Some(match who {
            "nobody" | "the owner's agent" => return None,
            "the owner" => signed_in(&self.owner.person).await,
            "another customer's user" => signed_in(&self.other.person).await,
            "an administrator" => signed_in(&self.admin).await,
            "an expired token" => {
                let token = token_of(app, &self.admin.email, TimeDelta::seconds(1)).await;
                app.advance(TimeDelta::seconds(1));
                token
            }
            "a garbage token" => "eyJhbGciOiJIUzI1NiJ9.e30.c2ln".to_owned(),
            "a suspended user" => self.suspended.clone(),
            "a suspended customer's user" => self.of_suspended_customer.clone(),
            other => panic!("who is {other}?"),
        })
    }
}
