//! `[admin]`: who may see and do what, and what is too open to start.

use super::{errors, from_env, read};
use crate::admin::AdminTls;
use crate::config::tests::secrets::TemporaryFile;
use rcgen::{CertifiedKey, generate_simple_self_signed};

const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn says(text: &str, expected: &[&str]) {
    assert_eq!(errors(read(text)), expected, "in\n{text}");
}

fn user(name: &str, role: &str) -> String {
    format!("[[admin.user]]\nname = {name:?}\nrole = {role:?}\ntoken_sha256 = \"{HASH}\"\n")
}

#[test]
fn what_other_machines_reach_needs_users_and_tls() {
    let open = "[server]\nadmin = \"0.0.0.0:7081\"\n";
    let reach = |missing: &str| {
        format!(
            "transom.toml:2: server.admin: 0.0.0.0:7081 can be reached from other machines, so it \
             needs {missing}; or use a loopback address such as \"127.0.0.1:7081\""
        )
    };
    let tls = "TLS, `tls` or `behind_tls` in [admin]";
    says(open, &[&reach(&format!("users, [[admin.user]], and {tls}"))]);
    says(&format!("{open}{}", user("a", "admin")), &[&reach(tls)]);
    let behind = format!("{open}[admin]\nbehind_tls = true\n");
    says(&behind, &[&reach("users, [[admin.user]]")]);
    assert!(read(&format!("{behind}{}", user("a", "admin"))).is_ok());
    assert!(read("[server]\nadmin = \"[::ffff:127.0.0.1]:7081\"").is_ok());
    // One mistake is told once.
    let faulty = format!("{open}[admin]\nbehind_tls = true\n{}", user("a", "root"));
    says(
        &faulty,
        &["transom.toml:7: admin.user[0].role: \"root\" is not one of \"viewer\", \
           \"viewer-content\", \"operator\", \"admin\""],
    );
}

#[test]
fn users_are_told_apart_by_name_and_token() {
    says(
        &(user("a", "viewer") + &user("a", "admin")),
        &[
            "transom.toml:6: admin.user[1].name: \"a\" is already used by admin.user[0].name (line 2)",
            "transom.toml:8: admin.user[1].token_sha256: the same value is already used by \
             admin.user[0].token_sha256 (line 4)",
        ],
    );
    says(
        "[[admin.user]]\nname = \"a\"\nrole = \"admin\"\ntoken = \"canary\"",
        &[
            "transom.toml:1: admin.user[0].token_sha256: is missing",
            "transom.toml:4: unknown key \"token\" in admin.user[0]; tokens are not written here: \
             use \"token_sha256\", the hash of the token",
        ],
    );
}

#[test]
fn names_and_paths_are_checked() {
    says(
        "[admin]\nbase_path = \"transom\"\nhosts = [\"https://h\"]\nmetrics = \"all\"",
        &[
            "transom.toml:2: admin.base_path: \"transom\" is not a base path; write it like \
             \"/transom\"",
            "transom.toml:3: admin.hosts[0]: \"https://h\" is not the name of a host; write it like \
             \"transom.example.org\"",
            "transom.toml:4: admin.metrics: \"all\" is not one of \"open\", \"viewer\"",
        ],
    );
    let hosts = from_env("", [("TRANSOM__ADMIN__HOSTS", "a.test,b.test:1")]).unwrap().admin.hosts;
    assert_eq!((hosts.len(), hosts[1].port), (2, Some(1)));
}

#[test]
fn a_certificate_is_read_or_it_is_said_why_not() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap().signing_key;
    let file = |name, text: &str| TemporaryFile::with(name, text.as_bytes());
    let chain = file("chain", &cert.pem());
    let (key, other) =
        (file("its", &signing_key.serialize_pem()), file("other", &other.serialize_pem()));
    let tls = |cert: &TemporaryFile, key: &TemporaryFile| {
        format!("[admin]\ntls = {{ cert = {:?}, key = {:?} }}\n", cert.path(), key.path())
    };
    let settings = read(&tls(&chain, &key)).unwrap();
    assert!(matches!(settings.admin.tls, AdminTls::Here(_)));
    says(
        &tls(&chain, &other),
        &["transom.toml:2: admin.tls: certificate and key cannot be used: keys may not be \
           consistent: KeyMismatch"],
    );
    says(
        &tls(&key, &chain),
        &[
            "transom.toml:2: admin.tls.cert: the file it names holds no certificate in PEM",
            "transom.toml:2: admin.tls.key: the file it names holds no private key in PEM",
        ],
    );
    says(
        "[admin]\ntls = { cert = \"/nowhere/c\" }\nbehind_tls = true",
        &[
            "transom.toml:2: admin.tls.key: is missing",
            "transom.toml:3: admin.behind_tls: admin.tls (line 2) has it speak TLS itself; use \
             only one",
        ],
    );
}
