//! Sessions, API keys, enrolment codes and webhook secrets.

use chrono::{DateTime, Utc};

use super::user;
use crate::{
    ids::DirectiveId,
    model::directive::{Directive, DirectiveAction},
    store::{
        agent_certificates, api_keys,
        db::{Tx, sql},
        directives,
        enrolment_codes::{self, EnrolmentCodeRow},
        scratch_database::Scratch,
        sessions::{self, SessionRow},
        test_rows::{assert_differ, assert_filled, at, id},
        users,
        webhook_secrets::{self, WebhookSecretRow},
    },
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

/// Whether the agent of an API key and of a certificate with this digest may have directives.
async fn may_have_directives(tx: &mut Tx, digest: &[u8]) -> [bool; 2] {
    let key = api_keys::find_key(&mut *tx, digest, at(131)).await.unwrap().unwrap();
    let certificate = agent_certificates::find(tx, digest).await.unwrap().unwrap();
    [key.may_have_directives, certificate.may_have_directives]
}

#[tokio::test]
async fn credentials_of_an_agent_say_whether_it_has_directives_that_it_has_not_acknowledged() {
    let scratch = Scratch::open().await;
    let (agent, digest) = (scratch.agent.id, [9; 32]);
    let mut tx = scratch.db.begin().await.unwrap();
    api_keys::insert_key(&mut tx, agent, &digest, "a prefix", at(130)).await.unwrap();
    agent_certificates::insert(&mut tx, agent, &digest, "a number", at(130), at(140)).await.unwrap();
    assert_eq!(may_have_directives(&mut tx, &digest).await, [false; 2]);
    let (created_at, expires_at) = (at(132).into(), at(133).into());
    let directive = Directive { id: id(54), created_at, expires_at, action: DirectiveAction::RotateKey {} };
    directives::insert(&mut tx, agent, &directive).await.unwrap();
    assert_eq!(may_have_directives(&mut tx, &digest).await, [true; 2]);
    assert!(directives::claim(&mut tx, id::<DirectiveId>(54), at(134)).await.unwrap());
    assert_eq!(may_have_directives(&mut tx, &digest).await, [false; 2]);
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
