//! Pictures are whole whatever they are made of.

use super::*;

/// Values that a picture may meet: none, one, equal ones, and what is no measurement at all.
fn awkward() -> Vec<Vec<f64>> {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    vec![
        vec![],
        vec![0.0],
        vec![1.5],
        vec![0.2; 50],
        vec![0.0, 0.0],
        vec![-1.0, 3.0],
        vec![nan],
        vec![inf],
        vec![-inf, inf],
        vec![0.1, nan, inf, 0.3],
        vec![f64::MIN_POSITIVE, f64::MAX],
        vec![-f64::MAX, f64::MAX],
        (1..400).map(|at| f64::from(at) * 0.01).collect(),
    ]
}

fn scales() -> Vec<Scale> {
    let mut scales = vec![
        Scale::logit(0.05, 0.99),
        Scale::logit(f64::NAN, 2.0),
        Scale::around_one(1.2),
        Scale::around_one(f64::NAN),
        Scale::around_one(0.0),
    ];
    for values in awkward() {
        scales.push(Scale::linear(values.iter().copied()));
        scales.push(Scale::from_zero(values.iter().copied()));
        scales.push(Scale::log(values.iter().copied()));
        scales.extend(values.first().map(|end| Scale::span(*end)));
    }
    scales
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Every element ends, every attribute is quoted, and no number is none.
fn assert_sound(svg: &str) {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
        if let Some(ended) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(ended), "{svg}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        let numbers = tag.split('"').skip(1).step_by(2);
        for value in numbers.filter(|value| !value.contains(' ')) {
            assert!(!value.contains("NaN") && !value.contains("inf"), "{tag}");
        }
        if let Some(path) = tag.split(" d=\"").nth(1) {
            let path = path.split('"').next().unwrap();
            assert!(path.starts_with('M') && !path.contains(['N', 'i']), "{path}");
        }
    }
    assert!(open.is_empty(), "{open:?} are never ended");
    assert!(!svg.contains("style="), "a page that allows no inline styles would not show it");
}

#[test]
fn a_scale_rises_from_0_to_1_whatever_it_is_made_of() {
    for scale in scales() {
        let (low, high) = scale.ends();
        assert!(low.is_finite() && high.is_finite() && low < high, "{scale:?}");
        assert_eq!((scale.place(low), scale.place(high)), (Some(0.0), Some(1.0)), "{scale:?}");
        let step = |at: u32| low + (high - low) * f64::from(at) / 64.0;
        let places: Vec<f64> = (0..=64).filter_map(|at| scale.place(step(at))).collect();
        assert_eq!(places.len(), 65);
        assert!(places.is_sorted() && places.iter().all(|place| (0.0..=1.0).contains(place)));
        assert_eq!(scale.place(f64::INFINITY), Some(1.0));
        assert_eq!(scale.place(f64::NEG_INFINITY), Some(0.0));
        assert_eq!(scale.place(f64::NAN), None);
    }
}

#[test]
fn marks_rise_lie_on_the_scale_and_are_few() {
    for scale in scales() {
        for wanted in [0, 1, 4, 10] {
            let ticks = scale.ticks(wanted);
            assert!(ticks.iter().all(|tick| scale.holds(tick.value)), "{scale:?} {ticks:?}");
            assert!(ticks.is_sorted_by(|a, b| a.value < b.value), "{scale:?} {ticks:?}");
            assert!(ticks.len() <= 2 * wanted + 10, "{scale:?} {wanted} {}", ticks.len());
        }
    }
}

#[test]
fn marks_are_round() {
    let values = |scale: Scale, wanted| -> Vec<String> {
        scale.ticks(wanted).iter().map(|tick| format!("{:.3}", tick.value)).collect()
    };
    assert_eq!(
        values(Scale::from_zero([0.9]), 5),
        ["0.000", "0.200", "0.400", "0.600", "0.800", "1.000"]
    );
    assert_eq!(
        values(Scale::log([0.04, 2.5]), 6),
        ["0.050", "0.100", "0.200", "0.500", "1.000", "2.000"]
    );
    assert_eq!(values(Scale::log([1e-6, 1e3]), 4), ["0.000", "0.001", "1.000", "1000.000"]);
    assert_eq!(values(Scale::around_one(1.25), 6), ["0.800", "0.900", "1.000", "1.100", "1.200"]);
}

#[test]
fn a_quantile_lies_between_its_neighbours() {
    let values = [1.0, 2.0, 4.0, f64::INFINITY, f64::INFINITY];
    assert_eq!(quantile(&values, 0.0), Some(1.0));
    assert_eq!(quantile(&values, 0.375), Some(3.0));
    assert_eq!(quantile(&values, 1.0), Some(f64::INFINITY));
    assert_eq!(quantile(&values, 0.9), Some(f64::INFINITY));
    assert_eq!(quantile(&[], 0.5), None);
}

#[test]
fn every_picture_is_sound_whatever_it_is_made_of() {
    for values in awkward() {
        let line = |ink| EcdfLine {
            name: "A1".to_owned(),
            ink,
            sorted: sorted(values.clone()),
            answered: values.first().copied().unwrap_or(1.0),
        };
        assert_sound(&ecdf("latency", &[line(Ink::Base), line(Ink::Main)]));
        let margin = values.last().copied().unwrap_or(0.05);
        let runs =
            QuantileRatios { a: vec![sorted(values.clone())], b: vec![vec![0.3; 9]], margin };
        assert_sound(&quantile_ratios("latency", &runs));
        let moment = |value: &f64| Moment { at: *value, took: Some(*value) };
        let moments: Vec<Moment> = values.iter().map(moment).collect();
        let runs = [TimelineRun { name: "A1".to_owned(), moments }];
        let extent = Timeline::extent(&runs);
        let shown = Timeline { of: "Latency", side: "x", runs: &runs, warm_up: margin, extent };
        assert_sound(&timeline(&shown));
        let bar =
            |value: &f64| HistogramBar { from: *value, to: *value, share: *value, ink: Ink::Base };
        let p99 = values.iter().map(|value| ("A1".to_owned(), Ink::Main, *value));
        let (bars, p99) = (values.iter().map(bar).collect(), p99.collect());
        assert_sound(&lag_histogram(&Histogram { bars, p99, limit: values.first().copied() }));
        let mark = |value: &f64| ForestMark { value: *value, low: 0.0, high: *value };
        let marks: Vec<ForestMark> = values.iter().map(mark).collect();
        let forest = Forest::new(&marks, margin);
        assert_sound(&forest.axis());
        assert_sound(&forest.empty_strip());
        let run = |value: &f64| ForestRun { name: "B1".to_owned(), ratio: *value };
        let runs: Vec<ForestRun> = values.iter().take(9).map(run).collect();
        for mark in marks {
            assert_sound(&forest.strip("bad", mark, (&runs, &runs)));
        }
    }
}

#[test]
fn names_stay_text() {
    let name = "\"><script>alert(1)</script>'&";
    let line =
        EcdfLine { name: name.to_owned(), ink: Ink::Main, sorted: vec![1.0, 2.0], answered: 1.0 };
    let svg = ecdf(name, &[line]);
    assert_sound(&svg);
    assert!(!svg.contains("<script"), "{svg}");
    assert!(svg.contains("&lt;script&gt;"), "{svg}");
}

#[test]
fn a_distribution_ends_at_the_share_that_was_answered() {
    let sorted = sorted((1..=1000).map(f64::from).collect());
    let line = EcdfLine { name: "1".to_owned(), ink: Ink::Main, sorted, answered: 0.75 };
    let svg = ecdf("latency", &[line]);
    let path = svg.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
    let last: f64 = path.rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(last, 60.0, "a quarter of 240 pixels is missing at the top");
}

#[test]
fn twice_as_slow_is_twice_at_every_quantile() {
    let a: Vec<f64> = (1..=500).map(|at| f64::from(at) * 0.01).collect();
    let b: Vec<f64> = a.iter().map(|value| value * 2.0).collect();
    let runs = QuantileRatios { a: vec![a.clone(), a], b: vec![b], margin: 0.05 };
    for share in [0.05, 0.5, 0.95, 0.99] {
        let at = runs.at(share).unwrap();
        assert!((at.ratio() - 2.0).abs() < 1e-9 && (at.low - 2.0).abs() < 1e-9, "{at:?}");
    }
    assert_eq!(runs.last(), 0.98, "ten of 500 lie beyond");
}

#[test]
fn one_ratio_without_bounds_does_not_push_the_others_together() {
    let close = |value| ForestMark { value, low: value - 0.02, high: value + 0.02 };
    let far = ForestMark { value: 3.5, low: 0.1, high: 40.0 };
    let marks = [close(1.05), close(0.98), close(1.01), close(1.0), far];
    let forest = Forest::new(&marks, 0.03);
    let strip = forest.strip("doubt", far, (&[], &[]));
    assert_eq!(strip.matches('‹').count() + strip.matches('›').count(), 2, "{strip}");
    assert!(!strip.contains("<circle"), "{strip}");
    let strip = forest.strip("bad", marks[0], (&[], &[]));
    assert!(strip.contains("<circle") && !strip.contains('›'), "{strip}");
}

#[test]
fn a_stall_is_named_and_an_even_run_is_not() {
    let moments = |stalled: bool| -> Vec<Moment> {
        let took = |at: u32| if stalled && (500..600).contains(&at) { 9.0 } else { 0.5 };
        (0..1000).map(|at| Moment { at: f64::from(at) * 0.02, took: Some(took(at)) }).collect()
    };
    let drawn = |stalled| {
        let even = TimelineRun { name: "B1".to_owned(), moments: moments(false) };
        let other = TimelineRun { name: "B2".to_owned(), moments: moments(stalled) };
        let runs = [even, other];
        let extent = Timeline::extent(&runs);
        timeline(&Timeline { of: "Latency", side: "b", runs: &runs, warm_up: 0.0, extent })
    };
    assert!(drawn(true).contains("B2: p95 9.00 s"));
    assert!(!drawn(false).contains(": p95"));
}

#[test]
fn a_run_that_failed_throughout_stays_small() {
    let moments = (0..50_000).map(|at| Moment { at: f64::from(at), took: None }).collect();
    let runs = [TimelineRun { name: "B1".to_owned(), moments }];
    let extent = Timeline::extent(&runs);
    let shown = Timeline { of: "Latency", side: "b", runs: &runs, warm_up: 0.0, extent };
    let svg = timeline(&shown);
    assert_sound(&svg);
    assert!(svg.contains("50000 failures") && svg.len() < 60_000, "{}", svg.len());
}
