//! Databases.

use bytes::Bytes;
use fluss_metadata::{
    AlterConfig, DatabaseDescriptor, DatabaseInfo, DatabaseSummary, validate_database_name,
};
use fluss_wire::message::{
    AlterDatabaseRequest, CreateDatabaseRequest, DatabaseExistsRequest, DropDatabaseRequest,
    GetDatabaseInfoRequest, ListDatabasesRequest,
};

use super::alter_table::config_message;
use super::handle::FlussAdmin;
use crate::error::{Error, Result};

impl FlussAdmin {
    /// Creates a database.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) unless `ignore_if_exists`;
    /// [`Usage`](crate::ErrorKind::Usage) for an invalid database name.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the change may still be applied.
    pub async fn create_database(
        &self,
        name: &str,
        descriptor: Option<&DatabaseDescriptor>,
        ignore_if_exists: bool,
    ) -> Result<()> {
        validate_database_name(name)?;
        let request = CreateDatabaseRequest {
            database_name: name.to_owned(),
            ignore_if_exists,
            database_json: descriptor.map(|descriptor| Bytes::from(descriptor.to_json())),
        };
        self.change("create_database", &request).await?;
        Ok(())
    }

    /// Drops a database, and with `cascade` its tables too.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) unless `ignore_if_not_exists`; [`Usage`](crate::ErrorKind::Usage) if
    /// it has tables and `cascade` is false.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the change may still be applied.
    pub async fn drop_database(
        &self,
        name: &str,
        ignore_if_not_exists: bool,
        cascade: bool,
    ) -> Result<()> {
        let request = DropDatabaseRequest {
            database_name: name.to_owned(),
            ignore_if_not_exists,
            cascade,
        };
        self.change("drop_database", &request).await?;
        Ok(())
    }

    /// Returns whether a database exists.
    ///
    /// # Errors
    ///
    /// Returns an error if no server responds.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn database_exists(&self, name: &str) -> Result<bool> {
        let request = DatabaseExistsRequest {
            database_name: name.to_owned(),
        };
        Ok(self.read("database_exists", &request).await?.exists)
    }

    /// Lists the names of all databases that this user may see.
    ///
    /// # Errors
    ///
    /// Returns an error if no server responds.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_databases(&self) -> Result<Vec<String>> {
        Ok(self
            .read(
                "list_databases",
                &ListDatabasesRequest {
                    include_summary: None,
                },
            )
            .await?
            .database_name
            .into())
    }

    /// Lists all databases that this user may see, with their creation times and numbers of tables.
    ///
    /// # Errors
    ///
    /// Returns an error if no server responds.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_database_summaries(&self) -> Result<Vec<DatabaseSummary>> {
        let response = self
            .read(
                "list_database_summaries",
                &ListDatabasesRequest {
                    include_summary: Some(true),
                },
            )
            .await?;
        Ok(response
            .database_summary
            .into_iter()
            .map(|summary| {
                DatabaseSummary::new(
                    summary.database_name,
                    summary.created_time,
                    summary.table_count,
                )
            })
            .collect())
    }

    /// Changes the properties and the comment of a database. Requires release 1.0.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) unless `ignore_if_not_exists`; [`Usage`](crate::ErrorKind::Usage) for
    /// a change without a value; [`Unsupported`](crate::ErrorKind::Unsupported) with an older server, before anything
    /// is sent.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the change may still be applied.
    pub async fn alter_database(
        &self,
        name: &str,
        changes: &[AlterConfig],
        comment: Option<&str>,
        ignore_if_not_exists: bool,
    ) -> Result<()> {
        let config_changes = changes
            .iter()
            .map(config_message)
            .collect::<Result<Vec<_>>>()
            .map_err(|error| error.during("alter_database"))?;
        let request = AlterDatabaseRequest {
            database_name: name.to_owned(),
            ignore_if_not_exists,
            config_changes: config_changes.into(),
            comment: comment.map(str::to_owned),
        };
        self.change("alter_database", &request).await?;
        Ok(())
    }

    /// Returns the comment, properties and times of a database.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if it does not exist.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_database_info(&self, name: &str) -> Result<DatabaseInfo> {
        let response = self
            .read(
                "get_database_info",
                &GetDatabaseInfoRequest {
                    database_name: name.to_owned(),
                },
            )
            .await?;
        let descriptor = DatabaseDescriptor::from_json(&response.database_json)
            .map_err(|error| Error::unreadable(error).during("get_database_info"))?;
        Ok(DatabaseInfo::new(
            name,
            descriptor,
            response.created_time,
            response.modified_time,
        ))
    }
}
