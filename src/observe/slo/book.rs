//! Every objective of every model and route, and their budgets.
//!
//! Must not know: what makes a request good, or how the past is stored.

use crate::observe::RequestRecord;
use crate::observe::slo::budget::{Budget, Objective};
use crate::observe::slo::report::{self, BudgetReport};
use crate::observe::slo::{Goodput, Indicator, Judgements, SloScope, SloSeries, SloSettings, burn};
use crate::types::{EventCounts, ModelSlot, Operation, SloHistory, SloKey, SlotCounts};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wildmatch::WildMatch;

/// Pasts that are kept for models that have not joined yet.
const MOST_WAITING: usize = 4_096;

/// Opens the series of a budget, given the names of the windows of its burn rates.
type Open = Box<dyn Fn(&SloKey, &[String]) -> SloSeries + Send + Sync>;

/// Judges every finished request, counts it once, and keeps what became of the budgets.
pub struct SloBook {
    objectives: Vec<Arc<Objective>>,
    open: Open,
    table: ArcSwap<Table>,
    /// The pasts of models that have not joined. Its lock also serialises joining; counting
    /// needs `table` alone.
    waiting: Mutex<Vec<SloHistory>>,
    /// As of the last tick; 0 before the first.
    minute: AtomicU32,
}

/// Budgets by who they are for.
#[derive(Clone, Default)]
struct Table {
    /// By slot.
    models: Vec<Scope>,
    /// By operation.
    routes: [Scope; Operation::ALL.len()],
}

/// The budgets that a request of one model, or of one route, may count for.
#[derive(Clone, Default)]
struct Scope {
    budgets: Vec<Arc<Budget>>,
    /// The shortest time that any of them allows until a first token.
    patience: Option<Duration>,
}

impl SloBook {
    /// A book of at most [`super::MOST_OBJECTIVES`] objectives. `open` is asked once for the
    /// series of each budget, which begin at 0. Models join by [`SloBook::add_model`].
    pub fn new(
        objectives: Vec<SloSettings>,
        open: impl Fn(&SloKey, &[String]) -> SloSeries + Send + Sync + 'static,
    ) -> Self {
        let objectives = objectives.into_iter().take(super::MOST_OBJECTIVES).enumerate();
        let objectives = objectives.map(|(at, settings)| Arc::new(Objective::new(at, settings)));
        let book = Self {
            objectives: objectives.collect(),
            open: Box::new(open),
            table: ArcSwap::default(),
            waiting: Mutex::default(),
            minute: AtomicU32::default(),
        };
        let routes = Operation::ALL.map(|operation| book.route(operation));
        book.table.store(Arc::new(Table { models: Vec::new(), routes }));
        book
    }

    /// Goes on from what an earlier process saved; `now` is the first tick. To be called once,
    /// before models join and before there is traffic. The past of a model waits until it
    /// joins; that of an objective that is no more is ignored.
    pub fn restore(&mut self, histories: Vec<SloHistory>, now: SystemTime) {
        let mut waiting = Vec::new();
        let mut refused = 0;
        for history in histories {
            if let Some(budget) = self.budgets().find(|budget| budget.key == history.key) {
                budget.restore(&history);
            } else if !self.may_join(&history.key) {
                tracing::debug!(slo = history.key.slo, "a past without an objective is ignored");
            } else if waiting.len() < MOST_WAITING {
                waiting.push(history);
            } else {
                refused += 1;
            }
        }
        if refused > 0 {
            tracing::warn!(refused, "there are pasts of more models than can be kept");
        }
        *self.waiting.get_mut() = waiting;
        self.tick(now);
    }

    /// Opens the budgets of a model; does nothing when it has joined before. `_other` has none.
    pub fn add_model(&self, slot: ModelSlot, name: &str) {
        let mut waiting = self.waiting.lock();
        let known = self.table.load();
        let joined = known.models.get(slot.index()).is_some_and(|scope| !scope.budgets.is_empty());
        if joined || slot == ModelSlot::OTHER {
            return;
        }
        let mut table = Table::clone(&known);
        if table.models.len() <= slot.index() {
            table.models.resize_with(slot.index() + 1, Scope::default);
        }
        let mine = self.objectives.iter().filter(|objective| matches(&objective.settings, name));
        table.models[slot.index()] = self.scope(mine, name, &mut waiting);
        self.table.store(Arc::new(table));
    }

    /// Judges a finished request for every objective that is about it, and counts it: the one
    /// place where events come from.
    pub fn count(&self, record: &RequestRecord) -> Judgements {
        let table = self.table.load();
        let model = table.models.get(record.call.model.index());
        let route = &table.routes[record.call.operation.index()];
        let scopes = || model.into_iter().chain([route]);
        let patience = scopes().filter_map(|scope| scope.patience).min();
        let mut judgements = Judgements::default();
        for budget in scopes().flat_map(|scope| &scope.budgets) {
            let judgement = budget.count(record, patience);
            judgements.note(budget.objective.position, judgement);
        }
        judgements
    }

    /// Moves windows on and brings gauges up to date; to be called every ten seconds or more
    /// often. An event belongs to the minute in which the tick after it falls.
    pub fn tick(&self, now: SystemTime) {
        let minute = minute_of(now);
        self.minute.store(minute, Ordering::Relaxed);
        self.budgets().for_each(|budget| budget.tick(minute));
    }

    /// What happened since the last call, by minutes, to be added to what was saved before.
    /// Budgets to which nothing happened are left out.
    pub fn take_unsaved(&self) -> Vec<(SloKey, Vec<SlotCounts>)> {
        let unsaved = self.budgets().map(|budget| (budget.key.clone(), budget.take_unsaved()));
        unsaved.filter(|(_, slots)| !slots.is_empty()).collect()
    }

    /// The past of every budget, and of those whose models have not joined.
    pub fn histories(&self) -> Vec<SloHistory> {
        let waiting = self.waiting.lock();
        let mut histories: Vec<_> = self.budgets().map(|budget| budget.history()).collect();
        histories.retain(|history| !(history.minutes.is_empty() && history.hours.is_empty()));
        histories.extend(waiting.iter().cloned());
        histories
    }

    /// What is left of every budget, in the order of the configuration and then by model.
    pub fn report(&self, now: SystemTime) -> Vec<BudgetReport> {
        let minute = minute_of(now);
        let mut budgets: Vec<_> = self.budgets().collect();
        budgets.sort_by(|a, b| {
            let order = |budget: &Budget| budget.objective.position;
            order(a).cmp(&order(b)).then_with(|| a.key.model.cmp(&b.key.model))
        });
        budgets.iter().map(|budget| report::of(budget, minute)).collect()
    }

    /// The events of one budget in the last `window`, rounded up to whole minutes, or to hours
    /// beyond three days, and in the minute in progress. `None` when there is no such budget.
    pub fn events_within(
        &self,
        key: &SloKey,
        window: Duration,
        now: SystemTime,
    ) -> Option<EventCounts> {
        let budget = self.budgets().find(|budget| budget.key == *key)?;
        let minutes = u32::try_from(window.as_secs().div_ceil(60)).unwrap_or(u32::MAX);
        Some(budget.at(minute_of(now), |moment| moment.within(minutes)))
    }

    /// The objectives that judge a request for `model` with this operation.
    pub fn about(&self, model: &str, operation: Operation) -> Vec<SloSettings> {
        let is_about = |settings: &SloSettings| {
            matches(settings, model) || settings.scope == SloScope::Route(operation)
        };
        let all = self.objectives.iter().map(|objective| &objective.settings);
        all.filter(|settings| is_about(settings)).cloned().collect()
    }

    fn route(&self, operation: Operation) -> Scope {
        let about =
            |objective: &&Arc<Objective>| objective.settings.scope == SloScope::Route(operation);
        self.scope(self.objectives.iter().filter(about), "", &mut Vec::new())
    }

    /// The budgets of `objectives` for `model`, with the pasts that waited for them.
    fn scope<'a>(
        &self,
        objectives: impl Iterator<Item = &'a Arc<Objective>>,
        model: &str,
        waiting: &mut Vec<SloHistory>,
    ) -> Scope {
        let budget = |objective: &Arc<Objective>| {
            let slo = objective.settings.name.clone();
            let key = SloKey { slo, model: model.to_owned() };
            let waited = waiting.iter().position(|history| history.key == key);
            let history = waited.map(|at| waiting.swap_remove(at));
            let windows: Vec<String> = objective.windows.iter().copied().map(burn::label).collect();
            let series = (self.open)(&key, &windows);
            let budget = Budget::new(Arc::clone(objective), key, series, history.as_ref());
            budget.tick(self.minute.load(Ordering::Relaxed));
            Arc::new(budget)
        };
        let budgets: Vec<_> = objectives.map(budget).collect();
        let limits = budgets.iter().map(|budget| first_token_limit(&budget.objective.settings));
        Scope { patience: limits.flatten().min(), budgets }
    }

    /// Whether a model may join that this is the past of.
    fn may_join(&self, key: &SloKey) -> bool {
        let named = |objective: &&Arc<Objective>| objective.settings.name == key.slo;
        self.objectives
            .iter()
            .find(named)
            .is_some_and(|objective| matches(&objective.settings, &key.model))
    }

    fn budgets(&self) -> impl Iterator<Item = Arc<Budget>> + use<> {
        let table = self.table.load_full();
        let scopes = table.models.iter().chain(&table.routes);
        let budgets: Vec<_> = scopes.flat_map(|scope| &scope.budgets).map(Arc::clone).collect();
        budgets.into_iter()
    }
}

/// Whether the objective is for models, and for this one.
fn matches(objective: &SloSettings, model: &str) -> bool {
    match &objective.scope {
        SloScope::Models(pattern) => WildMatch::new(pattern).matches(model),
        SloScope::Route(_) => false,
    }
}

fn first_token_limit(objective: &SloSettings) -> Option<Duration> {
    match objective.indicator {
        Indicator::FirstToken(limit) => Some(limit),
        Indicator::Goodput(Goodput { first_token, .. }) => first_token,
        Indicator::Availability | Indicator::PerToken(_) | Indicator::Latency(_) => None,
    }
}

/// Minutes since the epoch; 0 for a clock that stands before it.
fn minute_of(date: SystemTime) -> u32 {
    let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs() / 60).unwrap_or(u32::MAX)
}
