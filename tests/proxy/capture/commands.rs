//! Captures, as operators handle them from a terminal.

use super::*;
use std::process::Output;
use tokio::process::Command;

const ALICE: &str = "sk-alice-0123456789abcdef";
const BOB: &str = "sk-bob-0123456789abcdef";

/// What came of `transom capture …` over the captures in `data`.
async fn transom(data: &Home, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("capture").args(arguments).arg("--data").arg(data.path());
    command.current_dir(data.path()).output().await.expect("the binary runs")
}

/// What it printed, once it has succeeded.
async fn printed(data: &Home, arguments: &[&str]) -> String {
    let output = transom(data, arguments).await;
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Why it failed.
async fn refused(data: &Home, arguments: &[&str]) -> String {
    let output = transom(data, arguments).await;
    assert!(!output.status.success(), "{}", said(&output));
    said(&output)
}

/// The lines that it exports, unpacked.
async fn exported(data: &Home, arguments: &[&str]) -> String {
    let arguments = [&["export", "--format", "jsonl"], arguments].concat();
    let output = transom(data, &arguments).await;
    assert!(output.status.success(), "{output:?}");
    unpacked(&output.stdout)
}

fn unpacked(lines: &[u8]) -> String {
    String::from_utf8(zstd::decode_all(lines).expect("zstd")).expect("UTF-8")
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).expect("UTF-8")
}

/// The objects of a list.
async fn list(data: &Home, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["ls", "--json"], arguments].concat();
    parsed(&printed(data, &arguments).await)
}

fn parsed(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

/// Captures of two keys, two chats each, and the ids of these requests.
async fn two_callers() -> (Home, Vec<String>) {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let keys = key_table("alice", ALICE) + &key_table("bob", BOB);
    let proxy = capturing(&data, &upstream, "").tables(&keys).start().await;
    let mut ids = Vec::new();
    for (name, key) in [("alice", ALICE), ("bob", BOB), ("alice", ALICE), ("bob", BOB)] {
        let headers = [("Authorization", &*format!("Bearer {key}"))];
        let number = ids.len();
        let body = saying(&format!("secret-of-{name} {number}"));
        let body = if number < 2 { body } else { body.replacen('{', r#"{"stream":true,"#, 1) };
        let response = ask(&proxy, &headers, &body).await;
        assert_eq!(response.status, 200);
        ids.push(response.header("x-request-id").expect("an id").to_owned());
        recorded(&data, ids.len()).await;
    }
    stop(proxy).await;
    (data, ids)
}

#[tokio::test]
async fn exchanges_are_listed_by_what_is_known_of_them() {
    let (data, ids) = two_callers().await;
    let all = list(&data, &[]).await;
    let listed: Vec<_> = all.iter().map(|one| one["request_id"].as_str().unwrap()).collect();
    assert_eq!(listed, ids);
    let alice = list(&data, &["--key", "alice", "--model", "m", "--outcome", "success"]).await;
    assert_eq!(alice, [all[0].clone(), all[2].clone()]);
    assert_eq!((&alice[0]["status"], &alice[0]["key"]), (&200.into(), &"alice".into()));
    let session = alice[0]["session"].as_str().unwrap();
    assert_eq!(list(&data, &["--session", session]).await, [all[0].clone()]);
    assert_eq!(list(&data, &["--limit", "1"]).await, [all[3].clone()]);
    assert_eq!(list(&data, &["--since", "1h", "--until", "0s", "--limit", "0"]).await, all);
    assert!(list(&data, &["--until", "1h"]).await.is_empty());
    assert!(list(&data, &["--status", "500"]).await.is_empty());
    let table = printed(&data, &["ls", "--key", "bob"]).await;
    let lines: Vec<_> = table.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("received"), "{table}");
    assert!(lines[1].contains(&ids[1]) && lines[2].contains(&ids[3]), "{table}");
    assert!(refused(&data, &["ls", "--outcome", "luck"]).await.contains("success"));
}

#[tokio::test]
async fn one_exchange_is_shown_with_all_that_is_known() {
    let (data, ids) = two_callers().await;
    let shown: Value = serde_json::from_str(&printed(&data, &["show", &ids[1]]).await).unwrap();
    assert_eq!((&shown["request_id"], &shown["key"]), (&ids[1].clone().into(), &"bob".into()));
    assert_eq!(shown["request"]["messages"][0]["content"], "secret-of-bob 1");
    assert_eq!(shown["response"]["choices"][0]["message"]["content"], "Hello, world");
    assert_eq!((&shown["outcome"], &shown["status"]), (&"success".into(), &200.into()));
    let why = refused(&data, &["show", "nobody-asked-so"]).await;
    assert!(why.contains("no such request"), "{why}");
}

#[tokio::test]
async fn what_is_whole_is_verified_and_what_is_not_is_told() {
    let (data, _) = two_callers().await;
    let told = printed(&data, &["verify"]).await;
    let cells: Vec<_> = told.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!((cells[1], cells[3], cells[4]), ("4", "0", "readable"), "{told}");
    let archive = Archive::open(captures(&data), None).unwrap();
    let segment = archive.segments().unwrap().remove(0);
    let is_of_it =
        |file: &PathBuf| std::fs::metadata(file).is_ok_and(|found| found.len() == segment.bytes);
    let file = files_below(&captures(&data)).into_iter().find(is_of_it).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&file, bytes).unwrap();
    let why = refused(&data, &["verify"]).await;
    assert!(why.contains("1 records and 0 segments cannot be read"), "{why}");
    // What can be read is; what cannot is told, whoever reads.
    for arguments in [&["ls"][..], &["ls", "--json"], &["export", "--format", "jsonl"]] {
        let output = transom(&data, arguments).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("1 records cannot be read"), "{arguments:?}: {told}");
        assert!(output.status.success() && output.stdout.len() > 100, "{arguments:?}");
    }
}

#[tokio::test]
async fn what_was_shredded_is_told_and_is_no_failure() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let sealed = || {
        let setup = capturing(&data, &upstream, "key_env = \"CAPTURE_KEY\"");
        setup.env("CAPTURE_KEY", &"0f".repeat(32))
    };
    let proxy = sealed().start().await;
    proxy.chat(CHAT).await;
    stop(proxy).await;
    assert!(refused(&data, &["verify"]).await.contains("no master key is given"));
    let is_key = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with("seg-") && name.ends_with(".key")
    };
    let keys: Vec<_> = files_below(&captures(&data)).into_iter().filter(is_key).collect();
    assert_eq!(keys.len(), 1);
    std::fs::remove_file(&keys[0]).unwrap();
    let told = printed(&data, &["verify"]).await;
    assert!(told.contains("shredded: its key was deleted"), "{told}");
    assert!(list(&data, &[]).await.is_empty());
}

#[tokio::test]
async fn what_is_erased_is_gone_from_the_disk() {
    let (data, ids) = two_callers().await;
    let told = printed(&data, &["erase", "--key", "alice"]).await;
    assert!(told.contains("erased 2 exchanges"), "{told}");
    assert_nowhere(&data, &["alice", &ids[0], &ids[2]]);
    let left: Vec<_> = exchanges(&data).iter().map(asked).collect();
    assert_eq!(left, ["secret-of-bob 1", "secret-of-bob 3"]);
    printed(&data, &["verify"]).await;
    let session = list(&data, &["--limit", "1"]).await[0]["session"].as_str().unwrap().to_owned();
    assert!(printed(&data, &["erase", "--session", &session]).await.contains("erased 1 "));
    assert!(printed(&data, &["erase", "--request", &ids[1]]).await.contains("erased 1 "));
    assert!(exchanges(&data).is_empty());
    assert!(printed(&data, &["erase", "--before", "0s"]).await.contains("erased 0 "));
    assert!(refused(&data, &["erase"]).await.contains("--key"));
}

#[tokio::test]
async fn nothing_is_erased_where_there_is_nothing() {
    let data = Home::new();
    // Whoever mistypes a directory must not believe that something is gone.
    let why = refused(&data, &["erase", "--key", "alice"]).await;
    assert!(why.contains("captures"), "{why}");
    assert!(!captures(&data).exists());
    for arguments in [&["ls"][..], &["verify"], &["show", "x"], &["export", "--format", "har"]] {
        let why = refused(&data, arguments).await;
        assert!(why.contains("captures"), "{arguments:?}: {why}");
        assert!(!captures(&data).exists(), "{arguments:?}");
    }
}

#[tokio::test]
async fn nobody_erases_behind_the_back_of_a_running_proxy() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let proxy = capturing(&data, &upstream, "").start().await;
    proxy.chat(CHAT).await;
    results(&proxy, "written", 1).await;
    assert_eq!(list(&data, &[]).await.len(), 1, "reading is always allowed");
    let why = refused(&data, &["erase", "--before", "0s"]).await;
    assert!(why.contains("running proxy"), "{why}");
    assert_eq!(exchanges(&data).len(), 1);
}

#[tokio::test]
async fn what_is_exported_and_imported_elsewhere_is_equal() {
    let (data, _) = two_callers().await;
    let other = Home::new();
    let file = other.path().join("all.jsonl.zst");
    let file = file.to_str().unwrap();
    printed(&data, &["export", "--format", "jsonl", "--out", file]).await;
    let lines = unpacked(&std::fs::read(file).unwrap());
    assert_eq!(lines.lines().count(), 4);
    printed(&other, &["import", file]).await;
    assert_eq!(exchanges(&other), exchanges(&data));
    assert_eq!(parsed(&exported(&other, &[]).await), parsed(&lines));
    printed(&other, &["verify"]).await;
    // Only what is meant, into a file.
    let bobs = other.path().join("bobs.jsonl.zst");
    let arguments = ["export", "--format", "jsonl", "--key", "bob", "--out"];
    printed(&data, &[&arguments[..], &[bobs.to_str().unwrap()]].concat()).await;
    let bobs = unpacked(&std::fs::read(bobs).unwrap());
    let expected: Vec<_> = lines.lines().skip(1).step_by(2).collect();
    assert_eq!(bobs.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn secrets_in_what_is_imported_are_taken_out() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let proxy = capturing(&data, &upstream, "mode = \"full\"").start().await;
    proxy.chat(&saying("write to jane.canary@example.com")).await;
    stop(proxy).await;
    let lines = exported(&data, &[]).await;
    assert!(lines.contains("jane.canary@example.com"));
    let other = Home::new();
    let file = other.write("lines.jsonl", &lines);
    printed(&other, &["import", file.to_str().unwrap()]).await;
    assert_nowhere(&other, &["jane.canary"]);
}

#[tokio::test]
async fn a_bad_line_is_told_and_all_others_are_imported() {
    let (data, _) = two_callers().await;
    let lines = exported(&data, &[]).await;
    let other = Home::new();
    let mut all: Vec<_> = lines.lines().collect();
    all.insert(2, "{\"broken");
    all.insert(4, "{\"received\":\"yesterday\",\"path\":\"/\"}");
    let file = other.write("lines.jsonl", &all.join("\n"));
    let why = refused(&other, &["import", file.to_str().unwrap()]).await;
    for told in [
        "lines.jsonl: line 3: ",
        "lines.jsonl: line 5: `received` is not a time",
        "lines.jsonl: 4 exchanges read",
        "2 left out: bad_line",
        "2 lines make no sense and were left out",
    ] {
        assert!(why.contains(told), "{told}: {why}");
    }
    assert_eq!(exchanges(&other), exchanges(&data));
}

#[tokio::test]
async fn what_lies_beside_something_sealed_can_be_read() {
    let (data, upstream) = (Home::new(), Upstream::start(serve_well));
    let sealed = capturing(&data, &upstream, "key_env = \"CAPTURE_KEY\"");
    let sealed = sealed.env("CAPTURE_KEY", &"0f".repeat(32)).start().await;
    let hidden = sealed.chat(&saying("sealed")).await;
    stop(sealed).await;
    let proxy = capturing(&data, &upstream, "").start().await;
    let shown = proxy.chat(&saying("plain")).await;
    stop(proxy).await;
    let id = |response: &Response| response.header("x-request-id").unwrap().to_owned();
    assert!(printed(&data, &["show", &id(&shown)]).await.contains("plain"));
    let why = refused(&data, &["show", &id(&hidden)]).await;
    assert!(why.contains("key") && !why.contains("no such request"), "{why}");
    for form in [&["ls"][..], &["ls", "--json"]] {
        let told = refused(&data, form).await;
        assert!(told.contains(&id(&shown)), "{told}");
        assert!(told.contains("1 segments cannot be read"), "{told}");
    }
    let told = refused(&data, &["erase", "--before", "0s"]).await;
    assert!(told.contains("erased 1 ") && told.contains("1 segments could not be"), "{told}");
}
