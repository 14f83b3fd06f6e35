//! The directory that captures are written to, when processes end and when it cannot be.

use super::*;

#[tokio::test]
async fn what_a_killed_proxy_had_written_is_there_for_the_next_one() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let mut proxy = capturing(&data, &upstream, "").start().await;
    for number in 0..3 {
        proxy.chat(&saying(&format!("before {number}"))).await;
    }
    results(&proxy, "written", 3).await;
    proxy.kill().await;
    assert_eq!(exchanges(&data).len(), 3, "also before anybody has tidied up");
    let proxy = capturing(&data, &upstream, "").start().await;
    proxy.chat(&saying("after")).await;
    stop(proxy).await;
    let said: Vec<_> = exchanges(&data).iter().map(asked).collect();
    assert_eq!(said, ["before 0", "before 1", "before 2", "after"]);
    let reports = Archive::open(captures(&data), None).unwrap().verify().unwrap();
    assert!(reports.iter().all(|report| report.bad_frames + report.torn == 0), "{reports:?}");
}

#[tokio::test]
async fn a_torn_end_costs_one_record() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let mut proxy = capturing(&data, &upstream, "").start().await;
    for number in 0..3 {
        proxy.chat(&saying(&format!("before {number}"))).await;
        recorded(&data, number + 1).await;
    }
    results(&proxy, "written", 3).await;
    proxy.kill().await;
    let archive = Archive::open(captures(&data), None).unwrap();
    let segment = archive.segments().unwrap().remove(0);
    let is_of_it =
        |file: &PathBuf| std::fs::metadata(file).is_ok_and(|found| found.len() == segment.bytes);
    let file = files_below(&captures(&data)).into_iter().find(is_of_it).unwrap();
    let torn = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    torn.set_len(segment.bytes - 7).unwrap();
    drop(torn);
    let proxy = capturing(&data, &upstream, "").start().await;
    proxy.chat(&saying("after")).await;
    stop(proxy).await;
    let said: Vec<_> = exchanges(&data).iter().map(asked).collect();
    assert_eq!(said, ["before 0", "before 1", "after"]);
}

#[tokio::test]
async fn whatever_waits_at_the_end_is_written() {
    const CHATS: usize = 40;
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let proxy = capturing(&data, &upstream, "").start().await;
    // Long enough to be redacted aside, some of them.
    for number in 0..CHATS {
        let words = if number % 4 == 0 { 20_000 } else { 5 };
        assert_eq!(proxy.chat(&saying(&"word ".repeat(words))).await.status, 200);
    }
    stop(proxy).await;
    assert_eq!(exchanges(&data).len(), CHATS);
}

#[tokio::test]
async fn a_request_cut_at_the_end_is_written_too() {
    let data = Home::new();
    let upstream = Upstream::start(|mut call| async move {
        call.body().await?;
        call.write(STREAM_HEAD).await?;
        call.write(chunk(token("half"))).await?;
        call.until_closed().await
    });
    let proxy = capturing(&data, &upstream, "").server("drain = \"200ms\"").start().await;
    let mut client = proxy.client().await;
    client.post("/v1/chat/completions", &[], STREAM.as_bytes()).await;
    client.head().await;
    client.body_bytes(token("half").len()).await;
    stop(proxy).await;
    let exchange = only_exchange(&data);
    assert!(answered(&exchange).starts_with(token("half").as_bytes()));
    assert_eq!(exchange.answer.unwrap().complete, Some(false));
}

/// That a proxy serves, captures nothing, and says so.
async fn assert_serves_without(proxy: &Proxy) {
    assert_eq!(proxy.chat(CHAT).await.status, 200);
    proxy.settled(1).await;
    let is_told = |metrics: &Metrics| metrics.sum("transom_capture_paused", &[]) == 1.0;
    let metrics = proxy.metrics_when("capture is paused", is_told).await;
    assert_eq!(of_result(&metrics, "written"), 0.0);
    let told = proxy.diagnostics();
    assert!(told.contains("nothing is captured"), "{told}");
}

#[tokio::test]
async fn where_the_directory_is_a_file_requests_go_on() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let file = data.write("captures", "not a directory");
    let proxy = capturing(&data, &upstream, "").start().await;
    assert_serves_without(&proxy).await;
    stop(proxy).await;
    assert_eq!(std::fs::read_to_string(file).unwrap(), "not a directory");
}

#[tokio::test]
async fn where_the_key_of_the_installation_is_damaged_requests_go_on() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    std::fs::create_dir(captures(&data)).unwrap();
    data.write("captures/installation.key", "too short");
    let proxy = capturing(&data, &upstream, "").start().await;
    assert_serves_without(&proxy).await;
    stop(proxy).await;
}

#[tokio::test]
async fn where_the_directory_goes_away_capture_waits_and_goes_on() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let proxy = capturing(&data, &upstream, "").start().await;
    std::fs::remove_dir_all(captures(&data)).unwrap();
    let file = data.write("captures", "in the way");
    assert_eq!(proxy.chat(&saying("held")).await.status, 200);
    let is_paused = |metrics: &Metrics| metrics.sum("transom_capture_paused", &[]) == 1.0;
    proxy.metrics_when("capture is paused", is_paused).await;
    assert_eq!(proxy.chat(&saying("lost")).await.status, 200);
    results(&proxy, "paused", 1).await;
    std::fs::remove_file(file).unwrap();
    std::fs::create_dir(captures(&data)).unwrap();
    let goes_on = |metrics: &Metrics| metrics.sum("transom_capture_paused", &[]) == 0.0;
    proxy.metrics_when("capture goes on", goes_on).await;
    assert_eq!(proxy.chat(&saying("after")).await.status, 200);
    results(&proxy, "written", 2).await;
    stop(proxy).await;
    assert_eq!(exchanges(&data).iter().map(asked).collect::<Vec<_>>(), ["held", "after"]);
}

#[tokio::test]
async fn a_second_proxy_on_the_same_directory_serves_without_capturing() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let first = capturing(&data, &upstream, "").start().await;
    first.chat(&saying("first")).await;
    let second = capturing(&data, &upstream, "").start().await;
    assert_serves_without(&second).await;
    first.chat(&saying("first again")).await;
    let metrics = results(&first, "written", 2).await;
    assert_eq!(metrics.sum("transom_capture_paused", &[]), 0.0);
    stop(second).await;
    stop(first).await;
    let said: Vec<_> = exchanges(&data).iter().map(asked).collect();
    assert_eq!(said, ["first", "first again"]);
}
