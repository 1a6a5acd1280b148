//! Access rules. Source: package `org.apache.fluss.security.acl`.

use super::record::record;
use crate::choice::coded;
use crate::path::TablePath;

coded! {
    /// The type of resource that an access rule applies to.
    ResourceType("resource type") {
        /// Anything, in filters.
        Any => "ANY" = 1,
        /// The cluster.
        Cluster => "CLUSTER" = 2,
        /// A database.
        Database => "DATABASE" = 3,
        /// A table.
        Table => "TABLE" = 4,
    }
    /// The operation that an access rule permits.
    OperationType("operation type") {
        /// Anything, in filters.
        Any => "ANY" = 1,
        /// Everything.
        All => "ALL" = 2,
        /// Read rows.
        Read => "READ" = 3,
        /// Write rows.
        Write => "WRITE" = 4,
        /// Create databases or tables.
        Create => "CREATE" = 5,
        /// Drop it.
        Drop => "DROP" = 6,
        /// Alter it.
        Alter => "ALTER" = 7,
        /// See that it exists and read its definition.
        Describe => "DESCRIBE" = 8,
    }
    /// Whether an access rule allows or denies. Servers up to release 1.0 only have rules that allow.
    PermissionType("permission type") {
        /// Either, in filters.
        Any => "ANY" = 1,
        /// Allows.
        Allow => "ALLOW" = 2,
    }
}

/// A resource that an access rule applies to, by type and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    kind: ResourceType,
    name: String,
}

impl Resource {
    /// Name of the cluster as a resource.
    pub const CLUSTER_NAME: &'static str = "fluss-cluster";

    /// Creates a resource. The name `*` means all resources of the type.
    pub fn new(kind: ResourceType, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }

    /// The cluster.
    pub fn cluster() -> Self {
        Self::new(ResourceType::Cluster, Self::CLUSTER_NAME)
    }

    /// A database.
    pub fn database(name: impl Into<String>) -> Self {
        Self::new(ResourceType::Database, name)
    }

    /// A table.
    pub fn table(path: &TablePath) -> Self {
        Self::new(ResourceType::Table, path.to_string())
    }

    /// Returns the type.
    pub fn kind(&self) -> ResourceType {
        self.kind
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The principal that an access rule applies to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    kind: String,
    name: String,
}

impl Principal {
    /// Creates a principal of a type such as `User`. The name `*` means all principals of the type.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
        }
    }

    /// A user.
    pub fn user(name: impl Into<String>) -> Self {
        Self::new("User", name)
    }

    /// Returns the type, such as `User`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

record! {
    /// An access rule.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    AclInfo {
        /// The resource.
        resource: Resource as [&Resource],
        /// The principal.
        principal: Principal as [&Principal],
        /// The host that the principal must connect from, or `*` for any.
        host: String as [&str],
        /// The operation.
        operation: OperationType,
        /// Whether it allows or denies.
        permission: PermissionType,
    }
}

impl AclInfo {
    /// Creates a rule that allows a principal an operation on a resource, from any host.
    pub fn allow(principal: Principal, operation: OperationType, resource: Resource) -> Self {
        Self::new(resource, principal, "*", operation, PermissionType::Allow)
    }
}

/// A filter for access rules. The default matches all rules; each method narrows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AclFilter {
    resource_type: ResourceType,
    resource_name: Option<String>,
    principal_type: Option<String>,
    principal_name: Option<String>,
    host: Option<String>,
    operation: OperationType,
    permission: PermissionType,
}

impl Default for AclFilter {
    fn default() -> Self {
        Self {
            resource_type: ResourceType::Any,
            resource_name: None,
            principal_type: None,
            principal_name: None,
            host: None,
            operation: OperationType::Any,
            permission: PermissionType::Any,
        }
    }
}

impl AclFilter {
    /// Matches all rules.
    pub fn any() -> Self {
        Self::default()
    }

    /// Only matches rules for this resource.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource_type = resource.kind;
        self.resource_name = Some(resource.name);
        self
    }

    /// Only matches rules for resources of this type.
    #[must_use]
    pub fn resource_type(mut self, kind: ResourceType) -> Self {
        self.resource_type = kind;
        self
    }

    /// Only matches rules for this principal.
    #[must_use]
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal_type = Some(principal.kind);
        self.principal_name = Some(principal.name);
        self
    }

    /// Only matches rules for this host.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Only matches rules for this operation.
    #[must_use]
    pub fn operation(mut self, operation: OperationType) -> Self {
        self.operation = operation;
        self
    }

    /// Only matches rules that allow, or that deny.
    #[must_use]
    pub fn permission(mut self, permission: PermissionType) -> Self {
        self.permission = permission;
        self
    }

    /// Returns the requested type of resource.
    pub fn get_resource_type(&self) -> ResourceType {
        self.resource_type
    }

    /// Returns the requested name of the resource.
    pub fn get_resource_name(&self) -> Option<&str> {
        self.resource_name.as_deref()
    }

    /// Returns the requested type of principal.
    pub fn get_principal_type(&self) -> Option<&str> {
        self.principal_type.as_deref()
    }

    /// Returns the requested name of the principal.
    pub fn get_principal_name(&self) -> Option<&str> {
        self.principal_name.as_deref()
    }

    /// Returns the requested host.
    pub fn get_host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Returns the requested operation.
    pub fn get_operation(&self) -> OperationType {
        self.operation
    }

    /// Returns the requested permission.
    pub fn get_permission(&self) -> PermissionType {
        self.permission
    }
}
