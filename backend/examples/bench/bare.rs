//! The bare servers that MFTPlus is compared with: plain axum without any logic, written to be as fast as possible, on
//! the same schema and with the same settings of the database engine.

mod group_commit;
mod list;
mod socket;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::header::CONTENT_TYPE,
    response::IntoResponse,
    routing::{get, patch},
    serve::ListenerExt,
};
use backend::store::Db;
use serde::Deserialize;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use uuid::Uuid;

use group_commit::Update;

/// The path at which the list of transfers is served.
pub(crate) const LIST: &str = "/transfers";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    progress: f64,
    bytes_transferred: i64,
    speed: f64,
}

/// Serves durable reports and, on SQLite, the list of transfers.
pub(crate) async fn serve(database: &str) {
    let db = if database.starts_with("postgres") {
        Db::open_postgres(database).await.unwrap()
    } else {
        Db::open_sqlite(std::path::Path::new(database)).await.unwrap()
    };
    let queue = group_commit::start(&db).await;
    let mut router: Router = Router::new().route("/api/transfers/{id}", patch(report)).with_state(queue);
    if let Db::Sqlite { readers, .. } = &db {
        let list: Router = Router::new().route(LIST, get(list::newest)).with_state(readers.pool().clone());
        router = router.merge(list);
    }
    listen(router).await;
}

/// Serves the WebSocket and the reports that are sent over it.
pub(crate) async fn serve_live() {
    listen(socket::router()).await;
}

async fn listen(router: Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("bare {}", listener.local_addr().unwrap());
    axum::serve(listener.tap_io(|stream| stream.set_nodelay(true).unwrap()), router).await.unwrap();
}

async fn report(
    State(queue): State<mpsc::Sender<Update>>,
    Path(id): Path<Uuid>,
    Json(report): Json<Report>,
) -> impl IntoResponse {
    let Report { progress, bytes_transferred: bytes, speed } = report;
    let (committed, commit) = oneshot::channel();
    queue.send(Update { id, progress, bytes, speed, committed }).await.unwrap();
    commit.await.unwrap();
    let body = format!(r#"{{"success":true,"data":{{"transfer":{{"id":"{id}"}}}}}}"#);
    ([(CONTENT_TYPE, "application/json")], body)
}
