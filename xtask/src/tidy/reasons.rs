//! Whoever silences a lint says why. (Clippy asks the same, but only of code that is compiled as it runs.)

use super::source::{SourceFile, code};

pub(super) fn check(file: &SourceFile, problems: &mut Vec<String>) {
    if !file.is_rust() {
        return;
    }
    let mut rest = file.lines();
    while let Some((number, line)) = rest.next() {
        if !is_start(code(line).trim_start()) {
            continue;
        }
        // An attribute may go over several lines.
        let mut attribute = line.to_owned();
        while !attribute.contains(")]") {
            let Some((_, next)) = rest.next() else { break };
            attribute.push_str(next);
        }
        if !attribute.contains("reason = ") {
            problems.push(format!(
                "{}:{number}: a silenced lint without a reason",
                file.path
            ));
        }
    }
}

pub(super) fn is_start(line: &str) -> bool {
    ["#[allow(", "#![allow(", "#[expect(", "#![expect("]
        .iter()
        .any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::{super::source::file, *};

    #[test]
    fn a_missing_reason_is_found() {
        for (text, expected) in [
            ("#[allow(dead_code)]\n", 1),
            ("#[allow(dead_code, reason = \"why\")]\n", 0),
            ("#![expect(\n    dead_code,\n    reason = \"why\",\n)]\n", 0),
            ("#![expect(\n    dead_code,\n)]\n", 1),
            ("// #[allow(dead_code)]\n", 0),
        ] {
            let mut problems = Vec::new();
            check(&file("a.rs", text), &mut problems);
            assert_eq!(problems.len(), expected, "{text}");
        }
    }
}
