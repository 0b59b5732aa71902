//! Which web pages may use the API.
//!
//! Browsers keep a page of another origin from reading an answer, but send its request all the same,
//! so on an open network any page that the user looks at could restore a snapshot or change a model.
//! What a page sends is therefore refused unless the page is one of ours or was named.

use actix_cors::Cors;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};

use super::Access;
use super::error::ApiError;
use super::limits::ApiSettings;

/// Origins of browser extensions: wallets ask for the user, and no page can call itself so.
const EXTENSIONS: [&str; 3] =
    ["chrome-extension://", "moz-extension://", "safari-web-extension://"];

/// What browsers are told.
pub(super) fn cors(settings: &ApiSettings) -> Cors {
    let cors = Cors::default()
        .allow_any_method()
        .allow_any_header()
        .expose_headers([header::LOCATION, header::RETRY_AFTER])
        .max_age(3_600);
    let cors = if matches!(settings.access, Access::Open) {
        cors.allowed_origin_fn(|origin, _| is_loopback(origin))
    } else {
        cors
    };
    settings.cors_origins.iter().fold(cors, |cors, origin| match origin.as_str() {
        "*" => cors.allow_any_origin(),
        origin => cors.allowed_origin(origin),
    })
}

/// Refuses what a page of somebody else's wants done. Where access is guarded, nothing that matters
/// is done without a key or a signature.
pub(super) fn admit(settings: &ApiSettings, request: &ServiceRequest) -> Result<(), ApiError> {
    let headers = request.headers();
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let only_reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method())
        && !headers.contains_key(header::UPGRADE);
    let text = origin.to_str().unwrap_or_default();
    if only_reads
        || settings.access.requires_signatures()
        || is_loopback(origin)
        || EXTENSIONS.iter().any(|extension| text.starts_with(extension))
        || settings.cors_origins.iter().any(|named| named == "*" || named == text)
        || is_own(text, headers.get(header::HOST))
    {
        return Ok(());
    }
    let message = format!("web pages of `{text}` may not use this network");
    Err(ApiError::new(StatusCode::FORBIDDEN, "origin_refused", message)
        .at("Origin")
        .valid("pages of this machine (localhost), and those named with --cors-origins"))
}

/// Does a page come from this machine? Those of the developer's own applications do, and no other
/// page can say so.
fn is_loopback(origin: &HeaderValue) -> bool {
    let host = origin.to_str().ok().and_then(host_of);
    host.is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"))
}

/// Is it a page of this server's own? Only by its number: a name can be made to lead here by whoever
/// owns it.
fn is_own(origin: &str, host: Option<&HeaderValue>) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let is_number = host_of(origin)
        .is_some_and(|host| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok());
    is_number && authority.is_some() && authority == host.and_then(|host| host.to_str().ok())
}

fn host_of(origin: &str) -> Option<&str> {
    let (_, authority) = origin.split_once("://")?;
    let port = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
    Some(port.map_or(authority, |(host, _)| host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_are_known_by_their_host() {
        let is = |origin: &'static str| is_loopback(&HeaderValue::from_static(origin));
        for own in ["http://localhost:8080", "http://127.0.0.1", "https://[::1]:3000"] {
            assert!(is(own), "{own}");
        }
        for foreign in ["https://localhost.example", "http://example.com:80", "null", "localhost"] {
            assert!(!is(foreign), "{foreign}");
        }
    }

    #[test]
    fn hosts_are_found_in_origins() {
        for (origin, host) in [
            ("http://localhost:8080", Some("localhost")),
            ("https://app.example", Some("app.example")),
            ("http://[::1]:3000", Some("[::1]")),
            ("http://[::1]", Some("[::1]")),
            ("null", None),
        ] {
            assert_eq!(host_of(origin), host, "{origin}");
        }
    }

    #[test]
    fn a_page_of_this_server_is_known_by_number_only() {
        let host = |text| Some(HeaderValue::from_static(text));
        assert!(is_own("http://192.0.2.5:4000", host("192.0.2.5:4000").as_ref()));
        assert!(!is_own("http://192.0.2.5:4000", host("192.0.2.6:4000").as_ref()));
        assert!(!is_own("http://rebound.example:4000", host("rebound.example:4000").as_ref()));
        assert!(!is_own("null", None));
    }
}
