//! The files of the project: those that git tracks, and new ones that it would.

use std::{fs, process::Command};

use crate::{Result, shell, workspace};

/// One text file.
pub(super) struct SourceFile {
    /// From the workspace's root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl SourceFile {
    /// Rust written by hand.
    pub(super) fn is_rust(&self) -> bool {
        let generated = self.path.contains("/generated/");
        std::path::Path::new(&self.path)
            .extension()
            .is_some_and(|extension| extension == "rs")
            && !generated
    }

    /// Its lines, each with its number.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// As [`SourceFile::lines`], up to the tests at the end of the file; nothing of a file that is all tests.
    pub(super) fn lines_before_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let all_tests = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        self.lines()
            .take_while(move |(_, line)| !all_tests && *line != "#[cfg(test)]")
    }
}

/// The part of a line before a `//` comment. That a string may hold `//` does not matter for what is looked for here.
pub(super) fn code(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// Files that are no text are left out.
pub(super) fn tracked_files() -> Result<Vec<SourceFile>> {
    let root = workspace::root();
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])
    .current_dir(&root);
    let mut files = Vec::new();
    for path in shell::output(&mut git)?
        .split('\0')
        .filter(|path| !path.is_empty())
    {
        // Git still tracks a file that was deleted just now.
        let Ok(bytes) = fs::read(root.join(path)) else {
            continue;
        };
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(SourceFile {
                path: path.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}

/// A file for the tests of the rules.
#[cfg(test)]
pub(super) fn file(path: &str, text: &str) -> SourceFile {
    SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}
