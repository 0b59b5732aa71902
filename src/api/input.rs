//! Reading bodies and queries field by field, so that every refusal names the field.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

use super::error::ApiError;
use super::server::Api;
use crate::domain::{Address, Amount};

/// What addresses look like, for error messages.
pub(super) const ADDRESS: &str = "`0x` and 40 hexadecimal digits, not all zero";
/// What amounts look like, for error messages.
pub(super) const AMOUNT: &str =
    "an integer from 0 to 2^256 - 1, as a number up to 2^64 - 1, a decimal string or a `0x` string";

/// Levels of nesting, at most: one less than the parser takes, so that this limit comes first.
const DEPTH_MAX: usize = 126;

/// The fields of a body or a query. Each is taken by name; whatever is left is unknown.
#[derive(Debug)]
pub(super) struct Fields {
    values: Map<String, Json>,
    known: Vec<&'static str>,
    is_query: bool,
}

/// The beginning of a value, for error messages.
fn shown(value: &Json) -> String {
    let text = match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A refusal of `value`.
pub(super) fn invalid(field: &str, value: &Json, valid: &str) -> ApiError {
    ApiError::invalid(field, format!("`{}` is not valid for `{field}`", shown(value)), valid)
}

impl Fields {
    /// The fields of the query string; a parameter that comes twice is refused.
    pub(super) fn of_query(request: &HttpRequest) -> Result<Self, ApiError> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
        let pairs = pairs.map_err(|error| {
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", error.to_string())
        })?;
        let mut values = Map::new();
        for (name, value) in pairs.into_inner() {
            if values.insert(name.clone(), Json::String(value)).is_some() {
                let message = format!("the parameter `{name}` appears twice");
                return Err(ApiError::invalid(name, message, "one value"));
            }
        }
        Ok(Self { values, known: Vec::new(), is_query: true })
    }

    /// All of them, as they are.
    pub(super) fn into_values(self) -> Map<String, Json> {
        self.values
    }

    /// Is the field there, even as null?
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Takes a field; null counts as absent.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Json> {
        self.known.push(name);
        self.values.shift_remove(name).filter(|value| !value.is_null())
    }

    /// Refuses fields that are there but do not belong to this kind of request.
    pub(super) fn refuse(&mut self, names: &[&'static str], why: &str) -> Result<(), ApiError> {
        match names.iter().find(|name| self.has(name)) {
            Some(name) => Err(ApiError::unexpected(name, why)),
            None => Ok(()),
        }
    }

    /// Refuses whatever was not taken.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        let Some(unknown) = self.values.keys().next() else { return Ok(()) };
        let kind = if self.is_query { "parameter" } else { "field" };
        let message = format!("the {kind} `{}` is unknown", shown(&Json::from(unknown.as_str())));
        let valid = if self.known.is_empty() { "none".into() } else { self.known.join(", ") };
        Err(ApiError::new(StatusCode::BAD_REQUEST, "unknown_field", message)
            .at(unknown.as_str())
            .valid(valid))
    }

    /// A field whose text names a value.
    pub(super) fn parsed<T>(
        &mut self,
        name: &'static str,
        valid: &str,
    ) -> Result<Option<T>, ApiError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| invalid(name, &value, valid))?;
        let parsed = text
            .parse()
            .map_err(|error: T::Err| ApiError::invalid(name, error.to_string(), valid))?;
        Ok(Some(parsed))
    }

    /// An address that may own something.
    pub(super) fn address(&mut self, name: &'static str) -> Result<Option<Address>, ApiError> {
        let address: Option<Address> = self.parsed(name, ADDRESS)?;
        if address == Some(Address::ZERO) {
            let message = "the zero address owns nothing; leave it out, or send null, for nobody";
            return Err(ApiError::invalid(name, message, ADDRESS));
        }
        Ok(address)
    }

    /// An amount of money.
    pub(super) fn amount(&mut self, name: &'static str) -> Result<Option<Amount>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let amount = match &value {
            Json::String(text) => text.parse().ok(),
            Json::Number(number) => number.as_u64().map(Amount::from),
            _ => None,
        };
        amount.map(Some).ok_or_else(|| invalid(name, &value, AMOUNT))
    }

    /// An integer within bounds.
    pub(super) fn integer(
        &mut self,
        name: &'static str,
        bounds: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = match &value {
            Json::String(text) if self.is_query => plain_integer(text),
            Json::Number(number) => number.as_u64(),
            _ => None,
        };
        let valid = format!("an integer from {} to {}", bounds.start(), bounds.end());
        let number = number.filter(|number| bounds.contains(number));
        number.map(Some).ok_or_else(|| invalid(name, &value, &valid))
    }

    /// A text of limited length.
    pub(super) fn text(
        &mut self,
        name: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<Option<String>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let valid = format!("a string of {} to {} bytes", bytes.start(), bytes.end());
        match value {
            Json::String(text) if bytes.contains(&text.len()) => Ok(Some(text)),
            other => Err(invalid(name, &other, &valid)),
        }
    }

    /// An array.
    pub(super) fn array(&mut self, name: &'static str) -> Result<Option<Vec<Json>>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Array(items)) => Ok(Some(items)),
            Some(other) => Err(invalid(name, &other, "an array")),
        }
    }

    /// An object.
    pub(super) fn object(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Map<String, Json>>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Object(entries)) => Ok(Some(entries)),
            Some(other) => Err(invalid(name, &other, "an object")),
        }
    }
}

/// Decimal digits only; the standard library would take a sign as well.
pub(super) fn plain_integer(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

/// A request's JSON body, read within its limits: an object.
#[derive(Debug)]
pub(super) struct Body(pub(super) Fields);

impl FromRequest for Body {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let api = request.app_data::<web::Data<Api>>().cloned().ok_or_else(|| {
                ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR, request.path())
            })?;
            check_media_type(&request)?;
            let bytes = body_within_limits(&api, &request, payload).await?;
            match read_json(&bytes, api.settings.json_depth_max)? {
                Json::Object(values) => {
                    Ok(Self(Fields { values, known: Vec::new(), is_query: false }))
                }
                other => {
                    let message = format!("the body is `{}`", shown(&other));
                    Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_body", message)
                        .valid("a JSON object"))
                }
            }
        })
    }
}

fn check_media_type(request: &HttpRequest) -> Result<(), ApiError> {
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let refuse = |field: &str, given: &str, valid: &str| {
        let message = format!("the body cannot be read as `{}`", shown(&Json::from(given)));
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
            .at(field)
            .valid(valid)
    };
    let given = text(header::CONTENT_TYPE).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(refuse("Content-Type", given, "application/json"));
    }
    match text(header::CONTENT_ENCODING) {
        None | Some("identity") => Ok(()),
        Some(other) => Err(refuse("Content-Encoding", other, "identity")),
    }
}

/// A request's body, if it is small enough and arrives in time.
pub(super) async fn body_within_limits(
    api: &Api,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Vec<u8>, ApiError> {
    let read = read_body(request, payload, api.settings.body_bytes_max);
    let bytes = tokio::time::timeout(api.settings.body_timeout, read).await;
    bytes.map_err(|elapsed| {
        let message = format!("the body did not arrive in time: {elapsed}");
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
    })?
}

async fn read_body(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<Vec<u8>, ApiError> {
    let too_large = || {
        let message = format!("the body is larger than {limit} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
            .valid(format!("at most {limit} bytes"))
    };
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0));
    let mut payload = payload;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            let message = format!("the body could not be read: {error}");
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_body", message)
        })?;
        if bytes.len().saturating_add(chunk.len()) > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Parses JSON strictly: limited depth, no key twice; errors name the field they are in.
pub(super) fn read_json(bytes: &[u8], depth_max: usize) -> Result<Json, ApiError> {
    let place = Place {
        path: RefCell::new(Vec::new()),
        depth_max: depth_max.min(DEPTH_MAX),
        is_too_deep: Cell::new(false),
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { place: &place }.deserialize(&mut reader);
    value.and_then(|value| reader.end().map(|()| value)).map_err(|error| {
        let path = place.path.borrow();
        if place.is_too_deep.get() {
            let message = format!("the body is nested deeper than {} levels", place.depth_max);
            let error = ApiError::new(StatusCode::BAD_REQUEST, "json_too_deep", message);
            return match path.first() {
                Some(field) => error.at(field.trim_matches('.')),
                None => error,
            };
        }
        let message = format!("the body is not JSON: {error}");
        let error = ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", message);
        if path.is_empty() { error } else { error.at(path.concat().trim_start_matches('.')) }
    })
}

/// Where the reader is, so that an error can say so.
struct Place {
    path: RefCell<Vec<String>>,
    depth_max: usize,
    is_too_deep: Cell<bool>,
}

impl Place {
    /// Reads something one level down; on an error the path stays as it is.
    fn step<T, E>(&self, name: String, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.path.borrow_mut().push(name);
        let value = read()?;
        self.path.borrow_mut().pop();
        Ok(value)
    }

    fn check_depth<E: serde::de::Error>(&self) -> Result<(), E> {
        let is_too_deep = self.path.borrow().len() >= self.depth_max;
        self.is_too_deep.set(is_too_deep);
        if is_too_deep { Err(E::custom("nested too deep")) } else { Ok(()) }
    }
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    place: &'a Place,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        let number = Number::from_f64(value).map(Json::Number);
        number.ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        self.place.check_depth()?;
        let mut array = Vec::new();
        loop {
            let name = format!("[{}]", array.len());
            match self.place.step(name, || items.next_element_seed(self))? {
                Some(item) => array.push(item),
                None => return Ok(Json::Array(array)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        self.place.check_depth()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let name = format!(".{key}");
            let value = self.place.step(name, || {
                if object.contains_key(&key) {
                    return Err(A::Error::custom(format_args!("the key `{key}` appears twice")));
                }
                entries.next_value_seed(self)
            })?;
            object.insert(key, value);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Json {
        use actix_web::ResponseError;
        let error = read_json(text.as_bytes(), 8).unwrap_err();
        let body = error.error_response().into_body();
        let bytes = actix_web::body::MessageBody::try_into_bytes(body).unwrap();
        serde_json::from_slice::<Json>(&bytes).unwrap()["error"].clone()
    }

    #[test]
    fn errors_name_the_field_they_are_in() {
        for (text, code, field) in [
            (r#"{"value": NaN}"#, "invalid_json", Json::from("value")),
            (r#"{"value": 1e400}"#, "invalid_json", Json::from("value")),
            (r#"{"args": [1, {"a": Infinity}]}"#, "invalid_json", Json::from("args[1].a")),
            (r#"{"a": 1, "a": 1}"#, "invalid_json", Json::from("a")),
            (r#"{"a": [[[[[[[[1]]]]]]]]}"#, "json_too_deep", Json::from("a")),
            ("", "invalid_json", Json::Null),
            ("{} x", "invalid_json", Json::Null),
        ] {
            let refusal = refusal(text);
            assert_eq!(refusal["code"], code, "{text}: {refusal}");
            assert_eq!(refusal["field"], field, "{text}: {refusal}");
        }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let text = r#"{"b":[1,-2,2.5,"x",null,true,{}],"a":18446744073709551615}"#;
        assert_eq!(read_json(text.as_bytes(), 8).unwrap().to_string(), text);
    }
}
