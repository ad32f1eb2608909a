//! Access tokens: only tokens of this server, unchanged and signed with its one algorithm, are accepted.

use std::path::PathBuf;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use backend::service::jwt_key_from_file;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{PASSWORD, TestApp};

/// Header, claims and signature.
fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(ToOwned::to_owned).collect();
    parts.try_into().expect("three parts")
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

async fn token(app: &TestApp) -> String {
    let ops = app.create_user("ops", None).await;
    let answer = app.sign_in(&ops.email, PASSWORD).await;
    answer.body["data"]["token"].as_str().expect("a token").to_owned()
}

async fn refused(app: &TestApp, token: &str) {
    let answer = app.bearer(token).get("/api/auth/me").await;
    assert_eq!((answer.status, &answer.body["success"]), (401, &json!(false)), "{token}");
}

#[tokio::test]
async fn a_token_says_who_for_whom_and_until_when() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let ops = app.create_user("ops", Some(customer.id)).await;
    let answer = app.sign_in(&ops.email, PASSWORD).await;
    let [header, claims, _] = parts(answer.body["data"]["token"].as_str().unwrap_or_default());
    assert_eq!(decoded(&header)["alg"], "HS256");
    let claims = decoded(&claims);
    assert_eq!((&claims["sub"], &claims["customerId"]), (&json!(ops.id), &json!(customer.id)));
    assert_eq!((&claims["role"], &claims["exp"]), (&json!("customer"), &json!(1_777_125_600)));
    for name in ["iss", "aud", "sid"] {
        assert!(claims[name].is_string(), "{name}");
    }
}

#[tokio::test]
async fn a_tokens_claims_cannot_be_changed() {
    let app = TestApp::start().await;
    let token = token(&app).await;
    let [header, claims, signature] = parts(&token);
    let mut longer = decoded(&claims);
    longer["exp"] = json!(4_000_000_000_i64);
    refused(&app, &format!("{header}.{}.{signature}", encoded(&longer))).await;
    refused(&app, &format!("{header}.{claims}.{}", signature.chars().rev().collect::<String>())).await;
    refused(&app, &format!("{header}.{claims}.")).await;
    refused(&app, &format!("{header}.{claims}")).await;
    assert_eq!(app.bearer(&token).get("/api/auth/me").await.status, 200);
}

#[rstest]
#[case("none")]
#[case("None")]
#[case("HS384")]
#[case("EdDSA")]
#[case("RS256")]
#[tokio::test]
async fn the_algorithm_is_not_the_tokens_choice(#[case] algorithm: &str) {
    let app = TestApp::start().await;
    let [_, claims, signature] = parts(&token(&app).await);
    let header = encoded(&json!({ "typ": "JWT", "alg": algorithm }));
    refused(&app, &format!("{header}.{claims}.{signature}")).await;
    refused(&app, &format!("{header}.{claims}.")).await;
}

#[rstest]
#[case::empty("")]
#[case::dots("..")]
#[case::text("not a token")]
#[case::a_key("mft_ak_0000000000000000000000000000000000000000000")]
#[tokio::test]
async fn what_is_no_token_is_401(#[case] token: &str) {
    let app = TestApp::start().await;
    refused(&app, token).await;
    let odd = app.anonymous().with("Authorization", &format!("Basic {token}")).get("/api/auth/me").await;
    assert_eq!(odd.status, 401);
}

#[tokio::test]
async fn a_token_signed_with_another_secret_is_401() {
    let app = TestApp::start().await;
    let [_, claims, _] = parts(&token(&app).await);
    let key = EncodingKey::from_secret(&[7; 32]);
    let forged = encode(&Header::new(Algorithm::HS256), &decoded(&claims), &key).expect("a token");
    refused(&app, &forged).await;
    let other = TestApp::start().await;
    refused(&app, &token(&other).await).await;
}

/// An Ed25519 key as a PEM file, and its public half.
fn key_file() -> (TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let pair = Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("a key");
    let path = folder.path().join("jwt.pem");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(key.as_ref()));
    std::fs::write(&path, pem).expect("a file");
    (folder, path, pair.public_key().as_ref().to_vec())
}

#[tokio::test]
async fn with_a_key_file_tokens_are_signed_with_it_and_nothing_else_is_believed() {
    let (_folder, path, public) = key_file();
    let flags = ["--rate-limits", "off", "--jwt-key-file", path.to_str().expect("a path")];
    let app = TestApp::with(&flags).await;
    let token = token(&app).await;
    let [header, claims, _] = parts(&token);
    assert_eq!(decoded(&header)["alg"], "EdDSA");
    assert_eq!(app.bearer(&token).get("/api/auth/me").await.status, 200);
    // The public half is no secret: a token signed with it as one must not pass.
    for secret in [public.as_slice(), STANDARD.encode(&public).as_bytes()] {
        let forged = encode(&Header::new(Algorithm::HS256), &decoded(&claims), &EncodingKey::from_secret(secret));
        refused(&app, &forged.expect("a token")).await;
    }
    let (_other, path, _) = key_file();
    let other = TestApp::with(&["--rate-limits", "off", "--jwt-key-file", path.to_str().expect("a path")]).await;
    assert_eq!(other.bearer(&token).get("/api/auth/me").await.status, 401, "another server's key");
}

#[rstest]
#[case::nothing("", "cannot be read as a PEM file")]
#[case::text("a secret", "cannot be read as a PEM file")]
#[case::not_a_key("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "contains no Ed25519 private key")]
fn a_key_file_that_holds_no_key_is_said_to(#[case] content: &str, #[case] problem: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("jwt.pem");
    std::fs::write(&path, content).expect("a file");
    let said = jwt_key_from_file(&path).err().expect("a refusal");
    assert!(said.starts_with(problem), "{said}");
}
