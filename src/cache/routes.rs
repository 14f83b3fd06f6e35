//! Which models' answers are kept, and how.
//!
//! Must not know: what an answer is.

use crate::cache::{CacheSettings, RouteCache};
use std::collections::BTreeMap;
use std::sync::Arc;
use wildmatch::WildMatch;

/// The settings of every model, configured or found at an upstream.
#[derive(Debug, Default)]
pub struct CacheRoutes {
    /// Configured models; `None` where nothing is kept.
    configured: BTreeMap<String, Option<Arc<RouteCache>>>,
    patterns: Vec<WildMatch>,
    default: Arc<RouteCache>,
}

impl CacheRoutes {
    /// The routes of `settings` and of the models that have a word of their own in
    /// `configured`.
    pub fn new(settings: &CacheSettings, configured: BTreeMap<String, Option<RouteCache>>) -> Self {
        let shared = |(name, route): (String, Option<RouteCache>)| (name, route.map(Arc::new));
        Self {
            configured: configured.into_iter().map(shared).collect(),
            patterns: settings.models.iter().map(|pattern| WildMatch::new(pattern)).collect(),
            default: Arc::new(settings.default.clone()),
        }
    }

    /// How the answers of the model `name` are kept; `None` where they are not.
    pub fn of(&self, name: &str) -> Option<Arc<RouteCache>> {
        if self.configured.is_empty() && self.patterns.is_empty() {
            return None;
        }
        match self.configured.get(name) {
            Some(route) => route.clone(),
            None => self.patterns.iter().any(|p| p.matches(name)).then(|| self.default.clone()),
        }
    }

    /// Whether no answer can ever be kept.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.configured.values().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_models_own_word_beats_the_patterns() {
        let settings = CacheSettings { models: vec!["chat-*".into()], ..CacheSettings::default() };
        let own = RouteCache { ttl: Duration::from_secs(5), ..RouteCache::default() };
        let configured = [("chat-off".to_owned(), None), ("own".to_owned(), Some(own.clone()))];
        let routes = CacheRoutes::new(&settings, configured.into());
        assert_eq!(routes.of("chat-found").as_deref(), Some(&RouteCache::default()));
        assert_eq!(routes.of("own").as_deref(), Some(&own));
        assert_eq!((routes.of("chat-off"), routes.of("other")), (None, None));
        assert!(!routes.is_empty());
        let off = CacheRoutes::new(&CacheSettings::default(), [("a".to_owned(), None)].into());
        assert!(off.is_empty() && off.of("a").is_none());
    }
}
