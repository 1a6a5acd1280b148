//! Finds the closest match for a misspelled name.

/// Returns the one of `names` with the smallest edit distance to `wrong`.
pub(in crate::config) fn nearest<'a>(
    wrong: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // No key is that long, and comparing would take long.
    let wrong = wrong.chars().take(200).collect::<Vec<_>>();
    names.into_iter().min_by_key(|name| distance(&wrong, name))
}

/// Insertions, deletions and replacements between two texts (Levenshtein), row by row.
fn distance(left: &[char], right: &str) -> usize {
    let mut row = (0..=left.len()).collect::<Vec<_>>();
    for (line, character) in right.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(left) {
            let replaced = diagonal + usize::from(character != *other);
            diagonal = *cell;
            before = replaced.min(diagonal + 1).min(before + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("batch-size", "batchsize", 1),
        ] {
            let left = left.chars().collect::<Vec<_>>();
            assert_eq!(distance(&left, right), expected, "{left:?} {right}");
        }
        assert_eq!(nearest("ab", ["xyz", "abc"]), Some("abc"));
        assert_eq!(nearest("ab", []), None);
    }
}
