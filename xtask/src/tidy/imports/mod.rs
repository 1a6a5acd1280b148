//! Which files of a crate import from which others, re-exports followed: circles among them, and the arrows between its rooms.

mod circles;
mod modules;
mod rooms;
mod tokens;

pub(super) use circles::{check, shown, summary};
pub(super) use rooms::check as check_rooms;

use std::collections::{BTreeMap, BTreeSet};

use self::modules::{Modules, Path};
use super::source::SourceFile;

/// The files of one crate that others of it import from: by importing file and imported file, what is imported.
#[derive(Debug, Default)]
pub(super) struct Imports {
    edges: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

/// Re-exports that lead to re-exports end after this many.
const MAX_STEPS: usize = 32;

impl Imports {
    /// Of the crate whose sources are in `folder`, such as `crates/fluss-client/src`.
    pub(super) fn of_crate(files: &[SourceFile], folder: &str) -> Self {
        let modules = modules::read(files, &format!("{folder}/lib.rs"));
        let mut imports = Self::default();
        for (at, module) in &modules {
            for glob in &module.globs {
                if let Some(target) = target_of_glob(&modules, at, glob) {
                    imports.add(&module.file, &target, "*");
                }
            }
            for path in &module.paths {
                if let Some((file, item)) = resolve(&modules, at, path, MAX_STEPS) {
                    imports.add(&module.file, &file, &item);
                }
            }
        }
        imports
    }

    fn add(&mut self, from: &str, to: &str, item: &str) {
        if from != to {
            self.edges
                .entry(from.to_owned())
                .or_default()
                .entry(to.to_owned())
                .or_default()
                .insert(item.to_owned());
        }
    }
}

/// The file that a path in module `at` leads to, and the item there; `None` for what is not of this crate, and for bare modules.
fn resolve(
    modules: &Modules,
    at: &Path,
    path: &[String],
    steps: usize,
) -> Option<(String, String)> {
    let steps = steps.checked_sub(1)?;
    let (first, mut rest) = path.split_first()?;
    let mut here = at.clone();
    match first.as_str() {
        "crate" => here.clear(),
        "self" => {}
        "super" => drop(here.pop()?),
        _ => {
            let module = modules.get(at)?;
            let is_here = module.children.contains(first)
                || module.items.contains(first)
                || module.imports.contains_key(first);
            if !is_here {
                return through_globs(modules, at, path, steps);
            }
            rest = path;
        }
    }
    while let Some((name, after)) = rest.split_first() {
        let module = modules.get(&here)?;
        if name == "super" {
            here.pop()?;
        } else if module.children.contains(name) {
            here.push(name.clone());
        } else if module.items.contains(name) {
            return Some((module.file.clone(), name.clone()));
        } else if let Some(import) = module.imports.get(name) {
            // `use a;` names what is outside of the module: of this crate, or another.
            if import.first() == Some(name) && !module.children.contains(name) {
                return None;
            }
            let whole: Path = import.iter().chain(after).cloned().collect();
            return resolve(modules, &here, &whole, steps);
        } else {
            return through_globs(modules, &here, rest, steps);
        }
        rest = after;
    }
    None
}

fn through_globs(
    modules: &Modules,
    at: &Path,
    rest: &[String],
    steps: usize,
) -> Option<(String, String)> {
    let module = modules.get(at)?;
    module.globs.iter().find_map(|glob| {
        let whole: Path = glob.iter().chain(rest).cloned().collect();
        resolve(modules, at, &whole, steps)
    })
}

/// The file whose items a glob imports, if it is of this crate.
fn target_of_glob(modules: &Modules, at: &Path, glob: &[String]) -> Option<String> {
    let mut here = at.clone();
    for (position, name) in glob.iter().enumerate() {
        match name.as_str() {
            "crate" if position == 0 => here.clear(),
            "self" if position == 0 => {}
            "super" => drop(here.pop()?),
            _ if modules.get(&here)?.children.contains(name) => here.push(name.clone()),
            // An enum's variants, or a module that was imported.
            _ => return resolve(modules, at, glob, MAX_STEPS).map(|(file, _)| file),
        }
    }
    modules.get(&here).map(|module| module.file.clone())
}
