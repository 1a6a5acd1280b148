//! Creates, lists and drops access rules.

use fluss_metadata::{
    AclFilter, AclInfo, OperationType, PermissionType, Principal, Resource, ResourceType,
};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    CreateAclsRequest, CreateAclsResponse, DropAclsRequest, DropAclsResponse, ListAclsRequest,
    ListAclsResponse, PbAclFilter, PbAclInfo, PbCreateAclRespInfo, PbDropAclsFilterResult,
    PbDropAclsMatchingAcl,
};

use super::caller::Caller;
use crate::reply::{Result, fail, internal};
use crate::state::{Access, State, matches};

pub(crate) fn create(
    state: &mut State,
    caller: &Caller,
    request: &CreateAclsRequest,
) -> Result<CreateAclsResponse> {
    rules(state)?;
    let acls = request.acl.iter().map(parse).collect::<Result<Vec<_>>>()?;
    for acl in &acls {
        caller.must(state, OperationType::Alter, acl.resource())?;
    }
    let access = rules(state)?;
    for acl in acls {
        access.add(acl);
    }
    Ok(CreateAclsResponse {
        acl_res: request
            .acl
            .iter()
            .map(|acl| PbCreateAclRespInfo {
                acl: acl.clone(),
                ..PbCreateAclRespInfo::default()
            })
            .collect(),
    })
}

/// Leaves out rules about resources that the caller may not describe.
pub(crate) fn list(
    state: &mut State,
    caller: &Caller,
    request: &ListAclsRequest,
) -> Result<ListAclsResponse> {
    let filter = parse_filter(&request.acl_filter)?;
    rules(state)?;
    let state = &*state;
    let all = state.access.as_ref().map_or(&[][..], Access::rules).iter();
    let listed = all.filter(|rule| {
        matches(&filter, rule) && caller.may(state, OperationType::Describe, rule.resource())
    });
    Ok(ListAclsResponse {
        acl: listed.map(describe).collect(),
    })
}

pub(crate) fn drop(
    state: &mut State,
    caller: &Caller,
    request: &DropAclsRequest,
) -> Result<DropAclsResponse> {
    rules(state)?;
    let filters = request.acl_filter.iter().map(parse_filter);
    let filters = filters.collect::<Result<Vec<_>>>()?;
    let state_now = &*state;
    let all = state_now.access.as_ref().map_or(&[][..], Access::rules);
    for rule in all {
        if filters
            .iter()
            .any(|filter| is_about(filter, rule.resource()))
        {
            caller.must(state_now, OperationType::Alter, rule.resource())?;
        }
    }
    let access = rules(state)?;
    let results = filters.iter().map(|filter| PbDropAclsFilterResult {
        matching_acls: access
            .remove(filter)
            .iter()
            .map(|rule| PbDropAclsMatchingAcl {
                acl: describe(rule),
                ..PbDropAclsMatchingAcl::default()
            })
            .collect(),
        ..PbDropAclsFilterResult::default()
    });
    Ok(DropAclsResponse {
        filter_results: results.collect(),
    })
}

/// Whether a filter covers a resource, for any principal.
fn is_about(filter: &AclFilter, resource: &Resource) -> bool {
    let kind = filter.get_resource_type();
    (kind == ResourceType::Any || kind == resource.kind())
        && filter
            .get_resource_name()
            .is_none_or(|name| name == resource.name())
}

fn rules(state: &mut State) -> Result<&mut Access> {
    match &mut state.access {
        Some(access) => Ok(access),
        None => fail(
            ErrorCode::SECURITY_DISABLED_EXCEPTION,
            "No Authorizer is configured.",
        ),
    }
}

fn parse(acl: &PbAclInfo) -> Result<AclInfo> {
    Ok(AclInfo::new(
        Resource::new(
            ResourceType::from_code(acl.resource_type).map_err(internal)?,
            acl.resource_name.as_str(),
        ),
        Principal::new(acl.principal_type.as_str(), acl.principal_name.as_str()),
        acl.host.as_str(),
        OperationType::from_code(acl.operation_type).map_err(internal)?,
        PermissionType::from_code(acl.permission_type).map_err(internal)?,
    ))
}

fn describe(rule: &AclInfo) -> PbAclInfo {
    PbAclInfo {
        resource_name: rule.resource().name().to_owned(),
        resource_type: rule.resource().kind().code(),
        principal_name: rule.principal().name().to_owned(),
        principal_type: rule.principal().kind().to_owned(),
        host: rule.host().to_owned(),
        operation_type: rule.operation().code(),
        permission_type: rule.permission().code(),
    }
}

fn parse_filter(filter: &PbAclFilter) -> Result<AclFilter> {
    let kind = ResourceType::from_code(filter.resource_type).map_err(internal)?;
    let mut parsed = AclFilter::any()
        .operation(OperationType::from_code(filter.operation_type).map_err(internal)?)
        .permission(PermissionType::from_code(filter.permission_type).map_err(internal)?);
    parsed = match &filter.resource_name {
        Some(name) => parsed.resource(Resource::new(kind, name.as_str())),
        None => parsed.resource_type(kind),
    };
    if let (Some(kind), Some(name)) = (&filter.principal_type, &filter.principal_name) {
        parsed = parsed.principal(Principal::new(kind.as_str(), name.as_str()));
    }
    if let Some(host) = &filter.host {
        parsed = parsed.host(host.as_str());
    }
    Ok(parsed)
}
