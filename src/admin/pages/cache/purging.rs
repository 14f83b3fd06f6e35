//! From a form that says what to forget to a second one that asks whether it is meant.
//!
//! The first changes nothing and is an address; the second is the one that is carried out. Must
//! not know: how anything is forgotten.

use crate::admin::cache::Wanted;
use crate::cache::{Completeness, Purged};
use serde::Deserialize;

/// What stands in a form or in the address; what was left empty was not said.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct Fields {
    /// It is about a purge.
    purge: Option<String>,
    everything: Option<String>,
    model: String,
    route: String,
    namespace: String,
    key: String,
    tenant: String,
    /// Answers that were forgotten.
    memory: Option<u64>,
    disk: Option<u64>,
    redis: Option<u64>,
    complete: Option<u8>,
}

/// What an address asks the page to say.
pub(super) enum Ask {
    /// Nothing.
    Nothing,
    /// What is to be forgotten is not said.
    Unclear,
    /// Whether this is meant, with the fields of the form that carries it out.
    Sure { what: String, fields: Vec<(&'static str, String)> },
    /// What came of it.
    Done(String),
}

impl Fields {
    /// What they want to be forgotten.
    pub(super) fn wanted(self) -> Wanted {
        let said = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Wanted {
            all: self.everything.map(|_| true),
            entry: None,
            model: said(self.model),
            route: said(self.route),
            namespace: said(self.namespace),
            key: said(self.key),
            tenant: said(self.tenant),
        }
    }

    pub(super) fn understood(&self) -> Ask {
        if let Some(memory) = self.memory {
            return Ask::Done(self.done(memory));
        }
        if self.purge.is_none() {
            return Ask::Nothing;
        }
        let tags = self.tags();
        match (&self.everything, tags.is_empty()) {
            (None, true) => Ask::Unclear,
            (Some(_), true) => Ask::Sure {
                what: "every answer there is".to_owned(),
                fields: vec![("everything", "yes".to_owned())],
            },
            // With a name, it is about that name: the narrower of two wishes.
            (_, false) => {
                let named: Vec<_> =
                    tags.iter().map(|(name, value)| format!("{name} {value}")).collect();
                Ask::Sure { what: format!("the answers of {}", named.join(" and ")), fields: tags }
            }
        }
    }

    fn tags(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("model", &self.model),
            ("route", &self.route),
            ("namespace", &self.namespace),
            ("key", &self.key),
            ("tenant", &self.tenant),
        ];
        let trimmed = all.into_iter().map(|(name, value)| (name, value.trim().to_owned()));
        trimmed.filter(|(_, value)| !value.is_empty()).collect()
    }

    fn done(&self, memory: u64) -> String {
        let others = [("disk", self.disk), ("Redis", self.redis)];
        let others = others.into_iter().filter_map(|(tier, count)| Some((tier, count?)));
        let others: String = others.map(|(tier, count)| format!(", {tier} {count}")).collect();
        let later = match self.complete {
            Some(0) => " Not every tier could do it now; it is done when it can be.",
            _ => "",
        };
        format!("Forgotten: memory {memory}{others}.{later}")
    }
}

/// What came of a purge, for the address of the page after it.
pub(super) fn told(purged: &Purged) -> String {
    let Purged { memory, disk, redis, completeness } = purged;
    let complete = u8::from(*completeness == Completeness::Complete);
    let mut told = format!("memory={memory}&complete={complete}");
    for (tier, count) in [("disk", disk), ("redis", redis)] {
        if let Some(count) = count {
            told.push_str(&format!("&{tier}={count}"));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purge_is_asked_about_before_it_is_carried_out() {
        let fields = Fields { purge: Some(String::new()), ..Fields::default() };
        assert!(matches!(fields.understood(), Ask::Unclear));
        let everything = Fields { everything: Some("on".into()), ..fields.clone() };
        let Ask::Sure { what, .. } = everything.understood() else { panic!("not asked") };
        assert_eq!(what, "every answer there is");
        let both = Fields { model: " m ".into(), tenant: "t".into(), ..everything };
        let Ask::Sure { what, fields } = both.understood() else { panic!("not asked") };
        assert_eq!(what, "the answers of model m and tenant t");
        assert_eq!(fields, [("model", "m".to_owned()), ("tenant", "t".to_owned())]);
    }

    #[test]
    fn what_was_forgotten_is_told_by_tier() {
        let purged =
            Purged { memory: 3, disk: Some(4), redis: None, completeness: Completeness::Partial };
        assert_eq!(told(&purged), "memory=3&complete=0&disk=4");
        let fields =
            Fields { memory: Some(3), disk: Some(4), complete: Some(0), ..Fields::default() };
        let Ask::Done(said) = fields.understood() else { panic!("nothing is told") };
        assert!(said.starts_with("Forgotten: memory 3, disk 4. Not every tier"), "{said}");
    }
}
