//! Circles of imports: files of a crate each of which needs the others.

use std::collections::{BTreeMap, BTreeSet};

use super::{Imports, SourceFile};

/// A crate whose circles are counted.
struct Crate {
    name: &'static str,
    /// The most files that a circle in it may have.
    gate: usize,
}

const CRATES: [Crate; 2] = [
    Crate {
        name: "fluss-client",
        gate: 0,
    },
    Crate {
        name: "fluss-mock",
        gate: 0,
    },
];

/// Circles that are larger than their crate may have, with the imports that close them.
pub(in crate::tidy) fn check(files: &[SourceFile]) -> Vec<String> {
    let mut problems = Vec::new();
    for counted in &CRATES {
        let gate = counted.gate;
        let imports = Imports::of_crate(files, &folder(counted.name));
        let too_large = imports.circles().into_iter();
        for circle in too_large.filter(|circle| circle.len() > gate.max(1)) {
            problems.push(format!(
                "{} files of {} import each other in a circle, at most {gate} may:\n{}",
                circle.len(),
                counted.name,
                imports.shown(&circle)
            ));
        }
    }
    problems
}

/// One line on each crate.
pub(in crate::tidy) fn summary(files: &[SourceFile]) -> Vec<String> {
    let line = |counted: &Crate| {
        let imports = Imports::of_crate(files, &folder(counted.name));
        let circles = imports.circles();
        let sizes: Vec<_> = circles.iter().map(BTreeSet::len).collect();
        format!(
            "{}: {} files in circles of imports, the largest circle has {}",
            counted.name,
            sizes.iter().sum::<usize>(),
            sizes.first().unwrap_or(&0)
        )
    };
    CRATES.iter().map(line).collect()
}

/// The circles of one crate with every import in them: what `cargo xtask circles CRATE` prints.
pub(in crate::tidy) fn shown(files: &[SourceFile], name: &str) -> String {
    let imports = Imports::of_crate(files, &folder(name));
    let circles = imports.circles();
    let circles = circles.iter().map(|circle| {
        let count = circle.len();
        format!("{count} files\n{}", imports.shown(circle))
    });
    circles.collect::<Vec<_>>().join("\n\n")
}

fn folder(name: &str) -> String {
    format!("crates/{name}/src")
}

impl Imports {
    /// The circles, largest first. A file that is in none is in no set.
    fn circles(&self) -> Vec<BTreeSet<&str>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> = self
            .edges
            .keys()
            .map(|file| (file.as_str(), self.reached_from(file)))
            .collect();
        let mut circles: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
        for (file, others) in &reached {
            if others.contains(file) {
                let mutual = others.iter().filter(|other| {
                    let back = reached.get(*other);
                    back.is_some_and(|back| back.contains(file))
                });
                circles.insert(mutual.copied().collect());
            }
        }
        let mut circles: Vec<_> = circles.into_iter().collect();
        circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        circles
    }

    fn reached_from<'s>(&'s self, file: &'s str) -> BTreeSet<&'s str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = vec![file];
        while let Some(file) = open.pop() {
            let next = self.edges.get(file).into_iter().flat_map(BTreeMap::keys);
            open.extend(
                next.map(String::as_str)
                    .filter(|file| reached.insert(*file)),
            );
        }
        reached
    }

    /// The imports within a circle.
    fn shown(&self, circle: &BTreeSet<&str>) -> String {
        let mut lines = Vec::new();
        for (from, targets) in &self.edges {
            for (to, items) in targets {
                if circle.contains(from.as_str()) && circle.contains(to.as_str()) {
                    let items: Vec<_> = items.iter().map(String::as_str).collect();
                    let (from, to) = (short(from), short(to));
                    lines.push(format!("    {from} -> {to}: {}", items.join(", ")));
                }
            }
        }
        lines.join("\n")
    }
}

/// A path from the crate's `src` on.
pub(super) fn short(path: &str) -> &str {
    path.split_once("/src/").map_or(path, |(_, short)| short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::file;

    /// The circles of a crate `c` with these files.
    fn circles(sources: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = sources
            .iter()
            .map(|(path, text)| file(&format!("crates/c/src/{path}"), text))
            .collect();
        let imports = Imports::of_crate(&files, "crates/c/src");
        let circles = imports.circles();
        let names = |circle: &BTreeSet<&str>| {
            let names: Vec<_> = circle.iter().map(|path| short(path)).collect();
            names.join(" ")
        };
        circles.iter().map(names).collect()
    }

    #[test]
    fn files_that_import_each_other_are_a_circle_however_they_are_named() {
        let b = ("b.rs", "use crate::a::A;\npub struct B(A);\n");
        for (how, a) in [
            ("use", "use crate::b::B;\npub struct A;\n"),
            ("a tree", "use crate::{b::{self, B}};\npub struct A;\n"),
            ("another name", "use crate::b::B as Other;\npub struct A;\n"),
            ("super", "use super::b::B;\npub struct A;\n"),
            ("a path", "pub struct A;\nfn f(b: crate::b::B) {}\n"),
            (
                "a module",
                "use crate::b;\npub struct A;\nfn f(b: b::B) {}\n",
            ),
            ("everything", "use crate::b::*;\npub struct A;\n"),
            (
                "an item's item",
                "pub struct A;\nfn f() { super::b::B::new(); }\n",
            ),
        ] {
            let found = circles(&[("lib.rs", "mod a;\nmod b;\n"), ("a.rs", a), b]);
            assert_eq!(found, ["a.rs b.rs"], "{how}");
        }
    }

    #[test]
    fn re_exports_are_followed_to_the_file_that_defines() {
        let b = ("b.rs", "use crate::a::A;\npub struct B(A);\n");
        for (how, root, a) in [
            (
                "by name",
                "mod a;\nmod b;\npub use b::B;\n",
                "use crate::B;\npub struct A;\n",
            ),
            (
                "of everything",
                "mod a;\nmod b;\npub use b::*;\n",
                "use crate::B;\npub struct A;\n",
            ),
            (
                "in a module",
                "mod a;\nmod b;\npub mod face { pub use crate::b::B as Face; }\n",
                "pub struct A;\nfn f(face: crate::face::Face) {}\n",
            ),
        ] {
            let found = circles(&[("lib.rs", root), ("a.rs", a), b]);
            assert_eq!(found, ["a.rs b.rs"], "{how}");
        }
    }

    #[test]
    fn a_table_of_contents_is_in_no_circle_but_a_parent_with_items_of_its_own_is() {
        let child = ("a/b.rs", "use super::C;\npub struct B(C);\n");
        let other = ("a/c.rs", "pub struct C;\n");
        let contents = "mod b;\nmod c;\npub use b::B;\npub use c::C;\n";
        let found = circles(&[("lib.rs", "mod a;\n"), ("a/mod.rs", contents), child, other]);
        assert!(found.is_empty(), "{found:?}");
        let parent = "mod b;\npub use b::B;\npub struct C;\n";
        let found = circles(&[("lib.rs", "mod a;\n"), ("a.rs", parent), child]);
        assert_eq!(found, ["a.rs a/b.rs"]);
    }

    #[test]
    fn tests_comments_and_other_crates_are_left_out() {
        let b = ("b.rs", "use crate::a::A;\npub struct B(A);\n");
        for a in [
            "pub struct A;\n#[cfg(test)]\nuse crate::b::B;\n",
            "pub struct A;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n",
            "pub struct A;\n#[cfg(test)]\nfn f(b: crate::b::B) { if true {} }\n",
            "pub struct A;\n// use crate::b::B;\n/// [`B`](crate::b::B)\nconst TEXT: &str = \"crate::b::B\";\n",
            "use other::b::B;\npub struct A;\n",
        ] {
            let found = circles(&[("lib.rs", "mod a;\nmod b;\n"), ("a.rs", a), b]);
            assert!(found.is_empty(), "{a}: {found:?}");
        }
    }
}
