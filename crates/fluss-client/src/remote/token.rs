//! The credentials for remote storage that the cluster provides: fetched when first needed, and renewed before they
//! expire.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fluss_rpc::Cluster;
use fluss_wire::message::GetFileSystemSecurityTokenRequest;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::debug;

use crate::error::{Error, Result};

/// The fraction of its lifetime after which a token is renewed. Source: `DefaultSecurityTokenManager` of the Java
/// client.
const RENEWAL: f64 = 0.75;
/// The pause after a failed renewal. DIFFERS: the Java client waits an hour.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// A token of the cluster for its remote storage.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Bytes that the file system understands; empty if it needs none.
    pub(super) bytes: Vec<u8>,
    /// Settings such as endpoint and region, with Hadoop's names.
    settings: BTreeMap<String, String>,
}

impl Token {
    pub(super) fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The token of a connection.
pub(super) struct Tokens {
    cluster: Cluster,
    /// Deliberately held across the request: others that need a token wait for that request instead of sending
    /// another one.
    held: Mutex<Option<Held>>,
}

struct Held {
    token: Arc<Token>,
    renew_at: Option<Instant>,
    expires_at: Option<Instant>,
}

impl Tokens {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            held: Mutex::new(None),
        }
    }

    /// Returns the token, fetched or renewed if due. If a renewal fails, the old token is used until it expires.
    pub(super) async fn get(&self) -> Result<Arc<Token>> {
        let mut held = self.held.lock().await;
        let now = Instant::now();
        if let Some(held) = &*held
            && held.renew_at.is_none_or(|at| now < at)
        {
            return Ok(Arc::clone(&held.token));
        }
        match self.fetch().await {
            Ok(fetched) => {
                let token = Arc::clone(&fetched.token);
                *held = Some(fetched);
                Ok(token)
            }
            Err(error) => match &mut *held {
                Some(held) if held.expires_at.is_none_or(|at| now < at) => {
                    debug!(%error, "failed to renew the token");
                    held.renew_at = Some(now + PAUSE_AFTER_FAILURE);
                    Ok(Arc::clone(&held.token))
                }
                _ => Err(error),
            },
        }
    }

    /// Records that the storage rejected a token: the next call fetches a new one.
    pub(super) async fn refused(&self, refused: &Arc<Token>) {
        let mut held = self.held.lock().await;
        if held
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(&held.token, refused))
        {
            *held = None;
        }
    }

    async fn fetch(&self) -> Result<Held> {
        let request = GetFileSystemSecurityTokenRequest::default();
        let response = self
            .cluster
            .call_any(&request)
            .await
            .map_err(|error| Error::from(error).during("get_file_system_security_token"))?;
        let now = Instant::now();
        let life = response.expiration_time.map(|at| {
            let at = Duration::from_millis(u64::try_from(at).unwrap_or(0));
            let wall = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            at.saturating_sub(wall)
        });
        debug!(scheme = response.schema, ?life, "security token");
        Ok(Held {
            token: Arc::new(Token {
                bytes: response.token.to_vec(),
                settings: response
                    .addition_info
                    .into_iter()
                    .map(|pair| (pair.key, pair.value))
                    .collect(),
            }),
            renew_at: life.and_then(|life| now.checked_add(life.mul_f64(RENEWAL))),
            expires_at: life.and_then(|life| now.checked_add(life)),
        })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}
