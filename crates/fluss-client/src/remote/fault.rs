//! The reason why a piece of a file in remote storage was not read.

use crate::error::Error;

#[derive(Debug)]
pub(crate) enum ReadFault {
    /// The file is gone or cannot be read now. Ask the servers again where its records are.
    Passing(String),
    /// It can never be read.
    #[cfg_attr(
        not(feature = "s3"),
        expect(dead_code, reason = "files of this machine may always come back")
    )]
    Final(Error),
}
