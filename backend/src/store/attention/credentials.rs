//! API keys and client certificates of agents that expire soon or have expired.

use chrono::{DateTime, Utc};

use super::MOST_SHARED;
use crate::{
    error::Result,
    ids::{AgentId, CustomerId},
    store::db::{Db, Sql, row, sql},
};

row! {
    /// An API key or client certificate that expires soon or has expired.
    #[derive(Clone, Debug)]
    pub struct EndingCredential {
        /// The agent of the credential.
        pub agent_id: AgentId,
        /// The customer of the agent.
        pub customer_id: CustomerId,
        /// The name of the agent, or its host name.
        pub name: String,
        /// The expiry time of the credential.
        pub expires_at: DateTime<Utc>,
    }
}

/// Reads the certificate of each agent that expires last, if it expires after `from` and before `until`. Returns at
/// most `limit`, with equal shares for customers; of each customer, those that expire first.
pub async fn ending_certificates(
    db: &Db,
    customer: Option<CustomerId>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<EndingCredential>> {
    let found = "SELECT c.agent_id, a.customer_id, COALESCE(a.name, a.hostname) AS name, c.expires_at \
         FROM agent_certificates c JOIN agents a ON a.id = c.agent_id WHERE a.revoked_at IS NULL AND NOT EXISTS (\
         SELECT 1 FROM agent_certificates n WHERE n.agent_id = c.agent_id AND n.expires_at > c.expires_at)";
    ending(found, "c.", customer, from, until, limit).fetch_all(db).await
}

/// Reads the API keys in use that expire after `from` and before `until`. A key is not in use if it replaced another
/// one and was never used, or if a newer key of the agent has been used. Returns at most `limit`, with equal shares for
/// customers; of each customer, those that expire first.
pub async fn ending_keys(
    db: &Db,
    customer: Option<CustomerId>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<EndingCredential>> {
    // The first use of a key is noted if it took over from another one.
    let found = "SELECT k.agent_id, a.customer_id, COALESCE(a.name, a.hostname) AS name, k.expires_at \
         FROM agent_keys k JOIN agents a ON a.id = k.agent_id WHERE a.revoked_at IS NULL \
         AND (k.generation <= 1 OR k.first_used_at IS NOT NULL) AND NOT EXISTS (\
         SELECT 1 FROM agent_keys n WHERE n.agent_id = k.agent_id AND n.digest <> k.digest \
         AND n.first_used_at IS NOT NULL AND (n.generation > k.generation OR n.expires_at IS NULL))";
    ending(found, "k.", customer, from, until, limit).fetch_all(db).await
}

/// Selects the credentials that `found` finds and that expire between `from` and `until`, with equal shares for
/// customers. `table` is the prefix of their columns in `found`.
fn ending(
    found: &'static str,
    table: &'static str,
    customer: Option<CustomerId>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> Sql {
    let statement = sql("SELECT agent_id, customer_id, name, expires_at FROM (\
         SELECT agent_id, customer_id, name, expires_at, \
         ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY expires_at, agent_id) AS place FROM (");
    let statement = statement.push(found).push(" AND ").push(table).push_bind("expires_at > ", from);
    let statement = statement.push(" AND ").push(table).push_bind("expires_at < ", until);
    let statement = match customer {
        Some(customer) => statement.push_bind(" AND a.customer_id = ", customer),
        None => statement,
    };
    let statement = statement.push(" ORDER BY ").push(table).push_bind("expires_at LIMIT ", MOST_SHARED);
    statement.push(") AS found) AS placed").push_bind(" ORDER BY place, expires_at, agent_id LIMIT ", limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        agent_certificates, agents, api_keys,
        scratch_database::Scratch,
        test_rows::{agent, at, id, second_customer},
    };

    fn agents_of(found: Result<Vec<EndingCredential>>) -> Vec<AgentId> {
        found.unwrap().into_iter().map(|credential| credential.agent_id).collect()
    }

    #[tokio::test]
    async fn credentials_of_one_customer_leave_room_for_those_of_others() {
        let scratch = Scratch::open().await;
        let mut tx = scratch.db.begin().await.unwrap();
        let (one, other) = (scratch.agent.customer_id, second_customer(&mut tx).await);
        for (number, customer) in [(11_u8, one), (12, one), (13, one), (14, other)] {
            let (agent_id, end) = (id(number.into()), at(i64::from(number)));
            agents::insert(&mut tx, &agent(customer, agent_id)).await.unwrap();
            agent_certificates::insert(&mut tx, agent_id, &[number], "1", at(1), end).await.unwrap();
            api_keys::insert_key(&mut tx, agent_id, &[number], "mft_ak_", at(1)).await.unwrap();
            sql("UPDATE agent_keys SET expires_at = $1 WHERE agent_id = $2")
                .bind(end)
                .bind(agent_id)
                .execute(&mut tx)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let (db, from, until) = (&scratch.db, at(0), at(20));
        for (customer, limit, expected) in
            [(None, 2, vec![11, 14]), (None, 3, vec![11, 14, 12]), (Some(one), 2, vec![11, 12])]
        {
            let expected: Vec<AgentId> = expected.into_iter().map(id).collect();
            assert_eq!(agents_of(ending_certificates(db, customer, from, until, limit).await), expected);
            assert_eq!(agents_of(ending_keys(db, customer, from, until, limit).await), expected);
        }
    }
}
