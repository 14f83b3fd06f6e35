//! The names behind the small numbers in rows: models, upstreams, objectives, and the words
//! of other closed sets.
//!
//! Must not know: strangers' texts. Those lie at the side of their row.

use crate::types::ModelSlot;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// Words that have a number of their own; beyond them all are [`OVERFLOW`].
const MOST_WORDS: usize = 16_384;
/// What words beyond the bound are called.
const OVERFLOW: &str = "_other";

/// A model by its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModelId(pub(super) u16);

/// A word by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WordId(pub(super) u16);

/// Names by number. Numbers hold for as long as the process lives.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) upstreams: Vec<Arc<str>>,
    pub(super) objectives: Vec<Arc<str>>,
    models: RwLock<Vec<Option<Arc<str>>>>,
    words: RwLock<Words>,
}

#[derive(Debug, Default)]
struct Words {
    texts: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, WordId>,
}

impl Names {
    pub(super) fn new(upstreams: &[String], objectives: &[String]) -> Self {
        let shared = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
        let words = Words::default();
        let names = Self {
            upstreams: shared(upstreams),
            objectives: shared(objectives),
            models: RwLock::new(vec![Some(ModelSlot::OTHER_LABEL.into())]),
            words: RwLock::new(words),
        };
        names.word(OVERFLOW);
        names
    }

    /// The number of the model in `slot`, which `name` names.
    pub(super) fn model(&self, slot: ModelSlot, name: impl FnOnce() -> Arc<str>) -> ModelId {
        let Ok(id) = u16::try_from(slot.index()) else { return ModelId(0) };
        let known = self.models.read().get(slot.index()).is_some_and(Option::is_some);
        if !known {
            let mut models = self.models.write();
            let length = models.len().max(slot.index() + 1);
            models.resize(length, None);
            models[slot.index()] = Some(name());
        }
        ModelId(id)
    }

    /// The number of a word.
    pub(super) fn word(&self, word: &str) -> WordId {
        if let Some(id) = self.words.read().ids.get(word) {
            return *id;
        }
        let mut words = self.words.write();
        let number = words.texts.len();
        if number >= MOST_WORDS {
            return WordId(0);
        }
        // It fits: the bound does.
        let id = WordId(number as u16);
        let text: Arc<str> = word.into();
        words.texts.push(Arc::clone(&text));
        words.ids.insert(text, id);
        id
    }

    /// What the model of this number is called.
    pub(super) fn model_named(&self, id: ModelId) -> Arc<str> {
        let models = self.models.read();
        let name = models.get(usize::from(id.0)).cloned().flatten();
        name.unwrap_or_else(|| ModelSlot::OTHER_LABEL.into())
    }

    /// The word of this number.
    pub(super) fn word_named(&self, id: WordId) -> Arc<str> {
        let words = self.words.read();
        words.texts.get(usize::from(id.0)).cloned().unwrap_or_else(|| OVERFLOW.into())
    }

    /// The model of this name, if a request was for it.
    pub(super) fn find_model(&self, name: &str) -> Option<ModelId> {
        let models = self.models.read();
        let position = models.iter().position(|known| known.as_deref() == Some(name))?;
        u16::try_from(position).ok().map(ModelId)
    }

    /// The word, if it was met.
    pub(super) fn find_word(&self, word: &str) -> Option<WordId> {
        self.words.read().ids.get(word).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_one_number_each_up_to_the_bound() {
        let names = Names::new(&[], &[]);
        let ids: Vec<_> = (0..MOST_WORDS).map(|n| names.word(&format!("w{n}"))).collect();
        assert_eq!(&*names.word_named(ids[7]), "w7");
        assert_eq!((names.word("w7"), names.find_word("w8")), (ids[7], Some(ids[8])));
        let beyond = names.word("one more");
        assert_eq!(&*names.word_named(beyond), OVERFLOW);
        assert_eq!(names.find_word("one more"), None);
    }

    #[test]
    fn models_are_named_when_they_are_met() {
        let names = Names::new(&[], &[]);
        let id = names.model(ModelSlot::at(3), || "chat".into());
        assert_eq!((&*names.model_named(id), names.find_model("chat")), ("chat", Some(id)));
        assert_eq!(&*names.model_named(ModelId(2)), "_other");
        let beyond = names.model(ModelSlot::at(70_000), || "never".into());
        assert_eq!(&*names.model_named(beyond), "_other");
    }
}
