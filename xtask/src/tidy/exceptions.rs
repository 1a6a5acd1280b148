//! The crates that read what comes from outside silence few lints: at most ten between them, tests aside.

use super::{
    reasons::is_start,
    source::{SourceFile, code},
};

const CRATES: [&str; 3] = [
    "crates/fluss-wire/src/",
    "crates/fluss-metadata/src/",
    "crates/fluss-row/src/",
];
const MOST: usize = 10;

pub(super) fn check(files: &[SourceFile]) -> Vec<String> {
    let places: Vec<String> = files.iter().flat_map(places).collect();
    if places.len() <= MOST {
        return Vec::new();
    }
    vec![format!(
        "{} silenced lints, at most {MOST} are allowed: {}",
        places.len(),
        places.join(", ")
    )]
}

fn places(file: &SourceFile) -> Vec<String> {
    if !file.is_rust() || !CRATES.iter().any(|dir| file.path.starts_with(dir)) {
        return Vec::new();
    }
    let silenced = file
        .lines_before_tests()
        .filter(|(_, line)| is_start(code(line).trim_start()));
    silenced
        .map(|(number, _)| format!("{}:{number}", file.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::source::file, *};

    #[test]
    fn the_eleventh_exception_is_one_too_many() {
        let ten = "#[allow(dead_code, reason = \"why\")]\n".repeat(10);
        let row = |text: &str| file("crates/fluss-row/src/a.rs", text);
        assert!(check(&[row(&ten)]).is_empty());
        let elsewhere = file("crates/fluss-rpc/src/a.rs", &ten);
        assert!(check(&[row(&ten), elsewhere]).is_empty());
        let one = file("crates/fluss-wire/src/a.rs", "    #[expect(dead_code)]\n");
        assert_eq!(check(&[row(&ten), one]).len(), 1);
        let in_tests = format!("#[cfg(test)]\n{ten}");
        assert!(check(&[row(&ten), row(&in_tests)]).is_empty());
    }
}
