//! Sessions: who is logged in, on which node, and for how long.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, json};
use truthsource_core::UnixMs;
use truthsource_core::draw::Draw;

use super::json::Json;
use super::problem::Problem;
use super::settings::{BadLogin, Settings};
use super::wire::{self, Style};
use crate::system::{Request, Response};

/// Someone who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Session {
    user: String,
    node: u32,
    last: UnixMs,
}

/// A login that was refused, with the reason that the caller was not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedLogin {
    /// When.
    pub at: UnixMs,
    /// Why.
    pub why: String,
}

/// Everyone who is logged in.
#[derive(Debug, Clone, Default)]
pub(super) struct Sessions {
    by_id: BTreeMap<String, Session>,
    refused: Vec<RefusedLogin>,
    logins: u64,
    routed: u32,
}

impl Sessions {
    /// Everybody has to log in again.
    pub(super) fn end(&mut self) {
        self.by_id.clear();
    }

    /// Answers a login.
    pub(super) fn log_in(
        &mut self,
        settings: &Settings,
        now: UnixMs,
        request: &Request,
        style: Style,
    ) -> Result<Response, Problem> {
        let members = Json::members(request.body())?;
        let given = |name| Json::text(&members, name).unwrap_or_default();
        let user = settings.users.iter().find(|it| it.name == given("UserName") && it.password == given("Password"));
        let why = match user {
            _ if given("CompanyDB") != settings.company => format!("there is no company `{}`", given("CompanyDB")),
            None => format!("user `{}` or the password is wrong", given("UserName")),
            Some(user) => return Ok(self.begin(settings, now, (&user.name, request), style)),
        };
        self.refused.push(RefusedLogin { at: now, why });
        Err(match settings.bad_login {
            BadLogin::Sld => Problem::new(401, -304, "Fail to get DB Credentials from SLD"),
            BadLogin::Installation => Problem::new(401, 100_000_027, "Login failed"),
        })
    }

    fn begin(&mut self, settings: &Settings, now: UnixMs, (user, request): (&str, &Request), style: Style) -> Response {
        self.logins += 1;
        let draw = Draw::new(now.0);
        let part = |n: u64| draw.number(&settings.company, self.logins * 2 + n);
        let (high, low) = (part(0), part(1));
        let id = format!(
            "{:08x}-{:04x}-11f1-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            0x8000 | (low >> 48 & 0x3fff),
            low & 0xffff_ffff_ffff
        );
        let node = self.route(settings, request);
        self.by_id.insert(id.clone(), Session { user: user.to_owned(), node, last: now });
        let mut body = Map::new();
        style.describe(&mut body, &wire::origin(request), "B1Sessions/$entity");
        body.insert("SessionId".to_owned(), json!(id));
        body.insert("Version".to_owned(), json!(settings.version));
        body.insert("SessionTimeout".to_owned(), json!(settings.session_timeout_min));
        let mut response = wire::json(200, Style::content_type(style.version), &body.into());
        // As they really are: the first has no path and ends in a semicolon.
        wire::set(&mut response, "set-cookie", &format!("B1SESSION={id};HttpOnly;"));
        wire::set(&mut response, "set-cookie", &format!("ROUTEID=.node{node}; path=/b1s"));
        response
    }

    /// The user of the session that a request is in; the session lives on from here.
    pub(super) fn user(&mut self, settings: &Settings, now: UnixMs, request: &Request) -> Result<String, Problem> {
        let node = self.route(settings, request);
        let id = cookie(request, "B1SESSION").ok_or_else(Problem::session)?;
        let session = self.by_id.get_mut(id).filter(|it| it.node == node).ok_or_else(Problem::session)?;
        if now.since(session.last) > settings.session_timeout_min * 60_000 {
            self.by_id.remove(id);
            return Err(Problem::session());
        }
        session.last = now;
        Ok(session.user.clone())
    }

    /// Ends the session that a request is in.
    pub(super) fn log_out(&mut self, request: &Request) {
        if let Some(id) = cookie(request, "B1SESSION") {
            self.by_id.remove(id);
        }
    }

    /// The node that the load balancer sends a request to: the one that its cookie names, else the next.
    fn route(&mut self, settings: &Settings, request: &Request) -> u32 {
        let nodes = settings.nodes.max(1);
        let asked = cookie(request, "ROUTEID").and_then(|it| it.strip_prefix(".node")?.parse().ok());
        asked.filter(|it| (1..=nodes).contains(it)).unwrap_or_else(|| {
            self.routed = self.routed % nodes + 1;
            self.routed
        })
    }

    /// Ends every session, as a restart of the server does.
    pub(super) fn end_all(&mut self) {
        self.by_id.clear();
    }

    pub(super) fn refused(&self) -> &[RefusedLogin] {
        &self.refused
    }
}

fn cookie<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let headers = request.headers().get_all("cookie").iter().filter_map(|it| it.to_str().ok());
    let mut pairs = headers.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(it, _)| *it == name).map(|(_, value)| value)
}
