//! A sweep as one page: curves over one parameter, heat maps over two.

use super::html::{SHARE, duration, figure, legend, page, percent, shown, table, trimmed};
use super::measures::{Measures, Report};
use super::plot::{self, Axis, Extent, Heat, Series};
use super::statistics::{Proportion, float};
use super::{Parameter, ReportError, Sweep};

/// A share that a sweep draws.
type Share = (&'static str, fn(&Measures) -> Proportion);

const SHARES: [Share; 3] = [
    ("accepted", |of| of.decision("ACCEPTED")),
    ("undetermined", |of| of.decision("UNDETERMINED")),
    ("wrong accepted", |of| of.wrong_accepted),
];

/// A number that a sweep draws, where it was measured.
type Value = fn(&Report) -> Option<f64>;

const LATENCIES: [(&str, Value); 2] = [
    ("median", |of| of.all.to_decision.p50_ms.map(float)),
    ("99 %", |of| of.all.to_decision.p99_ms.map(float)),
];

impl Sweep {
    /// One HTML page with drawings and a table, headed `title`; it loads nothing from anywhere.
    pub fn to_html(&self, title: &str) -> Result<String, ReportError> {
        let mut body = match self.parameters() {
            [columns, rows] => self.heat_maps(columns, rows)?,
            [only] => self.curves(only)?,
            // No other number passes `Sweep::new`.
            _ => String::new(),
        };
        body.push_str("<h2>Numbers</h2>\n");
        body.push_str(&self.numbers());
        Ok(page(title, &body))
    }

    fn curves(&self, parameter: &Parameter) -> Result<String, ReportError> {
        let positions = positions(&parameter.values);
        let label_of = |x: f64| match &positions {
            Positions::Numbers(_) => trimmed(x, 6),
            Positions::Places(_) => place_name(&parameter.values, x),
        };
        let x = Axis { title: &parameter.name, format: &label_of };
        let mut places: Vec<_> = positions.all().iter().copied().zip(self.points()).collect();
        places.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let at = || places.iter().copied();

        let mut shares = Vec::new();
        for (name, share) in SHARES {
            let measured = at().filter_map(|(x, point)| {
                let of = share(&point.report.all);
                of.share.map(|y| ((x, y), of.interval))
            });
            let (points, intervals) = measured.unzip();
            shares.push(Series { name: name.to_owned(), points, intervals });
        }
        let mut latencies = Vec::new();
        for (name, value) in LATENCIES {
            let points = at().filter_map(|(x, point)| Some((x, value(&point.report)?))).collect();
            latencies.push(Series { name: name.to_owned(), points, intervals: Vec::new() });
        }

        let label = format!("Outcomes over {}", parameter.name);
        let drawn = plot::lines(&label, &x, &Extent::Around, &SHARE, &shares)?;
        let mut html = String::from("<h2>Outcomes</h2>\n") + &legend(&shares);
        html.push_str(&figure("Shares with their 95 % intervals.", &drawn));
        let y = Axis { title: "time to decision", format: &duration };
        let label = format!("Time to decision over {}", parameter.name);
        let drawn = plot::lines(&label, &x, &Extent::Around, &y, &latencies)?;
        html.push_str("<h2>Latency</h2>\n");
        html.push_str(&legend(&latencies));
        html.push_str(&figure("From submission to the last decision.", &drawn));
        Ok(html)
    }

    fn heat_maps(&self, rows: &Parameter, columns: &Parameter) -> Result<String, ReportError> {
        let mut html = String::new();
        let mut add = |name: &str, values: Vec<Option<f64>>, format: &dyn Fn(f64) -> String| {
            let heat = Heat {
                columns: (&columns.name, &columns.values),
                rows: (&rows.name, &rows.values),
                values: &values,
                format,
            };
            let label = format!("{name} over {} and {}", rows.name, columns.name);
            let drawn = plot::heat(&label, &heat)?;
            html.push_str(&figure(&label, &drawn));
            Ok::<(), ReportError>(())
        };
        for (name, share) in SHARES {
            let values = self.points().iter().map(|point| share(&point.report.all).share);
            add(name, values.collect(), &percent)?;
        }
        for (name, value) in LATENCIES {
            let values = self.points().iter().map(|point| value(&point.report));
            add(&format!("time to decision, {name},"), values.collect(), &duration)?;
        }
        Ok(html)
    }

    fn numbers(&self) -> String {
        let mut header: Vec<_> = self.parameters().iter().map(|one| one.name.clone()).collect();
        header.push("transactions".to_owned());
        header.extend(SHARES.iter().map(|(name, _)| (*name).to_owned()));
        header.extend(LATENCIES.iter().map(|(name, _)| format!("to decision, {name}")));
        let mut rows = vec![header];
        for point in self.points() {
            let mut row = point.values.clone();
            row.push(point.report.all.transactions.to_string());
            row.extend(SHARES.iter().map(|(_, share)| shown(&share(&point.report.all))));
            let values = LATENCIES.iter().map(|(_, value)| value(&point.report));
            row.extend(values.map(|value| value.map_or_else(|| "–".to_owned(), duration)));
            rows.push(row);
        }
        table(&rows)
    }
}

/// Where the values of a parameter stand on an axis.
enum Positions {
    /// All are numbers: where they belong.
    Numbers(Vec<f64>),
    /// Otherwise: side by side.
    Places(Vec<f64>),
}

impl Positions {
    fn all(&self) -> &[f64] {
        match self {
            Self::Numbers(positions) | Self::Places(positions) => positions,
        }
    }
}

/// Numbers too large or too close together for an axis with readable marks count as words.
fn positions(values: &[String]) -> Positions {
    const LARGEST: f64 = 1e12;
    const CLOSEST: f64 = 1e-6;
    let parsed: Option<Vec<f64>> = values.iter().map(|value| value.parse().ok()).collect();
    let is_readable = |numbers: &Vec<f64>| {
        let largest = numbers.iter().fold(0.0, |most: f64, number| most.max(number.abs()));
        let mut sorted = numbers.clone();
        sorted.sort_by(f64::total_cmp);
        let close = |pair: &[f64]| matches!(pair, [a, b] if b - a < CLOSEST * largest);
        numbers.iter().all(|number| number.is_finite())
            && largest < LARGEST
            && sorted.is_sorted_by(|a, b| a < b)
            && !sorted.windows(2).any(close)
    };
    match parsed.filter(is_readable) {
        Some(numbers) => Positions::Numbers(numbers),
        None => Positions::Places((0_u32..).zip(values).map(|(place, _)| place.into()).collect()),
    }
}

/// The word at a whole position, nothing between them.
fn place_name(values: &[String], position: f64) -> String {
    let mut places = (0_u32..).zip(values);
    let here = places.find(|(place, _)| (f64::from(*place) - position).abs() < 1e-6);
    here.map(|(_, value)| value.clone()).unwrap_or_default()
}
