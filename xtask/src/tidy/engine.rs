//! The engine of the client is pure: time and bytes go in, decisions come out.

use super::source::{SourceFile, code};

const ENGINE: &str = "crates/fluss-client/src/engine/";

/// Clocks, runtimes, locks and tasks.
const FORBIDDEN: [&str; 9] = [
    "Instant::now",
    "SystemTime::now",
    "tokio",
    "Mutex",
    "RwLock",
    "Condvar",
    "spawn",
    "block_on",
    "std::net",
];

pub(super) fn check(file: &SourceFile, problems: &mut Vec<String>) {
    if !file.path.starts_with(ENGINE) || !file.is_rust() {
        return;
    }
    for (number, line) in file.lines_before_tests() {
        for word in FORBIDDEN.iter().filter(|word| code(line).contains(**word)) {
            problems.push(format!("{}:{number}: `{word}` in the engine", file.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::file, *};

    #[test]
    fn clocks_and_locks_are_found_in_the_engine_only() {
        for (path, text, expected) in [
            (
                "crates/fluss-client/src/engine/a.rs",
                "let now = Instant::now();\n",
                1,
            ),
            (
                "crates/fluss-client/src/engine/a.rs",
                "// no Instant::now here\n",
                0,
            ),
            (
                "crates/fluss-client/src/engine/a.rs",
                "#[cfg(test)]\nuse std::sync::Mutex;\n",
                0,
            ),
            (
                "crates/fluss-client/src/engine/a/tests.rs",
                "let now = Instant::now();\n",
                0,
            ),
            (
                "crates/fluss-client/src/write/a.rs",
                "let now = Instant::now();\n",
                0,
            ),
        ] {
            let mut problems = Vec::new();
            check(&file(path, text), &mut problems);
            assert_eq!(problems.len(), expected, "{path}: {text}");
        }
    }
}
