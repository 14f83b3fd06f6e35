//! Shares of traffic that operators change while traffic runs.
//!
//! Owns what was said, and brings it into the catalog and the endpoints, where requests read
//! it without waiting for anybody. What was said counts until somebody takes it back, over
//! restarts, too; what is about a place that the file no longer names is forgotten. Must not
//! know: who may say something, or how it is kept.

#[cfg(test)]
mod tests;

use crate::types::{Duty, Edit, Place};
use crate::upstream::{Catalog, ModelSettings, Share, Upstream};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// The most that a place can weigh, as in the file.
pub const MOST_WEIGHT: u32 = 1_000;
/// Places that something can be said of. Discovered models come and go.
const MOST_EDITS: usize = 1_000;

/// Where edits outlive the process.
pub trait EditShelf: Send + Sync {
    /// What was saved last; nothing where nothing can be read.
    fn load(&self) -> Vec<(Place, Edit)>;

    /// Saves all of them in the place of what was saved before. Returns once it is on disk.
    ///
    /// # Errors
    /// When the disk fails; then what was saved before is still there.
    fn save(&self, edits: &[(Place, Edit)]) -> io::Result<()>;
}

/// Everything that was said.
pub struct Edits {
    upstreams: Vec<Arc<Upstream>>,
    catalog: Arc<ArcSwap<Catalog>>,
    said: Mutex<BTreeMap<Place, Edit>>,
    shelf: Option<Box<dyn EditShelf>>,
    /// Held from a change until it is kept, so that a later one is not overwritten.
    changing: Mutex<()>,
}

/// What is to be changed of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its weight, 0 to [`MOST_WEIGHT`]. A drained place stays drained.
    Weight(u32),
    /// It takes no new requests.
    Drain,
    /// It takes requests again, by the weight that it had.
    Enable,
    /// As the file says.
    Reset,
}

/// Whether it is to be done although nobody is left then who takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insist {
    /// It is not.
    No,
    /// It is: callers will be refused.
    Yes,
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The weight that the file says.
    pub file: u32,
    /// What was said before.
    pub was: Edit,
    /// What is said now.
    pub now: Edit,
    /// Why it ends with the process; `None` where it does not.
    pub fleeting: Option<String>,
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// No target and no endpoint is called so.
    #[error("there is no such place")]
    Unknown,
    /// No place can weigh that much.
    #[error("a weight is 0 to {MOST_WEIGHT}")]
    TooHeavy,
    /// Nobody would be left.
    #[error("nothing would be left that takes requests for {0}: callers would be refused")]
    LastOne(String),
    /// Much was said already.
    #[error("at most {MOST_EDITS} places can be other than the file says; reset some first")]
    TooMany,
}

impl Edits {
    /// What is on the `shelf`, as far as it is about places that there are: endpoints of
    /// `upstreams`, targets of the `configured` models or, where models are discovered, of
    /// whatever these upstreams may serve.
    pub fn new(
        upstreams: Vec<Arc<Upstream>>,
        configured: &[ModelSettings],
        shelf: Option<Box<dyn EditShelf>>,
    ) -> Self {
        let saved = shelf.as_ref().map(|shelf| shelf.load()).unwrap_or_default();
        let is_there = |place: &Place| is_there(place, &upstreams, configured);
        let (known, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
            saved.into_iter().partition(|(place, _)| is_there(place));
        for place in gone.keys() {
            tracing::warn!(?place, "what was said of it is forgotten: the file has no such place");
        }
        let edits = Self {
            upstreams,
            catalog: Arc::default(),
            said: Mutex::new(known),
            shelf,
            changing: Mutex::default(),
        };
        edits.bring_to_endpoints();
        if !gone.is_empty() {
            edits.keep();
        }
        edits
    }

    /// The models there are, for those who read.
    pub fn catalog(&self) -> &Arc<ArcSwap<Catalog>> {
        &self.catalog
    }

    /// Puts `catalog` in the place of the one before, with the shares that were said.
    pub fn publish(&self, catalog: Catalog) {
        // No change comes between: it would be made to the catalog that goes.
        let said = self.said.lock();
        for model in catalog.models() {
            for target in &model.targets {
                target.share.set(said.get(&target.place(model)).copied().unwrap_or_default());
            }
        }
        self.catalog.store(Arc::new(catalog));
    }

    /// What was said of a place.
    pub fn of(&self, place: &Place) -> Edit {
        self.said.lock().get(place).copied().unwrap_or_default()
    }

    /// Whether what is said outlives the process.
    pub fn are_kept(&self) -> bool {
        self.shelf.is_some()
    }

    /// Changes the share of a place: of the next request on. Waits for the disk.
    ///
    /// # Errors
    /// When there is no such place, or the change must not be; then nothing is changed.
    pub fn change(
        &self,
        place: &Place,
        change: Change,
        insist: Insist,
    ) -> Result<Changed, EditError> {
        let _alone = self.changing.lock();
        let (file, was, now) = self.apply(place, change, insist)?;
        Ok(Changed { file, was, now, fleeting: self.keep() })
    }

    fn apply(
        &self,
        place: &Place,
        change: Change,
        insist: Insist,
    ) -> Result<(u32, Edit, Edit), EditError> {
        let mut said = self.said.lock();
        let catalog = self.catalog.load();
        let shares = self.shares(&catalog, place);
        let file = shares.first().ok_or(EditError::Unknown)?.file();
        let was = said.get(place).copied().unwrap_or_default();
        let now = change.applied_to(was, file)?;
        if insist == Insist::No && now.share(file) == 0 {
            self.somebody_is_left(&catalog, place)?;
        }
        if now == Edit::default() {
            said.remove(place);
        } else if said.len() >= MOST_EDITS && !said.contains_key(place) {
            return Err(EditError::TooMany);
        } else {
            said.insert(place.clone(), now);
        }
        shares.into_iter().for_each(|share| share.set(now));
        Ok((file, was, now))
    }

    /// The shares that a place is about: one, unless an upstream is named twice.
    fn shares<'a>(&'a self, catalog: &'a Catalog, place: &Place) -> Vec<&'a Share> {
        match place {
            Place::Target { model, .. } => {
                let model = catalog.models().iter().find(|known| known.name == *model);
                let targets = model.iter().flat_map(|model| {
                    model.targets.iter().filter(|target| target.place(model) == *place)
                });
                targets.map(|target| &target.share).collect()
            }
            Place::Endpoint { .. } => {
                let endpoints = self.upstreams.iter().flat_map(|upstream| {
                    let endpoints = upstream.endpoints.iter();
                    endpoints.filter(|endpoint| endpoint.place(upstream) == *place)
                });
                endpoints.map(|endpoint| &endpoint.share).collect()
            }
        }
    }

    /// Whether without `place` somebody takes the requests that are taken now.
    fn somebody_is_left(&self, catalog: &Catalog, place: &Place) -> Result<(), EditError> {
        let (name, mut takers): (_, Vec<Place>) = match place {
            Place::Target { model: name, .. } => {
                let model = catalog.models().iter().find(|model| model.name == *name);
                let targets = model.iter().flat_map(|model| {
                    let takes = model.targets.iter().filter(|target| target.takes_requests());
                    takes.map(|target| target.place(model))
                });
                (name, targets.collect())
            }
            Place::Endpoint { upstream: name, .. } => {
                let upstream = self.upstreams.iter().find(|known| known.settings.name == *name);
                let endpoints = upstream.iter().flat_map(|upstream| {
                    let takes = upstream.endpoints.iter().filter(|one| one.share.weight() > 0);
                    takes.map(|endpoint| endpoint.place(upstream))
                });
                (name, endpoints.collect())
            }
        };
        let before = takers.len();
        takers.retain(|taker| taker != place);
        let is_last = takers.is_empty() && before > 0;
        if is_last { Err(EditError::LastOne(name.clone())) } else { Ok(()) }
    }

    fn bring_to_endpoints(&self) {
        let said = self.said.lock();
        for upstream in &self.upstreams {
            for endpoint in &upstream.endpoints {
                let edit = said.get(&endpoint.place(upstream)).copied();
                endpoint.share.set(edit.unwrap_or_default());
            }
        }
    }

    /// Saves everything, and says why if that cannot be.
    fn keep(&self) -> Option<String> {
        let Some(shelf) = &self.shelf else {
            return Some("there is no data directory".to_owned());
        };
        let said: Vec<_> = self.said.lock().iter().map(|(at, edit)| (at.clone(), *edit)).collect();
        let saved = shelf.save(&said);
        saved
            .inspect_err(|error| tracing::warn!(%error, "shares were not saved"))
            .err()
            .map(|error| error.to_string())
    }
}

impl Change {
    fn applied_to(self, was: Edit, file: u32) -> Result<Edit, EditError> {
        Ok(match self {
            Self::Weight(weight) if weight > MOST_WEIGHT => return Err(EditError::TooHeavy),
            // Who says what the file says lets the file decide from now on.
            Self::Weight(weight) => Edit { weight: (weight != file).then_some(weight), ..was },
            Self::Drain => Edit { duty: Duty::Drained, ..was },
            Self::Enable => Edit { duty: Duty::On, ..was },
            Self::Reset => Edit::default(),
        })
    }
}

fn is_there(place: &Place, upstreams: &[Arc<Upstream>], configured: &[ModelSettings]) -> bool {
    match place {
        Place::Endpoint { .. } => upstreams.iter().any(|upstream| {
            upstream.endpoints.iter().any(|endpoint| endpoint.place(upstream) == *place)
        }),
        Place::Target { upstream, .. } if configured.is_empty() => {
            upstreams.iter().any(|known| known.settings.name == *upstream)
        }
        Place::Target { model, upstream, served_as } => configured.iter().any(|known| {
            known.name == *model
                && known.targets.iter().any(|target| {
                    target.upstream == *upstream
                        && target.model.as_ref().unwrap_or(&known.name) == served_as
                })
        }),
    }
}
