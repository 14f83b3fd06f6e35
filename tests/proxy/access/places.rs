//! Where the pages are: addresses that are too open, paths, TLS, proxies before it.

use super::*;
use std::process::{Output, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

fn refused(tables: &str) -> String {
    let home = Home::new();
    let file = Setup::to(["http://127.0.0.1:1"]).tables(tables).file(0, 0);
    home.write("transom.toml", &file.replace("admin = \"127.0.0.1:0\"", "admin = \"0.0.0.0:0\""));
    let Output { status, stderr, .. } = std::process::Command::new(BINARY)
        .args(["serve", "--config", "transom.toml"])
        .current_dir(home.path())
        .output()
        .expect("the binary runs");
    assert!(!status.success(), "it serves what it should not");
    String::from_utf8(stderr).expect("UTF-8")
}

#[test]
fn an_address_that_others_reach_is_refused_without_users_and_tls() {
    let said = refused("");
    assert!(said.contains("transom.toml:3: server.admin: 0.0.0.0:0 can be reached"), "{said}");
    assert!(said.contains("[[admin.user]]") && said.contains("`behind_tls`"), "{said}");
    let said = refused(&users());
    assert!(!said.contains("[[admin.user]]") && said.contains("`behind_tls`"), "{said}");
    let said = refused("[admin]\nbehind_tls = true\nbase_path = \"x\"");
    assert!(
        said.contains("[[admin.user]]") && said.contains("admin.base_path"),
        "all at once: {said}"
    );
}

#[tokio::test]
async fn everything_is_below_the_base_path() {
    let upstream = Upstream::start(serve_well);
    let tables = "[admin]\nbase_path = \"/ops/transom\"\n".to_owned() + &users();
    let home = Home::new();
    home.write("transom.toml", &Setup::to([upstream.url()]).tables(&tables).file(0, 0));
    let proxy = Proxy::run_below("/ops/transom", home, &["--config", "transom.toml"]).await;
    assert!(proxy.diagnostics().contains("/ops/transom"), "it says where its pages are");
    for (path, status) in [("/health", 404), ("/", 404), ("/ops/transomx/health", 404)] {
        assert_eq!(send(&proxy, &format!("GET {path}"), &[], "").await.status, status, "{path}");
    }
    assert_eq!(send(&proxy, "GET /ops/transom/health", &[], "").await.status, 200);
    for path in ["/ops/transom", "/ops/transom/"] {
        let led = send(&proxy, &format!("GET {path}"), &[HTML], "").await;
        let to = "/ops/transom/sign-in?back=/";
        assert_eq!((led.status, led.header("location")), (303, Some(to)), "{path}");
    }
    let page = send(&proxy, "GET /ops/transom/sign-in?back=/api/v1/slo", &[HTML], "").await;
    assert!(page.text().contains("action=\"/ops/transom/sign-in\""), "{}", page.text());
    assert!(page.text().contains("href=\"/ops/transom/assets/style.css\""), "{}", page.text());
    let before = cookie(&page);
    let form = format!("csrf={}&token={ADMIN}&back=%2Fapi%2Fv1%2Fslo", csrf(&page));
    let browser = [FORM, ("Cookie", before.as_str())];
    let entered = send(&proxy, "POST /ops/transom/sign-in", &browser, &form).await;
    assert_eq!(entered.header("location"), Some("/ops/transom/api/v1/slo"));
    assert!(entered.header("set-cookie").unwrap().contains("; Path=/ops/transom; "));
}

#[tokio::test]
async fn behind_a_proxy_that_speaks_tls_cookies_are_for_tls_and_callers_are_told_apart() {
    let upstream = Upstream::start(serve_well);
    let tables = "[admin]\nbehind_tls = true\nhosts = [\"transom.example.org\"]\n".to_owned();
    let proxy = Setup::to([upstream.url()]).tables(&(tables + &users())).start().await;
    let outside =
        [("Host", "transom.example.org"), ("Origin", "https://transom.example.org"), HTML];
    let page = send(&proxy, "GET /sign-in", &outside, "").await;
    let set = page.header("set-cookie").unwrap();
    assert!(set.starts_with("__Host-transom-") && set.ends_with("; Secure"), "{set}");
    assert_eq!(send(&proxy, "GET /metrics", &[], "").await.status, 401, "not open to the world");
    // Each caller guesses for itself; what it claims of earlier proxies does not count.
    let bearer = ("Authorization", "Bearer ta-guess");
    for guess in 0..10 {
        let from = format!("10.9.9.{guess}, 192.0.2.1");
        let headers = [bearer, ("X-Forwarded-For", &from)];
        assert_eq!(send(&proxy, "GET /metrics", &headers, "").await.status, 401);
    }
    let limited = [bearer, ("X-Forwarded-For", "192.0.2.1")];
    assert_eq!(send(&proxy, "GET /metrics", &limited, "").await.status, 429);
    let other = [bearer, ("X-Forwarded-For", "192.0.2.2")];
    assert_eq!(send(&proxy, "GET /metrics", &other, "").await.status, 401);
}

/// A connection that believes in one certificate alone.
async fn secure(address: &str, pem: &str, alpn: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

async fn answer_over(mut stream: TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The end of a connection without a goodbye is an end, too.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn pages_are_served_by_tls_to_those_who_finish_a_handshake() {
    let identity = Identity::of("localhost");
    let home = Home::new();
    let (cert, key) = identity.files(&home);
    let tls = format!("[admin]\ntls = {{ cert = {cert:?}, key = {key:?} }}\n");
    let file = Setup::to(["http://127.0.0.1:1"]).tables(&(tls + &users())).file(0, 0);
    home.write("transom.toml", &file);
    let mut child = Command::new(BINARY)
        .args(["serve", "--config", "transom.toml"])
        .current_dir(home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let address = within("the address", async {
        loop {
            let line = lines.next_line().await.unwrap().expect("a line");
            if let Some((_, address)) = line.split_once("pages and metrics   https://") {
                break address.to_owned();
            }
        }
    })
    .await;
    // Strangers that say nothing keep nobody out.
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let served = within("an answer", async {
        let request = "GET /sign-in HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
        answer_over(secure(&address, identity.pem(), b"http/1.1").await, request).await
    })
    .await;
    assert!(served.starts_with("HTTP/1.1 200"), "{served}");
    assert!(
        served.contains("set-cookie: __Host-transom-") && served.contains("; Secure"),
        "{served}"
    );
    let stream = secure(&address, identity.pem(), b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    // Whoever speaks plain HTTP is told nothing.
    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    drop(within("the end", plain.read_to_end(&mut answer)).await);
    assert!(!answer.windows(4).any(|word| word == b"HTTP"), "{answer:?}");
}
