//! What operators see: the example works, mistakes are named, junk is survived.

mod admin;
mod cache;
mod capture;
mod effective;
mod example;
mod junk;
mod layers;
mod mistakes;
mod objectives;
mod schema;
mod secrets;
mod webhook;

use super::{ConfigErrors, Environment, Overrides, Settings, from_text};

const FILE: &str = "transom.toml";

fn read(text: &str) -> Result<Settings, ConfigErrors> {
    let env = [
        ("VLLM_KEY", "canary-of-env"),
        ("EMPTY", ""),
        ("TWO_LINES", "a\nb"),
        ("REDIS_URL", "rediss://me:canary-of-redis@h:6379"),
        ("OPS_WEBHOOK", "whsec_Y2FuYXJ5LW9mLWEtd2ViaG9va3Mtc2VjcmV0"),
        ("OTLP_HEADERS", "Authorization=Bearer canary-of-otlp"),
    ];
    from_text(FILE, text, &env.into_iter().collect(), &Overrides::default())
}

fn from_env<const N: usize>(
    text: &str,
    variables: [(&str, &str); N],
) -> Result<Settings, ConfigErrors> {
    let env: Environment = variables.into_iter().collect();
    from_text(FILE, text, &env, &Overrides::default())
}

/// The lines of the errors, without the count at the end.
fn errors<T: std::fmt::Debug>(result: Result<T, ConfigErrors>) -> Vec<String> {
    result.unwrap_err().list().iter().map(ToString::to_string).collect()
}
