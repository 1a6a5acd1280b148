//! JSON as the Java classes write it: keys in a fixed order, no white space. And reading with errors that name the place.

use serde_json::{Map, Value};

use crate::error::{MetadataError, Result};

/// Writes one JSON object or array after another into a text.
#[derive(Debug, Default)]
pub(crate) struct JsonWriter {
    text: String,
    needs_comma: bool,
}

impl JsonWriter {
    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn separate(&mut self) {
        if self.needs_comma {
            self.text.push(',');
        }
        self.needs_comma = false;
    }

    pub(crate) fn object(&mut self, content: impl FnOnce(&mut Self)) {
        self.separate();
        self.text.push('{');
        content(self);
        self.text.push('}');
        self.needs_comma = true;
    }

    pub(crate) fn array(&mut self, content: impl FnOnce(&mut Self)) {
        self.separate();
        self.text.push('[');
        content(self);
        self.text.push(']');
        self.needs_comma = true;
    }

    pub(crate) fn key(&mut self, key: &str) {
        self.string(key);
        self.text.push(':');
        self.needs_comma = false;
    }

    pub(crate) fn string(&mut self, value: &str) {
        self.separate();
        // Writing a string as JSON cannot fail.
        self.text.push_str(&Value::from(value).to_string());
        self.needs_comma = true;
    }

    pub(crate) fn number(&mut self, value: impl Into<i64>) {
        self.separate();
        self.text.push_str(&value.into().to_string());
        self.needs_comma = true;
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.separate();
        self.text.push_str(if value { "true" } else { "false" });
        self.needs_comma = true;
    }

    pub(crate) fn string_field(&mut self, key: &str, value: &str) {
        self.key(key);
        self.string(value);
    }

    pub(crate) fn number_field(&mut self, key: &str, value: impl Into<i64>) {
        self.key(key);
        self.number(value);
    }

    pub(crate) fn strings_field<'a>(
        &mut self,
        key: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) {
        self.key(key);
        self.array(|json| values.into_iter().for_each(|value| json.string(value)));
    }

    pub(crate) fn map_field<'a>(
        &mut self,
        key: &str,
        entries: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        self.key(key);
        self.object(|json| {
            entries
                .into_iter()
                .for_each(|(key, value)| json.string_field(key, value))
        });
    }
}

/// A JSON object that knows what document it is part of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonObject<'a> {
    document: &'static str,
    fields: &'a Map<String, Value>,
}

pub(crate) fn parse(document: &'static str, text: &[u8]) -> Result<Value> {
    serde_json::from_slice(text).map_err(|error| MetadataError::Json {
        document,
        reason: error.to_string(),
    })
}

impl<'a> JsonObject<'a> {
    pub(crate) fn of(document: &'static str, value: &'a Value) -> Result<Self> {
        match value.as_object() {
            Some(fields) => Ok(Self { document, fields }),
            None => Err(MetadataError::Json {
                document,
                reason: format!("{value} is no object"),
            }),
        }
    }

    pub(crate) fn wrong(&self, key: &str, expected: &str) -> MetadataError {
        let got = self.fields.get(key).map_or("nothing".to_owned(), |value| {
            let mut text = value.to_string();
            text.truncate(text.char_indices().nth(60).map_or(text.len(), |(at, _)| at));
            text
        });
        MetadataError::Json {
            document: self.document,
            reason: format!("field {key:?}: got {got}, expected {expected}"),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn required(&self, key: &str) -> Result<&'a Value> {
        self.get(key).ok_or_else(|| self.wrong(key, "a value"))
    }

    pub(crate) fn string(&self, key: &str) -> Result<&'a str> {
        self.optional_string(key)?
            .ok_or_else(|| self.wrong(key, "a string"))
    }

    pub(crate) fn optional_string(&self, key: &str) -> Result<Option<&'a str>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => value
                .as_str()
                .map(Some)
                .ok_or_else(|| self.wrong(key, "a string")),
        }
    }

    pub(crate) fn optional_i32(&self, key: &str) -> Result<Option<i32>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .and_then(|number| i32::try_from(number).ok())
                .map(Some)
                .ok_or_else(|| self.wrong(key, "a number of 32 bits")),
        }
    }

    pub(crate) fn u32(&self, key: &str) -> Result<u32> {
        self.get(key)
            .and_then(Value::as_u64)
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| self.wrong(key, "a number from 0"))
    }

    pub(crate) fn array(&self, key: &str) -> Result<&'a [Value]> {
        self.get(key)
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .ok_or_else(|| self.wrong(key, "an array"))
    }

    pub(crate) fn strings(&self, key: &str) -> Result<Vec<String>> {
        self.array(key)?
            .iter()
            .map(|value| {
                value
                    .as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| self.wrong(key, "strings"))
            })
            .collect()
    }

    pub(crate) fn string_map(&self, key: &str) -> Result<Vec<(String, String)>> {
        let value = self.required(key)?;
        let map = value
            .as_object()
            .ok_or_else(|| self.wrong(key, "an object"))?;
        map.iter()
            .map(|(name, value)| {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(_) | Value::Bool(_) => value.to_string(),
                    _ => return Err(self.wrong(key, "an object of strings")),
                };
                Ok((name.clone(), text))
            })
            .collect()
    }
}
