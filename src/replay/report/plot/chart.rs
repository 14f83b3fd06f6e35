//! A frame with two axes, and what is drawn into it.
//!
//! Places from left to right are shares of the width, so that a picture is as wide as its
//! place and its letters keep their size; from top to bottom they are pixels. Lines live in an
//! inner picture that is stretched, with strokes that are not. Must not know: what is shown.

use super::scale::{Rank, Scale};
use crate::human;
use std::fmt::Write;

/// The width of the inner picture, in units that are stretched to what there is.
const WIDTH: f64 = 1000.0;
/// Room below for the marks of the axis and its name, in pixels.
const FOOT: f64 = 36.0;

/// An axis: a scale, and how its marks are labelled.
pub struct Axis {
    /// Where values go.
    pub scale: Scale,
    /// What a mark says.
    pub label: fn(f64) -> String,
    /// How many marks there are, about.
    pub marks: usize,
    /// What the axis is of.
    pub name: &'static str,
}

/// A picture under construction. What is added later lies above.
pub struct Chart {
    x: Axis,
    y: Axis,
    height: f64,
    back: String,
    shapes: String,
    front: String,
}

impl Chart {
    /// An empty frame, `height` pixels high without the marks below it.
    pub fn new(x: Axis, y: Axis, height: u16) -> Self {
        let (back, shapes, front) = Default::default();
        Self { x, y, height: f64::from(height), back, shapes, front }
    }

    /// A line through points. One that is no number interrupts it.
    pub fn line(&mut self, class: &str, title: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        let mut last = None;
        for (x, y) in points {
            let Some(point) = self.point(x, y) else {
                last = None;
                continue;
            };
            if last.as_ref() != Some(&point) {
                let letter = if last.is_none() { 'M' } else { 'L' };
                path.push(letter);
                path.push_str(&point);
            }
            last = Some(point);
        }
        self.path(&format!("line {class}"), title, &path);
    }

    /// The area between two lines that share their places from left to right: `(x, low, high)`.
    pub fn band(&mut self, class: &str, title: &str, points: &[(f64, f64, f64)]) {
        let lower = points.iter().filter_map(|(x, low, _)| self.point(*x, *low));
        let upper = points.iter().rev().filter_map(|(x, _, high)| self.point(*x, *high));
        let around: Vec<String> = lower.chain(upper).collect();
        let path =
            if around.is_empty() { String::new() } else { format!("M{}Z", around.join("L")) };
        self.path(&format!("area {class}"), title, &path);
    }

    /// A dot for each point.
    pub fn dots(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for point in points.into_iter().filter_map(|(x, y)| self.point(x, y)) {
            // A stroke without length and with round ends is a dot of the stroke's width.
            path.push('M');
            path.push_str(&point);
            path.push_str("h0");
        }
        self.path(&format!("dots {class}"), "", &path);
    }

    /// A bar from the bottom up to `y`, from `x.0` to `x.1`.
    pub fn bar(&mut self, class: &str, title: &str, x: (f64, f64), y: f64) {
        let (Some(left), Some(right), Some(top)) =
            (self.across(x.0), self.across(x.1), self.down(y))
        else {
            return;
        };
        let (left, width) = (percent(left), percent((right - left).max(0.0)));
        let (top, height) = (pixels(top), pixels(self.height - top));
        self.shape(format_args!(
            r#"<rect class="bar {class}" x="{left}" y="{top}" width="{width}" height="{height}">"#
        ));
        self.close("rect", title);
    }

    /// The whole height from `from` to `to`, behind everything else.
    pub fn shade(&mut self, class: &str, label: &str, (from, to): (f64, f64)) {
        let (Some(left), Some(right)) = (self.across(from), self.across(to)) else { return };
        if right <= left {
            return;
        }
        let (x, width, height) = (percent(left), percent(right - left), pixels(self.height));
        let text = escape(label);
        write(
            &mut self.back,
            format_args!(
                r#"<rect class="shade {class}" x="{x}" width="{width}" height="{height}"/><text class="note" x="{x}" dx="4" y="12">{text}</text>"#
            ),
        );
    }

    /// The whole width from `low` to `high`, behind everything else.
    pub fn shade_across(&mut self, class: &str, (low, high): (f64, f64)) {
        let (Some(bottom), Some(top)) = (self.down(low), self.down(high)) else { return };
        let (y, height) = (pixels(top), pixels((bottom - top).max(0.0)));
        write(
            &mut self.back,
            format_args!(r#"<rect class="shade {class}" width="100%" y="{y}" height="{height}"/>"#),
        );
    }

    /// A line from top to bottom, with words at its top on the side where there is room.
    pub fn upright(&mut self, class: &str, label: &str, x: f64) {
        let Some(place) = self.across(x) else { return };
        let (x, height, text) = (percent(place), pixels(self.height), escape(label));
        let (anchor, aside) = if place > 0.6 { ("end", -5) } else { ("start", 5) };
        write(
            &mut self.front,
            format_args!(
                r#"<line class="rule {class}" x1="{x}" x2="{x}" y1="0" y2="{height}"/><text class="note {class}" x="{x}" dx="{aside}" y="12" text-anchor="{anchor}">{text}</text>"#
            ),
        );
    }

    /// A line from left to right.
    pub fn level(&mut self, class: &str, y: f64) {
        let Some(y) = self.down(y).map(pixels) else { return };
        write(
            &mut self.back,
            format_args!(r#"<line class="rule {class}" x1="0" x2="100%" y1="{y}" y2="{y}"/>"#),
        );
    }

    /// A cross at `x`, `lane` pixels above the frame's top or, below 0, inside of it.
    pub fn cross(&mut self, class: &str, title: &str, (x, lane): (f64, f64)) {
        let Some(x) = self.across(x).map(percent) else { return };
        let y = pixels(-lane);
        let text = escape(title);
        write(
            &mut self.front,
            format_args!(
                r#"<text class="cross {class}" x="{x}" y="{y}" text-anchor="middle">×<title>{text}</title></text>"#
            ),
        );
    }

    /// A short mark at the top, pointing down at `x`.
    pub fn pointer(&mut self, class: &str, title: &str, x: f64) {
        let Some(x) = self.across(x).map(percent) else { return };
        let text = escape(title);
        write(
            &mut self.front,
            format_args!(
                r#"<line class="pointer {class}" x1="{x}" x2="{x}" y1="-9" y2="0"><title>{text}</title></line>"#
            ),
        );
    }

    /// Words beside a point, on the side where there is room.
    pub fn note(&mut self, class: &str, label: &str, (x, y): (f64, f64)) {
        let (Some(place), Some(y)) = (self.across(x), self.down(y)) else { return };
        let (x, text) = (percent(place), escape(label));
        let (anchor, aside) = if place > 0.6 { ("end", -7) } else { ("start", 7) };
        let y = pixels((y + 4.0).max(10.0));
        write(
            &mut self.front,
            format_args!(
                r#"<text class="note {class}" x="{x}" dx="{aside}" y="{y}" text-anchor="{anchor}">{text}</text>"#
            ),
        );
    }

    /// The picture. `description` says in a sentence what it shows.
    pub fn into_svg(self, description: &str) -> String {
        let mut axes = String::new();
        self.draw_x(&mut axes);
        self.draw_y(&mut axes);
        let (label, height) = (escape(description), pixels(self.height));
        let Self { back, shapes, front, .. } = &self;
        let whole = pixels(self.height + FOOT);
        format!(
            r#"<svg class="plot" role="img" aria-label="{label}" width="100%" height="{whole}" overflow="visible">{back}{axes}{shapes}{front}<line class="axis" x1="0" x2="100%" y1="{height}" y2="{height}"/></svg>"#
        )
    }

    fn draw_x(&self, into: &mut String) {
        let (height, text) = (pixels(self.height), pixels(self.height + 16.0));
        for tick in self.x.scale.ticks(self.x.marks) {
            let Some(x) = self.across(tick.value).map(percent) else { continue };
            let label = escape(&(self.x.label)(tick.value));
            let rank = rank(tick.rank);
            write(
                into,
                format_args!(
                    r#"<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{height}"/><text class="tick {rank}" x="{x}" y="{text}" text-anchor="middle">{label}</text>"#
                ),
            );
        }
        let (y, name) = (pixels(self.height + 32.0), escape(self.x.name));
        write(
            into,
            format_args!(r#"<text class="name" x="100%" y="{y}" text-anchor="end">{name}</text>"#),
        );
    }

    fn draw_y(&self, into: &mut String) {
        for tick in self.y.scale.ticks(self.y.marks) {
            let Some(y) = self.down(tick.value) else { continue };
            let label = escape(&(self.y.label)(tick.value));
            let (y, text) = (pixels(y), pixels(y + 4.0));
            write(
                into,
                format_args!(
                    r#"<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/><text class="tick" x="-8" y="{text}" text-anchor="end">{label}</text>"#
                ),
            );
        }
    }

    fn path(&mut self, class: &str, title: &str, path: &str) {
        if path.is_empty() {
            return;
        }
        let height = pixels(self.height);
        self.shape(format_args!(
            r#"<svg width="100%" height="{height}" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none" overflow="visible"><path class="{class}" d="{path}">"#
        ));
        self.close("path", title);
        self.shapes.push_str("</svg>");
    }

    fn close(&mut self, name: &str, title: &str) {
        if !title.is_empty() {
            let text = escape(title);
            self.shape(format_args!("<title>{text}</title>"));
        }
        self.shape(format_args!("</{name}>"));
    }

    fn shape(&mut self, shape: std::fmt::Arguments<'_>) {
        write(&mut self.shapes, shape);
    }

    fn across(&self, x: f64) -> Option<f64> {
        self.x.scale.place(x)
    }

    fn down(&self, y: f64) -> Option<f64> {
        self.y.scale.place(y).map(|place| (1.0 - place) * self.height)
    }

    fn point(&self, x: f64, y: f64) -> Option<String> {
        let (x, y) = (self.across(x)? * WIDTH, self.down(y)?);
        Some(format!("{} {}", pixels(x), pixels(y)))
    }
}

/// The label of a mark at so many seconds.
pub(super) fn seconds(value: f64) -> String {
    human::brief(&human::seconds(value))
}

/// The label of a mark at a share of 1.
pub(super) fn share(value: f64) -> String {
    human::brief(&human::share(value))
}

/// The label of a mark at a ratio.
pub(super) fn factor(value: f64) -> String {
    human::brief(&human::factor(value))
}

/// Text for the inside of an element or of an attribute in quotes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

/// A share of the width.
pub(super) fn percent(share: f64) -> String {
    format!("{}%", short(share * 100.0, 100.0))
}

/// To a tenth; no zeros that say nothing.
pub(super) fn pixels(value: f64) -> String {
    short(value, 10.0)
}

fn short(value: f64, parts: f64) -> String {
    // Adding zero makes -0 a plain 0.
    ((value * parts).round() / parts + 0.0).to_string()
}

fn rank(rank: Rank) -> &'static str {
    match rank {
        Rank::Major => "major",
        Rank::Minor => "minor",
    }
}

/// Writing into a string cannot fail.
pub(super) fn write(into: &mut String, text: std::fmt::Arguments<'_>) {
    into.write_fmt(text).ok();
}
