//! The error type of the client: its kind, whose fault it is, and whether to retry.

mod cause;
mod context;
mod kind;

pub(crate) use cause::Cause;
pub use kind::ErrorKind;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use context::Context;
use fluss_metadata::{MetadataError, TableBucket, TablePath};
use fluss_row::RowError;
use fluss_rpc::RpcError;
use fluss_wire::error_code::ServerError;

/// The result of every fallible call of the client.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with the operation, table, bucket, server and number of attempts where they are known.
///
/// Cheap to clone: rows that fail for the same reason share one error. The causes form a chain
/// ([`source`](std::error::Error::source)) and are never flattened into text.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    cause: Cause,
    context: Context,
    /// Why the last of several attempts failed, if they ended for another reason.
    last_attempt: Option<Error>,
}

impl Error {
    pub(crate) fn new(cause: Cause) -> Self {
        Self::after(cause, None)
    }

    fn after(cause: Cause, last_attempt: Option<Self>) -> Self {
        Self {
            inner: Arc::new(Inner {
                cause,
                context: Context::default(),
                last_attempt,
            }),
        }
    }

    /// A configuration field with a value that cannot be used.
    pub(crate) fn config(
        field: impl Into<String>,
        value: impl fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self::new(Cause::Config {
            field: field.into(),
            value: value.to_string(),
            expected: expected.into(),
        })
    }

    /// A call that its arguments or the table make impossible.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Cause::Usage {
            message: message.into(),
        })
    }

    /// Something that only a fault of this client makes possible.
    pub(crate) fn internal(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Cause::Internal { what: what.into() })
    }

    /// A thread or runtime that the operating system does not start.
    pub(crate) fn cannot_start(what: &'static str, source: std::io::Error) -> Self {
        let source = Arc::new(source);
        Self::new(Cause::Start { what, source })
    }

    /// Something that was closed before.
    pub(crate) fn closed(what: &'static str) -> Self {
        Self::new(Cause::Closed { what })
    }

    /// A wait that reached its end.
    pub(crate) fn timeout(what: impl Into<String>, waited: std::time::Duration) -> Self {
        Self::new(Cause::Timeout {
            what: what.into(),
            waited,
        })
    }

    /// A batch that was not acknowledged in time, with the failure of its last attempt if there was any.
    pub(crate) fn undelivered(waited: std::time::Duration, last: Option<Self>) -> Self {
        if last.is_none() {
            return Self::timeout("the delivery of a batch", waited);
        }
        let what = "a batch could not be delivered";
        Self::after(Cause::Undelivered { what, waited }, last)
    }

    /// A lookup whose time ended, with why its last attempt failed.
    pub(crate) fn unanswered(waited: std::time::Duration, last: Self) -> Self {
        let what = "the lookup was not answered";
        Self::after(Cause::Undelivered { what, waited }, Some(last))
    }

    /// What a server sent and cannot be right.
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::new(Cause::Corrupt { what: what.into() })
    }

    /// Rows that a server sent and that cannot be read, or not in the way that is wanted.
    pub(crate) fn unreadable_rows(what: impl Into<Cow<'static, str>>, source: RowError) -> Self {
        Self::new(Cause::Unreadable {
            what: what.into(),
            source: Arc::new(source),
        })
    }

    /// What a server does not have.
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::new(Cause::NotFound { what: what.into() })
    }

    /// What a newer server would do.
    pub(crate) fn too_old(what: impl Into<String>) -> Self {
        Self::new(Cause::TooOld { what: what.into() })
    }

    /// A document or value in an answer that means nothing.
    pub(crate) fn unreadable(source: MetadataError) -> Self {
        Self::new(Cause::Answer {
            source: Arc::new(source),
        })
    }

    /// Returns the kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.inner.cause.kind()
    }

    /// Returns whether the same call may succeed later. This is also true of errors that the client already retried.
    pub fn is_retriable(&self) -> bool {
        self.inner.cause.is_retriable()
    }

    /// Returns the server's error code, if a server returned one. If a batch could not be delivered in time, this is
    /// the code of the last attempt. Source: `Errors.java` of the server.
    pub fn server_code(&self) -> Option<i32> {
        self.server_error().map(|error| error.code.value())
    }

    /// Returns the server's complete text, if a server returned an error. The message of this error only shows its
    /// first line, because some servers append a stack trace. Also `None` if the server sent only a code.
    pub fn server_message(&self) -> Option<&str> {
        self.server_error()?.message.as_deref()
    }

    /// The server error itself, for decisions inside the client.
    pub(crate) fn server_error(&self) -> Option<&ServerError> {
        let inner = &*self.inner;
        let last = || inner.last_attempt.as_ref()?.server_error();
        inner.cause.server_error().or_else(last)
    }

    /// Returns the operation that failed, such as `append` or `create_table`.
    pub fn operation(&self) -> Option<&'static str> {
        self.inner.context.operation
    }

    /// Returns the table, if known.
    pub fn table(&self) -> Option<&TablePath> {
        self.inner.context.table.as_ref()
    }

    /// Returns the bucket, if known.
    pub fn bucket(&self) -> Option<TableBucket> {
        self.inner.context.bucket
    }

    /// Returns the log offsets of the bucket that could not be read, if the error is about records: those of a batch,
    /// according to its header, or that of one row. All rows before them were returned. To skip them, subscribe to
    /// the bucket at the end of the range.
    pub fn offsets(&self) -> Option<Range<i64>> {
        self.inner.context.offsets.clone()
    }

    /// Returns the number of attempts, if there was more than one.
    pub fn attempts(&self) -> Option<u32> {
        self.inner.context.attempts
    }

    #[must_use]
    pub(crate) fn during(mut self, operation: &'static str) -> Self {
        let context = &mut Arc::make_mut(&mut self.inner).context;
        context.operation = context.operation.or(Some(operation));
        self
    }

    #[must_use]
    pub(crate) fn of_table(mut self, table: &TablePath) -> Self {
        let context = &mut Arc::make_mut(&mut self.inner).context;
        if context.table.is_none() {
            context.table = Some(table.clone());
        }
        self
    }

    #[must_use]
    pub(crate) fn of_bucket(mut self, bucket: TableBucket) -> Self {
        let context = &mut Arc::make_mut(&mut self.inner).context;
        context.bucket = context.bucket.or(Some(bucket));
        self
    }

    #[must_use]
    pub(crate) fn of_offsets(mut self, offsets: Range<i64>) -> Self {
        Arc::make_mut(&mut self.inner).context.offsets = Some(offsets);
        self
    }

    #[must_use]
    pub(crate) fn after_attempts(mut self, attempts: u32) -> Self {
        Arc::make_mut(&mut self.inner).context.attempts = Some(attempts);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.inner.context, self.inner.cause)?;
        match &self.inner.last_attempt {
            Some(last) => write!(f, "; its last attempt failed: {last}"),
            None => Ok(()),
        }
    }
}

/// The message and the causes that it does not contain: what `fn main() -> Result<_>` and `unwrap` print.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        // Some messages contain their cause already.
        let mut told = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(source) = next {
            let text = source.to_string();
            if !told.contains(&text) {
                write!(f, ": {text}")?;
                told = text;
            }
            next = source.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The cause itself, not the box around it, so that it can be downcast.
        match &self.inner.cause {
            Cause::Undelivered { .. } => self.inner.last_attempt.as_ref().map(|last| last as _),
            Cause::Row { source } | Cause::Unreadable { source, .. } => Some(source.as_ref()),
            Cause::Metadata { source } => Some(source.as_ref()),
            cause => std::error::Error::source(cause),
        }
    }
}

impl From<RpcError> for Error {
    fn from(source: RpcError) -> Self {
        Self::new(Cause::Rpc { source })
    }
}

impl From<RowError> for Error {
    fn from(source: RowError) -> Self {
        Self::new(Cause::Row {
            source: Arc::new(source),
        })
    }
}

impl From<MetadataError> for Error {
    fn from(source: MetadataError) -> Self {
        Self::new(Cause::Metadata {
            source: Arc::new(source),
        })
    }
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        Self::new(Cause::Server { error })
    }
}
