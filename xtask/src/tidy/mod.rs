//! `cargo xtask tidy`: the rules of the house that neither the compiler nor clippy checks. One rule, one file.

mod edges;
mod engine;
mod exceptions;
mod header;
mod ignored;
mod imports;
mod length;
mod machine_paths;
mod reasons;
mod sans_io;
mod source;
mod words;

use crate::{
    Result,
    tidy::source::{SourceFile, tracked_files},
    workspace,
};

/// Looks at one file and adds what is wrong with it.
type FileRule = fn(&SourceFile, &mut Vec<String>);

const FILE_RULES: [(&str, FileRule); 7] = [
    ("engine", engine::check),
    ("header", header::check),
    ("ignored", ignored::check),
    ("length", length::check),
    ("machine-paths", machine_paths::check),
    ("reasons", reasons::check),
    ("words", words::check),
];

pub(crate) fn run() -> Result<()> {
    let mut problems = Vec::new();
    let files = tracked_files()?;
    for (rule, check) in FILE_RULES {
        let mut found = Vec::new();
        for file in &files {
            check(file, &mut found);
        }
        problems.extend(
            found
                .into_iter()
                .map(|problem| format!("{rule}: {problem}")),
        );
    }
    problems.extend(
        exceptions::check(&files)
            .into_iter()
            .map(|problem| format!("exceptions: {problem}")),
    );
    problems.extend(
        imports::check(&files)
            .into_iter()
            .map(|problem| format!("circles: {problem}")),
    );
    problems.extend(
        imports::check_rooms(&files)
            .into_iter()
            .map(|problem| format!("rooms: {problem}")),
    );
    for line in imports::summary(&files) {
        println!("tidy: {line}");
    }
    let packages = workspace::packages()?;
    problems.extend(
        edges::check(&packages)
            .into_iter()
            .map(|problem| format!("edges: {problem}")),
    );
    problems.extend(
        sans_io::check(&packages)?
            .into_iter()
            .map(|problem| format!("sans-io: {problem}")),
    );

    if problems.is_empty() {
        println!(
            "tidy: {} files and {} packages are in order",
            files.len(),
            packages.len()
        );
        Ok(())
    } else {
        Err(format!("{} problems\n  {}", problems.len(), problems.join("\n  ")).into())
    }
}

/// `cargo xtask circles CRATE`: the files that import each other, and what.
pub(crate) fn circles(name: &str) -> Result<()> {
    println!("{}", imports::shown(&tracked_files()?, name));
    Ok(())
}
