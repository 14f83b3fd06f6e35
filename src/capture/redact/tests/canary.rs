//! Made-up secrets of every kind.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use fastrand::Rng;

/// A made-up secret.
#[derive(Debug)]
pub(super) struct Canary {
    /// As it stands in a text.
    pub(super) text: String,
    /// What must not be found again.
    pub(super) secret: String,
}

/// How many of each kind.
const EACH: u64 = 5;

/// Some of every kind; the same each time.
pub(super) fn all() -> Vec<Canary> {
    (0..EACH).flat_map(|seed| kinds(&mut Rng::with_seed(seed))).collect()
}

/// One of every kind.
pub(super) fn one_of_each() -> Vec<Canary> {
    kinds(&mut Rng::with_seed(99))
}

fn kinds(rng: &mut Rng) -> Vec<Canary> {
    let mut kinds = keys(rng);
    kinds.extend(named_keys(rng));
    kinds.extend(tokens(rng));
    kinds.extend(people(rng));
    kinds.extend(money(rng));
    kinds
}

const ALNUM: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const HEX: &str = "0123456789abcdef";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn random(rng: &mut Rng, alphabet: &str, length: usize) -> String {
    (0..length).map(|_| char::from(alphabet.as_bytes()[rng.usize(..alphabet.len())])).collect()
}

fn keys(rng: &mut Rng) -> Vec<Canary> {
    let kinds = [
        ("sk-proj-", ALNUM, 48),
        ("sk-svcacct-", ALNUM, 60),
        ("sk-", ALNUM, 48),
        ("sk-ant-api03-", ALNUM, 93),
        ("sk-or-v1-", HEX, 64),
        ("AKIA", UPPER, 16),
        ("ASIA", UPPER, 16),
        ("AIza", ALNUM, 35),
        ("ya29.", ALNUM, 60),
        ("GOCSPX-", ALNUM, 28),
        ("ghp_", ALNUM, 36),
        ("gho_", ALNUM, 36),
        ("github_pat_11", ALNUM, 80),
        ("glpat-", ALNUM, 20),
        ("xoxb-123456789012-", ALNUM, 24),
        ("https://hooks.slack.com/services/T00000000/B00000000/", ALNUM, 24),
        ("sk_live_", ALNUM, 24),
        ("rk_test_", ALNUM, 24),
        ("whsec_", ALNUM, 32),
        ("hf_", ALNUM, 34),
        ("npm_", ALNUM, 36),
        ("gsk_", ALNUM, 52),
        ("xai-", ALNUM, 80),
        ("pplx-", ALNUM, 48),
        ("nvapi-", ALNUM, 64),
        ("r8_", ALNUM, 37),
        ("dop_v1_", HEX, 64),
        ("shpat_", HEX, 32),
        ("hvs.", ALNUM, 90),
        ("sntrys_", ALNUM, 60),
        ("pypi-AgEIcHlwaS5vcmc", ALNUM, 80),
        ("dckr_pat_", ALNUM, 27),
        ("SG.abcdefghijklmnopqrstuv.", ALNUM, 43),
        ("123456789:AA", ALNUM, 33),
    ];
    let made = kinds.map(|(begin, alphabet, length)| {
        let secret = random(rng, alphabet, length);
        Canary { text: format!("{begin}{secret}"), secret }
    });
    made.into()
}

fn named_keys(rng: &mut Rng) -> Vec<Canary> {
    let mut key = |alphabet, length| format!("a1{}", random(rng, alphabet, length));
    let aws = format!("{}/{}+x", key(ALNUM, 20), key(ALNUM, 14));
    let made = [
        ("AZURE_OPENAI_API_KEY=", key(HEX, 30)),
        ("api-key: ", key(ALNUM, 82)),
        ("aws_secret_access_key = ", aws),
        ("AccountKey=", format!("{}==", key(ALNUM, 84))),
        ("client_secret: '", key(ALNUM, 38)),
        ("Authorization: Bearer ", key(ALNUM, 40)),
        ("bearer ", key(HEX, 22)),
    ];
    made.map(|(name, secret)| Canary { text: format!("{name}{secret}"), secret }).into()
}

fn tokens(rng: &mut Rng) -> Vec<Canary> {
    let user = random(rng, ALNUM, 12);
    let basic = BASE64_STANDARD.encode(format!("{user}:{}", random(rng, ALNUM, 12)));
    let password = random(rng, ALNUM, 16);
    let payload = BASE64_URL_SAFE_NO_PAD.encode(format!("{{\"sub\":\"{user}\",\"iat\":1}}"));
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.{payload}.{}", random(rng, ALNUM, 43));
    let lines = [random(rng, ALNUM, 64), random(rng, ALNUM, 64), random(rng, ALNUM, 30)];
    let pem = |kind: &str| Canary {
        text: format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----", lines.join("\n")),
        secret: lines[1].clone(),
    };
    vec![
        Canary { text: format!("Basic {basic}"), secret: basic },
        Canary { text: format!("postgres://app:{password}@db.internal/x"), secret: password },
        Canary { secret: jwt[21..].to_owned(), text: jwt },
        pem("RSA PRIVATE KEY"),
        pem("OPENSSH PRIVATE KEY"),
        pem("PRIVATE KEY"),
    ]
}

fn people(rng: &mut Rng) -> Vec<Canary> {
    let name = random(rng, "abcdefghijklmnopqrstuvwxyz", 12);
    let digits = |rng: &mut Rng, length| random(rng, "23456789", length);
    let (a, b) = (digits(rng, 3), digits(rng, 4));
    let made = [
        format!("{name}@example.com"),
        format!("{name}.m\u{fc}ller+x@mail.example.co.uk"),
        format!("+1415555{b}"),
        format!("+1 (415) 555-{b}"),
        format!("+44 20 7{a} {b}"),
        format!("+49 30 {a}{b}"),
        format!("(415) {a}-{b}"),
        format!("415-{a}-{b}"),
        format!("020 7{a} {b}"),
    ];
    let canary = |text: String| Canary { secret: text.clone(), text };
    made.map(canary).into()
}

fn money(rng: &mut Rng) -> Vec<Canary> {
    let mut card = |begin: &str, length: usize| {
        let mut digits = format!("{begin}{}", random(rng, "0123456789", length - begin.len() - 1));
        let sum: u32 = digits
            .bytes()
            .rev()
            .enumerate()
            .map(|(index, digit)| match (index % 2, u32::from(digit - b'0')) {
                (0, digit) if digit > 4 => digit * 2 - 9,
                (0, digit) => digit * 2,
                (_, digit) => digit,
            })
            .sum();
        digits.push_str(&((10 - sum % 10) % 10).to_string());
        digits
    };
    let grouped = |digits: &str, gap: &str| {
        let groups = digits.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group));
        groups.collect::<Vec<_>>().join(gap)
    };
    let mut made = vec![card("4", 16), card("51", 16), card("37", 15)];
    made.push(grouped(&card("4", 16), " "));
    made.push(grouped(&card("2221", 16), "-"));
    let account = random(rng, "0123456789", 18);
    let rest =
        format!("{account}131400").bytes().fold(0_u32, |r, b| (r * 10 + u32::from(b - b'0')) % 97);
    let iban = format!("DE{:02}{account}", 98 - rest);
    made.push(grouped(&iban, " "));
    made.push(iban);
    made.into_iter().map(|text| Canary { secret: text.clone(), text }).collect()
}

/// A text as it looks once its escapes are resolved: a plain reading that shares nothing with
/// the one that is tested.
pub(super) fn unescaped(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut read = String::new();
    let mut at = 0;
    while at < chars.len() {
        let hex = |from: usize, length: usize| {
            let digits: String = chars.get(from..from + length)?.iter().collect();
            u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32)
        };
        match chars[at] {
            '\\' if chars.get(at + 1) == Some(&'u') && hex(at + 2, 4).is_some() => {
                read.extend(hex(at + 2, 4));
                at += 6;
            }
            '\\' if chars.get(at + 1) == Some(&'n') => {
                read.push('\n');
                at += 2;
            }
            '\\' => at += 1,
            '%' if hex(at + 1, 2).is_some() => {
                read.extend(hex(at + 1, 2));
                at += 3;
            }
            c => {
                read.push(c);
                at += 1;
            }
        }
    }
    read
}

/// A JSON string in which every character is an escape.
pub(super) fn all_escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// A JSON string with everything escaped that is not ASCII, as Python writes it.
pub(super) fn ascii(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    let inner = &quoted[1..quoted.len() - 1];
    inner
        .chars()
        .map(|c| if c.is_ascii() { c.to_string() } else { all_escaped(&c.to_string()) })
        .collect()
}
