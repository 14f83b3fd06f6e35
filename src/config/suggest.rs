//! "Did you mean".
//!
//! Must not know: where names come from.

/// Longer names than this are not compared; nobody mistypes them.
const LONGEST: usize = 64;

/// `; did you mean "x"?` with the one of `known` that is closest to `word`, or nothing when
/// none is close.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    if word.len() > LONGEST {
        return String::new();
    }
    let tolerance = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|name| name.len() <= LONGEST)
        .map(|name| (strsim::damerau_levenshtein(&word.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= tolerance)
        .min()
        .map_or_else(String::new, |(_, name)| format!("; did you mean {name:?}?"))
}
