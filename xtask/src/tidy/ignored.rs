//! No test is switched off.

use super::source::{SourceFile, code};

pub(super) fn check(file: &SourceFile, problems: &mut Vec<String>) {
    if !file.is_rust() {
        return;
    }
    for (number, line) in file.lines() {
        if code(line).trim_start().starts_with("#[ignore") {
            problems.push(format!(
                "{}:{number}: an ignored test proves nothing",
                file.path
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::file, *};

    #[test]
    fn an_ignored_test_is_found() {
        let mut problems = Vec::new();
        check(
            &file("a.rs", "#[test]\n    #[ignore = \"slow\"]\nfn a() {}\n"),
            &mut problems,
        );
        assert_eq!(problems, ["a.rs:2: an ignored test proves nothing"]);
    }
}
