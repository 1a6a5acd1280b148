//! Paths in file systems, as the servers write them. Source: `FsPath.java`.

use std::fmt;

use crate::error::{MetadataError, Result};

/// A path with an optional scheme and authority: `s3://bucket/dir/file`, `file:/tmp/x`, `/tmp/x`.
///
/// It has no escapes and no query, no repeated slashes and no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FsPath {
    scheme: Option<String>,
    authority: Option<String>,
    path: String,
}

/// Whether it starts with a Windows drive.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

impl FsPath {
    /// Parses and normalizes a path.
    ///
    /// # Errors
    ///
    /// Returns an error for an empty text or an invalid scheme or path, such as `s3:dir`.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |expected: &str| {
            Err(MetadataError::invalid(
                "path",
                format!("{text:?}"),
                expected,
            ))
        };
        if text.is_empty() {
            return refuse("a path");
        }
        let (mut scheme, mut authority, mut path) = (None, None, text);
        let colon = text.find(':');
        let before_slash = |at: &usize| text.find('/').is_none_or(|slash| *at < slash);
        if let Some(at) = colon.filter(before_slash)
            && !has_drive(text)
        {
            let (name, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            scheme = Some(name.to_owned());
            path = rest.strip_prefix(':').unwrap_or(rest);
        }
        if let Some(rest) = path.strip_prefix("//").filter(|rest| !rest.is_empty()) {
            let end = rest.find('/').unwrap_or(rest.len());
            let (name, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
            authority = Some(name.to_owned()).filter(|name| !name.is_empty());
            path = rest;
        }
        let slash = if has_drive(path) { "/" } else { "" };
        let path = normalize(&format!("{slash}{path}"));
        if let Some(name) = &scheme {
            let mut characters = name.chars();
            let legal = characters.next().is_some_and(|c| c.is_ascii_alphabetic())
                && characters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
            if !legal {
                return refuse("a scheme of letters, digits, +, - and .");
            }
            if !path.is_empty() && !path.starts_with('/') {
                return refuse("a slash after the scheme");
            }
            if path.is_empty() && authority.is_none() {
                return refuse("a path after the scheme");
            }
        }
        Ok(Self {
            scheme,
            authority,
            path,
        })
    }

    /// Returns the path of `name` below this one. `name` may have several parts.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let path = if self.path.is_empty() && self.authority.is_none() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.path)
        };
        Self {
            scheme: self.scheme.clone(),
            authority: self.authority.clone(),
            path: normalize(&path),
        }
    }

    /// Returns the scheme, such as `s3`.
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// Returns the authority, such as a bucket's name.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Returns the part after scheme and authority.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the last part of the path.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or("")
    }

    /// Returns the path above this one, if there is one.
    pub fn parent(&self) -> Option<Self> {
        let (parent, name) = self.path.rsplit_once('/')?;
        if name.is_empty() {
            return None;
        }
        let parent = if parent.is_empty() { "/" } else { parent };
        Some(Self {
            path: parent.to_owned(),
            ..self.clone()
        })
    }
}

/// Single slashes, none at the end, and no `.` and `..` that can be resolved.
fn normalize(path: &str) -> String {
    let absolute = path.starts_with(['/', '\\']);
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute {
        format!("/{joined}")
    } else {
        joined
    }
}

impl fmt::Display for FsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}:")?;
        }
        if let Some(authority) = &self.authority {
            write!(f, "//{authority}")?;
        }
        let bare = self.scheme.is_none() && self.authority.is_none();
        match self.path.strip_prefix('/') {
            Some(path) if bare && has_drive(path) => f.write_str(path),
            _ => f.write_str(&self.path),
        }
    }
}

impl std::str::FromStr for FsPath {
    type Err = MetadataError;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_end_at_the_root() {
        let path = FsPath::parse("s3://b/a/c").unwrap();
        let parent = path.parent().unwrap();
        assert_eq!(parent.to_string(), "s3://b/a");
        assert_eq!(parent.parent().unwrap().to_string(), "s3://b/");
        assert_eq!(parent.parent().unwrap().parent(), None);
        assert_eq!(parent.child("/x//y/").to_string(), "s3://b/a/x/y");
        assert_eq!(parent.parent().unwrap().child("x").to_string(), "s3://b/x");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "s3:", "s3:a/b", "1s://b/c"] {
            assert!(FsPath::parse(text).is_err(), "{text}");
        }
    }
}
