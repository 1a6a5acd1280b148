//! The text format of `java.util.Properties`.

/// Keys and values in the order of the text. The error is the 1-based number of the line with an invalid escape.
///
/// Source: `java.util.Properties.load(Reader)`.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut entries = Vec::new();
    for (number, line) in logical_lines(text) {
        let (key, value) = split(&line);
        let entry = unescape(key).zip(unescape(value)).ok_or(number)?;
        entries.push(entry);
    }
    Ok(entries)
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\u{c}')
}

/// Lines without comments and empty lines, each joined with its continuation lines, and the number of its first line.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    // A line ends with \n, \r or both; an empty line between \r and \n does no harm.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (at, line) in text.split('\n').enumerate() {
        let line = line.trim_start_matches(is_space);
        if open.is_none() && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        let goes_on = line.chars().rev().take_while(|last| *last == '\\').count() % 2 == 1;
        let (_, whole) = open.get_or_insert_with(|| (at + 1, String::new()));
        whole.push_str(if goes_on {
            line.strip_suffix('\\').unwrap_or(line)
        } else {
            line
        });
        if !goes_on {
            lines.extend(open.take());
        }
    }
    lines.extend(open);
    lines
}

/// Key and value, both still escaped: the key ends at the first `=`, `:` or white space without a `\` before it.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|character: char| {
        let ends = !escaped && (matches!(character, '=' | ':') || is_space(character));
        escaped = !escaped && character == '\\';
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(is_space);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(is_space))
}

fn unescape(text: &str) -> Option<String> {
    let mut units = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    let mut buffer = [0; 2];
    while let Some(character) = characters.next() {
        let plain = if character == '\\' {
            match characters.next() {
                None => break,
                Some('u') => {
                    let digits = characters.as_str().get(..4)?;
                    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                        return None;
                    }
                    units.push(u16::from_str_radix(digits, 16).ok()?);
                    characters = characters.as_str().get(4..)?.chars();
                    continue;
                }
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some(other) => other,
            }
        } else {
            character
        };
        units.extend_from_slice(plain.encode_utf16(&mut buffer));
    }
    // Two escapes may make one character.
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_as_java_reads_them() {
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)]);
        let cases: [Case<'_>; 14] = [
            ("", &[]),
            ("# a=b\n  ! c=d\n\n \t\n", &[]),
            ("a=b", &[("a", "b")]),
            (
                "a = b \r\n  c : d\rE f",
                &[("a", "b "), ("c", "d"), ("E", "f")],
            ),
            ("a", &[("a", "")]),
            ("a==b", &[("a", "=b")]),
            ("a : = b", &[("a", "= b")]),
            ("a\\ b\\=c\\:=d", &[("a b=c:", "d")]),
            ("a=b,\\\n   c,\\\r\n\td", &[("a", "b,c,d")]),
            ("a=b\\\\\nc=d", &[("a", "b\\"), ("c", "d")]),
            ("a=b\\\n# no comment", &[("a", "b# no comment")]),
            ("a=\\u0041\\ud83d\\ude80\\t\\q", &[("a", "A🚀\tq")]),
            ("ä=ö", &[("ä", "ö")]),
            ("a=b\\", &[("a", "b")]),
        ];
        for (text, expected) in cases {
            let parsed = parse(text).unwrap();
            let parsed = parsed
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect::<Vec<_>>();
            assert_eq!(parsed, expected, "{text:?}");
        }
    }

    #[test]
    fn a_broken_escape_is_told_with_its_line() {
        for text in [
            "a=b\n\nc=\\u00g1",
            "\n\nc=\\u12",
            "\n\nc=\\ud83d",
            "\n\n\\u+123=c",
            "\n\nc=\\uäöü",
        ] {
            assert_eq!(parse(text), Err(3), "{text:?}");
        }
    }
}
