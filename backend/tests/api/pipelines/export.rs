//! Tests of `GET /api/pipelines/{id}/yaml`.

use super::{Fixture, SMALL, id};

#[tokio::test]
async fn the_text_comes_back_byte_for_byte_as_a_file() {
    let fixture = Fixture::new().await;
    let yaml = format!("\u{feff}# Bestellungen, täglich 🚚\r\n{SMALL}\r\n\t\n# no end of line");
    let pipeline = fixture.pipeline("daily", &yaml).await;
    let answer = fixture.user.get(&format!("/api/pipelines/{}/yaml", id(&pipeline))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.bytes, yaml.as_bytes());
    assert_eq!(answer.header("content-type"), Some("text/yaml"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"daily.yaml\""));
    assert_eq!(fixture.user.get("/api/pipelines/weekly/yaml").await.status, 404);
}
