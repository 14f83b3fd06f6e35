//! The rules of this repository, run as tests: who may import whom, what stays bounded, what
//! every file says about itself. `docs/ARCHITECTURE.md` gives the reasons.
//!
//! Must not know: how a rule is checked (`rules`) or how Rust is read (`source`).

#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use rules::{Finding, Head, Layer};
use source::Source;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Each module and what it may import besides itself, lowest first.
const LAYERS: [Layer; 27] = [
    ("types", ""),
    ("human", ""),
    ("files", ""),
    ("trust", ""),
    ("protocol", "types"),
    ("error", "types"),
    ("observe", "types trust"),
    ("history", "types observe"),
    ("alert", "types human protocol observe"),
    ("webhook", "types trust observe"),
    // The parts that the pipeline brings together know nothing of one another.
    ("identity", "types error protocol observe::event"),
    ("admission", "types error protocol observe::event"),
    ("cache", "types error protocol observe::event"),
    ("upstream", "types error protocol observe::event"),
    ("capture", "types files error protocol observe::event"),
    ("store", "types files error protocol observe::event"),
    // Captured traffic, asked of caches that were not there.
    ("what_if", "types protocol cache upstream capture"),
    ("pipeline", PARTS),
    ("edge", PARTS_AND_PATH),
    // A client like any other, of captured traffic.
    ("replay", "types files human trust protocol capture"),
    ("admin", PATH_AND_REPLAY),
    ("sim", "types protocol"),
    // Composes the settings that each module declares; nobody below `app` may import it.
    (
        "config",
        "types observe history webhook identity admission cache upstream capture store admin",
    ),
    ("app", ALL_BELOW_APP),
    ("cli", ALL),
    // `main` is a crate of its own: see `the_program_only_calls_the_command_line`.
    ("main", ""),
    ("lib", ""),
];

const PARTS: &str = "types protocol error observe identity admission cache upstream capture store";
const PARTS_AND_PATH: &str =
    "types protocol error observe identity admission cache upstream capture store pipeline";
const PATH_AND_REPLAY: &str = "types files human trust protocol error observe history alert webhook \
     identity admission cache upstream capture store what_if pipeline replay";
const ALL_BELOW_APP: &str = "types files human trust protocol error observe history alert webhook \
     identity admission cache upstream capture store what_if pipeline edge admin replay sim config";
const ALL: &str = "types files human trust protocol error observe history alert webhook \
     identity admission cache upstream capture store what_if pipeline edge admin replay sim config app";

/// Crates and the only modules that may know them.
const HOMES: [(&str, &[&str]); 8] = [
    ("opentelemetry", &["observe"]),
    ("pprof", &["admin"]),
    ("pingora", &["edge"]),
    ("redis", &["cache"]),
    ("sled", &["store"]),
    ("axum", &["admin", "sim"]),
    ("clap", &["cli"]),
    ("toml", &["config"]),
];

const LONGEST_FILE: usize = 400;

#[test]
fn modules_import_only_what_lies_below_them() {
    none(each(&rust("src"), |source| rules::imports(source, &LAYERS)));
}

#[test]
fn the_program_only_calls_the_command_line() {
    let main = Source::new("src/main.rs", &read("src/main.rs"));
    let strays = (0..main.tokens().len()).filter(|at| {
        main.reads(*at, &["transom", "::"]) && !main.reads(*at, &["transom", "::", "cli"])
    });
    let broken = "`main` may only know `transom::cli`";
    none(strays.map(|at| Finding::new(&main.path, main.tokens()[at].line, broken)).collect());
}

#[test]
fn crates_stay_in_the_modules_that_wrap_them() {
    let strays = |source: &Source| {
        HOMES.iter().flat_map(|(name, homes)| rules::foreign_crate(source, name, homes)).collect()
    };
    none(each(&rust("src"), strays));
}

#[test]
fn everything_is_bounded_and_nothing_is_global() {
    none(each(&rust("src"), rules::unbounded_or_global));
}

#[test]
fn files_are_short() {
    let folders = ["src", "tests", "benches"];
    none(
        folders.iter().flat_map(|f| each(&rust(f), |s| rules::too_long(s, LONGEST_FILE))).collect(),
    );
}

#[test]
fn every_file_says_what_it_owns_and_what_it_must_not_know() {
    let sources = rust("src");
    let test_only = rules::test_only(&sources);
    let wanted = |source: &Source| {
        // `lib.rs` is the map of everything.
        let exempt = source.path == "src/lib.rs"
            || test_only.iter().any(|path| source.path.starts_with(path.as_str()));
        if exempt { Head::Purpose } else { Head::PurposeAndLimits }
    };
    none(each(&sources, |source| rules::head(source, wanted(source))));
}

#[test]
fn the_lints_that_keep_the_rules_are_on() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let rust_lints = &manifest["lints"]["rust"];
    assert_eq!(rust_lints["unsafe_code"].as_str(), Some("forbid"));
    assert_eq!(rust_lints["missing_docs"].as_str(), Some("deny"));
    for lint in [
        "unwrap_used",
        "expect_used",
        "panic",
        "print_stdout",
        "print_stderr",
        "dbg_macro",
        "todo",
        "unimplemented",
        "allow_attributes",
        "await_holding_lock",
        "large_futures",
        "too_many_lines",
        "too_many_arguments",
        "let_underscore_must_use",
        "disallowed_methods",
    ] {
        let level = manifest["lints"]["clippy"].get(lint).and_then(toml::Value::as_str);
        assert_eq!(level, Some("deny"), "Cargo.toml: [lints.clippy] {lint}");
    }
    let clippy: toml::Table = read("clippy.toml").parse().unwrap();
    assert_eq!(clippy["too-many-lines-threshold"].as_integer(), Some(60));
    assert_eq!(clippy["too-many-arguments-threshold"].as_integer(), Some(5));
    let disallowed = clippy["disallowed-methods"].as_array().unwrap();
    for method in [
        "tokio::spawn",
        "tokio::sync::mpsc::unbounded_channel",
        "std::env::var",
        "std::time::SystemTime::now",
        "std::process::exit",
    ] {
        let is_listed = disallowed.iter().any(|entry| entry["path"].as_str() == Some(method));
        assert!(is_listed, "clippy.toml: disallowed-methods lacks {method}");
    }
}

#[test]
fn pingora_is_pinned() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(manifest["dependencies"]["pingora"]["version"].as_str(), Some("=0.9.1"));
}

#[test]
fn no_file_holds_a_path_of_one_machine() {
    let found = files("").into_iter().flat_map(|path| {
        rules::private_paths(&path, &read(&path), &["home", "root", "work", "Users"])
    });
    none(found.collect());
}

#[test]
fn packages_come_from_the_public_registries() {
    const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";
    let mut found = rules::other_origin("Cargo.lock", &read("Cargo.lock"), "source", CRATES);
    for path in files("").iter().filter(|path| path.ends_with("package-lock.json")) {
        let npm = "https://registry.npmjs.org/";
        found.extend(rules::other_origin(path, &read(path), "\"resolved\"", npm));
    }
    none(found);
}

#[test]
fn links_between_documents_lead_somewhere() {
    let documents = files("").into_iter().filter(|path| path.ends_with(".md"));
    let exists = |path: &str| root().join(path.trim_start_matches('/')).exists();
    none(documents.flat_map(|path| rules::dead_links(&path, &read(&path), exists)).collect());
}

#[test]
fn the_architecture_page_names_every_module() {
    let page = read("docs/ARCHITECTURE.md");
    for source in rust("src") {
        let module = source.modules().first().map_or("lib", |module| *module).to_owned();
        assert!(page.contains(&format!("`{module}`")), "docs/ARCHITECTURE.md lacks `{module}`");
    }
}

/// Fails with every finding on a line of its own.
fn none(findings: Vec<Finding>) {
    let told: Vec<String> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    assert!(told.is_empty(), "{} broken:{}", told.len(), told.concat());
}

fn each(sources: &[Source], rule: impl Fn(&Source) -> Vec<Finding>) -> Vec<Finding> {
    sources.iter().flat_map(rule).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let bytes = fs::read(root().join(path));
    assert!(bytes.is_ok(), "{path}: {bytes:?}");
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

/// The Rust files below `folder`, sorted.
fn rust(folder: &str) -> Vec<Source> {
    let paths = files(folder).into_iter().filter(|path| path.ends_with(".rs"));
    let sources: Vec<_> = paths.map(|path| Source::new(&path, &read(&path))).collect();
    assert!(!sources.is_empty(), "no Rust in {folder}");
    sources
}

/// The files below `folder` that git would track, by their path from the root, sorted.
fn files(folder: &str) -> Vec<String> {
    let ignored = read(".gitignore");
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let mut found = Vec::new();
    let walked = walk(&root().join(folder), &ignored, &mut found);
    assert!(walked.is_ok(), "{folder}: {walked:?}");
    found.sort();
    found
}

fn walk(folder: &Path, ignored: &[&str], found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let (entry, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if name == ".git" || ignored.contains(&&*name) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry, ignored, found)?;
        } else if kind.is_file() {
            let path = entry.strip_prefix(root()).unwrap_or(&entry);
            found.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
