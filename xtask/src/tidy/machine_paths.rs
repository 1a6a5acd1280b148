//! Nothing in the project names a place on somebody's machine.

use super::source::SourceFile;

/// Written in two parts, so that this file doesn't find itself.
const PLACES: [&str; 6] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/tmp", "/t/"),
    concat!("/Us", "ers/"),
    concat!("C:", "\\Users"),
];

pub(super) fn check(file: &SourceFile, problems: &mut Vec<String>) {
    for (number, line) in file.lines() {
        for place in PLACES {
            let mut starts = line.match_indices(place).map(|(at, _)| at);
            // Behind a name it is a part of a relative path or of an address.
            if starts.any(|at| {
                !line
                    .get(..at)
                    .is_some_and(|before| before.ends_with(is_path_character))
            }) {
                problems.push(format!("{}:{number}: names {place}", file.path));
            }
        }
    }
}

fn is_path_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '~' | '}' | '*')
}

#[cfg(test)]
mod tests {
    use super::{super::source::file, *};

    #[test]
    fn places_are_found_and_relative_paths_are_not() {
        let root = PLACES[0];
        for (text, expected) in [
            (format!("see {root}main"), 1),
            (format!("\"{root}main\""), 1),
            (format!("target{root}main"), 0),
            (format!("https://example.org{root}main"), 0),
        ] {
            let mut problems = Vec::new();
            check(&file("a.md", &text), &mut problems);
            assert_eq!(problems.len(), expected, "{text}");
        }
    }
}
