//! Systems that ask an address whether their webhooks are wanted there.
//!
//! The answer only repeats what was asked, so it needs no proof; and only addresses whose system asks so answer at all.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Uri};

use super::book::{Endpoint, Handshake};
use super::single;
use crate::http::ApiError;

/// The longest question that is repeated, in bytes.
const ECHO_BYTES_MAX: usize = 1_024;

/// What is said to a handshake.
pub(crate) enum Echo {
    Text(String),
    Member(String, String),
}

/// What is said to a request, if it is a handshake as this endpoint's system makes them.
pub(crate) fn echo(endpoint: &Endpoint, uri: &Uri, headers: &HeaderMap) -> Option<Result<Echo, ApiError>> {
    match &endpoint.handshake {
        Handshake::None => None,
        Handshake::Query(parameter) => {
            let asked = parameter_of(uri, parameter)?;
            Some(checked(&asked).map(|it| Echo::Text(it.to_owned())))
        }
        Handshake::Header(header, member) => {
            let asked = single(headers, header)?;
            Some(checked(asked).map(|it| Echo::Member(member.clone(), it.to_owned())))
        }
    }
}

/// The answer to a handshake, if the request is one.
pub(super) fn answer(endpoint: &Endpoint, uri: &Uri, headers: &HeaderMap) -> Option<Result<Response, ApiError>> {
    let said = echo(endpoint, uri, headers)?;
    Some(said.map(|it| match it {
        // As text: axum says so, and that nobody is to take it for anything else.
        Echo::Text(text) => text.into_response(),
        Echo::Member(member, text) => Json(serde_json::Map::from_iter([(member, text.into())])).into_response(),
    }))
}

fn parameter_of(uri: &Uri, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(uri.query()?.as_bytes());
    let mut values = pairs.filter(|(it, _)| it == name).map(|(_, value)| value.into_owned());
    let (first, more) = (values.next()?, values.next());
    more.is_none().then_some(first)
}

fn checked(asked: &str) -> Result<&str, ApiError> {
    let is_plain = asked.bytes().all(|it| it.is_ascii_graphic() || it == b' ');
    if (1..=ECHO_BYTES_MAX).contains(&asked.len()) && is_plain {
        Ok(asked)
    } else {
        Err(ApiError::bad("invalid-handshake", "what is to be repeated is 1 to 1024 printable characters"))
    }
}

#[cfg(test)]
mod tests {
    use crate::plugins::{HookSecret, HookSecrets};
    use truthsource_core::record::ConnectionId;
    use truthsource_host::model;

    use super::*;

    fn endpoint(handshake: model::Handshake) -> Endpoint {
        let scheme = model::WebhookScheme {
            proof: model::Proof::BodySecret(vec!["secret".to_owned()]),
            handshake,
            id_header: String::new(),
            topic_header: String::new(),
            timestamp_header: String::new(),
        };
        let secrets = vec![HookSecret { secret: "hush".to_owned(), expires_at: None }];
        Endpoint::new(ConnectionId(1), &scheme, &HookSecrets { secrets }).unwrap()
    }

    /// The answer's body, or the refusal's status, if it is a handshake.
    async fn seen(endpoint: &Endpoint, uri: &str, headers: &HeaderMap) -> Option<Result<String, u16>> {
        let answer = answer(endpoint, &uri.parse().unwrap(), headers)?;
        Some(match answer {
            Ok(response) => {
                let bytes = axum::body::to_bytes(response.into_body(), 4_096).await.unwrap();
                Ok(String::from_utf8(bytes.to_vec()).unwrap())
            }
            Err(error) => Err(error.into_response().status().as_u16()),
        })
    }

    #[tokio::test]
    async fn a_parameter_is_repeated() {
        let endpoint = endpoint(model::Handshake::EchoQuery("validationToken".to_owned()));
        let check = async |uri: &str, expect: Option<Result<&str, u16>>| {
            let expect = expect.map(|it| it.map(str::to_owned));
            assert_eq!(seen(&endpoint, uri, &HeaderMap::new()).await, expect, "{uri:.80}");
        };
        check("/hooks/a/b?validationToken=4f-%20x&a=1", Some(Ok("4f- x"))).await;
        check("/hooks/a/b?validationtoken=4f", None).await;
        check("/hooks/a/b", None).await;
        check("/hooks/a/b?validationToken=1&validationToken=2", None).await;
        check("/hooks/a/b?validationToken=", Some(Err(400))).await;
        check("/hooks/a/b?validationToken=%0d%0a", Some(Err(400))).await;
        check(&format!("/hooks/a/b?validationToken={}", "x".repeat(1_025)), Some(Err(400))).await;
    }

    #[tokio::test]
    async fn a_header_is_repeated_as_json() {
        let echo = model::Handshake::EchoHeader { header: "x-token".to_owned(), member: "Challenge".to_owned() };
        let endpoint = endpoint(echo);
        let headers =
            |value: &'static str| HeaderMap::from_iter([("x-token".parse().unwrap(), value.parse().unwrap())]);
        let asked = seen(&endpoint, "/hooks/a/b", &headers(r#"7"}"#)).await;
        assert_eq!(asked, Some(Ok(r#"{"Challenge":"7\"}"}"#.to_owned())));
        assert_eq!(seen(&endpoint, "/hooks/a/b?x-token=1", &HeaderMap::new()).await, None);
    }
}
