//! The metrics of requests: text that a client chooses takes no memory in them.

use axum::{body::Body, http::Request};
use backend::telemetry::RequestMetrics;
use metrics_exporter_prometheus::PrometheusBuilder;
use tower::ServiceExt;

use crate::support::TestApp;

#[tokio::test]
async fn nothing_that_a_client_chooses_is_a_label() {
    let app = TestApp::start().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recorder = ::metrics::set_default_local_recorder(&recorder);
    let router = app.router.clone().layer(RequestMetrics::default());
    for index in 0..50 {
        let letters = "x".repeat(600);
        let paths = ["/api/agents/".to_owned(), "/api/".to_owned(), "/".to_owned(), "/graphql/".to_owned()];
        for path in paths.map(|begin| format!("{begin}{letters}{index}")) {
            for method in ["GET".to_owned(), format!("M{index}")] {
                let request = Request::builder().method(method.as_str()).uri(&path).body(Body::empty());
                router.clone().oneshot(request.expect("a request")).await.expect("routers do not fail");
            }
        }
    }
    handle.run_upkeep();
    let text = handle.render();
    let series: Vec<&str> = text.lines().filter(|line| line.starts_with("mftplus_http_requests_total")).collect();
    assert_eq!(series.len(), 4, "a route and the rest, a method and the others: {series:#?}");
    assert!(text.contains(r#"endpoint="/api/agents/{id}""#) && text.contains(r#"endpoint="unmatched""#), "{text}");
    assert!(!text.contains("xxx") && !text.contains("M4"), "{text}");
}
