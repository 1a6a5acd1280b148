//! `cargo xtask links`: links in Markdown files to other files of the repository, and to headings in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

use crate::{Result, shell, workspace};

pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let files = tracked(&root)?;
    let mut pages = BTreeMap::new();
    for path in files.iter().filter(|path| is_markdown(path)) {
        pages.insert(path.clone(), fs::read_to_string(root.join(path))?);
    }
    let problems = check(&pages, &files);
    if problems.is_empty() {
        println!("links: {} pages are in order", pages.len());
        return Ok(());
    }
    for problem in &problems {
        println!("links: {problem}");
    }
    Err(format!("{} broken links", problems.len()).into())
}

/// Files and folders under version control.
fn tracked(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut git = std::process::Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let files = shell::output(git.current_dir(root))?;
    let files = files.lines().map(PathBuf::from);
    Ok(files
        .filter(|file| root.join(file).exists())
        .flat_map(|file| {
            let with_folders: Vec<_> = file.ancestors().map(Path::to_owned).collect();
            with_folders
        })
        .collect())
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

fn check(pages: &BTreeMap<PathBuf, String>, files: &BTreeSet<PathBuf>) -> Vec<String> {
    let mut problems = Vec::new();
    for (page, text) in pages {
        for (line, target) in links(text) {
            if let Some(why) = broken(page, &target, pages, files) {
                problems.push(format!("{}:{line}: {target}: {why}", page.display()));
            }
        }
    }
    problems
}

/// Why a link leads nowhere, if so. Links to the web are not followed.
fn broken(
    page: &Path,
    target: &str,
    pages: &BTreeMap<PathBuf, String>,
    files: &BTreeSet<PathBuf>,
) -> Option<&'static str> {
    if target.contains("://") || target.starts_with("mailto:") || target.contains("::") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let found = if path.is_empty() {
        page.to_owned()
    } else {
        let folder = page.parent().unwrap_or(Path::new(""));
        let Some(found) = plain(&folder.join(path)) else {
            return Some("outside the repository");
        };
        found
    };
    if !files.contains(&found) {
        return Some("no such file");
    }
    if anchor.is_empty() {
        return None;
    }
    match pages.get(&found) {
        Some(text) if !anchors(text).contains(anchor) => Some("no such heading"),
        _ => None,
    }
}

/// A path without `.` and `..`; none if it leads out of the repository.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            other => plain.push(other),
        }
    }
    Some(plain)
}

/// The lines outside of code blocks, counted from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

/// The targets of `[text](target)` and `[label]: target`, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, text) in prose(text) {
        let text = without_code(text);
        for (at, _) in text.match_indices("](") {
            let rest = text.get(at + 2..).unwrap_or_default();
            if let Some((target, _)) = rest.split_once([')', ' ']) {
                found.push((line, target.to_owned()));
            }
        }
        let label = text.starts_with('[').then(|| text.split_once("]: "));
        if let Some((_, target)) = label.flatten() {
            let target = target.split_whitespace().next().unwrap_or_default();
            found.push((line, target.to_owned()));
        }
    }
    found
}

/// A line without its inline code.
fn without_code(line: &str) -> String {
    let parts = line.split('`').enumerate();
    parts
        .filter(|(place, _)| place % 2 == 0)
        .map(|(_, part)| part)
        .collect()
}

/// The anchors of a page, as GitHub makes them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let base = slug(title);
        let mut anchor = base.clone();
        let mut again = 0;
        while !anchors.insert(anchor.clone()) {
            again += 1;
            anchor = format!("{base}-{again}");
        }
    }
    anchors
}

fn slug(title: &str) -> String {
    let title = title.trim().to_lowercase();
    let kept = title
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_missing_files_and_headings_are_found() {
        let page = "# A page\n[ok](b.md#two-words) [gone](c.md) [no heading](b.md#three)\n\
                    `[code](c.md)` [web](https://example.org/x)\n```\n[code](c.md)\n```\n\
                    [self](#a-page) [up](../x.md) [folder](sub)\n\n[label]: c.md\n[api]: crate::x::y\n";
        let other = "## Two words\n## Two words\n[twice](#two-words-1)\n";
        let pages = BTreeMap::from([
            (PathBuf::from("a.md"), page.to_owned()),
            (PathBuf::from("b.md"), other.to_owned()),
        ]);
        let files = ["a.md", "b.md", "sub"].map(PathBuf::from);
        let problems = check(&pages, &files.into_iter().collect());
        assert_eq!(
            problems,
            [
                "a.md:2: c.md: no such file",
                "a.md:2: b.md#three: no such heading",
                "a.md:7: ../x.md: outside the repository",
                "a.md:9: c.md: no such file",
            ]
        );
    }

    #[test]
    fn anchors_are_made_as_github_makes_them() {
        for (title, expected) in [
            ("Rows and `Batches`", "rows-and-batches"),
            ("What's new in 1.0?", "whats-new-in-10"),
            ("a_b - c", "a_b---c"),
        ] {
            assert_eq!(slug(title), expected, "{title}");
        }
    }
}
