//! Remote storage, to which the servers move old log segments: where a file is, and how pieces of it are read.
//!
//! Local files are always supported. Object stores are behind features. They share one store per bucket and use the
//! credentials that the cluster provides, fetched once for the whole connection.

mod fault;
mod local;
mod location;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "s3")]
mod token;

pub(crate) use fault::ReadFault;
pub(crate) use location::Location;

use std::ops::Range;

use bytes::Bytes;

use crate::context::Context;

/// The object stores of a connection.
#[derive(Debug, Default)]
pub(crate) struct RemoteStores {
    local: local::LocalFiles,
    #[cfg(feature = "s3")]
    s3: s3::S3Stores,
}

impl RemoteStores {
    /// Reads a piece of a file: at least one byte, and fewer than requested only at the end of the file.
    pub(crate) async fn read(
        &self,
        context: &Context,
        location: &Location,
        range: Range<u64>,
    ) -> Result<Bytes, ReadFault> {
        let piece = match location {
            Location::Local(path) => {
                let handle = context.drivers.handle();
                let patience = context.config.call_timeout;
                self.local.read(handle, path, range, patience).await?
            }
            #[cfg(feature = "s3")]
            Location::S3 { bucket, key } => self.s3.read(context, bucket, key, range).await?,
        };
        if piece.is_empty() {
            return Err(ReadFault::Passing(
                "the file is shorter than the server reported".to_owned(),
            ));
        }
        Ok(piece)
    }
}
