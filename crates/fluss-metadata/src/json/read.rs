//! Reads untrusted JSON.
//!
//! The text is validated once as a whole. Values are slices of it that are parsed on demand. So only what ends up in
//! the result is allocated: no tree of values many times the size of the text is built, and nesting that is not
//! requested is skipped without recursion.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use crate::error::{MetadataError, Result, quoted_text, shortened};

/// Maximum number of names in a list. Without a limit, a list could take many times the memory of its text.
const MAX_NAMES: usize = 2048;

/// A value within a document that is valid JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<'a> {
    document: &'static str,
    /// The key or the position under which the value was found.
    field: &'a str,
    /// The value without white space around it.
    text: &'a str,
}

/// Checks that `text` is JSON. `document` names it in errors.
pub(crate) fn parse<'a>(document: &'static str, text: &'a [u8]) -> Result<Json<'a>> {
    let refuse = |reason: String| MetadataError::Json { document, reason };
    let text = std::str::from_utf8(text).map_err(|error| refuse(error.to_string()))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| refuse(error.to_string()))?;
    Ok(Json {
        document,
        field: "",
        text: trim(text),
    })
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// Length in bytes of the value at the start of `text`.
fn value_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    in_string = false;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return if depth == 1 { at + 1 } else { at },
            b'}' | b']' => depth -= 1,
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// Takes the next value and its separator from `rest`.
fn next_value<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = trim(rest);
    if text.is_empty() {
        return None;
    }
    let (value, behind) = text.split_at_checked(value_length(text))?;
    let behind = trim(behind);
    *rest = behind.strip_prefix([',', ':']).unwrap_or(behind);
    Some(value)
}

/// Decodes a JSON string, borrowing it when it has no escapes.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        // Fails for unpaired surrogates, which strings cannot contain.
        serde_json::from_str::<String>(text).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

impl<'a> Json<'a> {
    fn child(self, field: &'a str, text: &'a str) -> Self {
        Self {
            document: self.document,
            field,
            text,
        }
    }

    fn is_null(self) -> bool {
        self.text == "null"
    }

    /// Creates the error that something else was expected here.
    pub(crate) fn wrong(self, expected: &str) -> MetadataError {
        let got = shortened(self.text);
        let place = match self.field {
            "" => String::new(),
            field => format!("field {}: ", quoted_text(field)),
        };
        MetadataError::Json {
            document: self.document,
            reason: format!("{place}got {got}, expected {expected}"),
        }
    }

    fn inner(self, open: char, close: char, expected: &str) -> Result<&'a str> {
        self.text
            .strip_prefix(open)
            .and_then(|text| text.strip_suffix(close))
            .ok_or_else(|| self.wrong(expected))
    }

    fn members(self) -> Result<impl Iterator<Item = (&'a str, Json<'a>)>> {
        let mut rest = self.inner('{', '}', "an object")?;
        Ok(std::iter::from_fn(move || {
            let key = next_value(&mut rest)?;
            let value = next_value(&mut rest)?;
            let bare = key.trim_matches('"');
            Some((key, self.child(bare, value)))
        }))
    }

    /// The members of an object with these names, in one pass. Null counts as absent, and the last of two members
    /// with the same name wins.
    pub(crate) fn fields<const N: usize>(self, names: [&'static str; N]) -> Result<[Field<'a>; N]> {
        let mut found = names.map(|name| Field {
            of: self,
            name,
            value: None,
        });
        for (key, value) in self.members()? {
            let Some(key) = decode(key) else {
                return Err(value.wrong("a name without unpaired surrogates"));
            };
            for field in &mut found {
                if field.name == key {
                    field.value = (!value.is_null()).then_some(value);
                }
            }
        }
        Ok(found)
    }

    /// Returns the elements of an array, with their number.
    pub(crate) fn elements(self) -> Result<(usize, impl Iterator<Item = Json<'a>>)> {
        let inner = self.inner('[', ']', "an array")?;
        let values = move || {
            let mut rest = inner;
            std::iter::from_fn(move || next_value(&mut rest))
        };
        Ok((
            values().count(),
            values().map(move |text| self.child(self.field, text)),
        ))
    }

    /// Returns the elements of an array, each read by `read`.
    pub(crate) fn list<T>(self, mut read: impl FnMut(Json<'a>) -> Result<T>) -> Result<Vec<T>> {
        let (count, elements) = self.elements()?;
        // Counted first, so that the list is allocated with its exact size.
        let mut list = Vec::with_capacity(count);
        for element in elements {
            list.push(read(element)?);
        }
        Ok(list)
    }

    /// A list of names, of keys mostly.
    pub(crate) fn strings(self) -> Result<Vec<String>> {
        if self.elements()?.0 > MAX_NAMES {
            return Err(self.wrong("a list of at most 2048 names"));
        }
        self.list(|element| element.string().map(Cow::into_owned))
    }

    pub(crate) fn string(self) -> Result<Cow<'a, str>> {
        decode(self.text).ok_or_else(|| self.wrong("a string"))
    }

    pub(crate) fn boolean(self) -> Result<bool> {
        match self.text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// A number without fraction and exponent.
    pub(crate) fn integer<T: std::str::FromStr>(self) -> Result<T> {
        self.text
            .parse()
            .map_err(|_| self.wrong("a whole number within range"))
    }

    /// An object of strings. Numbers and booleans are converted to strings, as in Jackson.
    pub(crate) fn string_map(self) -> Result<BTreeMap<String, String>> {
        // One by one: collecting would put all into one list first.
        let mut map = BTreeMap::new();
        for (key, value) in self.members()? {
            let key =
                decode(key).ok_or_else(|| value.wrong("a name without unpaired surrogates"))?;
            let text = match value.text.as_bytes().first() {
                Some(b'"') => value.string()?,
                Some(b'{' | b'[') => return Err(value.wrong("a string")),
                _ if value.is_null() => return Err(value.wrong("a string")),
                _ => Cow::Borrowed(value.text),
            };
            map.insert(key.into_owned(), text.into_owned());
        }
        Ok(map)
    }
}

/// A member of an object, which may be absent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    of: Json<'a>,
    name: &'static str,
    value: Option<Json<'a>>,
}

impl<'a> Field<'a> {
    /// Returns the value, if present.
    pub(crate) fn optional(self) -> Option<Json<'a>> {
        self.value
    }

    /// Returns the value, which must be present.
    pub(crate) fn required(self) -> Result<Json<'a>> {
        self.value.ok_or_else(|| MetadataError::Json {
            document: self.of.document,
            reason: format!("field {:?}: missing", self.name),
        })
    }

    pub(crate) fn string(self) -> Result<Cow<'a, str>> {
        self.required()?.string()
    }

    pub(crate) fn optional_string(self) -> Result<Option<Cow<'a, str>>> {
        self.value.map(Json::string).transpose()
    }

    pub(crate) fn integer<T: std::str::FromStr>(self) -> Result<T> {
        self.required()?.integer()
    }

    pub(crate) fn optional_integer<T: std::str::FromStr>(self) -> Result<Option<T>> {
        self.value.map(Json::integer).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_whatever_stands_around_them() {
        let text = br#" { "skip" : [ { "a" : "}]\"" } , [ ] ] , "a" : 1 , "\u0061":2,"b" : [ 1 , "x" ,{}] ,"c":null} "#;
        let json = parse("test", text).unwrap();
        let [a, b, c, d] = json.fields(["a", "b", "c", "d"]).unwrap();
        assert_eq!(a.integer::<i32>().unwrap(), 2);
        assert_eq!(b.required().unwrap().elements().unwrap().0, 3);
        assert!(c.optional().is_none());
        assert!(
            d.integer::<i32>()
                .unwrap_err()
                .to_string()
                .contains("\"d\"")
        );
    }

    #[test]
    fn wrong_kinds_are_errors_that_name_the_field() {
        let json = parse("test", br#"{"a":"x","b":1.5,"c":"\ud800"}"#).unwrap();
        let [a, b, c] = json.fields(["a", "b", "c"]).unwrap();
        assert!(
            a.integer::<i32>()
                .unwrap_err()
                .to_string()
                .contains("\"a\"")
        );
        assert!(b.integer::<i32>().is_err());
        assert!(c.string().is_err());
        assert!(json.string().is_err());
        assert!(json.elements().is_err());
    }

    #[test]
    fn deep_nesting_is_skipped_without_recursion() {
        let deep = format!(
            "{{\"x\":{}{},\"a\":1}}",
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        let json = parse("test", deep.as_bytes()).unwrap();
        let [a] = json.fields(["a"]).unwrap();
        assert_eq!(a.integer::<i32>().unwrap(), 1);
    }
}
