//! What the SDK's arrays and vector databases compute natively: texts as vectors, and distances.
//!
//! Numbers are read, multiplied and added one after another in double precision, and results are
//! rounded once, so that they have the same bits on every machine.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter decides how native functions look"
)]

pub(super) use _vectors::module_def;

/// How far apart two vectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    /// One less the cosine of the angle between them; one for a vector without a direction.
    Cosine,
    /// The length of the way between them, squared.
    EuclideanSquared,
    /// The length of the way between them.
    Euclidean,
    /// The differences added up.
    Manhattan,
    /// The largest difference.
    Chebyshev,
}

impl Metric {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "cosine" => Self::Cosine,
            "euclidean_squared" => Self::EuclideanSquared,
            "euclidean" => Self::Euclidean,
            "manhattan" => Self::Manhattan,
            "chebyshev" => Self::Chebyshev,
            _ => return None,
        })
    }

    fn between(self, one: &[f64], other: &[f64]) -> f64 {
        let pairs = || one.iter().zip(other);
        let differences = || pairs().map(|(a, b)| a - b);
        match self {
            Self::Cosine => {
                let product =
                    |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
                // One root of both, so that a vector is at distance zero from itself.
                let lengths = (product(one, one) * product(other, other)).sqrt();
                if lengths == 0.0 { 1.0 } else { 1.0 - product(one, other) / lengths }
            }
            Self::EuclideanSquared => differences().map(|d| d * d).sum(),
            Self::Euclidean => differences().map(|d| d * d).sum::<f64>().sqrt(),
            Self::Manhattan => differences().map(f64::abs).sum(),
            Self::Chebyshev => differences().map(f64::abs).fold(0.0, f64::max),
        }
    }
}

/// The nearest number of single precision.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "rounded to what single precision can hold, as wanted"
)]
const fn single(value: f64) -> f32 {
    value as f32
}

/// The numbers that lie in these bytes, little-endian.
fn numbers(bytes: &[u8], is_single: bool) -> Vec<f64> {
    if is_single {
        let (numbers, _) = bytes.as_chunks::<4>();
        return numbers.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect();
    }
    let (numbers, _) = bytes.as_chunks::<8>();
    numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

/// The distances of vectors that lie one after another from one vector.
fn distances(metric: Metric, is_single: bool, keys: &[u8], vector: &[u8]) -> Vec<f64> {
    let key = numbers(vector, is_single);
    keys.chunks_exact(vector.len().max(1))
        .map(|other| metric.between(&numbers(other, is_single), &key))
        .map(|distance| if is_single { f64::from(single(distance)) } else { distance })
        .collect()
}

#[rustpython_vm::pymodule]
mod _vectors {
    use rustpython_vm as vm;
    use vm::builtins::PyStrRef;
    use vm::function::ArgBytesLike;
    use vm::{PyObjectRef, PyResult, VirtualMachine};

    use super::Metric;
    use crate::execution::embedding;

    /// A number rounded to single precision.
    #[pyfunction(name = "single")]
    fn single_(value: f64) -> f64 {
        f64::from(super::single(value))
    }

    /// The shortest decimal that means this number of single precision and no other one.
    #[pyfunction]
    fn shortest(value: f64) -> String {
        format!("{:e}", super::single(value))
    }

    /// The distances of packed vectors from another one.
    #[pyfunction(name = "distances")]
    fn distances_(
        metric: PyStrRef,
        is_single: bool,
        keys: ArgBytesLike,
        vector: ArgBytesLike,
        vm: &VirtualMachine,
    ) -> PyResult {
        let metric = Metric::named(&metric.to_string_lossy())
            .ok_or_else(|| vm.new_value_error("there is no such distance"))?;
        let distances =
            super::distances(metric, is_single, &keys.borrow_buf(), &vector.borrow_buf());
        let distances = distances.into_iter().map(|distance| vm.ctx.new_float(distance).into());
        Ok(vm.ctx.new_list(distances.collect()).into())
    }

    /// A text as 384 numbers of single precision.
    #[pyfunction]
    fn embed(text: PyStrRef, vm: &VirtualMachine) -> PyResult {
        let text = text.to_string_lossy();
        let vector = embedding::embed(&text).ok_or_else(|| {
            vm.new_value_error(format!(
                "the text has {} bytes: a vector is made of at most {}",
                text.len(),
                embedding::TEXT_BYTES_MAX
            ))
        })?;
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        let bytes: PyObjectRef = vm.ctx.new_bytes(bytes).into();
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    #[test]
    fn distances_are_those_of_the_book() {
        let keys = packed(&[3.0, 4.0, 0.0, 0.0, -4.0, 3.0, 0.1, 0.7]);
        let at = |name| {
            distances(Metric::named(name).unwrap(), true, &keys, &packed(&[3.0, 4.0]))
                .into_iter()
                .map(single)
                .collect::<Vec<_>>()
        };
        assert_eq!(at("euclidean")[..3], [0.0, 5.0, 50_f32.sqrt()]);
        assert_eq!(at("euclidean_squared")[..3], [0.0, 25.0, 50.0]);
        assert_eq!(at("manhattan")[..3], [0.0, 7.0, 8.0]);
        assert_eq!(at("chebyshev")[..3], [0.0, 4.0, 7.0]);
        assert_eq!(at("cosine")[..3], [0.0, 1.0, 1.0]);
        assert_eq!(Metric::named("other"), None);
    }

    #[test]
    fn a_vector_is_at_distance_zero_from_itself() {
        let vector = crate::execution::embedding::embed("anything at all").unwrap();
        let vector = packed(&vector);
        for name in ["cosine", "euclidean", "euclidean_squared", "manhattan", "chebyshev"] {
            let metric = Metric::named(name).unwrap();
            assert_eq!(distances(metric, true, &vector, &vector), [0.0], "{name}");
        }
    }
}
