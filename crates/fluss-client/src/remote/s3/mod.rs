//! S3 and compatible stores.

mod credentials;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, Error as StoreError, ObjectStoreExt, RetryConfig};

use self::credentials::HandedOut;
use self::settings::Settings;
use super::fault::ReadFault;
use super::token::Tokens;
use crate::context::Context;
use crate::error::{Error, Result};

/// The region of a store that has none.
const DEFAULT_REGION: &str = "us-east-1";

/// The stores of a connection, one for each of their buckets.
#[derive(Debug, Default)]
pub(super) struct S3Stores {
    tokens: OnceLock<Arc<Tokens>>,
    stores: Mutex<HashMap<String, Arc<Store>>>,
}

#[derive(Debug)]
struct Store {
    s3: AmazonS3,
    /// Where the credentials come from the cluster.
    handed_out: Option<Arc<HandedOut>>,
}

impl S3Stores {
    pub(super) async fn read(
        &self,
        context: &Context,
        bucket: &str,
        key: &str,
        range: Range<u64>,
    ) -> Result<Bytes, ReadFault> {
        let store = self.store(context, bucket).await.map_err(|error| {
            if error.is_retriable() {
                ReadFault::Passing(error.to_string())
            } else {
                ReadFault::Final(error)
            }
        })?;
        let path = Path::parse(key)
            .map_err(|error| ReadFault::Final(Error::corrupt(error.to_string())))?;
        // The store's own timers and sockets belong to the connection's runtime.
        let reading = Arc::clone(&store);
        let task = context
            .drivers
            .handle()
            .spawn(async move { reading.s3.get_range(&path, range).await });
        let read = AbortOnDrop(task).await;
        match read {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => {
                let refused = is_about_credentials(&error);
                if let Some(handed_out) = store.handed_out.as_ref().filter(|_| refused) {
                    handed_out.refused().await;
                }
                Err(ReadFault::Passing(error.to_string()))
            }
            Err(error) => Err(ReadFault::Passing(error.to_string())),
        }
    }

    /// The store of a bucket, made when it is first needed.
    async fn store(&self, context: &Context, bucket: &str) -> Result<Arc<Store>> {
        if let Some(store) = self.known(bucket) {
            return Ok(store);
        }
        let own = Settings::of(context.config.file_system_properties.iter());
        let tokens = self
            .tokens
            .get_or_init(|| Arc::new(Tokens::new(context.cluster.clone())));
        // Who brings a key of his own needs none of the cluster's.
        let (settings, handed_out) = if own.has_key() {
            (own, None)
        } else {
            let token = tokens.get().await?;
            let settings = own.or(Settings::of(token.settings()));
            let handed_out =
                (!token.bytes.is_empty()).then(|| Arc::new(HandedOut::new(Arc::clone(tokens))));
            (settings, handed_out)
        };
        let s3 = build(bucket, &settings, handed_out.as_ref())?;
        let store = Arc::new(Store { s3, handed_out });
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(stores.entry(bucket.to_owned()).or_insert(store)))
    }

    fn known(&self, bucket: &str) -> Option<Arc<Store>> {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.get(bucket).cloned()
    }
}

/// Codes of errors that come with status 400 and that a new token may cure.
const TOKEN_CODES: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "InvalidTokenId",
    "RequestExpired",
    "TokenRefreshRequired",
];

/// Whether the store refused the credentials.
fn is_about_credentials(error: &StoreError) -> bool {
    match error {
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => true,
        // The store's own words are kept as text only.
        StoreError::Generic { .. } => {
            let text = error.to_string();
            let code = text
                .split_once("<Code>")
                .and_then(|(_, rest)| rest.split_once("</Code>"));
            code.is_some_and(|(code, _)| TOKEN_CODES.contains(&code.trim()))
        }
        _ => false,
    }
}

fn build(
    bucket: &str,
    settings: &Settings,
    handed_out: Option<&Arc<HandedOut>>,
) -> Result<AmazonS3> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(settings.region().unwrap_or(DEFAULT_REGION))
        .with_virtual_hosted_style_request(!settings.path_style())
        // Failed reads are requested again through the server, which may have newer information by then.
        .with_retry(RetryConfig {
            max_retries: 1,
            ..RetryConfig::default()
        });
    if let Some(endpoint) = settings.endpoint(bucket) {
        let plain = endpoint.starts_with("http://");
        builder = builder
            .with_endpoint(endpoint)
            .with_client_options(ClientOptions::new().with_allow_http(plain));
    }
    builder = match (handed_out, settings.key()) {
        (Some(handed_out), _) => builder.with_credentials(Arc::clone(handed_out) as _),
        (None, Some((id, secret, token))) => {
            let builder = builder
                .with_access_key_id(id)
                .with_secret_access_key(secret);
            match token {
                Some(token) => builder.with_token(token),
                None => builder,
            }
        }
        (None, None) => builder.with_skip_signature(true),
    };
    builder
        .build()
        .map_err(|error| Error::usage(format!("the store s3://{bucket} cannot be set up: {error}")))
}

/// A task that ends with the one who waits for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
