//! The directory's token endpoint (client credentials), and what a bearer token is worth afterwards.
//!
//! Both forms are served: v2 (`/{tenant}/oauth2/v2.0/token`, takes a `scope`) and v1 (`/{tenant}/oauth2/token`, takes
//! a `resource` and answers its lifetime as text). The wording of refusals is from memory; its codes are Microsoft's.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use truthsource_core::UnixMs;

use super::guid::Guid;
use super::moment;
use crate::system::{self, Request, Response};

/// An application in the directory, and what its tokens are like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// The directory's GUID.
    pub tenant: String,
    /// The directory's domain: a second name of it in token URLs.
    #[serde(default = "domain")]
    pub domain: String,
    /// The application's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// How long a token lives, in seconds.
    #[serde(default = "hour")]
    pub token_life_s: u64,
}

fn domain() -> String {
    "contoso.onmicrosoft.com".to_owned()
}

fn hour() -> u64 {
    3_599
}

impl Default for Application {
    fn default() -> Self {
        Self {
            tenant: "8cc4b1a1-1f6c-4a17-9d0a-2f7e6f4b9c35".to_owned(),
            domain: domain(),
            client_id: "11112222-bbbb-3333-cccc-4444dddd5555".to_owned(),
            client_secret: "simulated-client-secret".to_owned(),
            token_life_s: hour(),
        }
    }
}

/// Tokens that were given out.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens {
    until: BTreeMap<String, UnixMs>,
    given: u64,
}

/// Why a token is not given.
struct Denied {
    status: u16,
    error: &'static str,
    code: u32,
    text: String,
}

impl Denied {
    fn new(status: u16, error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self { status, error, code, text: text.into() }
    }
}

/// Which of the two endpoints was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    V1,
    V2,
}

/// The directory and the form of a token URL's path; `None` for any other path.
fn endpoint(path: &str) -> Option<(&str, Form)> {
    let path = path.strip_prefix('/')?;
    let v2 = path.strip_suffix("/oauth2/v2.0/token").map(|it| (it, Form::V2));
    v2.or_else(|| path.strip_suffix("/oauth2/token").map(|it| (it, Form::V1))).filter(|(it, _)| !it.contains('/'))
}

/// Whether a directory goes by this name: its id or its domain, in any case.
fn is_directory(application: &Application, name: &str) -> bool {
    [&application.tenant, &application.domain].iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// Answers what libraries ask before they ask for a token: which directory there is, and where it gives tokens.
fn discovery(application: &Application, request: &Request) -> Option<Response> {
    let (path, origin) = (request.uri().path(), super::wire::origin(request));
    let of = |tenant: &str| format!("{origin}/{tenant}/v2.0/.well-known/openid-configuration");
    if path == "/common/discovery/instance" {
        let host = request.uri().authority().map_or("localhost", |it| it.as_str());
        let known = json!([{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }]);
        let endpoint = of(&application.tenant);
        let body = json!({ "tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": known });
        return Some(system::json(200, "application/json; charset=utf-8", &body));
    }
    let tenant = path.strip_prefix('/')?.strip_suffix("/v2.0/.well-known/openid-configuration")?;
    if !is_directory(application, tenant) {
        let body = json!({ "error": "invalid_tenant", "error_description": format!("AADSTS90002: Tenant '{tenant}' not found.") });
        return Some(system::json(400, "application/json; charset=utf-8", &body));
    }
    let body = json!({
        "token_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/token"),
        "authorization_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/authorize"),
        "issuer": format!("{origin}/{}/v2.0", application.tenant),
        "jwks_uri": format!("{origin}/{tenant}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "response_types_supported": ["code"], "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    Some(system::json(200, "application/json; charset=utf-8", &body))
}

impl Tokens {
    /// Answers the token endpoint and what leads to it; `None` for another path. Tokens are good for `resource`,
    /// `https://host` without a slash, which a caller may also spell as the address it came to.
    pub(super) fn answer(
        &mut self,
        application: &Application,
        resource: &str,
        now: UnixMs,
        request: &Request,
    ) -> Option<Response> {
        if let Some(told) = discovery(application, request) {
            return Some(told);
        }
        let (tenant, form) = endpoint(request.uri().path())?;
        Some(match check(application, (tenant, form), resource, request) {
            Ok(()) => self.give(application, form, resource, now),
            Err(denied) => refusal(&denied, now, self.given),
        })
    }

    fn give(&mut self, application: &Application, form: Form, resource: &str, now: UnixMs) -> Response {
        self.given += 1;
        let life_s = application.token_life_s;
        let claims = json!({ "aud": resource, "appid": application.client_id, "uti": self.given });
        let signature = Guid::drawn("token", self.given).to_string();
        let parts = [r#"{"typ":"JWT","alg":"RS256"}"#.to_owned(), claims.to_string(), signature];
        let token = parts.map(|it| URL_SAFE_NO_PAD.encode(it)).join(".");
        self.until.insert(token.clone(), now.plus(life_s * 1_000));
        let body = match form {
            Form::V2 => json!({
                "token_type": "Bearer", "expires_in": life_s, "ext_expires_in": life_s, "access_token": token,
            }),
            Form::V1 => json!({
                "token_type": "Bearer", "expires_in": life_s.to_string(), "ext_expires_in": life_s.to_string(),
                "expires_on": (now.0 / 1_000 + life_s).to_string(), "not_before": (now.0 / 1_000).to_string(),
                "resource": resource, "access_token": token,
            }),
        };
        system::json(200, "application/json; charset=utf-8", &body)
    }

    /// The request is for the token endpoint.
    pub(super) fn are_asked(request: &Request) -> bool {
        endpoint(request.uri().path()).is_some()
    }

    /// The request carries a token that holds at `now`.
    pub(super) fn admits(&self, now: UnixMs, request: &Request) -> bool {
        let header = request.headers().get(http::header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let token = header.and_then(|it| it.strip_prefix("Bearer ").or_else(|| it.strip_prefix("bearer ")));
        token.and_then(|it| self.until.get(it.trim())).is_some_and(|until| now < *until)
    }

    /// Ends every token.
    pub(super) fn revoke(&mut self) {
        self.until.clear();
    }
}

fn check(
    application: &Application,
    (tenant, form): (&str, Form),
    resource: &str,
    request: &Request,
) -> Result<(), Denied> {
    let invalid = |code: u32, text: String| Denied::new(400, "invalid_request", code, text);
    if request.method() != http::Method::POST {
        return Err(invalid(900561, "The endpoint only accepts POST requests. Received a GET request.".to_owned()));
    }
    if !is_directory(application, tenant) {
        return Err(invalid(
            90002,
            format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."),
        ));
    }
    let fields: BTreeMap<String, String> = url::form_urlencoded::parse(request.body()).into_owned().collect();
    let field = |name: &str| {
        let missing = || invalid(900144, format!("The request body must contain the following parameter: '{name}'."));
        fields.get(name).filter(|it| !it.is_empty()).map(String::as_str).ok_or_else(missing)
    };
    if field("grant_type")? != "client_credentials" {
        let text = "The app requested an unsupported grant type.";
        return Err(Denied::new(400, "unsupported_grant_type", 70003, text));
    }
    let (id, secret) = match basic(request) {
        Some(pair) => pair,
        None => (field("client_id")?.to_owned(), field("client_secret").unwrap_or_default().to_owned()),
    };
    if !id.eq_ignore_ascii_case(&application.client_id) {
        let text = format!("Application with identifier '{id}' was not found in the directory '{tenant}'.");
        return Err(Denied::new(400, "unauthorized_client", 700016, text));
    }
    let is_right: bool = secret.as_bytes().ct_eq(application.client_secret.as_bytes()).into();
    if !is_right {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{id}'."
        );
        return Err(Denied::new(401, "invalid_client", 7000215, text));
    }
    let wanted = match form {
        Form::V2 => resource_of_scope(field("scope")?)?,
        Form::V1 => field("resource")?,
    };
    let wanted = wanted.trim_end_matches('/');
    if wanted != resource && wanted != super::wire::origin(request) {
        let text = format!("The resource principal named {wanted} was not found in the tenant named {tenant}.");
        return Err(Denied::new(400, "invalid_resource", 500011, text));
    }
    Ok(())
}

/// The resource of a `…/.default` scope.
fn resource_of_scope(scope: &str) -> Result<&str, Denied> {
    scope.strip_suffix("/.default").ok_or_else(|| {
        let text = format!("The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).");
        Denied::new(400, "invalid_scope", 1002012, text)
    })
}

/// Id and secret from HTTP Basic authentication, if the caller prefers that.
fn basic(request: &Request) -> Option<(String, String)> {
    let header = request.headers().get(http::header::AUTHORIZATION)?.to_str().ok()?;
    let text = String::from_utf8(STANDARD.decode(header.strip_prefix("Basic ")?).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |it: &str| super::wire::percent_decoded(it).unwrap_or_else(|| it.to_owned());
    Some((decoded(id), decoded(secret)))
}

fn refusal(denied: &Denied, now: UnixMs, n: u64) -> Response {
    let (trace, correlation) = (Guid::drawn("trace", n), Guid::drawn("correlation", n));
    let timestamp = moment::second(now).replace('T', " ");
    let body = json!({
        "error": denied.error,
        "error_description": format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}", denied.code, denied.text
        ),
        "error_codes": [denied.code],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={}", denied.code),
    });
    system::json(denied.status, "application/json; charset=utf-8", &body)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::Value;

    use super::*;

    const NOW: UnixMs = UnixMs(1_782_907_230_000);
    const RESOURCE: &str = "https://api.businesscentral.dynamics.com";

    fn ask(path: &str, fields: &[(&str, &str)]) -> (u16, Value, Tokens) {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = http::Request::post(format!("http://127.0.0.1:9{path}")).body(Bytes::from(form)).unwrap();
        let mut tokens = Tokens::default();
        let response = tokens.answer(&Application::default(), RESOURCE, NOW, &request).unwrap();
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap(), tokens)
    }

    fn fields<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut all = vec![
            ("grant_type", "client_credentials"),
            ("client_id", "11112222-bbbb-3333-cccc-4444dddd5555"),
            ("client_secret", "simulated-client-secret"),
            ("scope", "https://api.businesscentral.dynamics.com/.default"),
        ];
        all.retain(|(it, _)| *it != name);
        all.push((name, value));
        all
    }

    #[test]
    fn a_token_holds_until_it_ends_in_both_forms() {
        let tenant = Application::default().tenant;
        let v2 = ask(&format!("/{tenant}/oauth2/v2.0/token"), &fields("client_info", "1"));
        let v1 = ask("/contoso.onmicrosoft.com/oauth2/token", &fields("resource", &format!("{RESOURCE}/")));
        assert_eq!((v2.0, &v2.1["expires_in"]), (200, &json!(3599)));
        assert_eq!((v1.0, &v1.1["expires_in"], &v1.1["expires_on"]), (200, &json!("3599"), &json!("1782910829")));
        for (_, body, mut tokens) in [v1, v2] {
            let header = format!("Bearer {}", body["access_token"].as_str().unwrap());
            let request = http::Request::get("/").header("authorization", header).body(Bytes::new()).unwrap();
            assert!(tokens.admits(NOW.plus(3_598_999), &request) && !tokens.admits(NOW.plus(3_599_000), &request));
            tokens.revoke();
            assert!(!tokens.admits(NOW, &request));
        }
    }

    #[test]
    fn libraries_find_out_where_tokens_are_given() {
        let instance = ask("/common/discovery/instance", &[]).1;
        let endpoint =
            instance["tenant_discovery_endpoint"].as_str().unwrap().strip_prefix("http://127.0.0.1:9").unwrap();
        let told = ask(endpoint, &[]).1;
        let place = told["token_endpoint"].as_str().unwrap().strip_prefix("http://127.0.0.1:9").unwrap();
        assert_eq!(
            ask(&place.to_uppercase().replace("OAUTH2/V2.0/TOKEN", "oauth2/v2.0/token"), &fields("x", "1")).0,
            200
        );
        assert_eq!(ask("/none/v2.0/.well-known/openid-configuration", &[]).0, 400);
    }

    #[test]
    fn a_refusal_carries_the_directorys_code() {
        let path = format!("/{}/oauth2/v2.0/token", Application::default().tenant);
        let check = |name: &str, value: &str, expect: (u16, &str, u32)| {
            let (status, body, _) = ask(&path, &fields(name, value));
            assert_eq!(
                (status, body["error"].as_str().unwrap(), &body["error_codes"][0]),
                (expect.0, expect.1, &json!(expect.2))
            );
            assert!(body["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{}: ", expect.2)));
        };
        check("client_secret", "wrong", (401, "invalid_client", 7000215));
        check("client_id", "7f000000-0000-0000-0000-000000000000", (400, "unauthorized_client", 700016));
        check("client_id", "", (400, "invalid_request", 900144));
        check("grant_type", "password", (400, "unsupported_grant_type", 70003));
        check("scope", RESOURCE, (400, "invalid_scope", 1002012));
        check("scope", "https://graph.microsoft.com/.default", (400, "invalid_resource", 500011));
        let other = ask("/nobody.example/oauth2/v2.0/token", &fields("client_info", "1"));
        assert_eq!((other.0, &other.1["error_codes"][0]), (400, &json!(90002)));
    }
}
