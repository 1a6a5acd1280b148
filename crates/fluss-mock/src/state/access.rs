//! Access rules, and how they are evaluated.
//!
//! Source: `DefaultAuthorizer` and `AbstractAuthorizer`.

use fluss_metadata::{
    AclFilter, AclInfo, OperationType, PermissionType, Principal, Resource, ResourceType,
};

/// Matches every principal, host or resource in a rule.
const ANY: &str = "*";

/// The access rules of a cluster.
pub(crate) struct Access {
    super_users: Vec<Principal>,
    rules: Vec<AclInfo>,
}

impl Access {
    pub(super) fn new(super_users: Vec<Principal>) -> Self {
        Self {
            super_users,
            rules: Vec::new(),
        }
    }

    /// Whether `principal` may perform the operation from this host.
    pub(crate) fn allows(
        &self,
        principal: &Principal,
        host: &str,
        operation: OperationType,
        resource: &Resource,
    ) -> bool {
        if self.super_users.contains(principal) {
            return true;
        }
        self.rules.iter().any(|rule| {
            rule.permission() == PermissionType::Allow
                && is_about(rule.resource(), resource)
                && is_for(rule.principal(), principal)
                && (rule.host() == ANY || rule.host() == host)
                && includes(rule.operation(), operation)
        })
    }

    /// Adds a rule, unless it exists.
    pub(crate) fn add(&mut self, rule: AclInfo) {
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
        }
    }

    pub(crate) fn rules(&self) -> &[AclInfo] {
        &self.rules
    }

    /// Removes and returns the rules that match a filter.
    pub(crate) fn remove(&mut self, filter: &AclFilter) -> Vec<AclInfo> {
        let (gone, left) = std::mem::take(&mut self.rules)
            .into_iter()
            .partition(|rule| matches(filter, rule));
        self.rules = left;
        gone
    }
}

/// Rules of a database also apply to its tables, rules of the cluster to everything, and `*` matches any name.
fn is_about(named: &Resource, resource: &Resource) -> bool {
    if named.kind() == resource.kind() {
        return named.name() == resource.name() || named.name() == ANY;
    }
    match (named.kind(), resource.kind()) {
        (ResourceType::Cluster, _) => named.name() == Resource::CLUSTER_NAME,
        (ResourceType::Database, ResourceType::Table) => {
            let database = resource.name().split('.').next();
            database == Some(named.name())
        }
        _ => false,
    }
}

fn is_for(named: &Principal, principal: &Principal) -> bool {
    named == principal || (named.kind() == ANY && named.name() == ANY)
}

/// Any permission on a resource implies `Describe`.
fn includes(rule: OperationType, operation: OperationType) -> bool {
    let describes = matches!(
        rule,
        OperationType::Read
            | OperationType::Write
            | OperationType::Create
            | OperationType::Drop
            | OperationType::Alter
    );
    rule == operation
        || rule == OperationType::All
        || (operation == OperationType::Describe && describes)
}

/// Whether a filter matches a rule. A principal without a type is ignored, as on real servers.
pub(crate) fn matches(filter: &AclFilter, rule: &AclInfo) -> bool {
    let kind = filter.get_resource_type();
    let names_principal = match (filter.get_principal_type(), filter.get_principal_name()) {
        (Some(kind), Some(name)) => rule.principal() == &Principal::new(kind, name),
        _ => true,
    };
    let is = |wanted: Option<&str>, found: &str| wanted.is_none_or(|wanted| wanted == found);
    let operation = filter.get_operation();
    let permission = filter.get_permission();
    (kind == ResourceType::Any || kind == rule.resource().kind())
        && is(filter.get_resource_name(), rule.resource().name())
        && names_principal
        && is(filter.get_host(), rule.host())
        && (operation == OperationType::Any || operation == rule.operation())
        && (permission == PermissionType::Any || permission == rule.permission())
}
