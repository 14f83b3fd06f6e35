//! What operators say of shares, and what becomes of it.

use super::*;
use crate::types::{ModelSlot, Random};
use crate::upstream::settings::tests::upstream_of;
use crate::upstream::{Backends, Balance, Origin, Price, Scheme, TargetSettings, catalog_of};

/// A shelf in memory.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<(Place, Edit)>>>);

impl EditShelf for Kept {
    fn load(&self) -> Vec<(Place, Edit)> {
        self.0.lock().clone()
    }

    fn save(&self, edits: &[(Place, Edit)]) -> io::Result<()> {
        *self.0.lock() = edits.to_vec();
        Ok(())
    }
}

/// Upstreams `a` and `b` with two endpoints each.
fn upstreams() -> Vec<Arc<Upstream>> {
    let named = |(index, name): (usize, &str)| {
        let mut settings = upstream_of(Balance::RoundRobin, &[1, 1]);
        settings.name = name.to_owned();
        for (port, endpoint) in (1..).zip(&mut settings.endpoints) {
            endpoint.origin = Origin { scheme: Scheme::Http, host: name.to_owned(), port };
        }
        Upstream::new(index, settings)
    };
    ["a", "b"].into_iter().enumerate().map(named).collect()
}

/// Model `m`: 90 to `a`, 10 to `b`.
fn models() -> Vec<ModelSettings> {
    let target = |(upstream, weight): (&str, u32)| TargetSettings {
        upstream: upstream.to_owned(),
        model: None,
        weight,
    };
    vec![ModelSettings {
        name: "m".to_owned(),
        aliases: Vec::new(),
        targets: [("a", 90), ("b", 10)].map(target).into(),
        price: Price::default(),
    }]
}

fn edits(kept: &Kept, models: &[ModelSettings]) -> Edits {
    let upstreams = upstreams();
    let edits = Edits::new(upstreams.clone(), models, Some(Box::new(kept.clone())));
    edits.publish(catalog_of(models, &upstreams, &[None, None], |_| ModelSlot::OTHER));
    edits
}

fn target(upstream: &str) -> Place {
    let (model, served_as) = ("m".to_owned(), "m".to_owned());
    Place::Target { model, upstream: upstream.to_owned(), served_as }
}

fn endpoint(upstream: &str, port: u16) -> Place {
    Place::Endpoint { upstream: upstream.to_owned(), url: format!("http://{upstream}:{port}") }
}

/// How many of 1,000 requests go to each upstream.
fn split(edits: &Edits) -> [usize; 2] {
    let (catalog, random) = (edits.catalog().load(), Random::seeded(1));
    let mut counts = [0; 2];
    for _ in 0..1_000 {
        if let Some((target, _)) = catalog.find("m").unwrap().route(&[], &random) {
            counts[target.upstream.index] += 1;
        }
    }
    counts
}

fn change(edits: &Edits, place: &Place, change: Change) -> Result<Edit, EditError> {
    edits.change(place, change, Insist::No).map(|changed| changed.now)
}

#[test]
fn a_weight_counts_from_the_next_request_on_and_a_drained_target_keeps_its_own() {
    let edits = edits(&Kept::default(), &models());
    assert!((850..950).contains(&split(&edits)[0]));
    change(&edits, &target("b"), Change::Weight(90)).unwrap();
    assert!((450..550).contains(&split(&edits)[0]));
    change(&edits, &target("a"), Change::Drain).unwrap();
    assert_eq!(split(&edits), [0, 1_000]);
    change(&edits, &target("a"), Change::Weight(10)).unwrap();
    assert_eq!(split(&edits), [0, 1_000], "it stays drained");
    change(&edits, &target("a"), Change::Enable).unwrap();
    assert!((50..150).contains(&split(&edits)[0]));
    for upstream in ["a", "b"] {
        assert_eq!(change(&edits, &target(upstream), Change::Reset), Ok(Edit::default()));
    }
    assert!((850..950).contains(&split(&edits)[0]));
}

#[test]
fn the_last_that_takes_requests_goes_only_if_somebody_insists() {
    let edits = edits(&Kept::default(), &models());
    change(&edits, &target("a"), Change::Drain).unwrap();
    let last = Err(EditError::LastOne("m".to_owned()));
    assert_eq!(change(&edits, &target("b"), Change::Drain), last);
    assert_eq!(change(&edits, &target("b"), Change::Weight(0)), last);
    assert_eq!(split(&edits), [0, 1_000]);
    edits.change(&target("b"), Change::Drain, Insist::Yes).unwrap();
    assert_eq!(split(&edits), [0, 0]);
    change(&edits, &target("b"), Change::Enable).unwrap();
    change(&edits, &endpoint("b", 1), Change::Drain).unwrap();
    let last = EditError::LastOne("b".to_owned());
    assert_eq!(change(&edits, &endpoint("b", 2), Change::Drain), Err(last));
    assert_eq!(split(&edits), [0, 1_000]);
}

#[test]
fn a_drained_endpoint_gets_nothing_and_its_upstream_goes_on() {
    let edits = edits(&Kept::default(), &models());
    change(&edits, &endpoint("a", 1), Change::Drain).unwrap();
    let (catalog, random) = (edits.catalog().load(), Random::seeded(1));
    let model = catalog.find("m").unwrap();
    let picked = (0..500).filter_map(|_| model.route(&[], &random));
    let picked: Vec<_> = picked.map(|(_, endpoint)| endpoint.settings.url()).collect();
    assert_eq!(picked.len(), 500);
    assert!(!picked.contains(&"http://a:1".to_owned()));
    assert!(picked.contains(&"http://a:2".to_owned()));
}

#[test]
fn what_was_said_outlives_the_process_and_a_new_catalog() {
    let kept = Kept::default();
    change(&edits(&kept, &models()), &target("a"), Change::Weight(0)).unwrap();
    let later = edits(&kept, &models());
    assert_eq!(split(&later), [0, 1_000]);
    assert_eq!(later.of(&target("a")), Edit { weight: Some(0), duty: Duty::On });
    assert_eq!(later.catalog().load().find("m").unwrap().targets[0].share.file(), 90);
}

#[test]
fn what_the_file_no_longer_names_is_forgotten() {
    let kept = Kept::default();
    let before = edits(&kept, &models());
    change(&before, &target("a"), Change::Weight(1)).unwrap();
    change(&before, &endpoint("b", 2), Change::Drain).unwrap();
    let mut models = models();
    models[0].targets.remove(0);
    let after = edits(&kept, &models);
    assert_eq!(after.of(&target("a")), Edit::default());
    let drained = Edit { weight: None, duty: Duty::Drained };
    assert_eq!(*kept.0.lock(), [(endpoint("b", 2), drained)]);
}

#[test]
fn a_model_that_is_not_discovered_yet_is_not_forgotten() {
    let kept = Kept::default();
    *kept.0.lock() = vec![(target("a"), Edit { weight: Some(7), duty: Duty::On })];
    let edits = edits(&kept, &[]);
    assert_eq!(edits.of(&target("a")).weight, Some(7));
    edits.publish(Catalog::new(Vec::new(), Backends::Awaited));
    assert_eq!(change(&edits, &target("a"), Change::Drain), Err(EditError::Unknown));
}

#[test]
fn what_the_file_says_is_no_edit_and_too_much_is_none_either() {
    let edits = edits(&Kept::default(), &models());
    assert_eq!(change(&edits, &target("a"), Change::Weight(90)), Ok(Edit::default()));
    assert_eq!(change(&edits, &target("a"), Change::Weight(1_001)), Err(EditError::TooHeavy));
    assert_eq!(change(&edits, &target("c"), Change::Drain), Err(EditError::Unknown));
    assert_eq!(change(&edits, &endpoint("a", 3), Change::Drain), Err(EditError::Unknown));
}

#[test]
fn requests_find_a_place_while_shares_change() {
    let edits = edits(&Kept::default(), &models());
    let (catalog, random) = (edits.catalog().load_full(), Random::seeded(1));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let model = catalog.find("m").unwrap();
            (0..200_000).all(|_| model.route(&[], &random).is_some())
        });
        for round in 0..2_000 {
            let (one, other) = if round % 2 == 0 { ("a", "b") } else { ("b", "a") };
            change(&edits, &target(one), Change::Weight(700)).unwrap();
            change(&edits, &target(other), Change::Drain).unwrap();
            change(&edits, &target(other), Change::Enable).unwrap();
        }
        assert!(reader.join().unwrap(), "somebody was left at any time");
    });
}
