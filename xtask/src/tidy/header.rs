//! Every Rust file says first what it is for.

use super::source::SourceFile;

pub(super) fn check(file: &SourceFile, problems: &mut Vec<String>) {
    if file.is_rust() && !file.text.starts_with("//! ") {
        problems.push(format!(
            "{} does not start with `//! ` and its purpose",
            file.path
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::file, *};

    #[test]
    fn a_file_without_a_purpose_is_found() {
        for (name, text, expected) in [
            ("a.rs", "//! Purpose.\nfn a() {}\n", 0),
            ("a.rs", "fn a() {}\n", 1),
            ("a.rs", "", 1),
            ("a/generated/b.rs", "fn a() {}\n", 0),
            ("a.md", "text", 0),
        ] {
            let mut problems = Vec::new();
            check(&file(name, text), &mut problems);
            assert_eq!(problems.len(), expected, "{name}: {text:?}");
        }
    }
}
