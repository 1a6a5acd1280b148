//! The tokens of a Rust file, as far as finding its imports takes: words, `::` and punctuation.

/// A piece of source text. Comments, literals and lifetimes are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Word(&'t str),
    /// `::`
    Path,
    Sign(char),
}

/// Splits source text into tokens.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("/*") {
            rest = after_comment(rest);
        } else if let Some(after) = after_literal(rest) {
            rest = after;
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push(Token::Word(word));
            rest = after;
        } else if let Some(after) = rest.strip_prefix("::") {
            tokens.push(Token::Path);
            rest = after;
        } else {
            tokens.push(Token::Sign(first));
            rest = rest.split_at(first.len_utf8()).1;
        }
    }
    tokens
}

/// Block comments nest.
fn after_comment(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("/*") {
            depth += 1;
            rest = after;
        } else if let Some(after) = rest.strip_prefix("*/") {
            depth -= 1;
            rest = after;
            if depth == 0 {
                break;
            }
        } else {
            rest = rest
                .char_indices()
                .nth(1)
                .map_or("", |(end, _)| rest.split_at(end).1);
        }
    }
    rest
}

/// What follows the string, character or lifetime that the text starts with, if it starts with one.
fn after_literal(text: &str) -> Option<&str> {
    let unprefixed = text
        .strip_prefix("br")
        .or_else(|| text.strip_prefix('r'))
        .unwrap_or(text);
    let hashes = unprefixed.len() - unprefixed.trim_start_matches('#').len();
    let is_raw = unprefixed.len() < text.len();
    if is_raw && unprefixed.get(hashes..)?.starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        let body = unprefixed.get(hashes + 1..)?;
        return Some(body.split_once(end.as_str()).map_or("", |(_, after)| after));
    }
    let text = text.strip_prefix('b').unwrap_or(text);
    if let Some(body) = text.strip_prefix('"') {
        return Some(after_quote(body, '"'));
    }
    let body = text.strip_prefix('\'')?;
    let mut chars = body.chars();
    let (first, second) = (chars.next()?, chars.next());
    if first == '\\' || second == Some('\'') {
        Some(after_quote(body, '\''))
    } else {
        Some(body.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'))
    }
}

fn after_quote(body: &str, quote: char) -> &str {
    let mut is_escaped = false;
    for (at, c) in body.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == quote {
            return body.split_at(at + c.len_utf8()).1;
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_hold_no_words() {
        let text = "a::b // c::d\n/* e /* f */ */ \"g \\\" h\" r#\"i \" j\"# 'k' '\\'' 'l: &'m n b\"o\" br\"p\"";
        let words: Vec<_> = tokens(text)
            .into_iter()
            .filter(|token| matches!(token, Token::Word(_) | Token::Path))
            .collect();
        assert_eq!(
            words,
            [
                Token::Word("a"),
                Token::Path,
                Token::Word("b"),
                Token::Word("n")
            ]
        );
    }
}
