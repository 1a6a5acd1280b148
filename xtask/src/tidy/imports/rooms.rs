//! Which room of a crate may import from which: a room is a file or folder right below `src`. Arrows only go down.

use super::circles::short;
use super::{Imports, SourceFile};

/// A crate, and for each of its rooms those that it may import from.
type Table = (
    &'static str,
    &'static [(&'static str, &'static [&'static str])],
);

const TABLES: [Table; 2] = [
    (
        "fluss-client",
        &[
            (
                "connection",
                &[
                    "admin",
                    "config",
                    "context",
                    "error",
                    "rpc_config",
                    "runtime",
                    "schema_cache",
                    "session",
                    "stats",
                    "table",
                    "turn",
                ],
            ),
            ("admin", &["context", "error", "runtime", "turn"]),
            (
                "table",
                &[
                    "engine", "error", "lookup", "scan", "session", "turn", "write",
                ],
            ),
            (
                "session",
                &["context", "error", "lookup", "remote", "stats", "write"],
            ),
            (
                "write",
                &[
                    "clock", "config", "context", "engine", "error", "runtime", "stats", "turn",
                ],
            ),
            (
                "scan",
                &[
                    "clock", "config", "context", "engine", "error", "remote", "turn", "values",
                ],
            ),
            (
                "lookup",
                &[
                    "clock", "config", "context", "engine", "error", "stats", "turn", "values",
                ],
            ),
            ("remote", &["context", "error"]),
            ("values", &["context", "error"]),
            ("context", &["config", "error", "runtime", "schema_cache"]),
            ("engine", &["error"]),
            ("schema_cache", &["error"]),
            ("runtime", &["config", "error"]),
            ("rpc_config", &["config"]),
            ("config", &["error"]),
            ("stats", &[]),
            ("clock", &[]),
            ("turn", &[]),
            ("error", &[]),
        ],
    ),
    (
        "fluss-mock",
        &[
            (
                "verbs",
                &[
                    "builder",
                    "cluster",
                    "fault",
                    "journal",
                    "port",
                    "server_id",
                    "state",
                ],
            ),
            ("proxy", &["fault", "network", "server_id", "transport"]),
            ("builder", &["cluster", "fault", "release", "settings"]),
            (
                "cluster",
                &[
                    "fault",
                    "network",
                    "port",
                    "running",
                    "server",
                    "server_id",
                    "settings",
                    "state",
                ],
            ),
            (
                "server",
                &[
                    "api",
                    "fault",
                    "network",
                    "reply",
                    "serve",
                    "server_id",
                    "state",
                    "transport",
                ],
            ),
            ("network", &["fault", "server_id"]),
            ("serve", &["release", "reply", "state"]),
            (
                "state",
                &[
                    "clock", "fault", "journal", "random", "release", "reply", "settings",
                ],
            ),
            ("transport", &["fault", "reply"]),
            ("fault", &["random", "server_id"]),
            ("journal", &["server_id"]),
            ("running", &["server_id"]),
            ("settings", &["release"]),
            ("api", &["release"]),
            ("clock", &[]),
            ("oracle", &[]),
            ("port", &[]),
            ("random", &[]),
            ("raw", &[]),
            ("release", &[]),
            ("reply", &[]),
            ("server_id", &[]),
        ],
    ),
];

/// Imports that the tables do not allow.
pub(in crate::tidy) fn check(files: &[SourceFile]) -> Vec<String> {
    TABLES
        .iter()
        .flat_map(|table| check_crate(files, table))
        .collect()
}

fn check_crate(files: &[SourceFile], (name, rooms): &Table) -> Vec<String> {
    let imports = Imports::of_crate(files, &format!("crates/{name}/src"));
    let mut problems = Vec::new();
    for (from, targets) in &imports.edges {
        // The root re-exports what is public.
        if room(from) == "lib" {
            continue;
        }
        let Some((_, allowed)) = rooms.iter().find(|(name, _)| *name == room(from)) else {
            problems.push(format!("{from}: its room has no line in the table"));
            continue;
        };
        for (to, items) in targets {
            if room(to) != room(from) && !allowed.contains(&room(to)) {
                let items: Vec<_> = items.iter().map(String::as_str).collect();
                problems.push(format!(
                    "{from} imports {} from {}: `{}` may not use `{}`",
                    items.join(", "),
                    short(to),
                    room(from),
                    room(to)
                ));
            }
        }
    }
    problems
}

/// The room of a file.
fn room(path: &str) -> &str {
    let path = short(path);
    let name = path.split_once('/').map_or(path, |(folder, _)| folder);
    name.trim_end_matches(".rs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::file;

    const TABLE: Table = ("c", &[("top", &["low"]), ("low", &[])]);

    fn problems(low: &str, top: &str) -> usize {
        let files = [
            file(
                "crates/c/src/lib.rs",
                "mod low;\nmod top;\npub use top::Top;\n",
            ),
            file(
                "crates/c/src/low/mod.rs",
                "mod inner;\npub use inner::Low;\n",
            ),
            file("crates/c/src/low/inner.rs", low),
            file("crates/c/src/top.rs", top),
        ];
        check_crate(&files, &TABLE).len()
    }

    #[test]
    fn an_import_that_points_up_is_found_however_it_is_written() {
        let (low, top) = (
            "pub struct Low;\n",
            "use crate::low::Low;\npub struct Top(Low);\n",
        );
        assert_eq!(problems(low, top), 0);
        for planted in [
            "use crate::top::Top;\npub struct Low;\n",
            "use crate::Top;\npub struct Low;\n",
            "pub struct Low;\nfn f(_: super::super::top::Top) {}\n",
        ] {
            assert_eq!(problems(planted, top), 1, "{planted}");
        }
        let tested = "pub struct Low;\n#[cfg(test)]\nuse crate::Top;\n";
        assert_eq!(problems(tested, top), 0, "tests may");
    }

    #[test]
    fn a_room_without_a_line_is_found() {
        let files = [
            file("crates/c/src/lib.rs", "mod low;\nmod new;\n"),
            file("crates/c/src/low.rs", "pub struct Low;\n"),
            file("crates/c/src/new.rs", "use crate::low::Low;\n"),
        ];
        assert_eq!(check_crate(&files, &TABLE).len(), 1);
    }

    #[test]
    fn the_tables_themselves_have_no_circle() {
        for (name, rooms) in TABLES {
            let mut below: Vec<&str> = Vec::new();
            while below.len() < rooms.len() {
                let next = rooms.iter().find(|(room, uses)| {
                    !below.contains(room) && uses.iter().all(|used| below.contains(used))
                });
                let Some((room, _)) = next else {
                    panic!("{name}: a circle above {below:?}");
                };
                below.push(room);
            }
        }
    }
}
