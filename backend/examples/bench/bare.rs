//! The server to compare with: axum as it is usually written, with one handler, one statement and one commit per
//! request, on the same schema and with the same settings of the engine.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::patch,
};
use backend::store::Db;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    progress: f64,
    bytes_transferred: i64,
    speed: f64,
}

pub(crate) const UPDATE: &str = "UPDATE transfers SET progress = $1, bytes_transferred = $2, speed = $3, \
    revision = revision + 1 WHERE id = $4";

pub(crate) async fn open(database: &str) -> Db {
    if database.starts_with("postgres") {
        Db::open_postgres(database).await.unwrap()
    } else {
        Db::open_sqlite(std::path::Path::new(database)).await.unwrap()
    }
}

/// One durable commit.
pub(crate) async fn commit(db: &Db, id: Uuid, progress: f64, bytes: i64, speed: f64) {
    match db {
        Db::Sqlite { writer, .. } => {
            sqlx::query(UPDATE).bind(progress).bind(bytes).bind(speed).bind(id).execute(writer).await.unwrap();
        }
        Db::Postgres { pool, .. } => {
            sqlx::query(UPDATE).bind(progress).bind(bytes).bind(speed).bind(id).execute(pool).await.unwrap();
        }
    }
}

async fn report(State(db): State<Db>, Path(id): Path<Uuid>, Json(report): Json<Report>) -> Json<Value> {
    commit(&db, id, report.progress, report.bytes_transferred, report.speed).await;
    Json(json!({ "success": true, "data": { "transfer": { "id": id } } }))
}

pub(crate) async fn serve(database: &str) {
    let router = Router::new().route("/api/transfers/{id}", patch(report)).with_state(open(database).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("bare {}", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}
