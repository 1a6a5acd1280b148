//! A file that grew beyond reading is two files.

use super::source::SourceFile;

/// Lines, without the tests at the end.
const LIMIT: usize = 600;

pub(super) fn check(file: &SourceFile, problems: &mut Vec<String>) {
    let lines = file.lines_before_tests().count();
    if file.is_rust() && lines > LIMIT {
        problems.push(format!(
            "{} has {lines} lines, more than {LIMIT}",
            file.path
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::file, *};

    #[test]
    fn tests_at_the_end_do_not_count() {
        let code = "fn a() {}\n".repeat(LIMIT);
        let tested = format!("{code}#[cfg(test)]\nmod tests {{}}\n");
        for (text, expected) in [
            (code.clone(), 0),
            (tested, 0),
            (format!("{code}fn b() {{}}\n"), 1),
        ] {
            let mut problems = Vec::new();
            check(&file("a.rs", &text), &mut problems);
            assert_eq!(problems.len(), expected);
        }
    }
}
