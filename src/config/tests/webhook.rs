//! `[[webhook]]`: who outside is told, and what is no receiver.

use super::{errors, read};

fn table(rest: &str) -> String {
    format!("[[webhook]]\nname = \"ops\"\n{rest}")
}

fn says(text: &str, expected: &[&str]) {
    assert_eq!(errors(read(text)), expected, "in\n{text}");
}

#[test]
fn a_webhook_hears_of_everything_unless_it_says_what() {
    let text = table("url = \"http://h/x\"\nsecret_env = \"OPS_WEBHOOK\"");
    let [ops] = &read(&text).unwrap().webhooks[..] else { panic!("one") };
    assert_eq!((ops.events.len(), ops.models.len()), (2, 0));
    assert!(!format!("{ops:?}").contains("canary"));
}

#[test]
fn a_webhook_without_a_good_secret_or_url_is_a_mistake() {
    says(
        &table("url = \"http://h\""),
        &[
            "transom.toml:1: webhook[0]: needs a secret to sign with: \"secret_env\" or \"secret_file\"",
        ],
    );
    says(
        &table("url = \"http://h\"\nsecret_env = \"VLLM_KEY\""),
        &[
            "transom.toml:4: webhook[0].secret_env: the secret it leads to does not begin with whsec_",
        ],
    );
    says(
        &table("url = \"ftp://canary\"\nsecret_env = \"OPS_WEBHOOK\""),
        &["transom.toml:3: webhook[0].url: the scheme of a URL must be http or https"],
    );
    says(
        &table("url = \"http://h\"\nsecret = \"canary\""),
        &[
            "transom.toml:1: webhook[0]: needs a secret to sign with: \"secret_env\" or \"secret_file\"",
            "transom.toml:4: unknown key \"secret\" in webhook[0]; secrets are not written here: \
             use \"secret_env\" or \"secret_file\"",
        ],
    );
}
