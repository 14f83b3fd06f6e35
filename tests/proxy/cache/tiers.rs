//! Where answers are: memory, disk over restarts, a shared server that may be away.

use super::*;
use std::fs::{File, OpenOptions};
use std::time::Duration;

/// The longest that a proxy may take to serve again, whatever it finds on its disk.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// A proxy that keeps its data in `data`.
fn at(data: &Home, upstream: &Upstream) -> Setup {
    cached(upstream, "true").server(&format!("data_dir = {:?}", data.path()))
}

async fn stop(mut proxy: Proxy) {
    proxy.terminate();
    let status = proxy.exited().await;
    assert!(status.success(), "{status}: {}", proxy.diagnostics());
}

/// Waits until the disk holds `count` answers.
async fn on_disk(proxy: &Proxy, count: usize) {
    let there = |metrics: &Metrics| {
        metrics.sum("transom_cache_entries", &[("tier", "disk")]) == count as f64
    };
    proxy.metrics_when(&format!("{count} answers on disk"), there).await;
}

/// Leaves a data directory with a chat and a stream in its cache.
async fn filled(upstream: &Upstream) -> Home {
    let data = Home::new();
    let proxy = at(&data, upstream).start().await;
    for body in [CHAT, STREAM] {
        assert_eq!(ask_again(&proxy, &[], body).await.status, 200);
    }
    idle(&proxy).await;
    stop(proxy).await;
    data
}

/// The kept answer. A disk that is late is not waited for, so this may have to ask twice;
/// the upstream is left alone.
async fn kept(proxy: &Proxy, body: &str) -> Response {
    let only = [("Cache-Control", "only-if-cached")];
    ask_until(proxy, (&only, body), |response| response.status != 504).await
}

fn cache_files(data: &Home) -> Vec<PathBuf> {
    let files = files_below(&data.path().join("cache"));
    assert!(!files.is_empty(), "no cache on disk");
    files
}

fn moved_aside(data: &Home) -> bool {
    std::fs::read_dir(data.path())
        .unwrap()
        .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("cache.broken-"))
}

/// Starts on a cache that is beyond use: in time, empty, the old one aside and counted.
async fn assert_starts_empty(data: &Home, upstream: &Upstream) {
    let (before, began) = (upstream.count(), Instant::now());
    let proxy = at(data, upstream).start().await;
    assert_eq!(ask(&proxy, &[], CHAT).await.text(), numbered(CHAT, before), "from the upstream");
    assert!(began.elapsed() < BACK_WITHIN, "{:?}", began.elapsed());
    let counted =
        |metrics: &Metrics| metrics.sum("transom_cache_failures_total", &[("tier", "disk")]) >= 1.0;
    proxy.metrics_when("the broken tier is counted", counted).await;
    until("the old cache is moved aside", || moved_aside(data)).await;
    assert_hit(&ask_again(&proxy, &[], CHAT).await);
    on_disk(&proxy, 1).await;
    stop(proxy).await;
    // The new one is sound.
    let proxy = at(data, upstream).start().await;
    assert_hit(&kept(&proxy, CHAT).await);
}

#[tokio::test]
async fn after_a_restart_answers_come_from_disk_as_they_were_and_then_from_memory() {
    let upstream = Upstream::start(serve_numbered);
    let data = filled(&upstream).await;
    let proxy = at(&data, &upstream).start().await;
    for (number, body) in [CHAT, STREAM].into_iter().enumerate() {
        for again in [kept(&proxy, body).await, ask_again(&proxy, &[], body).await] {
            assert_hit(&again);
            assert_eq!(again.text(), numbered(body, number));
            assert!((3590..=3600).contains(&ttl(&again)), "{again:?}");
        }
    }
    assert_eq!(upstream.count(), 2);
    idle(&proxy).await;
    let hits = || {
        let hits = proxy.log().into_iter().filter(|line| line.text("cache") == "hit");
        hits.collect::<Vec<_>>()
    };
    until("the log", || hits().len() == 4).await;
    let hits = hits();
    let tiers: Vec<_> = hits.iter().map(|line| line.text("cache_tier")).collect();
    assert_eq!(tiers, ["disk", "memory", "disk", "memory"]);
    let tokens = |line: &LogLine| (line.count("tokens_in"), line.count("tokens_out"));
    assert!(hits.iter().all(|line| tokens(line) == (PROMPT_TOKENS, COMPLETION_TOKENS)));
    let metrics = proxy.metrics().await;
    let labels = [("tier", "disk"), ("result", "hit")];
    assert_eq!(metrics.sum("transom_cache_requests_total", &labels), 2.0);
}

#[tokio::test]
async fn time_goes_on_while_a_proxy_is_stopped() {
    let upstream = Upstream::start(serve_numbered);
    let data = Home::new();
    let headers = [("x-transom-cache-ttl", "1")];
    let proxy = at(&data, &upstream).start().await;
    ask(&proxy, &headers, CHAT).await;
    let asked = Instant::now();
    idle(&proxy).await;
    stop(proxy).await;
    until("its time to be over", || asked.elapsed() > Duration::from_secs(2)).await;
    let proxy = at(&data, &upstream).start().await;
    assert_miss(&ask(&proxy, &headers, CHAT).await);
}

#[tokio::test]
async fn another_target_for_the_model_makes_old_answers_no_answers() {
    let upstream = Upstream::start(serve_numbered);
    let data = filled(&upstream).await;
    let renamed = model("m", "true")
        .replace("{ upstream = \"u\" }", "{ upstream = \"u\", model = \"next\" }");
    let proxy = at(&data, &upstream).models(&renamed).start().await;
    assert_miss(&ask(&proxy, &[], CHAT).await);
}

#[tokio::test]
async fn a_killed_proxy_serves_at_once_again_whatever_its_disk_has_kept() {
    let upstream = Upstream::start(serve_numbered);
    let data = Home::new();
    let mut proxy = at(&data, &upstream).start().await;
    for body in [CHAT, STREAM] {
        ask(&proxy, &[], body).await;
    }
    on_disk(&proxy, 2).await;
    proxy.kill().await;
    assert_soon_back_with_right_answers(&data, &upstream).await;
}

#[tokio::test]
async fn a_cache_of_garbage_is_moved_aside() {
    let upstream = Upstream::start(serve_numbered);
    let data = filled(&upstream).await;
    for file in cache_files(&data) {
        let length = std::fs::metadata(&file).unwrap().len() as usize;
        std::fs::write(&file, vec![0xa5; length.max(64)]).unwrap();
    }
    assert_starts_empty(&data, &upstream).await;
}

#[tokio::test]
async fn a_cache_cut_short_is_empty_or_moved_aside_and_never_wrong() {
    let upstream = Upstream::start(serve_numbered);
    let data = filled(&upstream).await;
    for file in cache_files(&data) {
        let length = std::fs::metadata(&file).unwrap().len();
        OpenOptions::new().write(true).open(&file).unwrap().set_len(length / 2).unwrap();
    }
    assert_soon_back_with_right_answers(&data, &upstream).await;
}

#[tokio::test]
async fn where_there_can_be_no_cache_on_disk_memory_has_to_do() {
    let upstream = Upstream::start(serve_numbered);
    let data = Home::new();
    File::create(data.path().join("cache")).unwrap();
    let began = Instant::now();
    let proxy = at(&data, &upstream).start().await;
    assert!(began.elapsed() < BACK_WITHIN, "{:?}", began.elapsed());
    for body in [CHAT, STREAM] {
        assert_miss(&ask_again(&proxy, &[], body).await);
        assert_hit(&ask_again(&proxy, &[], body).await);
    }
    assert!(proxy.diagnostics().contains("no cache on disk"), "{}", proxy.diagnostics());
}

#[tokio::test]
async fn a_cache_in_use_by_another_proxy_is_left_alone() {
    let upstream = Upstream::start(serve_numbered);
    let data = Home::new();
    let first = at(&data, &upstream).start().await;
    ask(&first, &[], CHAT).await;
    on_disk(&first, 1).await;
    let began = Instant::now();
    let second = at(&data, &upstream).start().await;
    assert!(began.elapsed() < BACK_WITHIN, "{:?}", began.elapsed());
    assert_miss(&ask(&second, &[], CHAT).await);
    assert_hit(&ask_again(&second, &[], CHAT).await);
    assert!(!moved_aside(&data));
    let counted =
        |metrics: &Metrics| metrics.sum("transom_cache_failures_total", &[("tier", "disk")]) >= 1.0;
    second.metrics_when("the tier that is missing is counted", counted).await;
    assert_hit(&ask(&first, &[], CHAT).await);
}

#[tokio::test]
async fn without_a_disk_tier_nothing_is_written_and_a_restart_forgets() {
    let upstream = Upstream::start(serve_numbered);
    let data = Home::new();
    let start = || at(&data, &upstream).tables("[cache]\ndisk = 0").start();
    let proxy = start().await;
    ask(&proxy, &[], CHAT).await;
    assert_hit(&ask_again(&proxy, &[], CHAT).await);
    stop(proxy).await;
    assert!(!data.path().join("cache").exists());
    assert_miss(&ask(&start().await, &[], CHAT).await);
}

#[tokio::test]
async fn an_answer_too_large_for_memory_is_found_on_disk() {
    let upstream = Upstream::start(|call| async move {
        let content: String = (0..8000).map(|number| format!("{number} ")).collect();
        call.answer(json_answer(200, &plain_saying(&content))).await
    });
    let proxy = cached(&upstream, "true").tables("[cache]\nmemory = \"1MiB\"").start().await;
    let first = ask(&proxy, &[], CHAT).await;
    on_disk(&proxy, 1).await;
    for _ in 0..2 {
        let again = ask_again(&proxy, &[], CHAT).await;
        assert_hit(&again);
        assert_eq!(again.body, first.body);
    }
    let lines = proxy.settled(3).await;
    assert_eq!((lines[1].text("cache_tier"), lines[2].text("cache_tier")), ("disk", "disk"));
}

#[tokio::test]
async fn memory_keeps_to_its_limit_and_gives_up_what_was_not_asked_for_the_longest() {
    let upstream = Upstream::start(|call| async move {
        call.answer(json_answer(200, &plain_saying(&"x".repeat(8_000)))).await
    });
    let tables = "[cache]\nmemory = \"1MiB\"\ndisk = 0";
    let proxy = cached(&upstream, "true").tables(tables).start().await;
    let mut client = proxy.client().await;
    for number in 0..400 {
        let body = CHAT.replace("Hello", &number.to_string());
        client.post("/v1/chat/completions", &[], body.as_bytes()).await;
        assert_eq!(client.response().await.status, 200);
    }
    let memory = [("tier", "memory")];
    let evicted =
        |metrics: &Metrics| metrics.sum("transom_cache_evictions_total", &memory) >= 250.0;
    let metrics = proxy.metrics_when("evictions", evicted).await;
    assert!(metrics.sum("transom_cache_bytes", &memory) <= f64::from(1 << 20));
    assert!(metrics.sum("transom_cache_entries", &memory) >= 60.0);
    let first = CHAT.replace("Hello", "0");
    let last = CHAT.replace("Hello", "399");
    assert_hit(&ask(&proxy, &[], &last).await);
    assert_miss(&ask(&proxy, &[], &first).await);
}

#[tokio::test]
async fn while_the_shared_tier_cannot_be_reached_requests_go_on_without_it() {
    let upstream = Upstream::start(serve_numbered);
    let (refusing, hole) = (Refusing::new(), BlackHole::new().await);
    for url in [refusing.url(), hole.url()] {
        let tables = format!("[cache]\nredis = {:?}", url.replace("http", "redis"));
        let proxy = cached(&upstream, "true").tables(&tables).start().await;
        for number in 0..10 {
            let body = CHAT.replace("Hello", &number.to_string());
            assert_miss(&ask_again(&proxy, &[], &body).await);
            assert_hit(&ask_again(&proxy, &[], &body).await);
        }
        let failed = |metrics: &Metrics| {
            metrics.sum("transom_cache_failures_total", &[("tier", "redis")]) >= 1.0
        };
        proxy.metrics_when("the tier's failure is counted", failed).await;
        let lines = proxy.settled(20).await;
        assert!(lines.iter().all(|line| line.outcome() == "success"));
        let waited: f64 = lines.iter().map(|line| line.number("duration_ms")).sum();
        assert!(waited < 2_000.0, "{url}: {waited} ms in all");
    }
}

/// What was kept is given as it was, what was lost is asked for anew.
async fn assert_soon_back_with_right_answers(data: &Home, upstream: &Upstream) {
    let began = Instant::now();
    let proxy = at(data, upstream).start().await;
    for (number, body) in [CHAT, STREAM].into_iter().enumerate() {
        let response = ask_again(&proxy, &[], body).await;
        let number = if x_cache(&response) == "HIT" { number } else { upstream.count() - 1 };
        assert_eq!(response.text(), numbered(body, number), "{response:?}");
    }
    assert!(began.elapsed() < BACK_WITHIN, "{:?}", began.elapsed());
}
