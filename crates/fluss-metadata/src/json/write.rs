//! Writes JSON byte for byte as Jackson does: keys in the order given, no white space.

use std::fmt::Write as _;

/// Writes JSON values to a string.
#[derive(Debug, Default)]
pub(crate) struct JsonWriter {
    text: String,
    needs_comma: bool,
}

impl JsonWriter {
    /// Writes a document that is one object.
    pub(crate) fn document(content: impl FnOnce(&mut Self)) -> String {
        let mut json = Self::default();
        json.object(content);
        json.text
    }

    fn separate(&mut self) {
        if self.needs_comma {
            self.text.push(',');
        }
        self.needs_comma = true;
    }

    fn nested(&mut self, open: char, content: impl FnOnce(&mut Self), close: char) {
        self.separate();
        self.text.push(open);
        self.needs_comma = false;
        content(self);
        self.text.push(close);
        self.needs_comma = true;
    }

    pub(crate) fn object(&mut self, content: impl FnOnce(&mut Self)) {
        self.nested('{', content, '}');
    }

    pub(crate) fn array(&mut self, content: impl FnOnce(&mut Self)) {
        self.nested('[', content, ']');
    }

    pub(crate) fn key(&mut self, key: &str) {
        self.string(key);
        self.text.push(':');
        self.needs_comma = false;
    }

    /// Escapes what Jackson escapes: quotes, backslashes, control characters, and characters beyond U+FFFF as
    /// surrogate pairs, with upper-case digits.
    pub(crate) fn string(&mut self, value: &str) {
        self.separate();
        self.text.push('"');
        for character in value.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                '\0'..='\u{1f}' => {
                    // Writing to a string cannot fail.
                    let _ = write!(self.text, "\\u{:04X}", u32::from(character));
                }
                '\u{10000}'.. => {
                    for half in character.encode_utf16(&mut [0; 2]) {
                        let _ = write!(self.text, "\\u{half:04X}");
                    }
                }
                _ => self.text.push(character),
            }
        }
        self.text.push('"');
    }

    fn raw(&mut self, text: impl std::fmt::Display) {
        self.separate();
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{text}");
    }

    pub(crate) fn number(&mut self, value: impl Into<i64>) {
        self.raw(value.into());
    }

    pub(crate) fn boolean_field(&mut self, key: &str, value: bool) {
        self.key(key);
        self.raw(value);
    }

    pub(crate) fn null_field(&mut self, key: &str) {
        self.key(key);
        self.raw("null");
    }

    pub(crate) fn string_field(&mut self, key: &str, value: &str) {
        self.key(key);
        self.string(value);
    }

    pub(crate) fn number_field(&mut self, key: &str, value: impl Into<i64>) {
        self.key(key);
        self.number(value);
    }

    pub(crate) fn optional_number_field(&mut self, key: &str, value: Option<i64>) {
        if let Some(value) = value {
            self.number_field(key, value);
        }
    }

    pub(crate) fn array_field(&mut self, key: &str, content: impl FnOnce(&mut Self)) {
        self.key(key);
        self.array(content);
    }

    pub(crate) fn object_field(&mut self, key: &str, content: impl FnOnce(&mut Self)) {
        self.key(key);
        self.object(content);
    }

    pub(crate) fn strings_field<'a>(
        &mut self,
        key: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) {
        self.array_field(key, |json| {
            for value in values {
                json.string(value);
            }
        });
    }

    pub(crate) fn map_field<'a>(
        &mut self,
        key: &str,
        entries: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) {
        self.object_field(key, |json| {
            for (key, value) in entries {
                json.string_field(key, value);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_escaped_as_by_jackson() {
        let text = JsonWriter::document(|json| json.string_field("k", "\u{1f}\0\n\u{7f}\"\\é🚀"));
        assert_eq!(
            text,
            "{\"k\":\"\\u001F\\u0000\\n\u{7f}\\\"\\\\é\\uD83D\\uDE80\"}"
        );
    }
}
