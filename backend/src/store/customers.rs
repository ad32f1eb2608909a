//! The table of customers.

use chrono::{DateTime, Utc};

use super::{
    db::{Conn, Db, MOST_VALUES, Tx, row, sql},
    pagination,
};
use crate::{
    error::Result,
    ids::CustomerId,
    model::{
        Page, PageRequest, Total,
        customer::{Customer, UpdateCustomer},
    },
};

row! {
    struct CustomerRow {
        id: CustomerId,
        name: String,
        suspended: bool,
        created_at: DateTime<Utc>,
    }
}

impl From<CustomerRow> for Customer {
    fn from(row: CustomerRow) -> Self {
        Self { id: row.id, name: row.name, suspended: row.suspended, created_at: row.created_at.into() }
    }
}

const CUSTOMERS: &str = "SELECT id, name, suspended, created_at FROM customers";

/// Stores a new customer.
pub async fn insert(tx: &mut Tx, customer: &Customer) -> Result<()> {
    sql("INSERT INTO customers (id, name, suspended, created_at) VALUES ($1, $2, $3, $4)")
        .bind(customer.id)
        .bind(customer.name.clone())
        .bind(customer.suspended)
        .bind(customer.created_at.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Reads a customer; `None` if it does not exist.
pub async fn find(conn: impl Into<Conn<'_>>, id: CustomerId) -> Result<Option<Customer>> {
    let row: Option<CustomerRow> = sql(CUSTOMERS).push_bind(" WHERE id = ", id).fetch_optional(conn).await?;
    Ok(row.map(Customer::from))
}

/// Reads the customers with this name, oldest first.
pub async fn named(db: &Db, name: &str) -> Result<Vec<Customer>> {
    let rows: Vec<CustomerRow> =
        sql(CUSTOMERS).push_bind(" WHERE name = ", name).push(" ORDER BY id").fetch_all(db).await?;
    Ok(rows.into_iter().map(Customer::from).collect())
}

/// Reads the customers with these ids, in no particular order.
pub async fn find_all(db: &Db, ids: &[CustomerId]) -> Result<Vec<Customer>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_VALUES) {
        let statement = sql(CUSTOMERS).push(" WHERE id IN ").push_tuple(ids.iter().map(|id| (*id).into()));
        found.extend(statement.fetch_all::<CustomerRow>(db).await?.into_iter().map(Customer::from));
    }
    Ok(found)
}

/// Reads the ids of customers, newest first; at most `limit`.
pub async fn newest(db: &Db, limit: i64) -> Result<Vec<CustomerId>> {
    let statement = sql("SELECT id FROM customers").push_bind(" ORDER BY id DESC LIMIT ", limit);
    let rows: Vec<(CustomerId,)> = statement.fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Reads a page of all customers, newest first.
pub async fn list(db: &Db, request: PageRequest) -> Result<Page<Customer>> {
    let (total,): (i64,) = sql("SELECT COUNT(*) FROM customers").fetch_one(db).await?;
    let rows: Vec<CustomerRow> = pagination::cut(sql(CUSTOMERS).push(" WHERE 1 = 1"), request).fetch_all(db).await?;
    Ok(pagination::page(rows, request, Total::Exactly(total.unsigned_abs())).map(Customer::from))
}

/// Changes a customer, and returns the changed customer; `None` if it does not exist.
pub async fn update(tx: &mut Tx, id: CustomerId, change: &UpdateCustomer) -> Result<Option<Customer>> {
    sql("UPDATE customers SET name = COALESCE($1, name), suspended = COALESCE($2, suspended) WHERE id = $3")
        .bind(change.name.clone())
        .bind(change.suspended)
        .bind(id)
        .execute(tx)
        .await?;
    find(tx, id).await
}
