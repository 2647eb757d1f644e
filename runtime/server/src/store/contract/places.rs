//! Where each implementation keeps its stores in these tests.

use super::*;
use crate::store::model::ModelStores;
use crate::store::sqlite::SqliteStores;

/// In memory.
pub struct Model(ModelStores);

#[async_trait]
impl Place for Model {
    async fn start() -> Self {
        Self(ModelStores::new())
    }

    fn control(&self) -> Arc<dyn ControlStore> {
        Arc::new(self.0.clone())
    }

    async fn open(&self, tenant: TenantId) -> Arc<dyn Inspect> {
        Arc::new(self.0.tenant_store(tenant).unwrap())
    }

    async fn restart(self) -> Self {
        Self(self.0.restart())
    }
}

/// In files.
pub struct Sqlite {
    dir: tempfile::TempDir,
    stores: Arc<SqliteStores>,
}

#[async_trait]
impl Place for Sqlite {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let stores = Arc::new(open(dir.path()).await.unwrap());
        Self { dir, stores }
    }

    fn control(&self) -> Arc<dyn ControlStore> {
        self.stores.clone()
    }

    async fn open(&self, tenant: TenantId) -> Arc<dyn Inspect> {
        self.stores.tenant_store(tenant).await.unwrap()
    }

    async fn restart(self) -> Self {
        self.stores.close().await;
        let stores = Arc::new(open(self.dir.path()).await.unwrap());
        Self { dir: self.dir, stores }
    }
}
