//! The checkers: from files to findings. Each can fail, and its test shows it failing.
//!
//! Must not know: what this repository allows; that comes as arguments.

use crate::source::Source;
use std::fmt;

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    place: String,
    broken: String,
}

impl Finding {
    /// `broken` says what is wrong at `line` of the file at `path`.
    pub(crate) fn new(path: &str, line: usize, broken: impl Into<String>) -> Self {
        Self { place: format!("{path}:{line}"), broken: broken.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.broken)
    }
}

/// A module and what it may import besides itself, by spaces; `a::b` allows that item of `a`
/// alone.
pub(crate) type Layer = (&'static str, &'static str);

/// Imports that the layers do not allow.
pub(crate) fn imports(source: &Source, layers: &[Layer]) -> Vec<Finding> {
    let module = source.modules().first().map_or("lib", |module| *module).to_owned();
    let Some((_, allowed)) = layers.iter().find(|(name, _)| *name == module) else {
        return vec![Finding::new(
            &source.path,
            1,
            format!("`{module}` has no place in the layers"),
        )];
    };
    let references = source.references().into_iter().filter(|found| {
        let target = found.path.split("::").next().unwrap_or_default();
        target != module && !allowed.split(' ').any(|name| name == target || name == found.path)
    });
    references
        .map(|found| {
            let broken = format!("`{module}` must not import `{}`", found.path);
            Finding::new(&source.path, found.line, broken)
        })
        .collect()
}

/// Uses of the crate `name`, or of one that begins with `name_`, outside of `homes`.
pub(crate) fn foreign_crate(source: &Source, name: &str, homes: &[&str]) -> Vec<Finding> {
    if homes.iter().any(|home| source.modules().first() == Some(home)) {
        return Vec::new();
    }
    let family = format!("{name}_");
    at_tokens(source, |at| {
        let word = source.word(at);
        let before = if at == 0 { "" } else { source.word(at - 1) };
        let is_path = before != "::" && (source.word(at + 1) == "::" || before == "use");
        let is_it = is_path && (word == name || word.starts_with(&family));
        is_it.then(|| format!("`{word}` is only for {}", homes.join(" and ")))
    })
}

/// Tasks nobody waits for, queues without an end, and state that belongs to nobody.
pub(crate) fn unbounded_or_global(source: &Source) -> Vec<Finding> {
    at_tokens(source, |at| {
        let word = source.word(at);
        if source.reads(at, &["tokio", "::", "spawn"]) || source.reads(at, &["task", "::", "spawn"])
        {
            return Some("a task that nobody tracks: use a TaskTracker or a JoinSet".to_owned());
        }
        if word == "unbounded_channel" || source.reads(at, &["mpsc", "::", "channel", "(", ")"]) {
            return Some("a queue without an end: give it a bound".to_owned());
        }
        if matches!(word, "thread_local" | "lazy_static") && source.word(at + 1) == "!" {
            return Some("state outside of any value: pass it".to_owned());
        }
        let shared = (word == "static").then(|| interior_mutability(source, at)).flatten();
        shared.map(|kind| format!("a static `{kind}` is global state: pass a value"))
    })
}

/// The type between `static` and `=` that can change through a shared reference.
fn interior_mutability(source: &Source, at: usize) -> Option<&str> {
    const CELLS: [&str; 12] = [
        "mut",
        "Mutex",
        "RwLock",
        "Cell",
        "RefCell",
        "OnceCell",
        "OnceLock",
        "LazyLock",
        "LazyCell",
        "Lazy",
        "ArcSwap",
        "ArcSwapOption",
    ];
    let words = (at + 1..).map(|at| source.word(at));
    let mut declared = words.take_while(|word| !matches!(*word, "=" | ";" | ""));
    declared.find(|word| CELLS.contains(word) || word.starts_with("Atomic"))
}

/// Files longer than `limit` lines.
pub(crate) fn too_long(source: &Source, limit: usize) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let broken = format!("{lines} lines; {limit} are the limit");
    if lines > limit { vec![Finding::new(&source.path, lines, broken)] } else { Vec::new() }
}

/// What the head comment of a file has to say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// Only what the file is for.
    Purpose,
    /// And what it must not know.
    PurposeAndLimits,
}

/// A file whose `//!` is missing or does not say enough.
pub(crate) fn head(source: &Source, wanted: Head) -> Vec<Finding> {
    let head: Vec<_> = source.text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let head: Vec<_> = head.iter().flat_map(|line| line.split_whitespace()).collect();
    let head = head.join(" ").to_lowercase();
    let broken = if head.is_empty() {
        "begin with a `//!` that says what this file owns"
    } else if wanted == Head::PurposeAndLimits && !head.contains("must not know") {
        "say in the `//!` what this file must not know"
    } else {
        return Vec::new();
    };
    vec![Finding::new(&source.path, 1, broken)]
}

/// Files of modules that exist only for tests: `#[cfg(test)] mod name;` in their parent.
pub(crate) fn test_only(sources: &[Source]) -> Vec<String> {
    let declared = |source: &Source| -> Vec<String> {
        let folder = format!("src/{}", source.modules().join("/"));
        (0..source.tokens().len())
            .filter(|at| source.reads(*at, &["cfg", "(", "test", ")", "]", "mod"]))
            .filter(|at| source.word(at + 7) == ";")
            .map(|at| format!("{folder}/{}", source.word(at + 6)))
            .collect()
    };
    sources.iter().flat_map(declared).collect()
}

/// Absolute paths of somebody's machine.
pub(crate) fn private_paths(path: &str, text: &str, folders: &[&str]) -> Vec<Finding> {
    let is_private = |line: &str| {
        folders.iter().any(|folder| {
            let begins = format!("/{folder}/");
            line.match_indices(&begins).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                before.is_none_or(|c| !c.is_alphanumeric() && !"./_-}~*$)".contains(c))
            })
        })
    };
    numbered(path, text, |line| is_private(line).then_some("an absolute path of one machine"))
}

/// Packages that a lockfile takes from elsewhere than `origin`.
pub(crate) fn other_origin(path: &str, text: &str, key: &str, origin: &str) -> Vec<Finding> {
    numbered(path, text, |line| {
        let value = line.trim_start().strip_prefix(key)?.trim_start_matches([' ', ':', '=', '"']);
        (!value.starts_with(origin)).then_some("a package from another registry")
    })
}

/// Relative links of a Markdown text; the caller knows what exists.
pub(crate) fn dead_links(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    numbered(path, text, |line| {
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let mut local = targets.filter(|link| !link.is_empty() && !link.contains(':'));
        local
            .any(|link| !exists(&format!("{folder}/{link}")))
            .then_some("a link that leads nowhere")
    })
}

fn at_tokens(source: &Source, broken: impl Fn(usize) -> Option<String>) -> Vec<Finding> {
    let tokens = source.tokens().iter().enumerate();
    tokens
        .filter_map(|(at, token)| Some(Finding::new(&source.path, token.line, broken(at)?)))
        .collect()
}

fn numbered(path: &str, text: &str, broken: impl Fn(&str) -> Option<&'static str>) -> Vec<Finding> {
    (1..)
        .zip(text.lines())
        .filter_map(|(number, line)| Some(Finding::new(path, number, broken(line)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: [Layer; 3] = [("low", ""), ("high", "low side::Event"), ("side", "low")];

    fn told(findings: Vec<Finding>) -> Vec<String> {
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn an_import_against_the_layers_is_found() {
        let found = |path, text| told(imports(&Source::new(path, text), &LAYERS));
        let upward = "//! x\nuse std::fmt;\nuse crate::{low::A,\n high::B};";
        assert_eq!(
            found("src/low/x.rs", upward),
            ["src/low/x.rs:4: `low` must not import `high::B`"]
        );
        assert!(found("src/high/x.rs", "use crate::{low, side::Event, high::C};").is_empty());
        assert_eq!(found("src/high.rs", "crate::side::Other").len(), 1);
        assert_eq!(found("src/low/mod.rs", "super::side::run()").len(), 1);
        assert_eq!(
            found("src/low/mod.rs", "mod tests { use super::*; use super::super::high; }").len(),
            1
        );
        assert_eq!(found("src/new.rs", ""), ["src/new.rs:1: `new` has no place in the layers"]);
    }

    #[test]
    fn a_crate_away_from_home_is_found() {
        let found = |path, text| told(foreign_crate(&Source::new(path, text), "axum", &["admin"]));
        assert_eq!(found("src/edge/x.rs", "\nuse axum::Json;").len(), 1);
        assert_eq!(found("src/edge/x.rs", "fn f(x: axum_core::Body) {}").len(), 1);
        assert!(found("src/edge/x.rs", "// axum::Json\nlet axum = \"axum::Json\";").is_empty());
        assert!(found("src/admin/x.rs", "use axum::Json;").is_empty());
    }

    #[test]
    fn stray_tasks_endless_queues_and_globals_are_found() {
        let count = |text| unbounded_or_global(&Source::new("src/x.rs", text)).len();
        assert_eq!(count("tokio::spawn(f)"), 1);
        assert_eq!(count("use tokio::task; task::spawn(f)"), 1);
        assert_eq!(count("tracker.spawn(f); tokio::task::spawn_blocking(f)"), 0);
        assert_eq!(count("unbounded_channel()"), 1);
        assert_eq!(count("mpsc::channel()"), 1);
        assert_eq!(count("mpsc::channel(8)"), 0);
        assert_eq!(count("static SEEN: AtomicUsize = AtomicUsize::new(0);"), 1);
        assert_eq!(count("static X: std::sync::OnceLock<u8> = f();"), 1);
        assert_eq!(count("thread_local! { }"), 1);
        assert_eq!(count("static NAMES: [&'static str; 1] = [\"Mutex\"]; const M: u8 = 1;"), 0);
    }

    #[test]
    fn a_long_file_is_found() {
        let source = Source::new("src/x.rs", "//! x\n\n\n");
        assert!(too_long(&source, 3).is_empty());
        assert_eq!(told(too_long(&source, 2)), ["src/x.rs:3: 3 lines; 2 are the limit"]);
    }

    #[test]
    fn a_head_that_says_too_little_is_found() {
        let found = |text, wanted| head(&Source::new("src/x.rs", text), wanted).len();
        assert_eq!(found("use a;", Head::Purpose), 1);
        assert_eq!(found("//! Owns x.", Head::Purpose), 0);
        assert_eq!(found("//! Owns x.", Head::PurposeAndLimits), 1);
        assert_eq!(found("//! Owns x. Must\n//! not know: y.", Head::PurposeAndLimits), 0);
    }

    #[test]
    fn modules_for_tests_are_told_apart() {
        let parent = Source::new("src/a/mod.rs", "#[cfg(test)]\nmod tests;\nmod b;");
        assert_eq!(test_only(&[parent]), ["src/a/tests"]);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let count = |text: &str| private_paths("x", text, &["home"]).len();
        assert_eq!(count(&format!("cd {}home/me/x", "/")), 1);
        assert_eq!(count(&format!("see https://example.org{}home/x or $HOME{}home/", "/", "/")), 0);
    }

    #[test]
    fn a_package_from_elsewhere_is_found() {
        let lock = "name = \"a\"\nsource = \"registry+https://a\"\nsource = \"git+https://b\"";
        let found = other_origin("Cargo.lock", lock, "source", "registry+https://a");
        assert_eq!(told(found), ["Cargo.lock:3: a package from another registry"]);
    }

    #[test]
    fn a_dead_link_is_found() {
        let text = "[a](b.md) [c](gone.md#d) [e](https://f) [g](#h)";
        let found = dead_links("docs/x.md", text, |path| path == "docs/b.md");
        assert_eq!(told(found), ["docs/x.md:1: a link that leads nowhere"]);
    }
}
