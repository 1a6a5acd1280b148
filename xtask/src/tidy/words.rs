//! Phrases of translated English that must not come back into public text. `docs/style.md` has the voice and better forms.

use super::source::SourceFile;

/// A phrase, in lower case, and what to write in its place.
const PHRASES: [(&str, &str); 45] = [
    ("all the same", "anyway"),
    ("anew", "again, re-created"),
    ("any more", "no longer"),
    ("be it that", "unless, even if"),
    ("behind it", "after it"),
    ("behind its", "after its"),
    ("behind the", "after the"),
    ("behind them", "after them"),
    ("but for", "except for"),
    ("everybody", "all callers, all users"),
    ("for ever", "forever, indefinitely, never ends"),
    ("go on", "continue, resume"),
    ("goes on", "continues, keeps running"),
    ("going on", "continuing, in progress"),
    ("gone on", "continued"),
    ("has the server", "asks the server to"),
    ("how often it", "how many times it"),
    ("in good order", "cleanly"),
    ("is asked for again", "is requested again"),
    ("knows nothing of", "does not know"),
    ("made anew", "re-created"),
    ("nobody", "no caller; or the passive"),
    ("not any longer", "no longer"),
    ("on its way", "in flight"),
    ("on their way", "in flight"),
    ("otherwise than", "other than, unlike"),
    ("passing reason", "transient failure"),
    ("proves who", "authenticates"),
    ("so many times", "that many times, `n` times"),
    ("somebody", "a caller, a user"),
    ("somebody's", "a caller's, a user's"),
    ("tells", "says, reports, returns"),
    ("thrown away", "discarded"),
    ("told apart", "distinguished"),
    ("told by", "reported by"),
    ("told from", "distinguished from"),
    ("told of", "reported"),
    ("told to", "sent to, asked to"),
    ("under way", "in flight, in progress, running"),
    ("weeds out", "discards"),
    ("went on", "continued"),
    ("what is there", "what exists"),
    ("whoever", "anyone who, a caller that"),
    ("without a word", "silently"),
    ("without end", "unlimited, unbounded"),
];

/// Public text: what users read, and the sources that end up on docs.rs or in their errors.
const FILES: [&str; 5] = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "findings/README.md",
];

/// The page that lists the phrases itself.
const STYLE: &str = "docs/style.md";

pub(super) fn check(file: &SourceFile, problems: &mut Vec<String>) {
    if !is_public(&file.path) {
        return;
    }
    let words = words(file);
    for (at, first) in words.iter().enumerate() {
        for (phrase, better) in PHRASES {
            if matches(phrase, words.get(at..).unwrap_or_default()) {
                problems.push(format!(
                    "{}:{}: \"{phrase}\"; write: {better}",
                    file.path, first.line
                ));
            }
        }
    }
}

fn is_public(path: &str) -> bool {
    let in_crate = path.strip_prefix("crates/").is_some_and(|path| {
        let inside = path.split_once('/').map_or("", |(_, inside)| inside);
        inside == "README.md"
            || ["src/", "examples/", "docs/"]
                .iter()
                .any(|folder| inside.starts_with(folder))
    });
    let is_test = path.contains("/tests/") || path.ends_with("tests.rs");
    !is_test && (FILES.contains(&path) || (path.starts_with("docs/") && path != STYLE) || in_crate)
}

struct Word {
    text: String,
    line: usize,
    /// Only white space, a line end or the mark of a comment stands between the word before and this one.
    joins: bool,
}

/// The words of a file. An identifier is one word, so that names of functions are not searched.
fn words(file: &SourceFile) -> Vec<Word> {
    let mut words = Vec::new();
    // Unit tests come last in a file, and users do not read them.
    let lines = file.lines().take_while(|(_, line)| *line != "mod tests {");
    for (line, text) in lines {
        let mut joins = true;
        let mut rest = text.trim_start().trim_start_matches(['/', '!', '>', '*']);
        while !rest.is_empty() {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            if !word.is_empty() {
                words.push(Word {
                    text: word.to_lowercase(),
                    line,
                    joins,
                });
                joins = true;
            }
            let gap = after.find(is_word).unwrap_or(after.len());
            let (gap, after) = after.split_at(gap);
            joins &= gap.trim().is_empty();
            rest = after;
        }
        if !joins {
            // Punctuation at the end of a line ends a phrase as well.
            words.push(Word {
                text: String::new(),
                line,
                joins,
            });
        }
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '\'')
}

fn matches(phrase: &str, words: &[Word]) -> bool {
    let mut words = words.iter();
    phrase.split(' ').enumerate().all(|(at, wanted)| {
        words
            .next()
            .is_some_and(|word| word.text == wanted && (at == 0 || word.joins))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::source::file, *};

    fn found(path: &str, text: &str) -> usize {
        let mut problems = Vec::new();
        check(&file(path, text), &mut problems);
        problems.len()
    }

    #[test]
    fn phrases_are_found_in_text_comments_and_across_lines() {
        for (text, expected) in [
            ("The scan goes on.", 1),
            ("Goes\non", 1),
            ("    /// requests that are under\n    /// way", 1),
            ("let text = \"made anew\";", 2),
            ("fn nobody_waits() {}", 0),
            ("as it goes, on Monday", 0),
            ("where it goes.\nOn Monday", 0),
            ("a subway", 0),
        ] {
            assert_eq!(found("docs/a.md", text), expected, "{text}");
        }
    }

    #[test]
    fn only_public_text_is_checked() {
        for (path, expected) in [
            ("README.md", 1),
            ("docs/reading.md", 1),
            ("docs/style.md", 0),
            ("crates/fluss-row/src/lib.rs", 1),
            ("crates/fluss-row/README.md", 1),
            ("crates/fluss/examples/lookup.rs", 1),
            ("crates/fluss-row/tests/it/main.rs", 0),
            ("crates/fluss-row/src/log/tests.rs", 0),
            ("xtask/src/main.rs", 0),
        ] {
            assert_eq!(found(path, "whoever"), expected, "{path}");
        }
    }

    #[test]
    fn phrases_are_in_order_and_in_lower_case() {
        assert!(PHRASES.is_sorted_by_key(|(phrase, _)| phrase));
        for (phrase, _) in PHRASES {
            assert_eq!(phrase, phrase.to_lowercase());
        }
    }
}
