//! Windows of forecasts, in all shapes that are known.

use super::*;

/// Hours after the first of January 2026.
fn hour(hours: f64) -> SystemTime {
    // From the day before, so that hours may be below 0.
    UNIX_EPOCH + Duration::from_secs(1_767_139_200) + hours_long(24.0 + hours)
}

fn hours_long(hours: f64) -> Duration {
    Duration::from_secs_f64(hours * 3_600.0)
}

/// Each hour of that day.
fn hourly(values: &[u32]) -> Forecast {
    let entry = |(hour, value): (usize, &u32)| {
        format!(r#"{{"from": "2026-01-01T{hour:02}:00:00Z", "intensity": {value}}}"#)
    };
    let entries: Vec<_> = values.iter().enumerate().map(entry).collect();
    read(&format!("[{}]", entries.join(",")))
}

fn read(json: &str) -> Forecast {
    Forecast::read(json.as_bytes()).unwrap()
}

fn refused(json: &str) -> String {
    Forecast::read(json.as_bytes()).unwrap_err().to_string()
}

/// Hours to wait; 0 is at once.
fn wait(advice: &Advice) -> f64 {
    match advice.start {
        Start::Now => 0.0,
        Start::At { after, .. } => after.as_secs_f64() / 3_600.0,
    }
}

#[test]
fn a_replay_waits_for_the_cleanest_window_of_its_length() {
    let forecast = hourly(&[300, 200, 90, 100, 250, 80]);
    // Two hours: 95 on average from 2 to 4, although one hour at 5 is cleaner.
    let advice = forecast.advise(hour(0.5), hours_long(2.0), hour(6.0));
    assert_eq!(advice.start, Start::At { date: hour(2.0), after: hours_long(1.5) });
    assert_eq!(
        advice.to_string(),
        "Waits 1h 30m, until 2026-01-01T02:00:00Z: 95 gCO2/kWh on average instead of 198 now, 52 \
         % less."
    );
    let short = forecast.advise(hour(0.5), hours_long(0.5), hour(6.0));
    assert_eq!(wait(&short), 4.5);
}

#[test]
fn the_best_window_may_begin_within_an_entry() {
    // 1.5 hours: half of the expensive hour before is better than half of the one after.
    let forecast = hourly(&[500, 150, 100, 400]);
    let advice = forecast.advise(hour(0.0), hours_long(1.5), hour(4.0));
    assert_eq!(wait(&advice), 1.5);
}

#[test]
fn the_window_found_is_the_best_of_all() {
    let random = crate::types::Random::seeded(3);
    for _ in 0..200 {
        let values: Vec<u32> = (0..12).map(|_| 50 + random.below(400) as u32).collect();
        let forecast = hourly(&values);
        let lasts = hours_long((1 + random.below(40)) as f64 / 10.0);
        let (now, deadline) = (hour(0.3), hour(10.7));
        let advice = forecast.advise(now, lasts, deadline);
        let begin = since_1970(now) + hours_long(wait(&advice));
        let found = forecast.mean(begin, lasts).unwrap();
        let mut start = since_1970(now);
        while start + lasts <= since_1970(deadline) {
            let mean = forecast.mean(start, lasts).unwrap();
            assert!(mean * (1.0 + LEAST_GAIN) >= found - 1e-9, "{mean} beats {found}");
            start += Duration::from_secs(60);
        }
    }
}

#[test]
fn a_deadline_is_kept() {
    let forecast = hourly(&[300, 200, 90, 100, 250, 80]);
    let advice = forecast.advise(hour(0.0), hours_long(1.0), hour(2.5));
    assert_eq!(wait(&advice), 1.5);
    let late = forecast.advise(hour(0.0), hours_long(3.0), hour(2.5));
    assert_eq!((late.start, late.why), (Start::Now, Why::NoTime));
    assert_eq!(late.to_string(), "Begins at once: waiting would miss the deadline.");
}

#[test]
fn it_begins_at_once_when_now_is_best_or_nearly_so() {
    let advice = hourly(&[80, 200, 90]).advise(hour(0.0), hours_long(1.0), hour(3.0));
    assert_eq!(
        advice.to_string(),
        "Begins at once: 80 gCO2/kWh on average, and no time until the deadline is better."
    );
    let nearly = hourly(&[200, 199, 199]).advise(hour(0.0), hours_long(1.0), hour(3.0));
    assert_eq!(nearly.start, Start::Now);
}

#[test]
fn it_begins_at_once_when_the_forecast_does_not_reach() {
    let forecast = hourly(&[300, 200, 90]);
    for (now, lasts) in [(2.5, 1.0), (5.0, 1.0), (0.0, 4.0), (-1.0, 0.5)] {
        let advice = forecast.advise(hour(now), hours_long(lasts), hour(48.0));
        assert_eq!((advice.start, advice.why), (Start::Now, Why::OutOfReach), "{now}");
    }
    // A hole is not filled.
    let holed = r#"[{"from": "2026-01-01T00:00Z", "to": "2026-01-01T01:00Z", "intensity": 300},
        {"from": "2026-01-01T02:00Z", "to": "2026-01-01T04:00Z", "intensity": 100}]"#;
    let advice = read(holed).advise(hour(0.0), hours_long(1.0), hour(24.0));
    assert_eq!(wait(&advice), 2.0);
}

#[test]
fn a_run_without_length_is_judged_by_the_entry_it_falls_into() {
    let advice = hourly(&[300, 90]).advise(hour(0.5), Duration::ZERO, hour(2.0));
    assert_eq!(wait(&advice), 0.5);
}

#[test]
fn negative_intensities_are_lower_than_any() {
    let json = r#"[{"timestamp": 1767225600, "to": 1767229200, "intensity": -5},
        {"timestamp": 1767229200, "to": 1767232800, "intensity": -50.5}]"#;
    let advice = read(json).advise(hour(0.0), hours_long(1.0), hour(2.0));
    assert_eq!(wait(&advice), 1.0);
    assert!(advice.to_string().ends_with("instead of -5 now."), "{advice}");
}

#[test]
fn the_shapes_of_the_known_services_are_read() {
    let great_britain = r#"{"data": [
        {"from": "2026-01-01T00:00Z", "to": "2026-01-01T00:30Z",
         "intensity": {"forecast": 266, "actual": null, "index": "moderate"}},
        {"from": "2026-01-01T00:30Z", "to": "2026-01-01T01:00Z",
         "intensity": {"forecast": 100, "index": "low"}}]}"#;
    let of_a_region = format!(r#"{{"data": {{"regionid": 3, {}}}"#, &great_britain[1..]);
    let electricity_maps = r#"{"zone": "DE", "forecast": [
        {"carbonIntensity": 266, "datetime": "2026-01-01T00:00:00.000Z"},
        {"carbonIntensity": 100, "datetime": "2026-01-01T00:30:00.000Z"}],
        "updatedAt": "2026-01-01T00:00:00.000Z"}"#;
    let plain = r#"[{"from": "2026-01-01T01:00:00+01:00", "intensity": 266},
        {"from": "2025-12-31T19:30:00-05:00", "to": 1767229200, "intensity": 100}]"#;
    let expected = read(great_britain);
    assert_eq!(expected.unit(), IntensityUnit::GramsPerKwh);
    assert_eq!(expected.slots().len(), 2);
    for other in [of_a_region.as_str(), electricity_maps, plain] {
        assert_eq!(read(other), expected, "{other}");
    }

    let watttime = r#"{"data": [
        {"point_time": "2026-01-01T00:00:00+00:00", "value": 1000.0},
        {"point_time": "2026-01-01T00:05:00+00:00", "value": 500.0}],
        "meta": {"region": "CAISO_NORTH", "signal_type": "co2_moer", "units": "lbs_co2_per_mwh",
                 "data_point_period_seconds": 300}}"#;
    let watttime = read(watttime);
    assert_eq!(watttime.unit(), IntensityUnit::GramsPerKwh);
    assert!((watttime.slots()[0].intensity - 453.59237).abs() < 1e-9);
    assert_eq!(watttime.slots()[1].to - watttime.slots()[1].from, Duration::from_secs(300));
    let of_another_unit = r#"[{"point_time": "2026-01-01T00:00:00Z", "value": 40}]"#;
    assert_eq!(read(of_another_unit).unit(), IntensityUnit::Other);
}

#[test]
fn what_is_no_forecast_is_refused_with_a_reason() {
    assert!(refused("<html>").starts_with("the forecast is no JSON"));
    let unknown = "the forecast has no list of entries with a time and an intensity";
    for json in ["[]", "{}", r#"{"data": []}"#, r#"{"error": "no"}"#, "3", r#"[{"a": 1}]"#] {
        assert_eq!(refused(json), unknown, "{json}");
    }
    let entry = |members: &str| refused(&format!(r#"[{{"from": 0, "intensity": 1}}, {members}]"#));
    assert_eq!(entry(r#"{"intensity": 2}"#), "entry 2 of the forecast has no time");
    assert_eq!(entry(r#"{"from": "soon", "intensity": 2}"#), "entry 2 of the forecast has no time");
    assert_eq!(
        entry(r#"{"from": 9, "to": 9, "intensity": 2}"#),
        "entry 2 of the forecast has no end after it"
    );
    assert_eq!(
        entry(r#"{"from": 9, "intensity": null}"#),
        "entry 2 of the forecast has no intensity"
    );
    assert_eq!(entry("7"), "entry 2 of the forecast has no time");
    assert!(entry(r#"{"from": "2026-01-01T00:00:00+é:00", "intensity": 2}"#).contains("no time"));
}
