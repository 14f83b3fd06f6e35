//! Settings that a model has of its own, shares with others, or lacks.
//!
//! Must not know: what the settings are about.

use std::collections::BTreeMap;
use std::sync::Arc;
use wildmatch::WildMatch;

/// The settings of every model, configured or found at an upstream.
#[derive(Debug)]
pub struct PerModel<T> {
    /// Configured models; `None` is off.
    configured: BTreeMap<String, Option<Arc<T>>>,
    patterns: Vec<WildMatch>,
    default: Arc<T>,
}

impl<T> PerModel<T> {
    /// What `configured` says of the models in it; for all others `default`, where one of the
    /// `patterns` with `*` and `?` matches their name.
    pub fn new(configured: BTreeMap<String, Option<T>>, patterns: &[String], default: T) -> Self {
        let shared = |(name, settings): (String, Option<T>)| (name, settings.map(Arc::new));
        Self {
            configured: configured.into_iter().map(shared).collect(),
            patterns: patterns.iter().map(|pattern| WildMatch::new(pattern)).collect(),
            default: Arc::new(default),
        }
    }

    /// The settings of the model `name`; `None` where it is off.
    pub fn of(&self, name: &str) -> Option<Arc<T>> {
        if self.configured.is_empty() && self.patterns.is_empty() {
            return None;
        }
        match self.configured.get(name) {
            Some(settings) => settings.clone(),
            None => self.patterns.iter().any(|p| p.matches(name)).then(|| self.default.clone()),
        }
    }

    /// Whether it is off for every model there may ever be.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.configured.values().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_own_word_beats_the_patterns() {
        let configured = [("chat-off".to_owned(), None), ("own".to_owned(), Some(5))];
        let settings = PerModel::new(configured.into(), &["chat-*".to_owned()], 1);
        assert_eq!(settings.of("chat-found").as_deref(), Some(&1));
        assert_eq!(settings.of("own").as_deref(), Some(&5));
        assert_eq!((settings.of("chat-off"), settings.of("other")), (None, None));
        assert!(!settings.is_empty());
        let off = PerModel::new([("a".to_owned(), None)].into(), &[], 1);
        assert!(off.is_empty() && off.of("a").is_none());
    }
}
