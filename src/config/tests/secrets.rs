//! Secrets come from the environment or from files, and are repeated nowhere.

use super::{errors, read};
use std::path::{Path, PathBuf};

fn upstream(line: &str) -> String {
    format!("[[upstream]]\nname = \"a\"\nendpoints = [\"http://h\"]\n{line}\n")
}

/// A file that is gone again when this is.
pub(super) struct TemporaryFile(PathBuf);

impl TemporaryFile {
    pub(super) fn with(name: &str, content: &[u8]) -> Self {
        let name = format!("transom-config-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn line(&self) -> String {
        format!("api_key_file = {:?}", self.0)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

#[test]
fn a_key_is_read_from_the_environment_or_a_file_without_its_newline() {
    let key = |line: &str| read(&upstream(line)).unwrap().upstreams[0].api_key.clone();
    assert_eq!(key("api_key_env = \"VLLM_KEY\"").unwrap().expose(), "canary-of-env");
    let file = TemporaryFile::with("key", b"canary-of-file\r\n");
    assert_eq!(key(&file.line()).unwrap().expose(), "canary-of-file");
    assert_eq!(key(""), None);
}

#[test]
fn a_key_that_cannot_be_had_is_a_mistake() {
    let says = |line: &str| errors(read(&upstream(line))).join("\n");
    let env = |what| format!("transom.toml:4: upstream[0].api_key_env: {what}");
    let in_file = |what| format!("transom.toml:4: upstream[0].api_key_file: {what}");
    assert_eq!(says("api_key_env = \"NONE\""), env("the environment variable it names is not set"));
    assert_eq!(says("api_key_env = \"EMPTY\""), env("the key it leads to is empty"));
    assert_eq!(
        says("api_key_env = \"TWO_LINES\""),
        env("the key it leads to holds characters that cannot be sent")
    );
    assert_eq!(
        says("api_key_file = \"/nowhere/canary\""),
        in_file("the file it names cannot be read: No such file or directory (os error 2)")
    );
    let binary = TemporaryFile::with("binary", b"ab\n\xff");
    assert_eq!(says(&binary.line()), in_file("the file it names is not UTF-8: see line 2"));
    assert_eq!(
        says("api_key_env = \"VLLM_KEY\"\napi_key_file = \"x\""),
        "transom.toml:5: upstream[0].api_key_file: the key comes from upstream[0].api_key_env \
         (line 4) already; use only one"
    );
}

#[test]
fn a_secret_in_the_file_is_refused_with_a_hint() {
    assert_eq!(
        errors(read(&upstream("api_key = \"canary\""))),
        ["transom.toml:4: unknown key \"api_key\" in upstream[0]; secrets are not written here: \
          use \"api_key_env\" or \"api_key_file\""]
    );
    assert_eq!(
        errors(read("[[key]]\nalias = \"k\"\nkey = \"canary\"")),
        [
            "transom.toml:1: key[0].sha256: is missing",
            "transom.toml:3: unknown key \"key\" in key[0]; keys are not written here: use \
             \"sha256\", the hash of the key"
        ]
    );
}

#[test]
fn no_error_and_no_settings_repeat_a_secret() {
    let wrong = [
        upstream("api_key = \"canary\""),
        upstream("api_key = [\"canary\"]"),
        upstream("api_key_env = \"canary\""),
        upstream("api_key_env = \"sk-canary\""),
        upstream("api_key_env = [\"canary\"]"),
        upstream("api_key_file = \"sk-canary\""),
        upstream("api_key = canary"),
        upstream("api_key = \"canary\" \"canary\""),
        upstream("api_key = \"canary"),
        upstream("[canary]\n[canary"),
        "[[key]]\nalias = \"k\"\nsha256 = \"canary\"".to_owned(),
        "[[upstream]]\nname = \"a\"\nendpoints = [\"https://me:canary@h\"]".to_owned(),
        "[[upstream]]\nname = \"a\"\nendpoints = [{ url = \"https://h?key=canary\" }]".to_owned(),
    ];
    for text in wrong {
        let errors = read(&text).unwrap_err();
        let shown = format!("{errors} {errors:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
    let settings = read(&upstream("api_key_env = \"VLLM_KEY\"")).unwrap();
    assert!(!format!("{settings:?}").contains("canary"));
}
