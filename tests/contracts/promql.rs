//! Reads queries as far as names go: which metrics and labels they use.

/// What a query refers to.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) selectors: Vec<Selector>,
    /// Labels it groups by, matches on or asks the values of.
    pub(crate) grouping: Vec<String>,
    /// Texts among which are the labels it makes itself.
    pub(crate) made_labels: Vec<String>,
}

/// One metric and the labels it is picked by.
#[derive(Debug, PartialEq)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    pub(crate) labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const OPERATORS: [&str; 9] =
    ["and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "NaN"];
const MAKES_LABELS: [&str; 3] = ["label_replace", "label_join", "count_values"];

impl Query {
    pub(crate) fn read(text: &str) -> Self {
        let mut query = Self::default();
        query.read_tokens(&tokens(text));
        query
    }

    fn read_tokens(&mut self, tokens: &[Token]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            let (Token::Word(word), rest) = (token, &tokens[at..]) else { continue };
            let in_parentheses = rest.first() == Some(&Token::Sign('('));
            if GROUPING.contains(&word.as_str()) {
                if in_parentheses {
                    let end = closing(rest, '(', ')');
                    self.grouping.extend(words(&rest[..end]));
                    at += end;
                }
            } else if word == "label_values" {
                let end = closing(rest, '(', ')');
                self.read_label_values(&rest[1..end]);
                at += end;
            } else if in_parentheses {
                if MAKES_LABELS.contains(&word.as_str()) {
                    self.made_labels.extend(texts(&rest[..closing(rest, '(', ')')]));
                }
            } else if !OPERATORS.contains(&word.as_str()) && !is_aggregation(rest) {
                let picked = rest.first() == Some(&Token::Sign('{'));
                let end = if picked { closing(rest, '{', '}') } else { 0 };
                self.selectors.push(Selector { metric: word.clone(), labels: words(&rest[..end]) });
                at += end;
            }
        }
    }

    /// Grafana's own `label_values(label)` or `label_values(selector, label)`.
    fn read_label_values(&mut self, arguments: &[Token]) {
        let Some((label, selector)) = arguments.split_last() else { return };
        self.grouping.extend(words(std::slice::from_ref(label)));
        self.read_tokens(selector);
        if selector.is_empty() {
            // Of any metric at all.
            self.selectors.push(Selector { metric: "up".to_owned(), labels: Vec::new() });
        }
    }
}

/// Whether what precedes `rest` is an aggregation, as in `sum by (label) (…)`.
fn is_aggregation(rest: &[Token]) -> bool {
    matches!(rest.first(), Some(Token::Word(word)) if matches!(word.as_str(), "by" | "without"))
        && rest.get(1) == Some(&Token::Sign('('))
}

/// The position of the sign that closes the first one, or the end: whether a query is well
/// formed is not asked here.
fn closing(tokens: &[Token], open: char, close: char) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign(sign) if *sign == open => depth += 1,
            Token::Sign(sign) if *sign == close => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

fn words(tokens: &[Token]) -> Vec<String> {
    let word = |token: &Token| match token {
        Token::Word(word) => Some(word.clone()),
        _ => None,
    };
    tokens.iter().filter_map(word).collect()
}

fn texts(tokens: &[Token]) -> Vec<String> {
    let text = |token: &Token| match token {
        Token::Text(text) => Some(text.clone()),
        _ => None,
    };
    tokens.iter().filter_map(text).collect()
}

/// Words, texts and signs; numbers, ranges, variables and comments say nothing of names.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            '$' => 1 + length_of(&rest[1..], |c| is_word(c) || "{}".contains(c)),
            '"' | '\'' | '`' => {
                let inner = quoted(rest, first);
                tokens.push(Token::Text(inner.to_owned()));
                (inner.len() + 2).min(rest.len())
            }
            '0'..='9' => length_of(rest, |c| is_word(c) || c == '.'),
            _ if is_word(first) => {
                let length = length_of(rest, is_word);
                tokens.push(Token::Word(rest[..length].to_owned()));
                length
            }
            sign => {
                tokens.push(Token::Sign(sign));
                sign.len_utf8()
            }
        };
        rest = rest[length..].trim_start();
    }
    tokens
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_:".contains(character)
}

fn length_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// What stands between the quotes that `text` begins with.
fn quoted(text: &str, quote: char) -> &str {
    let mut escaped = false;
    let end = text[1..].find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped && quote != '`';
        ends
    });
    &text[1..end.map_or(text.len(), |end| end + 1)]
}

#[test]
fn names_are_told_from_functions_operators_and_texts() {
    let query = Query::read(
        "sum by (a) (rate(x_total{b=~\"y{z\", c!='d'}[5m])) / on(e) group_left(f) max(g) without (h) > 1.5e+3",
    );
    let selector = |metric: &str, labels: &[&str]| Selector {
        metric: metric.to_owned(),
        labels: labels.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(query.selectors, [selector("x_total", &["b", "c"]), selector("g", &[])]);
    assert_eq!(query.grouping, ["a", "e", "f", "h"]);
    let values = Query::read("label_values(x_total{a=\"$a\"}, b)");
    assert_eq!(
        (values.selectors, values.grouping),
        (vec![selector("x_total", &["a"])], vec!["b".into()])
    );
}
