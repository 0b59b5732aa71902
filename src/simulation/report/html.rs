//! The report as one page that needs nothing else.

use std::fmt::Write as _;

use super::measures::Measures;
use super::plot::{self, Axis, Bar, Extent, SERIES, Series};
use super::statistics::{Distribution, Latency, Proportion, float};
use super::table::decision_names;
use super::{Report, ReportError};

/// More rounds or rotations than this share the last bar of a histogram.
const HISTOGRAM_BARS: u32 = 16;

/// The colours of the drawings are those of `plot`, by attribute.
const STYLE: &str = include_str!("page.css");

/// Text as it may stand between tags and inside quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A whole page around `body`, which must be HTML already.
pub(super) fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

/// A drawing with what it shows.
pub(super) fn figure(caption: &str, svg: &str) -> String {
    format!("<figure>{svg}<figcaption>{}</figcaption></figure>\n", escape(caption))
}

/// Names of series beside their colours.
pub(super) fn legend(series: &[Series]) -> String {
    let mut html = String::from("<p class=\"note\">");
    for (index, one) in series.iter().enumerate() {
        let color = index % SERIES.len();
        let name = escape(&one.name);
        let key = format!("<span class=\"key\" style=\"background:var(--series-{color})\"></span>");
        html.push_str(&key);
        html.push_str(&name);
    }
    html.push_str("</p>\n");
    html
}

/// A table whose first row and first column are headings; escapes every cell.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let mut html = String::from("<div class=\"scroll\"><table>\n");
    for (number, row) in rows.iter().enumerate() {
        html.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            let cell = escape(cell);
            let text = match (number, place) {
                (0, _) => format!("<th scope=\"col\">{cell}</th>"),
                (_, 0) => format!("<th scope=\"row\">{cell}</th>"),
                _ => format!("<td>{cell}</td>"),
            };
            html.push_str(&text);
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n");
    html
}

impl Report {
    /// One HTML page with tables and drawings, headed `title`; it loads nothing from anywhere.
    pub fn to_html(&self, title: &str) -> Result<String, ReportError> {
        let mut body = self.introduction();
        body.push_str("<h2>Transactions</h2>\n");
        body.push_str(&self.overview());
        if self.all.transactions == 0 {
            body.push_str("<p>No transaction was accepted, so there is nothing to draw.</p>\n");
            return Ok(page(title, &body));
        }
        body.push_str("<h2>Last decisions</h2>\n");
        let drawn = plot::bars("Share of last decisions", &SHARE, &decision_bars(&self.all))?;
        body.push_str(&figure("Of all transactions, with the 95 % interval.", &drawn));
        body.push_str("<h2>Latency</h2>\n");
        for (name, part) in LATENCIES {
            body.push_str(&self.latency_figure(name, part)?);
        }
        body.push_str("<h2>Rounds and rotations</h2>\n");
        for (name, distribution) in
            [("rounds", &self.all.rounds), ("rotations", &self.all.rotations)]
        {
            let label = format!("Transactions by {name}");
            let drawn = plot::histogram(&label, name, &histogram_bars(distribution))?;
            body.push_str(&figure(&format!("Transactions by their number of {name}."), &drawn));
        }
        Ok(page(title, &body))
    }

    fn introduction(&self) -> String {
        let rate = self.decided_per_second.map_or_else(|| "–".to_owned(), number);
        let seeds = match self.seeds.as_slice() {
            [] => "no run".to_owned(),
            [one] => format!("1 run, seed {one}"),
            [first, .., last] => format!("{} runs, seeds {first} to {last}", self.seeds.len()),
        };
        format!(
            "<p>{seeds}: {} transactions, {} events, {} on the network's clock, \
             {rate} decisions a second of it.</p>\n",
            self.all.transactions,
            self.events,
            duration(float(self.virtual_ms)),
        )
    }

    fn overview(&self) -> String {
        let mut rows = vec![vec![String::new()]];
        rows.extend(LINES.iter().map(|(name, _)| vec![(*name).to_owned()]));
        for (group, measures) in self.groups() {
            let values = LINES.iter().map(|(_, value)| value(measures));
            let column = std::iter::once(group.to_owned()).chain(values);
            rows.iter_mut().zip(column).for_each(|(row, cell)| row.push(cell));
        }
        table(&rows)
    }

    fn latency_figure(&self, name: &str, part: Part) -> Result<String, ReportError> {
        let measured = self.kinds.iter().filter(|(_, measures)| part(measures).count > 0);
        let series: Vec<_> = measured.map(|(kind, measures)| curve(kind, part(measures))).collect();
        if series.is_empty() {
            return Ok(format!("<p>No transaction reached {name}.</p>\n"));
        }
        let x = Axis { title: "time since submission", format: &duration };
        let label = format!("Distribution of the time to {name}");
        let drawn = plot::lines(&label, &x, &Extent::FromZero, &SHARE, &series)?;
        let caption = format!("The share of those that reached {name} within a time.");
        Ok(legend(&series) + &figure(&caption, &drawn))
    }
}

/// One of the latencies that were measured.
type Part = fn(&Measures) -> &Latency;

const LATENCIES: [(&str, Part); 2] =
    [("decision", |of| &of.to_decision), ("finality", |of| &of.to_finality)];

/// A line of the overview: what it is called and what stands in it.
type Line = (&'static str, fn(&Measures) -> String);

/// The lines of the overview.
const LINES: [Line; 15] = [
    ("transactions", |of| of.transactions.to_string()),
    ("decided", |of| of.decided.to_string()),
    ("accepted", |of| shown(&of.decision("ACCEPTED"))),
    ("undetermined", |of| shown(&of.decision("UNDETERMINED"))),
    ("wrong, of all decided", |of| shown(&of.wrong_accepted)),
    ("wrong, of all accepted", |of| shown(&of.wrong_among_accepted)),
    ("rounds, mean", |of| or_dash(of.rounds.mean, number)),
    ("rotations, mean", |of| or_dash(of.rotations.mean, number)),
    ("appeals, mean", |of| or_dash(of.appeals.mean, number)),
    ("appeals that succeeded", |of| shown(&of.appeals_successful)),
    ("to decision, median", |of| milliseconds(of.to_decision.p50_ms)),
    ("to decision, 90 %", |of| milliseconds(of.to_decision.p90_ms)),
    ("to decision, 99 %", |of| milliseconds(of.to_decision.p99_ms)),
    ("to decision, longest", |of| milliseconds(of.to_decision.max_ms)),
    ("to finality, median", |of| milliseconds(of.to_finality.p50_ms)),
];

/// An axis of shares.
pub(super) const SHARE: Axis<'static> =
    Axis { title: "share", format: &|share| trimmed(share * 100.0, 4) + " %" };

fn decision_bars(measures: &Measures) -> Vec<Bar> {
    let bar = |name: &'static str| {
        let share = measures.decisions.get(name)?;
        let interval = Some(share.interval);
        Some(Bar { name: name.to_owned(), value: share.share?, interval })
    };
    decision_names().filter_map(bar).collect()
}

/// One bar per number from 0 to the largest, the last one for all that are larger still.
fn histogram_bars(distribution: &Distribution) -> Vec<Bar> {
    let last = distribution.max.unwrap_or(0).clamp(1, HISTOGRAM_BARS - 1);
    let bar = |number: u32| {
        let is_open = number == last && distribution.max > Some(last);
        let range = number..=if is_open { u32::MAX } else { number };
        let count = distribution.counts.range(range).map(|(_, count)| *count).sum();
        let name = if is_open { format!("{number}+") } else { number.to_string() };
        Bar { name, value: float(count), interval: None }
    };
    (0..=last).map(bar).collect()
}

/// The share that was done by each percentile.
fn curve(name: &str, latency: &Latency) -> Series {
    let percentiles = (0_u32..).zip(&latency.percentiles_ms);
    let point = |(percent, ms): (u32, &u64)| (float(*ms), f64::from(percent) / 100.0);
    let first = latency.percentiles_ms.first().map(|ms| (float(*ms), 0.0));
    let points = first.into_iter().chain(percentiles.map(point)).collect();
    Series { name: name.to_owned(), points, intervals: Vec::new() }
}

/// A share as people read it, with as many places as it takes to see a difference.
pub(super) fn percent(share: f64) -> String {
    let hundredths = share * 100.0;
    if hundredths != 0.0 && hundredths.abs() < 1.0 {
        format!("{hundredths:.3} %")
    } else {
        format!("{hundredths:.1} %")
    }
}

/// Milliseconds in the unit that fits.
pub(super) fn duration(ms: f64) -> String {
    const UNITS: [(f64, &str); 4] =
        [(86_400_000.0, "d"), (3_600_000.0, "h"), (60_000.0, "min"), (1_000.0, "s")];
    let unit = UNITS.iter().find(|(size, _)| ms.abs() >= *size);
    let (size, name) = unit.copied().unwrap_or((1.0, "ms"));
    format!("{} {name}", number(ms / size))
}

/// At most two places, none of them a trailing zero.
pub(super) fn number(value: f64) -> String {
    trimmed(value, 2)
}

/// At most `places` places (and at least one), none of them a trailing zero.
pub(super) fn trimmed(value: f64, places: usize) -> String {
    let text = format!("{value:.0$}", places.max(1));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn or_dash(value: Option<f64>, format: fn(f64) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), format)
}

fn milliseconds(value: Option<u64>) -> String {
    or_dash(value.map(float), duration)
}

/// A share with what it was counted from and how sure it is.
pub(super) fn shown(of: &Proportion) -> String {
    let mut text = format!("{} of {}", of.count, of.of);
    if let Some(share) = of.share {
        let (low, high) = (percent(of.interval.low), percent(of.interval.high));
        let _infallible = write!(text, " = {} ({low} to {high})", percent(share));
    }
    text
}
