//! Webhooks to listeners on this machine, some of whose addresses are allowed.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use rstest::rstest;
use rustls::{
    ServerConfig, ServerConnection, Stream,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// A web server that always gives the same answer, and stores the requests.
struct Listener {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    #[expect(clippy::disallowed_methods, reason = "it ends with the runtime of the test")]
    async fn on(ip: &str, answer: impl Into<String>) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = String::new();
                while !request.ends_with("the end") {
                    let mut bytes = [0; 1024];
                    let read = socket.read(&mut bytes).await.unwrap_or(0);
                    if read == 0 {
                        break;
                    }
                    request.push_str(&String::from_utf8_lossy(&bytes[..read]));
                }
                kept.lock().unwrap().push(request);
                let _ = socket.write_all(answer.as_bytes()).await;
                // Without an answer, the connection stays open and the client waits.
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/hook", self.address.port())
    }
}

const OK: &str = "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn to(url: impl Into<String>) -> Delivery {
    Delivery {
        url: url.into(),
        body: "the end".to_owned(),
        content_type: "text/plain; charset=utf-8",
        id: "run/step/1".to_owned(),
        signature: Some("t=1,v1=00".to_owned()),
        timeout: None,
    }
}

fn allowing(networks: &[&str]) -> Webhooks {
    Webhooks::new(networks.iter().map(|network| network.parse().unwrap()).collect())
}

/// Webhooks with a resolver that returns the first of these addresses at the first look-up, the second at the second,
/// and so on.
fn knowing(webhooks: Webhooks, answers: &[&[&str]]) -> (Webhooks, Arc<AtomicUsize>) {
    let parsed = |address: &&str| address.parse::<IpAddr>().unwrap();
    let answers: Vec<Vec<IpAddr>> = answers.iter().map(|answer| answer.iter().map(parsed).collect()).collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let look_up: Lookup = Arc::new(move |_, _| {
        let answer = answers[count.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1)].clone();
        Box::pin(ready(Ok(answer)))
    });
    (Webhooks { look_up, ..webhooks }, asked)
}

#[tokio::test]
async fn an_allowed_listener_gets_the_body_with_its_signature() {
    let listener = Listener::on("127.0.0.1", OK).await;
    assert_eq!(allowing(&["127.0.0.1/32"]).post(to(listener.url("127.0.0.1"))).await, Ok(()));
    let request = listener.requests().concat();
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n") && request.ends_with("\r\n\r\nthe end"), "{request}");
    for header in [
        "content-type: text/plain; charset=utf-8",
        "x-mftplus-delivery: run/step/1",
        "x-mftplus-signature: t=1,v1=00",
        concat!("user-agent: mftplus/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(request.to_lowercase().contains(&format!("\r\n{header}\r\n")), "{header} is not in {request}");
    }
}

#[rstest]
#[case("127.0.0.1")]
#[case("2130706433")]
#[case("0x7f.1")]
#[case("0177.0.0.1")]
#[case("localhost")]
#[case("[::ffff:127.0.0.1]")]
#[tokio::test]
async fn this_machine_is_refused_however_it_is_called(#[case] host: &str) {
    let listener = Listener::on("127.0.0.1", OK).await;
    let refused = allowing(&[]).post(to(listener.url(host))).await.unwrap_err();
    assert!(
        refused.ends_with("is not at a public address, and its network is not allowed by the settings"),
        "{refused}"
    );
    assert!(listener.requests().is_empty());
}

#[rstest]
#[case("http://10.1.2.3/", "10.1.2.3 is not at a public address")]
#[case("http://169.254.169.254/latest/meta-data/", "169.254.169.254 is not at a public address")]
#[case("http://[fd12::1]/", "[fd12::1] is not at a public address")]
#[case("ftp://example.com/", "the URL must begin with https:// or http://")]
#[case("no URL", "the URL is not valid: relative URL without a base")]
#[tokio::test]
async fn what_may_not_be_reached_is_refused(#[case] url: &str, #[case] said: &str) {
    let refused = allowing(&["127.0.0.0/8"]).post(to(url)).await.unwrap_err();
    assert!(refused.starts_with(said), "{refused}");
}

#[tokio::test]
async fn a_name_that_means_something_else_a_moment_later_leads_nowhere_else() {
    let (first, second) = (Listener::on("127.0.0.2", OK).await, Listener::on("127.0.0.3", OK).await);
    let url = first.url("hook.example.com");
    assert_ne!(first.address.port(), second.address.port());
    let (webhooks, asked) = knowing(allowing(&["127.0.0.2/32"]), &[&["127.0.0.2"], &["127.0.0.3"]]);
    assert_eq!(webhooks.post(to(&url)).await, Ok(()));
    assert_eq!(
        (asked.load(Ordering::Relaxed), first.requests().len()),
        (1, 1),
        "the answer that was checked is the one used"
    );
    let refused = webhooks.post(to(second.url("hook.example.com"))).await.unwrap_err();
    assert!(refused.starts_with("hook.example.com is not at a public address"), "{refused}");
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn the_next_webhook_to_a_name_goes_to_what_the_name_means_then() {
    let (first, second) = (Listener::on("127.0.0.2", OK).await, Listener::on("127.0.0.3", OK).await);
    let (webhooks, asked) = knowing(allowing(&["127.0.0.0/8"]), &[&["127.0.0.2"], &["127.0.0.3"]]);
    for listener in [&first, &second] {
        assert_eq!(webhooks.post(to(listener.url("hook.example.com"))).await, Ok(()));
        assert_eq!(listener.requests().len(), 1);
        assert_eq!(webhooks.checked.of("hook.example.com").len(), 0, "nothing is kept of it");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn one_forbidden_address_among_others_is_enough() {
    let listener = Listener::on("127.0.0.2", OK).await;
    let (webhooks, _) = knowing(allowing(&["127.0.0.2/32"]), &[&["127.0.0.2", "127.0.0.3"]]);
    assert!(webhooks.post(to(listener.url("hook.example.com"))).await.is_err());
    assert!(listener.requests().is_empty());
    let (webhooks, _) = knowing(webhooks, &[&[]]);
    assert_eq!(
        webhooks.post(to("http://hook.example.com/")).await.unwrap_err(),
        "the name hook.example.com could not be resolved"
    );
}

#[rstest]
#[case("127.0.0.3")]
#[case("127.0.0.2")]
#[tokio::test]
async fn redirects_are_not_followed_to_wherever_they_lead(#[case] ip: &str) {
    let target = Listener::on(ip, OK).await;
    let answer =
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url(ip));
    let listener = Listener::on("127.0.0.2", answer).await;
    let refused = allowing(&["127.0.0.2/32"]).post(to(listener.url("127.0.0.2"))).await.unwrap_err();
    assert_eq!(refused, "the receiver answered 307 Temporary Redirect; redirects are not followed: name the final URL");
    assert!(target.requests().is_empty());
}

#[rstest]
#[case("500 Internal Server Error")]
#[case("404 Not Found")]
#[tokio::test]
async fn a_failed_answer_is_reported_with_its_status(#[case] status: &str) {
    let listener = Listener::on("127.0.0.1", format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")).await;
    let refused = allowing(&["127.0.0.0/8"]).post(to(listener.url("127.0.0.1"))).await;
    assert_eq!(refused, Err(format!("the receiver answered {status}")));
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_is_not_waited_for() {
    let listener = Listener::on("127.0.0.1", "").await;
    let webhooks = Webhooks { timeout: Duration::from_millis(100), ..allowing(&["127.0.0.0/8"]) };
    let refused = webhooks.post(to(listener.url("127.0.0.1"))).await;
    assert_eq!(refused, Err("the receiver did not answer within 0.1 s".to_owned()));
}

#[tokio::test]
async fn nor_for_longer_than_the_step_may_take() {
    let listener = Listener::on("127.0.0.1", "").await;
    let delivery = Delivery { timeout: Some(Duration::from_millis(50)), ..to(listener.url("127.0.0.1")) };
    let refused = allowing(&["127.0.0.0/8"]).post(delivery).await;
    assert_eq!(refused, Err("the receiver did not answer within 0.05 s".to_owned()));
}

#[tokio::test]
async fn neither_side_says_more_than_is_allowed() {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let listener = Listener::on("127.0.0.1", format!("{head}{}", "x".repeat(3 * MAX_BYTES))).await;
    let webhooks = allowing(&["127.0.0.0/8"]);
    assert_eq!(webhooks.post(to(listener.url("127.0.0.1"))).await, Ok(()), "the answer was given in its first line");
    let large = Delivery { body: "x".repeat(MAX_BYTES + 1), ..to(listener.url("127.0.0.1")) };
    assert_eq!(webhooks.post(large).await.unwrap_err(), "the body is larger than 64 KiB");
    assert_eq!(listener.requests().len(), 1);
}

#[tokio::test]
async fn a_closed_port_is_reported_without_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = allowing(&["127.0.0.0/8"]).post(to(format!("http://127.0.0.1:{port}/secret"))).await.unwrap_err();
    assert!(refused.starts_with("the receiver could not be reached: ") && !refused.contains("secret"), "{refused}");
}

#[tokio::test]
async fn a_certificate_of_no_known_authority_is_refused() {
    let pem = include_bytes!("untrusted.pem");
    let certificate = CertificateDer::from_pem_slice(pem).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(config).unwrap();
        std::io::Read::read(&mut Stream::new(&mut connection, &mut socket), &mut [0; 1024])
    });
    let (webhooks, _) = knowing(allowing(&["127.0.0.0/8"]), &[&["127.0.0.1"]]);
    let refused = webhooks.post(to(format!("https://hook.example.com:{port}/"))).await.unwrap_err();
    assert!(refused.starts_with("the receiver could not be reached: invalid peer certificate"), "{refused}");
    assert!(server.join().unwrap().is_err(), "nothing was sent");
}
