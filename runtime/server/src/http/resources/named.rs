//! Records as people name them: by key, or by the code that their key came of.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::record::RecordKey;
use truthsource_core::{Kind, Value, schema};

use crate::http::{Acting, ApiError};

/// Which records are meant.
pub(super) struct Keys {
    by_natural: BTreeMap<(Kind, String), Vec<String>>,
    known: BTreeSet<RecordKey>,
}

impl Keys {
    /// Looks up what is named, kind by kind.
    pub async fn look<const N: usize>(acting: &Acting, named: [(Kind, BTreeSet<String>); N]) -> Result<Self, ApiError> {
        let store = &acting.tenant.store;
        let mut keys = Self { by_natural: BTreeMap::new(), known: BTreeSet::new() };
        for (kind, named) in named {
            if named.is_empty() {
                continue;
            }
            let found = store.naturals(kind, &named.iter().filter_map(|it| natural(kind, it)).collect()).await?;
            keys.by_natural.extend(found.into_iter().map(|(natural, keys)| ((kind, natural), keys)));
            let states = store.states(&named.iter().map(|it| RecordKey::new(kind, it)).collect()).await?;
            keys.known.extend(states.into_iter().filter(|(_, it)| it.truth.version > 0).map(|(key, _)| key));
        }
        Ok(keys)
    }

    /// Puts the key where a code or a key stands.
    ///
    /// # Errors
    /// What is meant by nothing, or by several.
    pub fn put(&self, kind: Kind, named: &mut String) -> Result<(), String> {
        let by_code = natural(kind, named).and_then(|it| self.by_natural.get(&(kind, it)));
        match by_code.map(Vec::as_slice) {
            Some([one]) => named.clone_from(one),
            _ if self.known.contains(&RecordKey::new(kind, named.as_str())) => {}
            Some([]) | None => return Err(format!("there is no {kind} `{named}`")),
            Some(several) => return Err(format!("`{named}` may be any of {}: name its key", several.join(", "))),
        }
        Ok(())
    }
}

fn natural(kind: Kind, code: &str) -> Option<String> {
    schema::of(kind).natural_key(&[("code".to_owned(), Value::from(code))].into())
}
