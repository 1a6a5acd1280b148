//! Tags on tablet servers that are about to go.

use fluss_metadata::ServerTag;
use fluss_wire::message::{
    AddServerTagByRackRequest, AddServerTagRequest, RemoveServerTagByRackRequest,
    RemoveServerTagRequest,
};

use super::handle::FlussAdmin;
use crate::error::Result;

impl FlussAdmin {
    /// Tags tablet servers, all of them or none. A [`rebalance`](Self::rebalance) then moves buckets away from them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if one of them is not alive, [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if one has
    /// another tag; [`Authorization`](crate::ErrorKind::Authorization) if this user may not alter the cluster.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the servers may be tagged nevertheless.
    pub async fn add_server_tag(&self, tablet_servers: &[i32], tag: ServerTag) -> Result<()> {
        let request = AddServerTagRequest {
            server_ids: tablet_servers.to_vec().into(),
            server_tag: tag.code(),
        };
        self.change("add_server_tag", &request).await?;
        Ok(())
    }

    /// Takes a tag from tablet servers, from all of them or none. Servers without a tag stay so, alive or not.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if one of them has another tag; [`Authorization`](crate::ErrorKind::Authorization) if this
    /// user may not alter the cluster.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the tags may go nevertheless.
    pub async fn remove_server_tag(&self, tablet_servers: &[i32], tag: ServerTag) -> Result<()> {
        let request = RemoveServerTagRequest {
            server_ids: tablet_servers.to_vec().into(),
            server_tag: tag.code(),
        };
        self.change("remove_server_tag", &request).await?;
        Ok(())
    }

    /// Tags all tablet servers of some racks. Since release 1.0.
    ///
    /// # Errors
    ///
    /// As [`add_server_tag`](Self::add_server_tag); [`Unsupported`](crate::ErrorKind::Unsupported) with an older server, before anything
    /// is sent.
    ///
    /// # Cancel safety
    ///
    /// As [`add_server_tag`](Self::add_server_tag).
    pub async fn add_server_tag_by_rack<S: AsRef<str>>(
        &self,
        racks: &[S],
        tag: ServerTag,
    ) -> Result<()> {
        let request = AddServerTagByRackRequest {
            racks: racks.iter().map(|rack| rack.as_ref().to_owned()).collect(),
            server_tag: tag.code(),
        };
        self.change("add_server_tag_by_rack", &request).await?;
        Ok(())
    }

    /// Takes a tag from all tablet servers of some racks. Since release 1.0.
    ///
    /// # Errors
    ///
    /// As [`remove_server_tag`](Self::remove_server_tag); [`Unsupported`](crate::ErrorKind::Unsupported) with an older server, before
    /// anything is sent.
    ///
    /// # Cancel safety
    ///
    /// As [`remove_server_tag`](Self::remove_server_tag).
    pub async fn remove_server_tag_by_rack<S: AsRef<str>>(
        &self,
        racks: &[S],
        tag: ServerTag,
    ) -> Result<()> {
        let request = RemoveServerTagByRackRequest {
            racks: racks.iter().map(|rack| rack.as_ref().to_owned()).collect(),
            server_tag: tag.code(),
        };
        self.change("remove_server_tag_by_rack", &request).await?;
        Ok(())
    }
}
