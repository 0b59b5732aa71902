//! JSON Schema, as far as prompts use it.

use serde_json::Value;

use super::alternatives;
use super::shape::Shape;

/// The shape that a schema describes, if the value is one of an object.
pub(super) fn read(value: &Value) -> Option<Shape> {
    if let Some(inner) = value.get("schema").or_else(|| value.pointer("/json_schema/schema")) {
        return read(inner);
    }
    value.get("properties").filter(|properties| properties.is_object())?;
    Some(shape("", value))
}

fn shape(name: &str, schema: &Value) -> Shape {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Shape::Choice(values.clone());
    }
    if let Some(value) = schema.get("const") {
        return Shape::Choice(vec![value.clone()]);
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().find_map(Value::as_str).unwrap_or_default(),
        Some(Value::String(kind)) => kind,
        _ => "",
    };
    let said = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let range = match (bound("minimum"), bound("maximum")) {
        (Some(from), Some(to)) => Some((from, to)),
        (Some(from), None) => Some((from, from + 100.0)),
        (None, Some(to)) => Some((0.0_f64.min(to), to)),
        (None, None) => alternatives::range(said).map(|(from, to, _)| (from, to)),
    };
    match kind {
        "object" | "" => {
            let fields = schema.get("properties").and_then(Value::as_object);
            let fields = fields.into_iter().flatten();
            Shape::Object(fields.map(|(name, field)| (name.clone(), shape(name, field))).collect())
        }
        "array" => {
            let item = schema.get("items").map(|items| shape(name, items));
            Shape::List(Box::new(item.unwrap_or_else(|| Shape::Text(name.to_owned()))))
        }
        "integer" => {
            range.map_or(Shape::ANY_INTEGER, |(from, to)| super::hint::bounded(from, to, false))
        }
        "number" => range.map_or(Shape::ANY_DECIMAL, |(from, to)| Shape::Decimal(from, to)),
        "boolean" => Shape::Boolean,
        "null" => Shape::Null,
        _ => Shape::Text(format!("{name} {said}")),
    }
}
