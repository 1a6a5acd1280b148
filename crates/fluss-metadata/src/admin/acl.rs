//! Who may do what. Source: package `org.apache.fluss.security.acl`.

use super::record::record;
use crate::choice::coded;
use crate::path::TablePath;

coded! {
    /// What an access rule is about.
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
    /// What an access rule lets someone do.
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
        /// See that it exists and how it is made.
        Describe => "DESCRIBE" = 8,
    }
    /// Whether an access rule lets or forbids. Servers up to release 1.0 have rules that let, only.
    PermissionType("permission type") {
        /// Either, in filters.
        Any => "ANY" = 1,
        /// It lets.
        Allow => "ALLOW" = 2,
    }
}

/// What an access rule is about, by type and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    kind: ResourceType,
    name: String,
}

impl Resource {
    /// Name of the cluster as a resource.
    pub const CLUSTER_NAME: &'static str = "fluss-cluster";

    /// A resource; `*` as its name is all of the type.
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

    /// Its type.
    pub fn kind(&self) -> ResourceType {
        self.kind
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Who an access rule is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    kind: String,
    name: String,
}

impl Principal {
    /// Someone of a type, such as `User`; `*` as the name is all of the type.
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

    /// The type, such as `User`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

record! {
    /// An access rule.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    AclInfo {
        /// What it is about.
        resource: Resource as [&Resource],
        /// Who it is for.
        principal: Principal as [&Principal],
        /// The host they must come from, `*` for any.
        host: String as [&str],
        /// What it lets them do.
        operation: OperationType,
        /// Whether it lets or forbids.
        permission: PermissionType,
    }
}

impl AclInfo {
    /// The rule that lets someone do something from any host.
    pub fn allow(principal: Principal, operation: OperationType, resource: Resource) -> Self {
        Self::new(resource, principal, "*", operation, PermissionType::Allow)
    }
}

/// Which access rules are meant. The default means all; each part narrows it.
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
    /// All rules.
    pub fn any() -> Self {
        Self::default()
    }

    /// Rules about this resource.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource_type = resource.kind;
        self.resource_name = Some(resource.name);
        self
    }

    /// Rules about resources of this type.
    #[must_use]
    pub fn resource_type(mut self, kind: ResourceType) -> Self {
        self.resource_type = kind;
        self
    }

    /// Rules for someone.
    #[must_use]
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal_type = Some(principal.kind);
        self.principal_name = Some(principal.name);
        self
    }

    /// Rules for a host.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Rules about an operation.
    #[must_use]
    pub fn operation(mut self, operation: OperationType) -> Self {
        self.operation = operation;
        self
    }

    /// Rules that let, or that forbid.
    #[must_use]
    pub fn permission(mut self, permission: PermissionType) -> Self {
        self.permission = permission;
        self
    }

    /// The type of resource asked for.
    pub fn get_resource_type(&self) -> ResourceType {
        self.resource_type
    }

    /// The name of the resource asked for.
    pub fn get_resource_name(&self) -> Option<&str> {
        self.resource_name.as_deref()
    }

    /// The type of principal asked for.
    pub fn get_principal_type(&self) -> Option<&str> {
        self.principal_type.as_deref()
    }

    /// The name of the principal asked for.
    pub fn get_principal_name(&self) -> Option<&str> {
        self.principal_name.as_deref()
    }

    /// The host asked for.
    pub fn get_host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The operation asked for.
    pub fn get_operation(&self) -> OperationType {
        self.operation
    }

    /// The permission asked for.
    pub fn get_permission(&self) -> PermissionType {
        self.permission
    }
}
