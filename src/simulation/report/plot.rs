//! Drawings as SVG elements that stand in an HTML page.
//!
//! Colours are roles: plotters writes them as attributes, which the page's style sheet overrides by
//! attribute selector, so that one drawing serves light and dark (see [`SERIES`] and `page.css`).
//! Every coordinate that reaches plotters is finite and every range is wider than nothing.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{IntoSegmentedCoord, SegmentValue};
use plotters::element::{ErrorBar, PathElement, Rectangle, Text};
use plotters::prelude::{
    ChartBuilder, Color, DrawingArea, DrawingAreaErrorKind, IntoDrawingArea, IntoFont, LineSeries,
    RGBColor, SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::ReportError;
use super::html::escape;
use super::statistics::Interval;

/// Text and axes.
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Lines behind the data.
const MESH: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
/// The colours of data, in order of use; the page knows them as `--series-0` to `--series-3`.
pub(super) const SERIES: [RGBColor; 4] = [
    RGBColor(0x22, 0x66, 0xAA),
    RGBColor(0xCC, 0x66, 0x11),
    RGBColor(0x22, 0x88, 0x44),
    RGBColor(0xAA, 0x33, 0x88),
];
const WIDTH: u32 = 720;
const TEXT_SIZE: u32 = 14;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type DrawError = DrawingAreaErrorKind<std::io::Error>;

impl From<DrawError> for ReportError {
    fn from(error: DrawError) -> Self {
        Self::Plot(error.to_string())
    }
}

/// What stands at an axis.
pub(super) struct Axis<'a> {
    /// Its title.
    pub(super) title: &'a str,
    /// A value as text.
    pub(super) format: &'a dyn Fn(f64) -> String,
}

/// One line of a plot.
pub(super) struct Series {
    /// What the legend says.
    pub(super) name: String,
    /// From left to right.
    pub(super) points: Vec<(f64, f64)>,
    /// How sure each of the points is; none when that is unknown.
    pub(super) intervals: Vec<Interval>,
}

/// One bar with its name.
pub(super) struct Bar {
    /// What stands beside it.
    pub(super) name: String,
    /// How long it is.
    pub(super) value: f64,
    /// How sure that is.
    pub(super) interval: Option<Interval>,
}

fn svg(
    label: &str,
    height: u32,
    draw: impl FnOnce(&Canvas<'_>) -> Result<(), DrawError>,
) -> Result<String, ReportError> {
    let mut text = String::new();
    {
        let canvas = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&canvas)?;
        canvas.present()?;
    }
    // Inside HTML the element needs no namespace, and no size but that of the page.
    let inner = text.split_once('>').map_or("", |(_, inner)| inner);
    let label = escape(label);
    Ok(format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">{inner}"))
}

fn text_style(color: RGBColor) -> TextStyle<'static> {
    ("sans-serif", TEXT_SIZE).into_font().color(&color)
}

fn series_color(index: usize) -> RGBColor {
    SERIES.iter().cycle().nth(index % SERIES.len()).copied().unwrap_or(INK)
}

/// From zero to a little above the largest value.
fn from_zero(values: impl Iterator<Item = f64>, at_least: f64) -> Range<f64> {
    let top = values.filter(|value| value.is_finite()).fold(at_least, f64::max);
    0.0..top.min(f64::MAX / 4.0) * 1.05
}

/// All values with a margin on both sides.
fn around(values: impl Iterator<Item = f64>) -> Range<f64> {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) =
        finite.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return 0.0..1.0;
    }
    let margin = if high > low { (high - low) * 0.05 } else { high.abs().max(1.0) / 2.0 };
    low - margin..high + margin
}

/// Horizontal bars from the top down, each with its interval.
pub(super) fn bars(label: &str, axis: &Axis<'_>, bars: &[Bar]) -> Result<String, ReportError> {
    let rows = segments(bars.len());
    let ends = bars.iter().flat_map(|bar| [Some(bar.value), bar.interval.map(|sure| sure.high)]);
    let range = from_zero(ends.flatten(), 0.01);
    let height = 60 + 34 * rows.unsigned_abs().min(100);
    // Segment 0 of the axis is at the bottom.
    let from_bottom = || (0..rows).rev().zip(bars);
    let blank = String::new();
    let padding = usize::try_from(rows).unwrap_or(0).saturating_sub(bars.len());
    let names = || {
        let below = std::iter::repeat_n(&blank, padding);
        below.chain(bars.iter().rev().map(|bar| &bar.name))
    };
    svg(label, height, |canvas| {
        let mut chart = ChartBuilder::on(canvas)
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(190)
            .build_cartesian_2d(range, (0..rows - 1).into_segmented())?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .bold_line_style(MESH)
            .light_line_style(MESH.mix(0.0))
            .axis_style(INK)
            .label_style(text_style(INK))
            .axis_desc_style(text_style(INK))
            .x_desc(axis.title)
            .y_labels(bars.len().max(2))
            .x_label_formatter(&|value| (axis.format)(*value))
            .y_label_formatter(&|value| name_at(names(), value))
            .draw()?;
        chart.draw_series(from_bottom().map(|(row, bar)| {
            let left = (0.0, SegmentValue::Exact(row));
            let right = (finite(bar.value), SegmentValue::Exact(row + 1));
            let mut drawn = Rectangle::new([left, right], series_color(0).filled());
            drawn.set_margin(5, 5, 0, 0);
            drawn
        }))?;
        chart.draw_series(from_bottom().filter_map(|(row, bar)| {
            let sure = bar.interval?;
            let (low, high) = (finite(sure.low), finite(sure.high));
            let style = ShapeStyle::from(INK).stroke_width(2);
            let row = SegmentValue::CenterOf(row);
            Some(ErrorBar::new_horizontal(row, low, finite(bar.value), high, style, 10))
        }))?;
        Ok(())
    })
}

/// As many segments as an axis needs for `len` names: plotters misplaces the only one of a single
/// segment, so there are at least two, the second one empty.
fn segments(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX).max(2)
}

/// The words at the middle of a segment, cut where they would run into others.
fn name_at<'a>(names: impl IntoIterator<Item = &'a String>, value: &SegmentValue<i32>) -> String {
    const LONGEST: usize = 20;
    let index = match value {
        SegmentValue::CenterOf(index) => usize::try_from(*index).ok(),
        _ => None,
    };
    let name = index.and_then(|index| names.into_iter().nth(index)).map_or("", String::as_str);
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => name.get(..end).unwrap_or_default().to_owned() + "…",
        None => name.to_owned(),
    }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// Upright bars without gaps.
pub(super) fn histogram(label: &str, x_title: &str, bars: &[Bar]) -> Result<String, ReportError> {
    let columns = segments(bars.len());
    let range = from_zero(bars.iter().map(|bar| bar.value), 1.0);
    svg(label, 280, |canvas| {
        let mut chart = ChartBuilder::on(canvas)
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(80)
            .build_cartesian_2d((0..columns - 1).into_segmented(), range)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(MESH)
            .light_line_style(MESH.mix(0.0))
            .axis_style(INK)
            .label_style(text_style(INK))
            .axis_desc_style(text_style(INK))
            .x_desc(x_title)
            .y_desc("transactions")
            .x_labels(bars.len().max(2))
            .x_label_formatter(&|value| name_at(bars.iter().map(|bar| &bar.name), value))
            .y_label_formatter(&|value| whole(*value))
            .draw()?;
        chart.draw_series((0..columns).zip(bars).map(|(column, bar)| {
            let left = (SegmentValue::Exact(column), 0.0);
            let right = (SegmentValue::Exact(column + 1), finite(bar.value));
            let mut drawn = Rectangle::new([left, right], series_color(0).filled());
            drawn.set_margin(0, 0, 2, 2);
            drawn
        }))?;
        Ok(())
    })
}

/// A count; between two counts nothing.
fn whole(value: f64) -> String {
    let nearest = value.round();
    if (value - nearest).abs() < 1e-6 { nearest.to_string() } else { String::new() }
}

/// Where an axis begins and ends.
pub(super) enum Extent {
    /// At zero and above the largest value.
    FromZero,
    /// Around all values.
    Around,
}

/// Lines through points, with upright bars where a point is uncertain.
pub(super) fn lines(
    label: &str,
    x: &Axis<'_>,
    x_extent: &Extent,
    y: &Axis<'_>,
    series: &[Series],
) -> Result<String, ReportError> {
    let points = || series.iter().flat_map(|one| one.points.iter().copied());
    let xs = points().map(|(x, _)| x);
    let x_range = match x_extent {
        Extent::FromZero => from_zero(xs, 1e-3),
        Extent::Around => around(xs),
    };
    let highs = series.iter().flat_map(|one| one.intervals.iter().map(|sure| sure.high));
    let y_range = from_zero(points().map(|(_, y)| y).chain(highs), 1e-3);
    svg(label, 320, |canvas| {
        let mut chart = ChartBuilder::on(canvas)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(44)
            .y_label_area_size(80)
            .build_cartesian_2d(x_range, y_range)?;
        chart
            .configure_mesh()
            .bold_line_style(MESH)
            .light_line_style(MESH.mix(0.0))
            .axis_style(INK)
            .label_style(text_style(INK))
            .axis_desc_style(text_style(INK))
            .x_desc(x.title)
            .y_desc(y.title)
            .x_labels(8)
            .x_label_formatter(&|value| (x.format)(*value))
            .y_label_formatter(&|value| (y.format)(*value))
            .draw()?;
        for (index, one) in series.iter().enumerate() {
            let style = ShapeStyle::from(series_color(index)).stroke_width(2);
            let is_sound = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
            let sound: Vec<_> = one.points.iter().copied().filter(is_sound).collect();
            // A line through one point is invisible; a short stroke is not.
            if let [only] = sound.as_slice() {
                chart.draw_series([PathElement::new(vec![*only, *only], style.stroke_width(6))])?;
            }
            chart.draw_series(LineSeries::new(sound, style))?;
            let bars = one.points.iter().zip(&one.intervals).map(|((x, y), sure)| {
                let (low, high) = (finite(sure.low), finite(sure.high));
                ErrorBar::new_vertical(finite(*x), low, finite(*y), high, style, 8)
            });
            chart.draw_series(bars)?;
        }
        Ok(())
    })
}

/// A grid of cells, darker where the value is larger.
pub(super) struct Heat<'a> {
    /// What stands below, and its values from left to right.
    pub(super) columns: (&'a str, &'a [String]),
    /// What stands on the left, and its values from the bottom up.
    pub(super) rows: (&'a str, &'a [String]),
    /// Row by row.
    pub(super) values: &'a [Option<f64>],
    /// A value as text.
    pub(super) format: &'a dyn Fn(f64) -> String,
}

/// Cells carry their own background, so they look the same on light and dark pages.
pub(super) fn heat(label: &str, heat: &Heat<'_>) -> Result<String, ReportError> {
    let ((x_title, x_names), (y_title, y_names)) = (heat.columns, heat.rows);
    let (columns, rows) = (segments(x_names.len()), segments(y_names.len()));
    let known = || heat.values.iter().flatten().copied().filter(|value| value.is_finite());
    let (low, high) = (known().fold(f64::MAX, f64::min), known().fold(f64::MIN, f64::max));
    let in_row = (0..columns).zip(x_names).map(|(column, _)| column);
    let places = (0..rows).zip(y_names);
    let places = places.flat_map(|(row, _)| in_row.clone().map(move |column| (column, row)));
    let cells: Vec<_> = places.zip(heat.values).collect();
    svg(label, 80 + 40 * rows.unsigned_abs().min(50), |canvas| {
        let mut chart = ChartBuilder::on(canvas)
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(170)
            .build_cartesian_2d(
                (0..columns - 1).into_segmented(),
                (0..rows - 1).into_segmented(),
            )?;
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(INK)
            .label_style(text_style(INK))
            .axis_desc_style(text_style(INK))
            .x_desc(x_title)
            .y_desc(y_title)
            .x_labels(x_names.len().max(2))
            .y_labels(y_names.len().max(2))
            .x_label_formatter(&|value| name_at(x_names, value))
            .y_label_formatter(&|value| name_at(y_names, value))
            .draw()?;
        chart.draw_series(cells.iter().map(|((column, row), value)| {
            let corner = |column, row| (SegmentValue::Exact(column), SegmentValue::Exact(row));
            let corners = [corner(*column, *row), corner(column + 1, row + 1)];
            let mut cell = Rectangle::new(corners, shade(**value, low, high).0.filled());
            cell.set_margin(1, 1, 1, 1);
            cell
        }))?;
        chart.draw_series(cells.iter().map(|((column, row), value)| {
            let center = (SegmentValue::CenterOf(*column), SegmentValue::CenterOf(*row));
            let words = value.map_or_else(|| "–".to_owned(), heat.format);
            let style = text_style(shade(**value, low, high).1);
            Text::new(words, center, style.pos(Pos::new(HPos::Center, VPos::Center)))
        }))?;
        Ok(())
    })
}

/// The colour of a cell and of the words on it: five steps from pale to dark.
fn shade(value: Option<f64>, low: f64, high: f64) -> (RGBColor, RGBColor) {
    const DARK: RGBColor = RGBColor(0x11, 0x11, 0x11);
    const PALE: RGBColor = RGBColor(0xFE, 0xFE, 0xFE);
    let Some(value) = value.filter(|value| value.is_finite()) else {
        return (RGBColor(0xCC, 0xCC, 0xCC), DARK);
    };
    let height = if high > low { (value - low) / (high - low) } else { 0.0 };
    match height {
        ..0.2 => (RGBColor(0xE3, 0xEE, 0xF9), DARK),
        0.2..0.4 => (RGBColor(0xB4, 0xD3, 0xEE), DARK),
        0.4..0.6 => (RGBColor(0x7F, 0xB2, 0xDD), DARK),
        0.6..0.8 => (RGBColor(0x3F, 0x83, 0xC0), PALE),
        _ => (RGBColor(0x14, 0x4F, 0x8C), PALE),
    }
}
