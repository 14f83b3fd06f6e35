//! What one request meant for every objective.
//!
//! Must not know: what the objectives are; it counts positions.

use crate::observe::slo::Judgement;

/// The judgements on one request, as bits by an objective's position in the configuration.
/// What is neither good nor bad is excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judgements {
    /// Promises that were kept.
    pub good: u64,
    /// Promises that were not.
    pub bad: u64,
}

impl Judgements {
    /// Notes the judgement for the objective at `position`, which is below
    /// [`super::MOST_OBJECTIVES`].
    pub const fn note(&mut self, position: usize, judgement: Judgement) {
        match judgement {
            Judgement::Good => self.good |= 1 << position,
            Judgement::Bad => self.bad |= 1 << position,
            Judgement::Excluded => {}
        }
    }

    /// The judgement for the objective at `position`.
    pub const fn of(self, position: usize) -> Judgement {
        if self.bad >> position & 1 == 1 {
            Judgement::Bad
        } else if self.good >> position & 1 == 1 {
            Judgement::Good
        } else {
            Judgement::Excluded
        }
    }

    /// Whether any promise was not kept.
    pub const fn any_missed(self) -> bool {
        self.bad != 0
    }

    /// The positions of the promises that were not kept, ascending.
    pub fn missed(self) -> impl Iterator<Item = usize> {
        (0..u64::BITS as usize).filter(move |position| self.bad >> position & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_back() {
        let mut judgements = Judgements::default();
        judgements.note(0, Judgement::Good);
        judgements.note(1, Judgement::Bad);
        judgements.note(2, Judgement::Excluded);
        judgements.note(63, Judgement::Bad);
        let read = [0, 1, 2, 63].map(|position| judgements.of(position));
        use Judgement::{Bad, Excluded, Good};
        assert_eq!(read, [Good, Bad, Excluded, Bad]);
        assert_eq!(judgements.missed().collect::<Vec<_>>(), [1, 63]);
        assert!(judgements.any_missed() && !Judgements::default().any_missed());
    }
}
