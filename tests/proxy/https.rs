//! Upstreams behind TLS: used when their certificate is good, else not at all.

use crate::support::*;

fn upstream_as(identity: &Identity) -> Upstream {
    Upstream::with(Traits { tls: Some(identity.acceptor()), ..Traits::default() }, serve_well)
}

fn url(upstream: &Upstream) -> String {
    format!("https://localhost:{}", upstream.port())
}

#[tokio::test]
async fn a_trusted_upstream_serves_chats_streams_and_other_paths() {
    let identity = Identity::of("localhost");
    let upstream = upstream_as(&identity);
    let setup = Setup::to([url(&upstream)]).env("SSL_CERT_FILE", &identity.trust_file());
    let proxy = setup.start().await;
    assert_eq!(proxy.chat(r#"{"model":"m"}"#).await.text(), chat_body());
    let stream = proxy.chat(r#"{"model":"m","stream":true}"#).await;
    assert!(stream.whole && stream.text().ends_with(DONE), "{stream:?}");
    assert_eq!(proxy.get("/other").await.status, 200);
    for request in upstream.requests() {
        assert_eq!(request.head.all("host"), [format!("localhost:{}", upstream.port())]);
    }
    proxy.settled(3).await;
}

#[tokio::test]
async fn an_upstream_that_is_not_trusted_is_not_talked_to() {
    let upstream = upstream_as(&Identity::of("localhost"));
    let proxy = Setup::to([url(&upstream)]).start().await;
    let response = proxy.chat(r#"{"model":"m"}"#).await;
    assert_eq!((response.status, &response.openai_error()["code"]), (502, &"tls".into()));
    assert_eq!(upstream.count(), 0);
    let line = proxy.only_line().await;
    assert_eq!((line.outcome(), line.error_type()), ("upstream_error", "tls"));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_accepted() {
    let identity = Identity::of("elsewhere.test");
    let upstream = upstream_as(&identity);
    let setup = Setup::to([url(&upstream)]).env("SSL_CERT_FILE", &identity.trust_file());
    let response = setup.start().await.chat(r#"{"model":"m"}"#).await;
    assert_eq!((response.status, &response.openai_error()["code"]), (502, &"tls".into()));
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn an_upstream_without_tls_behind_an_https_address_is_a_tls_failure() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    // What plain servers say to a TLS greeting.
    let answering = async {
        loop {
            let mut wire = Wire::new(listener.accept().await.unwrap().0);
            if let Ok(Some(_)) = wire.some().await {
                wire.write("HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            }
        }
    };
    let asking = async {
        let proxy = Setup::to([url]).start().await;
        for path in ["/v1/chat/completions", "/v1/files"] {
            let response = proxy.post(path, r#"{"model":"m"}"#).await;
            let code = &response.openai_error()["code"];
            assert_eq!((response.status, code), (502, &"tls".into()), "{path}");
        }
    };
    tokio::select! {
        () = answering => {}
        () = asking => {}
    }
}
