//! From values to places along an axis, and the values at which an axis is marked.
//!
//! A scale is whole whatever it is made of: nothing, one value, infinite ones. Must not know:
//! what is drawn, or in which units.

/// Values beyond do not stretch a scale; nothing that is measured comes near.
const FARTHEST: f64 = 1e12;
/// Values below are drawn at the beginning of a logarithmic scale.
const NEAREST: f64 = 1e-9;

/// Places values between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    shape: Shape,
    low: f64,
    high: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Linear,
    Log,
    Logit,
}

/// A mark on an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    /// Where.
    pub value: f64,
    /// Whether it is labelled where there is little room.
    pub rank: Rank,
}

/// How much a mark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Always labelled.
    Major,
    /// Labelled where there is room.
    Minor,
}

impl Scale {
    /// From the smallest value to the largest, both widened to marks.
    pub fn linear(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(values, -FARTHEST).unwrap_or((0.0, 1.0));
        let (low, high) = if high - low > high.abs().max(low.abs()) * 1e-9 {
            (low, high)
        } else {
            let room = if low == 0.0 { 1.0 } else { low.abs() / 2.0 };
            (low - room, high + room)
        };
        let step = nice_step((high - low) / 5.0);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Self { shape: Shape::Linear, low, high }
    }

    /// The same, with 0 at its beginning; for values from 0 on.
    pub fn from_zero(values: impl IntoIterator<Item = f64>) -> Self {
        let high = extent(values, 0.0).map_or(1.0, |(_, high)| high);
        let high = if high > 0.0 { high } else { 1.0 };
        let step = nice_step(high / 5.0);
        Self { shape: Shape::Linear, low: 0.0, high: (high / step).ceil() * step }
    }

    /// From 0 to exactly `high`, for time that passes.
    pub fn span(high: f64) -> Self {
        let high = if high.is_finite() && high > 0.0 { high.min(FARTHEST) } else { 1.0 };
        Self { shape: Shape::Linear, low: 0.0, high }
    }

    /// Logarithmic, over the values above 0, with a little room on both sides.
    pub fn log(values: impl IntoIterator<Item = f64>) -> Self {
        let positive = values.into_iter().filter(|value| *value > 0.0);
        let (low, high) = extent(positive, NEAREST).unwrap_or((0.01, 1.0));
        let room = (high / low).powf(0.03).max(1.02);
        // Less than half an octave would make mountains of what is equal.
        let (low, high) = (low / room, high * room);
        let middle = (low * high).sqrt();
        Self { shape: Shape::Log, low: low.min(middle / 1.2), high: high.max(middle * 1.2) }
    }

    /// Logarithmic around 1, as far to both sides as `factor`, which is above 1.
    pub fn around_one(factor: f64) -> Self {
        let factor = if factor.is_finite() { factor.clamp(1.001, 1e6) } else { 1e6 };
        Self { shape: Shape::Log, low: 1.0 / factor, high: factor }
    }

    /// For shares between `low` and `high`, both inside of 0 to 1: the ends are stretched, so
    /// that 90, 99 and 99.9 % are as far from each other as from 50 %.
    pub fn logit(low: f64, high: f64) -> Self {
        let low = if low > 0.0 && low < 0.5 { low.max(1e-6) } else { 0.05 };
        let high = if high > 0.5 && high < 1.0 { high.min(1.0 - 1e-6) } else { 0.95 };
        Self { shape: Shape::Logit, low, high }
    }

    /// Where a value is: 0 is the beginning, 1 the end, and what lies beyond is put there.
    /// `None` for what is no number.
    pub fn place(&self, value: f64) -> Option<f64> {
        if value.is_nan() {
            return None;
        }
        let value = value.clamp(self.low, self.high);
        let (low, high) = (self.stretch(self.low), self.stretch(self.high));
        Some(((self.stretch(value) - low) / (high - low)).clamp(0.0, 1.0))
    }

    /// Whether a value lies on the scale.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The beginning and the end.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Round values along the scale, rising, about `wanted` of them.
    pub fn ticks(&self, wanted: usize) -> Vec<Tick> {
        let mut ticks = match self.shape {
            Shape::Linear => self.linear_ticks(wanted),
            Shape::Log if self.high / self.low < 8.0 => self.linear_ticks(wanted),
            Shape::Log => self.log_ticks(wanted),
            Shape::Logit => logit_ticks(),
        };
        ticks.retain(|tick| self.holds(tick.value));
        ticks
    }

    fn stretch(&self, value: f64) -> f64 {
        match self.shape {
            Shape::Linear => value,
            Shape::Log => value.ln(),
            Shape::Logit => (value / (1.0 - value)).ln(),
        }
    }

    fn linear_ticks(&self, wanted: usize) -> Vec<Tick> {
        let step = nice_step((self.high - self.low) / wanted.max(1) as f64);
        let first = (self.low / step - 1e-9).ceil();
        let marks = ((self.high / step + 1e-9).floor() - first).clamp(0.0, 50.0) as usize;
        let mark = |at: usize| {
            let steps = first + at as f64;
            let rank = if steps % 2.0 == 0.0 { Rank::Major } else { Rank::Minor };
            // The ends are marks, whatever rounding makes of them.
            Tick { value: (steps * step).clamp(self.low, self.high), rank }
        };
        (0..=marks).map(mark).collect()
    }

    fn log_ticks(&self, wanted: usize) -> Vec<Tick> {
        let last = self.high.log10().ceil() as i32;
        let decades = (self.high / self.low).log10();
        let between: &[f64] = if decades * 3.0 <= wanted as f64 + 2.0 { &[2.0, 5.0] } else { &[] };
        let every = (decades / wanted.max(1) as f64).ceil().max(1.0) as i32;
        // So that one is among them wherever the scale begins.
        let first = (self.low.log10().floor() as i32).div_euclid(every) * every;
        let mut ticks = Vec::new();
        for decade in (first..=last).step_by(every.unsigned_abs() as usize) {
            let power = 10_f64.powi(decade);
            ticks.push(Tick { value: power, rank: Rank::Major });
            ticks.extend(between.iter().map(|of| Tick { value: of * power, rank: Rank::Minor }));
        }
        ticks
    }
}

fn logit_ticks() -> Vec<Tick> {
    let major = [0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999];
    let all = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];
    let rank = |value| if major.contains(&value) { Rank::Major } else { Rank::Minor };
    all.into_iter().map(|value| Tick { value, rank: rank(value) }).collect()
}

/// The smallest and the largest finite value, both between `least` and the farthest.
fn extent(values: impl IntoIterator<Item = f64>, least: f64) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.map(|value| value.clamp(least, FARTHEST)).fold(None, |extent, value| {
        let (low, high) = extent.unwrap_or((value, value));
        Some((value.min(low), value.max(high)))
    })
}

/// 1, 2 or 5 times a power of ten, at least as large as `rough`, which is above 0.
fn nice_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.max(f64::MIN_POSITIVE).log10().floor());
    let nice = [1.0, 2.0, 5.0].into_iter().find(|nice| nice * power >= rough * (1.0 - 1e-9));
    nice.unwrap_or(10.0) * power
}
