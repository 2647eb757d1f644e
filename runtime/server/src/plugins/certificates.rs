//! Certificates of a tenant's components, by the component's digest: they are for its bytes, whatever slot these fill.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use truthsource_core::UnixMs;

use super::stored;
use crate::app::{Refusal, TenantHandle};
use crate::certificate::{Certificate, Refused};
use crate::engine::trust::Word;
use crate::store::control::TenantId;
use crate::store::{Batch, Change};

type Known = BTreeMap<(TenantId, String), Arc<Vec<Certificate>>>;

/// What is kept of them in memory.
#[derive(Default)]
pub(super) struct Certificates {
    known: RwLock<Known>,
    /// Held while one is added to those that there are.
    adding: tokio::sync::Mutex<()>,
}

impl Certificates {
    /// All of a component, one for each system that it was tried against.
    ///
    /// # Errors
    /// When the store does not say.
    pub async fn of(&self, tenant: &TenantHandle, digest: &str) -> Result<Arc<Vec<Certificate>>, Refusal> {
        let key = (tenant.tenant.id, digest.to_owned());
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let kept = tenant.store.setting(&name(digest)).await.map_err(|error| stored(&error))?;
        // What another version of the server kept may mean something else now.
        let certificates = kept.and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        Ok(known.entry(key).or_insert_with(|| Arc::new(certificates)).clone())
    }

    /// Forgets a tenant.
    pub fn erase(&self, tenant: TenantId) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).retain(|(whose, _), _| *whose != tenant);
    }

    /// Keeps a certificate of a component, in the place of the one for the same system.
    ///
    /// # Errors
    /// When it is none, or another component's.
    pub async fn keep(
        &self,
        tenant: &TenantHandle,
        (digest, bytes): (&str, &[u8]),
        now: UnixMs,
    ) -> Result<Certificate, Refusal> {
        let certificate = Certificate::read(bytes, digest).map_err(|it| refused(&it))?;
        let _turn = self.adding.lock().await;
        let mut all = Vec::clone(&*self.of(tenant, digest).await?);
        all.retain(|it| it.against != certificate.against);
        all.push(certificate.clone());
        let mut batch = Batch::new(now);
        let value = serde_json::to_value(&all).unwrap_or_default();
        batch.changes.push(Change::Setting { name: name(digest), value });
        tenant.store.commit(batch).await.map_err(|error| stored(&error))?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert((tenant.tenant.id, digest.to_owned()), Arc::new(all));
        Ok(certificate)
    }

    /// Whose word there is for what a component declares.
    ///
    /// # Errors
    /// When the store does not say.
    pub async fn word(&self, tenant: &TenantHandle, digest: &str, is_believed: bool) -> Result<Word, Refusal> {
        let certificates = self.of(tenant, digest).await?;
        Ok(if certificates.is_empty() && is_believed { Word::Declared } else { Word::Certified(certificates) })
    }
}

fn name(digest: &str) -> String {
    format!("certificates/{digest}")
}

fn refused(refused: &Refused) -> Refusal {
    Refusal { code: refused.code().to_owned(), message: refused.to_string(), status: 422 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::tests::certificate;
    use crate::store::control::ControlStore as _;

    #[tokio::test]
    async fn a_certificate_is_kept_with_its_component_and_with_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let stores = crate::store::open(dir.path()).await.unwrap();
        let tenant = stores.add_tenant("acme", UnixMs(1)).await.unwrap();
        let store = stores.open(tenant.id).await.unwrap();
        let tenant = TenantHandle::new(tenant, store);
        let written = certificate();
        let bytes = serde_json::to_vec(&written).unwrap();
        let certificates = Certificates::default();
        assert!(matches!(certificates.word(&tenant, &written.digest, true).await, Ok(Word::Declared)));
        let doubted = certificates.word(&tenant, &written.digest, false).await.unwrap();
        assert!(matches!(doubted, Word::Certified(it) if it.is_empty()));
        for (digest, bytes, code) in [
            ("other", &bytes[..], "other-component"),
            (&*written.digest, &bytes[..bytes.len() - 1], "no-certificate"),
            (
                &*written.digest,
                String::from_utf8(bytes.clone()).unwrap().replace("refuted", "proved").as_bytes(),
                "certificate-broken",
            ),
        ] {
            let kept = certificates.keep(&tenant, (digest, bytes), UnixMs(2)).await;
            assert_eq!(kept.map_err(|it| it.code), Err(code.to_owned()));
        }
        for _ in 0..2 {
            certificates.keep(&tenant, (&written.digest, &bytes), UnixMs(3)).await.unwrap();
        }
        // Another process finds it, once.
        let again = Certificates::default().of(&tenant, &written.digest).await.unwrap();
        assert_eq!(*again, [written]);
    }
}
