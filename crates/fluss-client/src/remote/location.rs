//! The location of a file in remote storage.

use std::path::PathBuf;

use fluss_metadata::FsPath;

use crate::error::{Error, Result};

/// A file that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Local(PathBuf),
    #[cfg(feature = "s3")]
    S3 {
        bucket: String,
        key: String,
    },
}

impl Location {
    /// The file `name` in a directory that a server gave as a URI.
    pub(crate) fn of(directory: &str, name: &str) -> Result<Self> {
        let directory = FsPath::parse(directory)
            .map_err(|error| Error::corrupt(format!("remote storage {directory:?}: {error}")))?;
        let file = directory.child(name);
        let scheme = file.scheme().unwrap_or("file").to_ascii_lowercase();
        match scheme.as_str() {
            "file" => Ok(Self::Local(PathBuf::from(file.path()))),
            "s3" | "s3a" | "s3n" => s3(&file, &scheme),
            _ => Err(Error::usage(format!(
                "records of the log are in remote storage {scheme}://, which this client does not support; it supports file:// and, with the feature `s3`, s3:// and s3a://"
            ))),
        }
    }
}

#[cfg(feature = "s3")]
fn s3(file: &FsPath, scheme: &str) -> Result<Location> {
    let bucket = file.authority().ok_or_else(|| {
        Error::corrupt(format!(
            "remote storage {scheme}:{} names no bucket",
            file.path()
        ))
    })?;
    Ok(Location::S3 {
        bucket: bucket.to_owned(),
        key: file.path().trim_start_matches('/').to_owned(),
    })
}

#[cfg(not(feature = "s3"))]
fn s3(_file: &FsPath, scheme: &str) -> Result<Location> {
    Err(Error::usage(format!(
        "records of the log are in remote storage {scheme}://: enable the feature `s3` to read them"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn local_directories_are_found_and_other_schemes_are_named() {
        let cases = [
            ("/data/remote", Some("/data/remote/a/0.log")),
            ("file:///data/remote", Some("/data/remote/a/0.log")),
            ("file:/data/remote", Some("/data/remote/a/0.log")),
            ("file://host/data", Some("/data/a/0.log")),
            ("hdfs://host:9000/data", None),
            ("oss://bucket/data", None),
        ];
        for (uri, expected) in cases {
            match (Location::of(uri, "a/0.log"), expected) {
                (Ok(location), Some(expected)) => {
                    assert_eq!(location, Location::Local(expected.into()), "{uri}");
                }
                (Err(error), None) => {
                    assert_eq!(error.kind(), ErrorKind::Usage);
                    let scheme = uri.split(':').next().unwrap_or_default();
                    assert!(error.to_string().contains(scheme), "{error}");
                }
                (outcome, _) => unreachable!("{uri}: {outcome:?}"),
            }
        }
    }

    #[cfg(not(feature = "s3"))]
    #[test]
    fn an_object_store_that_is_left_out_names_its_feature() {
        let error = Location::of("s3://bucket/data", "a/0.log").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains("feature `s3`"), "{error}");
    }

    #[cfg(feature = "s3")]
    #[test]
    fn an_object_has_a_bucket_and_a_key() {
        for uri in ["s3://bucket/data", "s3a://bucket/data/"] {
            let location = Location::of(uri, "a/0.log").unwrap();
            let expected = Location::S3 {
                bucket: "bucket".to_owned(),
                key: "data/a/0.log".to_owned(),
            };
            assert_eq!(location, expected, "{uri}");
        }
    }
}
