//! Which crate may depend on which: walls are crate boundaries, and nothing points back.

use crate::workspace::{Dependency, Kind, Package};

/// What one package may use of this workspace.
struct Room {
    name: &'static str,
    normal: &'static [&'static str],
    /// In its tests, besides.
    dev: &'static [&'static str],
}

const ROOMS: [Room; 12] = [
    Room {
        name: "alloc-probe",
        normal: &[],
        dev: &[],
    },
    Room {
        name: "bench-harness",
        normal: &[],
        dev: &[],
    },
    Room {
        name: "fluss-wire",
        normal: &[],
        dev: &["alloc-probe", "bench-harness"],
    },
    Room {
        name: "fluss-metadata",
        normal: &[],
        dev: &[],
    },
    Room {
        name: "fluss-row",
        normal: &["fluss-metadata"],
        dev: &["bench-harness"],
    },
    Room {
        name: "fluss-rpc",
        normal: &["fluss-metadata", "fluss-wire"],
        dev: &["fluss-mock"],
    },
    Room {
        name: "fluss-client",
        normal: &["fluss-metadata", "fluss-row", "fluss-rpc", "fluss-wire"],
        dev: &["alloc-probe", "fluss-mock"],
    },
    Room {
        name: "fluss-rs",
        normal: &["fluss-client", "fluss-metadata", "fluss-mock", "fluss-row"],
        dev: &["fluss-rpc", "fluss-wire"],
    },
    // Never rpc or client: shared code would hide shared bugs.
    Room {
        name: "fluss-mock",
        normal: &["fluss-metadata", "fluss-row", "fluss-wire"],
        dev: &["fluss-rs"],
    },
    Room {
        name: "fuzz-bodies",
        normal: &["fluss-metadata", "fluss-row", "fluss-wire"],
        dev: &[],
    },
    // It must compile while they don't.
    Room {
        name: "xtask",
        normal: &[],
        dev: &[],
    },
    Room {
        name: "integration-tests",
        normal: &[
            "fluss-client",
            "fluss-metadata",
            "fluss-mock",
            "fluss-row",
            "fluss-rpc",
            "fluss-rs",
            "fluss-wire",
        ],
        dev: &[],
    },
];

pub(super) fn check(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages {
        let Some(room) = ROOMS.iter().find(|room| room.name == package.name) else {
            problems.push(format!(
                "{} has no line in the table of allowed edges",
                package.name
            ));
            continue;
        };
        let edges = package
            .dependencies
            .iter()
            .filter(|edge| edge.local && !is_allowed(room, edge));
        problems
            .extend(edges.map(|edge| format!("{} must not depend on {}", package.name, edge.name)));
    }
    problems
}

fn is_allowed(room: &Room, edge: &Dependency) -> bool {
    let name = edge.name.as_str();
    room.normal.contains(&name) || edge.kind == Kind::Dev && room.dev.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, needs: &str, kind: Kind) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            folder: "/".into(),
            published: true,
            features: Vec::new(),
            dependencies: vec![Dependency {
                name: needs.to_owned(),
                kind,
                local: true,
            }],
        }
    }

    #[test]
    fn an_edge_that_points_back_is_found() {
        for (name, needs, kind, expected) in [
            ("fluss-rpc", "fluss-wire", Kind::Normal, 0),
            ("fluss-wire", "fluss-rpc", Kind::Normal, 1),
            ("fluss-rpc", "fluss-mock", Kind::Dev, 0),
            ("fluss-rpc", "fluss-mock", Kind::Normal, 1),
            ("fluss-mock", "fluss-client", Kind::Normal, 1),
            ("unheard-of", "fluss-wire", Kind::Normal, 1),
        ] {
            assert_eq!(
                check(&[package(name, needs, kind)]).len(),
                expected,
                "{name} -> {needs}"
            );
        }
    }
}
