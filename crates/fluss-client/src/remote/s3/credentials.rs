//! Credentials provided by the cluster.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use object_store::aws::AwsCredential;
use object_store::{CredentialProvider, Error as StoreError};
use serde::Deserialize;

use super::super::token::{Token, Tokens};

/// Source: `CredentialsJsonSerde` of the servers.
#[derive(Deserialize)]
struct Credentials {
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
}

/// Provides the connection's token to a store.
pub(super) struct HandedOut {
    tokens: Arc<Tokens>,
    /// The token that was used last, parsed.
    latest: Mutex<Option<(Arc<Token>, Arc<AwsCredential>)>>,
}

impl HandedOut {
    pub(super) fn new(tokens: Arc<Tokens>) -> Self {
        Self {
            tokens,
            latest: Mutex::new(None),
        }
    }

    /// Records that the store rejected the token that was used last.
    pub(super) async fn refused(&self) {
        let latest = self.latest().take();
        if let Some((token, _)) = latest {
            self.tokens.refused(&token).await;
        }
    }

    fn latest(&self) -> std::sync::MutexGuard<'_, Option<(Arc<Token>, Arc<AwsCredential>)>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let token = self.tokens.get().await.map_err(failed)?;
        let mut latest = self.latest();
        if let Some((known, credential)) = &*latest
            && Arc::ptr_eq(known, &token)
        {
            return Ok(Arc::clone(credential));
        }
        let read: Credentials = serde_json::from_slice(&token.bytes).map_err(failed)?;
        let credential = Arc::new(AwsCredential {
            key_id: read.access_key_id,
            secret_key: read.access_key_secret,
            token: read.security_token.filter(|token| !token.is_empty()),
        });
        *latest = Some((token, Arc::clone(&credential)));
        Ok(credential)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Generic {
        store: "S3",
        source: Box::new(error),
    }
}

impl CredentialProvider for HandedOut {
    type Credential = AwsCredential;

    fn get_credential<'life, 'ret>(
        &'life self,
    ) -> Pin<Box<dyn Future<Output = object_store::Result<Arc<AwsCredential>>> + Send + 'ret>>
    where
        'life: 'ret,
        Self: 'ret,
    {
        Box::pin(self.credential())
    }
}

impl fmt::Debug for HandedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandedOut").finish_non_exhaustive()
    }
}
