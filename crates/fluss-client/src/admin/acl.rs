//! Access rules: who may do what.

use fluss_metadata::{
    AclFilter, AclInfo, OperationType, PermissionType, Principal, Resource, ResourceType,
};
use fluss_wire::error_code::ServerError;
use fluss_wire::message::{
    CreateAclsRequest, DropAclsRequest, ListAclsRequest, PbAclFilter, PbAclInfo,
};

use super::handle::FlussAdmin;
use crate::error::{Error, Result};

/// An access rule and its outcome.
pub type AclOutcome = (AclInfo, Result<()>);

/// The outcome of creating each rule. Source: `CreateAclsResult.java`.
#[derive(Debug, Clone)]
#[must_use = "a rule may have failed: see `all`"]
pub struct CreateAclsResult {
    values: Vec<AclOutcome>,
}

impl CreateAclsResult {
    /// Returns each rule and its outcome, in the order of the server's response.
    pub fn values(&self) -> &[AclOutcome] {
        &self.values
    }

    /// Checks that all rules were created.
    ///
    /// # Errors
    ///
    /// Returns the error of the first rule that was not created.
    pub fn all(self) -> Result<()> {
        self.values.into_iter().try_for_each(|(_, outcome)| outcome)
    }
}

/// The outcome of dropping the rules of each filter. Source: `DropAclsResult.java`.
#[derive(Debug, Clone)]
#[must_use = "a rule may have failed: see `all`"]
pub struct DropAclsResult {
    values: Vec<Result<Vec<AclOutcome>>>,
}

impl DropAclsResult {
    /// Returns, for each filter in order, the rules that it matched with the outcome of each, or the error of the
    /// filter as a whole. A rule that matches several filters is listed with the first of them.
    pub fn values(&self) -> &[Result<Vec<AclOutcome>>] {
        &self.values
    }

    /// Returns all rules that were dropped.
    ///
    /// # Errors
    ///
    /// Returns the error of the first filter or rule that failed.
    pub fn all(self) -> Result<Vec<AclInfo>> {
        let mut dropped = Vec::new();
        for matched in self.values {
            for (acl, outcome) in matched? {
                outcome?;
                dropped.push(acl);
            }
        }
        Ok(dropped)
    }
}

impl FlussAdmin {
    /// Lists the access rules that match a filter, limited to resources that this user may see. In no particular
    /// order.
    ///
    /// The coordinator answers, which sees its own changes immediately; the other servers learn of a change a moment
    /// later.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) if the cluster has no access rules (`authorizer.enabled`).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_acls(&self, filter: &AclFilter) -> Result<Vec<AclInfo>> {
        let request = ListAclsRequest {
            acl_filter: filter_message(filter),
        };
        let response = self.coordinator("list_acls", &request).await?;
        response.acl.into_iter().map(acl_of).collect()
    }

    /// Creates access rules. Creating an existing rule changes nothing and is not an error.
    ///
    /// # Errors
    ///
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not alter one of the resources; no rule is
    /// created then; [`Usage`](crate::ErrorKind::Usage) if the cluster has no access rules. Failures of single rules
    /// are in the result.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the rules may still be created.
    pub async fn create_acls(&self, acls: &[AclInfo]) -> Result<CreateAclsResult> {
        let request = CreateAclsRequest {
            acl: acls.iter().map(acl_message).collect(),
        };
        let response = self.coordinator("create_acls", &request).await?;
        let values = response
            .acl_res
            .into_iter()
            .map(|entry| {
                let outcome = outcome("create_acls", entry.error_code, entry.error_message);
                Ok((acl_of(entry.acl)?, outcome))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(CreateAclsResult { values })
    }

    /// Drops the access rules that match the filters. A filter without matches is not an error.
    ///
    /// # Errors
    ///
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not alter one of the resources; no rule is
    /// dropped then; [`Usage`](crate::ErrorKind::Usage) if the cluster has no access rules. Failures of single rules
    /// are in the result.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the rules may still be dropped.
    pub async fn drop_acls(&self, filters: &[AclFilter]) -> Result<DropAclsResult> {
        let request = DropAclsRequest {
            acl_filter: filters.iter().map(filter_message).collect(),
        };
        let response = self.coordinator("drop_acls", &request).await?;
        let values = response
            .filter_results
            .into_iter()
            .map(|result| {
                outcome("drop_acls", result.error_code, result.error_message)?;
                result
                    .matching_acls
                    .into_iter()
                    .map(|entry| {
                        let outcome = outcome("drop_acls", entry.error_code, entry.error_message);
                        Ok((acl_of(entry.acl)?, outcome))
                    })
                    .collect()
            })
            .collect();
        Ok(DropAclsResult { values })
    }
}

/// Returns the error of one entry, if it has one.
fn outcome(operation: &'static str, code: Option<i32>, message: Option<String>) -> Result<()> {
    ServerError::from_parts(code, message)
        .map_or(Ok(()), |error| Err(Error::from(error).during(operation)))
}

fn acl_message(acl: &AclInfo) -> PbAclInfo {
    PbAclInfo {
        resource_name: acl.resource().name().to_owned(),
        resource_type: acl.resource().kind().code(),
        principal_name: acl.principal().name().to_owned(),
        principal_type: acl.principal().kind().to_owned(),
        host: acl.host().to_owned(),
        operation_type: acl.operation().code(),
        permission_type: acl.permission().code(),
    }
}

fn acl_of(acl: PbAclInfo) -> Result<AclInfo> {
    let kind = ResourceType::from_code(acl.resource_type).map_err(Error::unreadable)?;
    Ok(AclInfo::new(
        Resource::new(kind, acl.resource_name),
        Principal::new(acl.principal_type, acl.principal_name),
        acl.host,
        OperationType::from_code(acl.operation_type).map_err(Error::unreadable)?,
        PermissionType::from_code(acl.permission_type).map_err(Error::unreadable)?,
    ))
}

fn filter_message(filter: &AclFilter) -> PbAclFilter {
    PbAclFilter {
        resource_name: filter.get_resource_name().map(str::to_owned),
        resource_type: filter.get_resource_type().code(),
        principal_name: filter.get_principal_name().map(str::to_owned),
        principal_type: filter.get_principal_type().map(str::to_owned),
        host: filter.get_host().map(str::to_owned),
        operation_type: filter.get_operation().code(),
        permission_type: filter.get_permission().code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_survives_its_message() {
        let acl = AclInfo::allow(
            Principal::user("alice"),
            OperationType::Write,
            Resource::new(ResourceType::Table, "db.t"),
        );
        assert_eq!(acl_of(acl_message(&acl)).unwrap(), acl);
    }

    #[test]
    fn a_rule_of_a_kind_that_this_client_does_not_know_is_an_unreadable_answer() {
        let acl = AclInfo::allow(
            Principal::user("alice"),
            OperationType::Write,
            Resource::cluster(),
        );
        let known = acl_message(&acl);
        let cases = [
            (
                "resource",
                PbAclInfo {
                    resource_type: 99,
                    ..known.clone()
                },
            ),
            (
                "operation",
                PbAclInfo {
                    operation_type: 99,
                    ..known.clone()
                },
            ),
            (
                "permission",
                PbAclInfo {
                    permission_type: 99,
                    ..known
                },
            ),
        ];
        for (name, message) in cases {
            let error = acl_of(message).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "{name}");
        }
    }

    #[test]
    fn the_filter_for_everything_names_nothing() {
        let message = filter_message(&AclFilter::any());
        assert_eq!(
            (
                message.resource_type,
                message.operation_type,
                message.permission_type
            ),
            (1, 1, 1)
        );
        assert_eq!(message.resource_name, None);
        assert_eq!(
            (message.principal_name, message.principal_type, message.host),
            (None, None, None)
        );
    }

    #[test]
    fn the_first_failure_is_the_failure_of_all() {
        let acl = AclInfo::allow(
            Principal::user("a"),
            OperationType::Read,
            Resource::cluster(),
        );
        let refused = || outcome("create_acls", Some(48), Some("no".to_owned()));
        let result = CreateAclsResult {
            values: vec![(acl.clone(), Ok(())), (acl.clone(), refused())],
        };
        assert_eq!(result.values().len(), 2);
        assert_eq!(
            result.all().unwrap_err().kind(),
            crate::ErrorKind::Authorization
        );
        let result = DropAclsResult {
            values: vec![Ok(vec![(acl.clone(), Ok(()))]), Ok(vec![])],
        };
        assert_eq!(result.all().unwrap(), [acl]);
    }
}
