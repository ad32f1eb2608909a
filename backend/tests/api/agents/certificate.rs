//! POST /api/agents/{id}/certificate and GET /api/ca.

use backend::{model::certificate::MAX_CSR, service::CertificateAuthority, store::db::sql};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{CertificateParams, DnType, IsCa, KeyPair, RsaKeySize, SanType};
use rstest::rstest;
use serde_json::json;
use uuid::Uuid;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::support::{
    Answer, TestApp,
    app::{START, TestAgent, TestDatabase},
    tls::AgentKey,
};

const RESTART: TimeDelta = TimeDelta::minutes(1);

async fn request(app: &TestApp, agent: &TestAgent, csr: &str) -> Answer {
    let path = format!("/api/agents/{}/certificate", agent.id);
    app.key(&agent.key).post(&path, &json!({ "csr": csr })).await
}

async fn agent(app: &TestApp) -> TestAgent {
    app.agent(app.customer("acme").await.id, "edge-1").await
}

/// The bytes in PEM.
fn der(pem: &str) -> Vec<u8> {
    x509_parser::pem::parse_x509_pem(pem.as_bytes()).expect("PEM").1.contents
}

#[tokio::test]
async fn only_the_public_key_is_taken_from_a_signing_request() {
    let app = TestApp::with_authority().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let key = KeyPair::generate().expect("a key");
    let mut asked = CertificateParams::new(["admin.example.com".to_owned()]).expect("parameters");
    asked.distinguished_name.push(DnType::CommonName, "admin");
    asked.distinguished_name.push(DnType::CountryName, "ZA");
    asked.subject_alt_names.push(SanType::URI("spiffe://admin".try_into().expect("ASCII")));
    asked.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let csr = asked.serialize_request(&key).and_then(|request| request.pem()).expect("a request");

    let answer = request(&app, &agent, &csr).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let issued = &answer.body["data"]["certificate"];
    let bytes = der(issued["pem"].as_str().expect("PEM"));
    let (_, certificate) = X509Certificate::from_der(&bytes).expect("a certificate");
    assert_eq!(certificate.subject().to_string(), format!("O={}, CN={}", customer.id, agent.id));
    assert_eq!(certificate.public_key().raw, rcgen::PublicKeyData::subject_public_key_info(&key));
    assert!(certificate.subject_alternative_name().expect("extensions").is_none());
    assert!(!certificate.is_ca());
    let usage = certificate.extended_key_usage().expect("extensions").expect("a usage").value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    let serial = format!("{:032x}", certificate.serial);
    assert_eq!(issued["serialNumber"], json!(serial));

    let start: DateTime<Utc> = START.parse().expect("an instant");
    let (from, until) = (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    assert_eq!(until, (start + TimeDelta::days(90)).timestamp());
    assert_eq!(from, (start - TimeDelta::minutes(5)).timestamp());
    assert_eq!(issued["expiresAt"], "2026-07-24T13:00:00Z");
    let again = request(&app, &agent, &csr).await;
    assert_ne!(again.body["data"]["certificate"]["serialNumber"], json!(serial));

    let authority = app.anonymous().get("/api/ca").await;
    let authority = der(std::str::from_utf8(&authority.bytes).expect("text"));
    let (_, authority) = X509Certificate::from_der(&authority).expect("a certificate");
    certificate.verify_signature(Some(authority.public_key())).expect("signed by the authority");
}

#[rstest]
#[case::p256(&rcgen::PKCS_ECDSA_P256_SHA256, 201)]
#[case::p384(&rcgen::PKCS_ECDSA_P384_SHA384, 201)]
#[case::ed25519(&rcgen::PKCS_ED25519, 201)]
#[case::p521(&rcgen::PKCS_ECDSA_P521_SHA512, 400)]
#[tokio::test]
async fn a_key_is_of_a_kind_that_servers_verify(
    #[case] algorithm: &'static rcgen::SignatureAlgorithm,
    #[case] status: u16,
) {
    let app = TestApp::with_authority().await;
    let key = AgentKey(KeyPair::generate_for(algorithm).expect("a key"));
    let answer = request(&app, &agent(&app).await, &key.csr()).await;
    assert_eq!(answer.status, status, "{}", answer.body);
}

#[tokio::test]
async fn an_rsa_key_is_taken() {
    let app = TestApp::with_authority().await;
    let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
    let answer = request(&app, &agent(&app).await, &AgentKey(key).csr()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[tokio::test]
async fn what_is_no_signing_request_or_not_signed_by_its_key_is_refused() {
    let app = TestApp::with_authority().await;
    let agent = agent(&app).await;
    let csr = AgentKey::generate().csr();
    let certificate = app.certificate(&agent, &AgentKey::generate()).await;
    let renamed = certificate.replace("CERTIFICATE", "CERTIFICATE REQUEST");
    // The signature stands at the end.
    let mut bytes = der(&csr);
    *bytes.last_mut().expect("bytes") ^= 1;
    let forged = as_request(&bytes);
    let mut longer = der(&csr);
    longer.push(0);
    for wrong in ["", "hello", &certificate, &renamed, &forged, &as_request(&longer), &as_request(&[0x30; 4000])] {
        let answer = request(&app, &agent, wrong).await;
        assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["csr"]), "{wrong}: {}", answer.body);
    }
    let fits = format!("{csr}{}", "\n".repeat(MAX_CSR - csr.len()));
    assert_eq!(request(&app, &agent, &fits).await.status, 201);
    let answer = request(&app, &agent, &format!("{fits}\n")).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["csr"]), "{}", answer.body);
    let path = format!("/api/agents/{}/certificate", agent.id);
    for body in [json!({}), json!({ "csr": null }), json!({ "csr": 5 })] {
        let answer = app.key(&agent.key).post(&path, &body).await;
        assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["csr"]), "{body}");
    }
}

fn as_request(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", lines.join("\n"))
}

#[tokio::test]
async fn a_server_without_the_listener_has_no_authority() {
    let app = TestApp::start().await;
    let agent = agent(&app).await;
    assert_eq!(request(&app, &agent, &AgentKey::generate().csr()).await.status, 404);
    let answer = app.anonymous().get("/api/ca").await;
    assert_eq!((answer.status, &answer.body["error"]), (404, &json!("certificate authority not found")));
}

#[tokio::test]
async fn an_agent_gets_no_certificate_of_another_one_and_the_log_names_the_own_one() {
    let app = TestApp::with_authority().await;
    let customer = app.customer("acme").await;
    let (one, other) = (app.agent(customer.id, "edge-1").await, app.agent(customer.id, "edge-2").await);
    let path = format!("/api/agents/{}/certificate", other.id);
    let answer = app.key(&one.key).post(&path, &json!({ "csr": AgentKey::generate().csr() })).await;
    assert_eq!(answer.status, 404, "{}", answer.body);
    app.certificate(&one, &AgentKey::generate()).await;
    let logged = sql("SELECT object_id, actor FROM events WHERE kind = 'agentCertificateIssued'");
    let logged: Vec<(Uuid, String)> = logged.fetch_all(&app.app.db).await.expect("the log");
    assert_eq!(logged, [(one.id.0, format!("agent:{}", one.id))]);
}

#[tokio::test]
async fn a_key_that_was_replaced_gets_no_certificate() {
    let app = TestApp::with_authority().await;
    let agent = agent(&app).await;
    let csr = AgentKey::generate().csr();
    let key_path = format!("/api/agents/{}/key", agent.id);
    let replaced = app.key(&agent.key).send("POST", &key_path, None).await;
    let new = app.key(replaced.body["data"]["apiKey"].as_str().expect("a key"));
    assert_eq!(request(&app, &agent, &csr).await.status, 403, "the new key was not used yet");
    assert_eq!(new.post("/api/agents/heartbeat", &json!({})).await.status, 200);
    assert_eq!(request(&app, &agent, &csr).await.status, 403, "a certificate would outlive the overlap");
    assert_eq!(app.key(&agent.key).post("/api/agents/heartbeat", &json!({})).await.status, 200, "it works as a key");
    let path = format!("/api/agents/{}/certificate", agent.id);
    assert_eq!(new.post(&path, &json!({ "csr": csr })).await.status, 201);
}

#[tokio::test]
async fn the_authority_outlives_a_restart_and_the_answer_is_pem_alone() {
    let app = TestApp::with_authority().await;
    let before = app.anonymous().get("/api/ca").await;
    assert_eq!(before.header("content-type"), Some("application/pem-certificate-chain"));
    assert!(before.bytes.starts_with(b"-----BEGIN CERTIFICATE-----\n"), "{:?}", before.bytes);
    assert!(!String::from_utf8_lossy(&before.bytes).contains("PRIVATE"));
    let app = app.restarted(RESTART).await;
    assert_eq!(app.anonymous().get("/api/ca").await.bytes, before.bytes);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn servers_on_one_database_have_one_authority() {
    let database = TestDatabase::shared().await;
    let flags = ["--mtls-listen", "127.0.0.1:0"];
    let (one, two) = tokio::join!(TestApp::on(&database, &flags), TestApp::on(&database, &flags));
    assert_eq!(one.anonymous().get("/api/ca").await.bytes, two.anonymous().get("/api/ca").await.bytes);
}

#[tokio::test]
async fn the_key_of_the_authority_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let database = TestDatabase::sqlite();
    let app = TestApp::on(&database, &["--mtls-listen", "127.0.0.1:0"]).await;
    let file = app.settings.database.data_dir.join("ca.pem");
    assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&file).expect("text").contains("PRIVATE KEY"));
}

#[tokio::test]
async fn an_authority_that_the_operator_chose_signs_and_the_others_in_its_file_are_trusted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at: DateTime<Utc> = START.parse().expect("an instant");
    let [own, old] = [[1; 16], [2; 16]].map(|serial| CertificateAuthority::generate(serial, at).expect("an authority"));
    let (certificates, key) = (folder.path().join("ca.pem"), folder.path().join("ca.key"));
    let certificate_of = |text: &str| text.split_inclusive("-----END CERTIFICATE-----\n").next().map(str::to_owned);
    let chain = [&own, &old].map(|text| certificate_of(text).expect("a certificate")).concat();
    std::fs::write(&certificates, &chain).expect("written");
    std::fs::write(&key, &own).expect("written");
    let (certificates, key) = (certificates.display().to_string(), key.display().to_string());
    let flags = ["--mtls-listen", "127.0.0.1:0", "--ca-cert", &certificates, "--ca-key", &key];
    let app = TestApp::with(&flags).await;
    assert_eq!(app.anonymous().get("/api/ca").await.bytes, chain.as_bytes());
    let bytes = der(&app.certificate(&agent(&app).await, &AgentKey::generate()).await);
    let (_, certificate) = X509Certificate::from_der(&bytes).expect("a certificate");
    assert_eq!(certificate.issuer().to_string(), "O=MFTPlus, CN=MFTPlus CA 41010101");
}
