//! Sessions, enrolment codes and webhook secrets.

use chrono::{DateTime, Utc};

use super::user;
use crate::store::{
    db::sql,
    enrolment_codes::{self, EnrolmentCodeRow},
    scratch_database::Scratch,
    sessions::{self, SessionRow},
    test_rows::{assert_differ, assert_filled, at, id},
    users,
    webhook_secrets::{self, WebhookSecretRow},
};

#[tokio::test]
async fn every_column_of_a_session_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let user = user(&scratch.agent);
    let row = SessionRow {
        id: id(50),
        user_id: user.id,
        generation: 3,
        rotated_at: at(100),
        created_at: at(101),
        expires_at: at(102),
        ended_at: Some(at(103)),
    };
    assert_filled(SessionRow::CREATED, &row);
    let mut tx = scratch.db.begin().await.unwrap();
    assert!(users::insert(&mut tx, &user).await.unwrap());
    sessions::insert(&mut tx, &row).await.unwrap();
    assert_eq!(sessions::find(&mut tx, row.id).await.unwrap(), Some(row));
}

#[tokio::test]
async fn every_column_of_an_enrolment_code_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let row = EnrolmentCodeRow {
        id: id(51),
        customer_id: scratch.agent.customer_id,
        prefix: "a prefix".to_owned(),
        expires_at: Some(at(110)),
        max_uses: Some(9),
        uses: 2,
    };
    assert_filled(EnrolmentCodeRow::CREATED, &row);
    let mut tx = scratch.db.begin().await.unwrap();
    enrolment_codes::insert(&mut tx, &row, &[7; 32], at(111)).await.unwrap();
    assert_eq!(enrolment_codes::find(&mut tx, row.id).await.unwrap().as_ref(), Some(&row));
    let statement = sql("SELECT digest, created_at FROM enrolment_codes WHERE id = $1").bind(row.id);
    let (digest, created_at): (Vec<u8>, DateTime<Utc>) = statement.fetch_one(&mut tx).await.unwrap();
    assert_eq!((digest.as_slice(), created_at), ([7; 32].as_slice(), at(111)));
}

#[tokio::test]
async fn every_column_of_a_webhook_secret_is_read_as_it_was_stored() {
    let scratch = Scratch::open().await;
    let row = WebhookSecretRow {
        id: id(52),
        customer_id: Some(scratch.agent.customer_id),
        prefix: "a prefix".to_owned(),
        nonce: vec![1, 2],
        sealed: vec![3, 4, 5],
        created_at: at(120),
    };
    assert_filled(WebhookSecretRow::CREATED, &row);
    assert_filled(WebhookSecretRow::REPLACED, &row);
    let mut tx = scratch.db.begin().await.unwrap();
    webhook_secrets::replace(&mut tx, &row).await.unwrap();
    assert_eq!(webhook_secrets::by_id(&mut tx, row.id).await.unwrap().as_ref(), Some(&row));

    let after = WebhookSecretRow {
        id: id(53),
        prefix: "another prefix".to_owned(),
        nonce: vec![6],
        sealed: vec![7, 8],
        created_at: at(121),
        ..row.clone()
    };
    assert_differ(WebhookSecretRow::REPLACED, &row, &after);
    webhook_secrets::replace(&mut tx, &after).await.unwrap();
    assert_eq!(webhook_secrets::by_id(&mut tx, row.id).await.unwrap(), None);
    assert_eq!(webhook_secrets::find(&mut tx, row.customer_id).await.unwrap(), Some(after));
}
