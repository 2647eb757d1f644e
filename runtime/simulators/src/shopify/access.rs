//! Who may call: tokens, scopes, and the secrets webhooks are signed with.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use truthsource_core::UnixMs;

use super::settings::{App, Settings};
use super::throttle::Bucket;

/// The tokens that were issued, the secrets that were replaced, and the apps' cost points.
#[derive(Debug, Clone, Default)]
pub struct Access {
    issued: BTreeMap<String, Issued>,
    replaced: BTreeMap<String, (String, UnixMs)>,
    buckets: BTreeMap<String, Bucket>,
    count: u64,
}

#[derive(Debug, Clone)]
struct Issued {
    client_id: String,
    until: UnixMs,
}

/// A token of the client-credentials grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The token.
    pub token: String,
    /// What it may do, by commas.
    pub scope: String,
    /// How long, in seconds.
    pub expires_in: u64,
}

/// No token was issued: the app is not known, or the secret is not its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied;

impl Access {
    /// The app whose token this is; `None` if it is nobody's or too old.
    #[must_use]
    pub fn app<'a>(&self, settings: &'a Settings, now: UnixMs, token: &str) -> Option<&'a App> {
        let permanent = |it: &&App| it.token.as_deref().is_some_and(|it| is_same(it, token));
        if let Some(app) = settings.apps.iter().find(permanent) {
            return Some(app);
        }
        let issued = self.issued.get(token).filter(|it| now < it.until)?;
        settings.apps.iter().find(|it| it.client_id == issued.client_id)
    }

    /// Issues a token to an app that proves itself.
    ///
    /// # Errors
    /// When the app is not known or the secret is wrong.
    pub fn issue(&mut self, settings: &Settings, now: UnixMs, (id, secret): (&str, &str)) -> Result<Grant, Denied> {
        let app = settings.apps.iter().find(|it| it.client_id == id).ok_or(Denied)?;
        if !is_same(&app.client_secret, secret) {
            return Err(Denied);
        }
        self.count += 1;
        let hash = Sha256::digest(format!("token/{id}/{}", self.count).as_bytes());
        let token: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let token = format!("shpat_{token}");
        self.issued.retain(|_, it| now < it.until);
        // The last second is not promised: a token of 24 hours says 86,399.
        let until = now.plus((settings.token_s + 1) * 1000);
        self.issued.insert(token.clone(), Issued { client_id: id.to_owned(), until });
        Ok(Grant { token, scope: app.scopes.join(","), expires_in: settings.token_s })
    }

    /// Makes every issued token of an app worthless.
    pub fn revoke(&mut self, client_id: &str) {
        self.issued.retain(|_, it| it.client_id != client_id);
    }

    /// Makes every issued token worthless.
    pub fn revoke_all(&mut self) {
        self.issued.clear();
    }

    /// Remembers the secret that an app had until now.
    pub fn rotated(&mut self, now: UnixMs, client_id: &str, previous: String) {
        self.replaced.insert(client_id.to_owned(), (previous, now));
    }

    /// The secret that signs the `n`th announcement: for a while after a rotation every other one still carries the
    /// previous secret's signature.
    #[must_use]
    pub fn signing_secret(settings: &Settings, access: &Self, client_id: &str, (at, n): (UnixMs, u64)) -> String {
        if let Some((previous, since)) = access.replaced.get(client_id)
            && at.since(*since) < settings.secret_overlap_ms
            && n % 2 == 0
        {
            return previous.clone();
        }
        let app = settings.apps.iter().find(|it| it.client_id == client_id);
        app.map(|it| it.client_secret.clone()).unwrap_or_default()
    }

    /// An app's cost points.
    pub fn bucket(&mut self, settings: &Settings, now: UnixMs, client_id: &str) -> &mut Bucket {
        self.buckets.entry(client_id.to_owned()).or_insert_with(|| Bucket::full(now, settings))
    }
}

fn is_same(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}

/// Whether `scopes` allow what needs `needed`: writing includes reading.
#[must_use]
pub fn allows(scopes: &[String], needed: &str) -> bool {
    let writing = needed.strip_prefix("read_").map(|it| format!("write_{it}"));
    scopes.iter().any(|it| it == needed || Some(it) == writing.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lasts_a_day() {
        let settings = Settings::default();
        let mut access = Access::default();
        let app = &settings.apps[0];
        let grant = access.issue(&settings, UnixMs(0), (&app.client_id, &app.client_secret)).unwrap();
        assert!(grant.token.starts_with("shpat_") && grant.expires_in == 86_399);
        assert!(access.app(&settings, UnixMs(86_399_000), &grant.token).is_some());
        assert!(access.app(&settings, UnixMs(86_400_000), &grant.token).is_none());
        let other = access.issue(&settings, UnixMs(0), (&app.client_id, &app.client_secret)).unwrap();
        assert_ne!(grant.token, other.token);
        access.revoke(&app.client_id);
        assert!(access.app(&settings, UnixMs(1), &other.token).is_none());
        assert!(access.app(&settings, UnixMs(1), app.token.as_deref().unwrap()).is_some());
    }

    #[test]
    fn a_wrong_secret_gets_nothing() {
        let settings = Settings::default();
        let mut access = Access::default();
        assert_eq!(access.issue(&settings, UnixMs(0), ("truthsource", "wrong")), Err(Denied));
        assert_eq!(access.issue(&settings, UnixMs(0), ("nobody", "wrong")), Err(Denied));
    }

    #[test]
    fn both_secrets_sign_during_the_overlap() {
        let settings = Settings::default();
        let mut access = Access::default();
        access.rotated(UnixMs(1000), "truthsource", "old".into());
        let new = settings.apps[0].client_secret.clone();
        let secret = |at, n| Access::signing_secret(&settings, &access, "truthsource", (UnixMs(at), n));
        assert_eq!([secret(2000, 1), secret(2000, 2)], [new.clone(), "old".to_owned()]);
        assert_eq!(secret(1000 + settings.secret_overlap_ms, 2), new);
    }

    #[test]
    fn writing_includes_reading() {
        let scopes = ["write_products".to_owned()];
        assert!(allows(&scopes, "read_products") && allows(&scopes, "write_products"));
        assert!(!allows(&scopes, "read_inventory"));
    }
}
