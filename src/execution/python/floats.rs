//! `round()` and `sum()` of floats, as `CPython` has them.
//!
//! It rounds the exact value, and a tie to the even digit. The interpreter multiplies by a power of
//! ten first, so that 2.675, which is a little less than that, becomes 267.5 and then 2.68. And it
//! adds up floats with what each addition lost, so that ten times 0.1 is 1.

use rustpython_vm::builtins::{PyByteArray, PyBytes, PyFloat, PyInt, PyIntRef, PyStr};
use rustpython_vm::function::{ArgIterable, OptionalArg, OptionalOption, PyMethodFlags};
use rustpython_vm::{AsObject as _, FromArgs, PyObjectRef, PyRef, PyResult, VirtualMachine};

/// With more decimal places every float is what it is.
const PLACES_MAX: usize = 323;

/// Makes floats round so.
pub(super) fn install(vm: &VirtualMachine) {
    let flags = PyMethodFlags::METHOD;
    let method = vm.ctx.new_method_def("__round__", round, flags, None);
    let class = vm.ctx.types.float_type;
    class.set_attr(vm.ctx.intern_str("__round__"), method.build_method(class, vm).into());
}

#[expect(clippy::needless_pass_by_value, reason = "the interpreter hands arguments over by value")]
fn round(
    float: PyRef<PyFloat>,
    places: OptionalOption<PyIntRef>,
    vm: &VirtualMachine,
) -> PyResult<PyObjectRef> {
    let value = float.to_f64();
    let Some(places) = places.flatten() else {
        let whole = vm.ctx.new_float(value.round_ties_even());
        return vm.call_method(whole.as_object(), "__int__", ());
    };
    let places = places
        .try_to_primitive(vm)
        .unwrap_or_else(|_| if places.as_bigint() < &0.into() { i64::MIN } else { i64::MAX });
    match rounded(value, places) {
        Some(result) => Ok(vm.ctx.new_float(result).into()),
        None => Err(vm.new_overflow_error("rounded value too large to represent")),
    }
}

/// The float next to the rounded value; none where that is larger than all of them.
fn rounded(value: f64, places: i64) -> Option<f64> {
    let text = match usize::try_from(places) {
        Ok(places) if places > PLACES_MAX => return Some(value),
        _ if !value.is_finite() => return Some(value),
        Ok(places) => format!("{:.places$}", value.abs()),
        Err(_) => to_tens(value.abs(), places.unsigned_abs()),
    };
    let result: f64 = text.parse().ok()?;
    result.is_finite().then(|| result.copysign(value))
}

/// A positive value rounded to ten, a hundred, …, which has this many zeros.
fn to_tens(value: f64, zeros: u64) -> String {
    let whole = format!("{:.0}", value.trunc());
    let Some(kept) = usize::try_from(zeros).ok().and_then(|zeros| whole.len().checked_sub(zeros))
    else {
        return "0".to_owned();
    };
    let (kept, dropped) = whole.split_at(kept);
    let is_odd = kept.ends_with(['1', '3', '5', '7', '9']);
    let (first, rest) = dropped.split_at(1);
    let is_half = first == "5" && rest.bytes().all(|digit| digit == b'0') && value.fract() == 0.0;
    let up = if is_half { is_odd } else { first >= "5" };
    format!("{}e{zeros}", if up { next(kept) } else { format!("0{kept}") })
}

/// The whole number after the one with these digits.
fn next(digits: &str) -> String {
    let lower = digits.trim_end_matches('9');
    let zeros = "0".repeat(digits.len() - lower.len());
    let (before, last) = lower.split_at(lower.len().saturating_sub(1));
    let last = last.bytes().next().unwrap_or(b'0').saturating_add(1);
    format!("{before}{}{zeros}", char::from(last))
}

/// What `sum()` is given.
#[derive(FromArgs)]
pub(super) struct SumArgs {
    #[pyarg(positional)]
    iterable: ArgIterable,
    #[pyarg(any, optional)]
    start: OptionalArg<PyObjectRef>,
}

/// `sum()`: everything is added one after the other, floats by Neumaier's algorithm.
pub(super) fn sum(SumArgs { iterable, start }: SumArgs, vm: &VirtualMachine) -> PyResult {
    let mut total = start.into_option().unwrap_or_else(|| vm.ctx.new_int(0).into());
    refuse_texts(&total, vm)?;
    let mut floats = Compensated::of(&total, vm);
    for item in iterable.iter(vm)? {
        let item = item?;
        if let Some(sum) = &mut floats {
            if let Some(value) = item.downcast_ref_if_exact::<PyFloat>(vm) {
                sum.add(value.to_f64());
                continue;
            }
            // What is neither ends the adding up of floats.
            if !is_short(&item, vm) {
                total = vm._add(vm.ctx.new_float(sum.total()).as_object(), &item)?;
                floats = None;
                continue;
            }
            let whole = vm._add(vm.ctx.new_float(sum.high).as_object(), &item)?;
            sum.high = whole.try_float(vm)?.to_f64();
            continue;
        }
        let had_int = total.downcast_ref::<PyInt>().is_some();
        total = vm._add(&total, &item)?;
        if had_int {
            floats = Compensated::of(&total, vm);
        }
    }
    Ok(floats.map_or(total, |sum| vm.ctx.new_float(sum.total()).into()))
}

/// Is it a whole number that a machine adds at once?
fn is_short(item: &PyObjectRef, vm: &VirtualMachine) -> bool {
    item.downcast_ref::<PyInt>().is_some_and(|int| int.try_to_primitive::<i64>(vm).is_ok())
}

fn refuse_texts(start: &PyObjectRef, vm: &VirtualMachine) -> PyResult<()> {
    let (kind, join) = if start.downcast_ref::<PyStr>().is_some() {
        ("strings", "''")
    } else if start.downcast_ref::<PyBytes>().is_some() {
        ("bytes", "b''")
    } else if start.downcast_ref::<PyByteArray>().is_some() {
        ("bytearray", "b''")
    } else {
        return Ok(());
    };
    Err(vm.new_type_error(format!("sum() can't sum {kind} [use {join}.join(seq) instead]")))
}

/// A sum of floats, and what its additions lost.
#[derive(Debug, Clone, Copy)]
struct Compensated {
    high: f64,
    lost: f64,
}

impl Compensated {
    /// A sum that begins with a float; none where it is anything else.
    fn of(start: &PyObjectRef, vm: &VirtualMachine) -> Option<Self> {
        let start = start.downcast_ref_if_exact::<PyFloat>(vm)?;
        Some(Self { high: start.to_f64(), lost: 0.0 })
    }

    fn add(&mut self, value: f64) {
        let sum = self.high + value;
        let (larger, smaller) =
            if self.high.abs() >= value.abs() { (self.high, value) } else { (value, self.high) };
        self.lost += (larger - sum) + smaller;
        self.high = sum;
    }

    fn total(self) -> f64 {
        if self.lost != 0.0 && self.lost.is_finite() { self.high + self.lost } else { self.high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_value_is_rounded() {
        for (value, places, expected) in [
            (2.675, 2, 2.67),
            (1.115, 2, 1.11),
            (8.345, 2, 8.35),
            (0.15, 1, 0.1),
            (0.35, 1, 0.3),
            (0.125, 2, 0.12),
            (0.375, 2, 0.38),
            (-2.5, 0, -2.0),
            (1e16, 2, 1e16),
            (5e-324, 323, 0.0),
            (5e-324, 324, 5e-324),
            (123.456, -1, 120.0),
            (125.0, -1, 120.0),
            (135.0, -1, 140.0),
            (125.000_000_1, -1, 130.0),
            (995.0, -1, 1000.0),
            (999.9, -1, 1000.0),
            (50.0, -2, 0.0),
            (50.5, -2, 100.0),
            (49.9, -2, 0.0),
            (7.0, -2, 0.0),
            (-0.0, -400, -0.0),
            (f64::MAX, i64::MIN, 0.0),
            (f64::MAX, i64::MAX, f64::MAX),
            (-f64::INFINITY, -3, -f64::INFINITY),
        ] {
            let found = rounded(value, places).unwrap();
            assert_eq!(found.to_bits(), f64::to_bits(expected), "{value} {places}: {found}");
        }
        assert_eq!(rounded(f64::MAX, -308), None);
        assert!(rounded(f64::NAN, 2).unwrap().is_nan());
    }
}
