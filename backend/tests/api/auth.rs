//! Signing in, renewing a session and signing out.

use backend::model::customer::UpdateCustomer;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp, admin};

const WRONG: &str = "wrong e-mail address or password";

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["token"].as_str().expect("a token").to_owned()
}

fn refresh_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["refreshToken"].as_str().expect("a refresh token").to_owned()
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.anonymous().post("/api/auth/refresh", &json!({ "refreshToken": token })).await
}

/// The status of `GET /api/auth/me` with the token: 200 or 401.
async fn me(app: &TestApp, token: &str) -> u16 {
    app.bearer(token).get("/api/auth/me").await.status
}

#[tokio::test]
async fn signing_in_gives_a_token_a_refresh_token_and_the_user() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let ops = app.create_user("ops", Some(customer.id)).await;
    let answer = app.sign_in(&ops.email, PASSWORD).await;
    let user = json!({
        "id": ops.id, "email": "ops@example.com", "role": "customer", "customerId": customer.id, "suspended": false,
        "createdAt": "2026-04-25T13:00:00Z",
    });
    let data = &answer.body["data"];
    let expected = json!({
        "token": data["token"], "refreshToken": data["refreshToken"], "expiresAt": "2026-04-25T14:00:00Z", "user": user,
    });
    assert_eq!((answer.status, &answer.body), (200, &json!({ "success": true, "data": expected })));
    assert_eq!(answer.header("set-cookie"), None);
    let me = app.bearer(&token(&answer)).get("/api/auth/me").await;
    assert_eq!((me.status, &me.body["data"]), (200, &json!({ "user": user })));
}

#[rstest]
#[case::empty("")]
#[case::almost_right("correct horse batterY")]
#[case::with_a_space_more("correct horse battery ")]
#[case::not_ascii("пароль 🐎")]
#[tokio::test]
async fn a_wrong_password_is_401(#[case] password: &str) {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let answer = app.sign_in(&ops.email, password).await;
    assert_eq!((answer.status, answer.body), (401, json!({ "success": false, "error": WRONG, "details": null })));
}

#[tokio::test]
async fn a_wrong_password_is_401_however_long_it_is() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    for length in [1025, 100_000, 1_000_000] {
        assert_eq!(app.sign_in(&ops.email, &"a".repeat(length)).await.status, 401, "{length} bytes");
    }
}

#[rstest]
#[case::unknown("nobody@example.com".to_owned())]
#[case::not_an_address("nobody".to_owned())]
#[case::empty(String::new())]
#[case::very_long("a".repeat(100_000))]
#[tokio::test]
async fn an_unknown_address_is_refused_like_a_wrong_password(#[case] email: String) {
    let app = TestApp::start().await;
    let answer = app.sign_in(&email, PASSWORD).await;
    assert_eq!((answer.status, &answer.body["error"]), (401, &json!(WRONG)));
}

#[rstest]
#[case::nothing(json!({}), &["email", "password"])]
#[case::no_password(json!({ "email": "ops@example.com" }), &["password"])]
#[case::wrong_types(json!({ "email": 1, "password": [], "cookie": "yes" }), &["cookie", "email", "password"])]
#[tokio::test]
async fn a_login_without_its_fields_is_400(#[case] body: Value, #[case] wrong: &[&str]) {
    let app = TestApp::start().await;
    let answer = app.anonymous().post("/api/auth/login", &body).await;
    let fields = answer.body["details"]["fields"].as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>());
    assert_eq!((answer.status, fields.unwrap_or_default()), (400, wrong.iter().map(ToString::to_string).collect()));
}

#[tokio::test]
async fn an_address_is_the_same_in_any_case() {
    let app = TestApp::start().await;
    app.create_user("ops", None).await;
    let answer = app.sign_in(" Ops@EXAMPLE.com ", PASSWORD).await;
    assert_eq!((answer.status, &answer.body["data"]["user"]["email"]), (200, &json!("ops@example.com")));
}

#[tokio::test]
async fn a_suspended_user_neither_signs_in_nor_stays_signed_in() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ops = app.create_user("ops", None).await;
    let before = app.sign_in(&ops.email, PASSWORD).await;
    assert_eq!(admin.patch(&ops.path(), &json!({ "suspended": true })).await.status, 200);
    let answer = app.sign_in(&ops.email, PASSWORD).await;
    assert_eq!((answer.status, &answer.body["error"]), (401, &json!(WRONG)));
    assert_eq!(me(&app, &token(&before)).await, 401);
    assert_eq!(refresh(&app, &refresh_token(&before)).await.status, 401);
    assert_eq!(admin.patch(&ops.path(), &json!({ "suspended": false })).await.status, 200);
    assert_eq!(me(&app, &token(&before)).await, 401, "the session has ended for good");
    assert_eq!(app.sign_in(&ops.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn no_user_of_a_suspended_customer_signs_in() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let ops = app.create_user("ops", Some(customer.id)).await;
    let before = app.sign_in(&ops.email, PASSWORD).await;
    let suspend = |suspended| UpdateCustomer { suspended: Some(suspended), ..UpdateCustomer::default() };
    app.cp().update_customer(&admin(), customer.id, suspend(true)).await.expect("a change");
    let answer = app.sign_in(&ops.email, PASSWORD).await;
    assert_eq!((answer.status, &answer.body["error"]), (401, &json!(WRONG)));
    assert_eq!(refresh(&app, &refresh_token(&before)).await.status, 401);
    app.cp().update_customer(&admin(), customer.id, suspend(false)).await.expect("a change");
    assert_eq!(app.sign_in(&ops.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_access_token_works_for_an_hour() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let token = token(&app.sign_in(&ops.email, PASSWORD).await);
    app.advance(TimeDelta::seconds(3599));
    assert_eq!(me(&app, &token).await, 200);
    app.advance(TimeDelta::seconds(1));
    assert_eq!(me(&app, &token).await, 401);
}

#[tokio::test]
async fn a_refresh_token_works_for_seven_days_from_its_making() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let first = refresh_token(&app.sign_in(&ops.email, PASSWORD).await);
    app.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    let second = refresh(&app, &first).await;
    assert_eq!(me(&app, &token(&second)).await, 200);
    app.advance(TimeDelta::days(7));
    assert_eq!(refresh(&app, &refresh_token(&second)).await.status, 401);
}

#[tokio::test]
async fn a_refresh_token_is_replaced_at_each_use() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let first = app.sign_in(&ops.email, PASSWORD).await;
    let second = refresh(&app, &refresh_token(&first)).await;
    assert_ne!(refresh_token(&first), refresh_token(&second));
    assert_eq!(second.body["data"]["user"], first.body["data"]["user"]);
    app.advance(TimeDelta::minutes(1));
    let third = refresh(&app, &refresh_token(&second)).await;
    assert_eq!(third.body["data"]["expiresAt"], "2026-04-25T14:01:00Z");
    assert_eq!(me(&app, &token(&third)).await, 200);
}

#[tokio::test]
async fn a_replaced_refresh_token_works_once_more_within_ten_seconds() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let first = refresh_token(&app.sign_in(&ops.email, PASSWORD).await);
    refresh_token(&refresh(&app, &first).await);
    app.advance(TimeDelta::seconds(10));
    let again = refresh(&app, &first).await;
    assert_eq!(me(&app, &token(&again)).await, 200);
    let reused = refresh(&app, &first).await;
    assert_eq!(reused.status, 401, "once more, not twice");
    assert_eq!(me(&app, &token(&again)).await, 401, "reuse ends the session");
    assert_eq!(refresh(&app, &refresh_token(&again)).await.status, 401);
}

#[tokio::test]
async fn two_windows_of_one_browser_may_renew_at_once() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let session = app.sign_in(&ops.email, PASSWORD).await;
    // Each has a connection of their own by now, so that nothing keeps them apart.
    let (access, first) = (token(&session), refresh_token(&session));
    assert_eq!(tokio::join!(me(&app, &access), me(&app, &access)), (200, 200));
    let (one, two) = tokio::join!(refresh(&app, &first), refresh(&app, &first));
    for renewed in [&one, &two] {
        assert_eq!(me(&app, &token(renewed)).await, 200);
    }
}

#[tokio::test]
async fn a_replaced_refresh_token_ends_the_session_after_ten_seconds() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let other = app.sign_in(&ops.email, PASSWORD).await;
    let first = refresh_token(&app.sign_in(&ops.email, PASSWORD).await);
    let second = refresh(&app, &first).await;
    app.advance(TimeDelta::milliseconds(10_001));
    assert_eq!(refresh(&app, &first).await.status, 401);
    assert_eq!(me(&app, &token(&second)).await, 401);
    assert_eq!(refresh(&app, &refresh_token(&second)).await.status, 401);
    assert_eq!(me(&app, &token(&other)).await, 200, "another session of the same user goes on");
}

#[rstest]
#[case::empty("")]
#[case::no_token_at_all("mft_rt_")]
#[case::made_up("mft_rt_AZnB8GwAcACAAAAAAAAAAQAAAAAAAAAA")]
#[case::an_api_key("mft_ak_000000000000000000000000000000000000000000000")]
#[tokio::test]
async fn what_is_no_refresh_token_renews_nothing(#[case] token: &str) {
    let app = TestApp::start().await;
    assert_eq!(refresh(&app, token).await.status, 401);
}

#[tokio::test]
async fn a_refresh_token_with_one_bit_changed_renews_nothing_and_ends_nothing() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let real = refresh_token(&app.sign_in(&ops.email, PASSWORD).await);
    // The first characters name the session, later ones its generation, the last ones sign both.
    for index in [8, 30, real.len() - 4] {
        let mut changed = real.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        assert_eq!(refresh(&app, &String::from_utf8_lossy(&changed)).await.status, 401, "at {index}");
    }
    assert_eq!(refresh(&app, &real).await.status, 200);
}

#[tokio::test]
async fn a_new_password_ends_every_session_of_its_user() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let ops = app.create_user("ops", None).await;
    let (one, two) = (app.sign_in(&ops.email, PASSWORD).await, app.sign_in(&ops.email, PASSWORD).await);
    assert_eq!(admin.patch(&ops.path(), &json!({ "password": "another long phrase" })).await.status, 200);
    for session in [&one, &two] {
        assert_eq!(me(&app, &token(session)).await, 401);
        assert_eq!(refresh(&app, &refresh_token(session)).await.status, 401);
    }
    assert_eq!(app.sign_in(&ops.email, PASSWORD).await.status, 401);
    assert_eq!(app.sign_in(&ops.email, "another long phrase").await.status, 200);
}

#[tokio::test]
async fn signing_out_with_the_token_ends_its_session_and_no_other() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let (one, two) = (app.sign_in(&ops.email, PASSWORD).await, app.sign_in(&ops.email, PASSWORD).await);
    let answer = app.bearer(&token(&one)).send("POST", "/api/auth/logout", None).await;
    assert_eq!((answer.status, &answer.body["data"]), (200, &json!({ "loggedOut": true })));
    assert_eq!(me(&app, &token(&one)).await, 401);
    assert_eq!(refresh(&app, &refresh_token(&one)).await.status, 401);
    assert_eq!(me(&app, &token(&two)).await, 200);
    assert_eq!(app.bearer(&token(&one)).send("POST", "/api/auth/logout", None).await.status, 401, "already ended");
}

#[tokio::test]
async fn signing_out_with_the_refresh_token_ends_its_session() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let session = app.sign_in(&ops.email, PASSWORD).await;
    let body = json!({ "refreshToken": refresh_token(&session) });
    for _ in 0..2 {
        let answer = app.anonymous().post("/api/auth/logout", &body).await;
        assert_eq!((answer.status, &answer.body["data"]), (200, &json!({ "loggedOut": true })));
    }
    assert_eq!(me(&app, &token(&session)).await, 401);
}

#[tokio::test]
async fn signing_out_needs_something_to_end() {
    let app = TestApp::start().await;
    assert_eq!(app.anonymous().send("POST", "/api/auth/logout", None).await.status, 401);
    let made_up = json!({ "refreshToken": "mft_rt_AAAA" });
    assert_eq!(app.anonymous().post("/api/auth/logout", &made_up).await.status, 401);
}
