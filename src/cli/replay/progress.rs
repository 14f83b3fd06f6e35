//! How far a run is, in one line of a terminal.
//!
//! Must not know: how requests are sent.

use crate::replay::engine::Snapshot;
use crate::replay::experiment::{Standing, Watch};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(250);
const WIDTH: usize = 30;

/// Shows how far it is until `stop`, where somebody looks at a terminal.
pub(super) async fn show(watch: Arc<Watch>, stop: CancellationToken) {
    if !io::stderr().is_terminal() {
        return stop.cancelled().await;
    }
    let mut ticks = interval(EVERY);
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            _ = ticks.tick() => {}
        }
        draw(&line(&watch.standing()));
    }
    draw("");
}

fn line(standing: &Standing) -> String {
    let Some((_, now)) = &standing.current else { return String::new() };
    let share = if now.planned == 0 { 0.0 } else { now.done as f64 / now.planned as f64 };
    let full = ((share * WIDTH as f64) as usize).min(WIDTH);
    let bar = "█".repeat(full) + &"░".repeat(WIDTH - full);
    let run = match standing.of {
        Some(1) => String::new(),
        Some(of) => format!("run {} of {of}  ", standing.ended + 1),
        None => format!("run {}  ", standing.ended + 1),
    };
    run + &bar + &counts(now)
}

fn counts(now: &Snapshot) -> String {
    let p95 = now.p95.map_or_else(|| "–".to_owned(), |p95| format!("{:.3}s", p95.as_secs_f64()));
    format!(
        " {}/{}  {:.1}/s  p95 {p95}  failed {}  {:.0}s",
        now.done,
        now.planned,
        now.rate,
        now.failed,
        now.elapsed.as_secs_f64()
    )
}

/// Writes over the line that is there. Nobody misses one that could not be written.
fn draw(line: &str) {
    let mut out = io::stderr();
    let drawn = write!(out, "\r\x1b[2K{line}").and_then(|()| out.flush());
    drop(drawn);
}
