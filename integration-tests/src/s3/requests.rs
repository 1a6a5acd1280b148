//! What the store answers.

use std::sync::Mutex;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};

use super::{SERVERS_KEY, State, chunked};

type Answer = Response<Full<Bytes>>;

/// Java's SDK compares a tag with the digest of what it sent unless there is a dash in it, as in those of uploads in parts.
const TAG: &str = "\"0-1\"";
const MODIFIED: &str = "Mon, 23 Nov 2026 00:00:00 GMT";

pub(super) async fn answer(state: &Mutex<State>, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return status(StatusCode::BAD_REQUEST);
    };
    let body = body.to_bytes();
    let mut state = state.lock().unwrap();
    let path = decoded(head.uri.path());
    let query = decoded(head.uri.query().unwrap_or_default());
    if head.method == Method::POST && path == "/" {
        return state.session();
    }
    let of_servers = access_key(&head) == Some(SERVERS_KEY);
    if !of_servers && !state.lets_in(&head) {
        state.refusals += 1;
        return status(StatusCode::FORBIDDEN);
    }
    match head.method {
        Method::HEAD => state.head(&path),
        Method::GET if query.contains("list-type=2") => state.list(&path, &query),
        Method::GET => {
            state.reads += usize::from(!of_servers);
            state.read(&path, text(&head, "range"))
        }
        Method::PUT if of_servers && !head.headers.contains_key("x-amz-copy-source") => {
            let chunked = text(&head, "x-amz-content-sha256")
                .is_some_and(|hash| hash.starts_with("STREAMING-"));
            let content = if chunked {
                chunked::content_of(body)
            } else {
                Some(body)
            };
            match content {
                Some(content) => state.write(path, content),
                None => status(StatusCode::BAD_REQUEST),
            }
        }
        Method::POST if of_servers && query.starts_with("delete") => {
            state.delete(&path, &String::from_utf8_lossy(&body))
        }
        Method::DELETE if of_servers => {
            state.objects.remove(&path);
            status(StatusCode::NO_CONTENT)
        }
        _ => status(StatusCode::NOT_IMPLEMENTED),
    }
}

impl State {
    /// A new session, whatever was asked for.
    fn session(&mut self) -> Answer {
        self.sessions += 1;
        let number = self.sessions;
        xml(format!(
            "<GetSessionTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetSessionTokenResult><Credentials>\
             <AccessKeyId>session-{number}</AccessKeyId><SecretAccessKey>secret-{number}</SecretAccessKey>\
             <SessionToken>token-{number}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
             </Credentials></GetSessionTokenResult></GetSessionTokenResponse>"
        ))
    }

    /// Whether this comes with the key and the token of a session that is not over.
    fn lets_in(&self, head: &Parts) -> bool {
        let number = |text: Option<&str>, name| text?.strip_prefix(name)?.parse::<usize>().ok();
        let session = number(access_key(head), "session-");
        session == number(text(head, "x-amz-security-token"), "token-")
            && session.is_some_and(|number| self.ended < number && number <= self.sessions)
    }

    fn head(&self, path: &str) -> Answer {
        match self.objects.get(path) {
            Some(object) => {
                let mut answer = object_answer(StatusCode::OK, Bytes::new());
                let length = object.len().into();
                answer.headers_mut().insert("content-length", length);
                answer
            }
            None => status(StatusCode::NOT_FOUND),
        }
    }

    fn read(&self, path: &str, range: Option<&str>) -> Answer {
        let Some(object) = self.objects.get(path) else {
            return status(StatusCode::NOT_FOUND);
        };
        let Some(range) = range else {
            return object_answer(StatusCode::OK, object.clone());
        };
        let bounds = range
            .strip_prefix("bytes=")
            .and_then(|range| range.split_once('-'));
        let bounds = bounds.and_then(|(start, end)| {
            let start = start.parse::<usize>().ok()?;
            let end = end.parse::<usize>().map_or(object.len(), |last| last + 1);
            Some((start, end.min(object.len())))
        });
        let Some((start, end)) = bounds.filter(|(start, end)| start < end) else {
            return status(StatusCode::RANGE_NOT_SATISFIABLE);
        };
        let mut answer = object_answer(StatusCode::PARTIAL_CONTENT, object.slice(start..end));
        let range = format!("bytes {start}-{}/{}", end - 1, object.len());
        answer
            .headers_mut()
            .insert("content-range", range.parse().unwrap());
        answer
    }

    fn write(&mut self, path: String, content: Bytes) -> Answer {
        self.objects.insert(path, content);
        object_answer(StatusCode::OK, Bytes::new())
    }

    fn list(&self, bucket: &str, query: &str) -> Answer {
        let prefix = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("prefix="));
        let root = format!("{}/", bucket.trim_end_matches('/'));
        let from = format!("{root}{}", prefix.unwrap_or_default());
        let found = self
            .objects
            .iter()
            .filter(|(path, _)| path.starts_with(&from));
        let contents = found.map(|(path, object)| {
            format!(
                "<Contents><Key>{}</Key><Size>{}</Size><ETag>{TAG}</ETag>\
                 <LastModified>2026-11-23T00:00:00.000Z</LastModified></Contents>",
                path.trim_start_matches(&root),
                object.len()
            )
        });
        let contents = contents.collect::<String>();
        xml(format!(
            "<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
        ))
    }

    /// Deletes the objects whose keys the body names.
    fn delete(&mut self, bucket: &str, body: &str) -> Answer {
        for rest in body.split("<Key>").skip(1) {
            let key = rest.split("</Key>").next().unwrap_or_default();
            let path = format!("{}/{key}", bucket.trim_end_matches('/'));
            self.objects.remove(&path);
        }
        xml("<DeleteResult></DeleteResult>".to_owned())
    }
}

/// Who says to have signed the request.
fn access_key(head: &Parts) -> Option<&str> {
    let (_, credential) = text(head, "authorization")?.split_once("Credential=")?;
    credential.split('/').next()
}

fn text<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name)?.to_str().ok()
}

/// Paths and prefixes have letters, digits and these alone.
fn decoded(text: &str) -> String {
    text.replace("%2F", "/")
        .replace("%3D", "=")
        .replace("%24", "$")
}

fn object_answer(status: StatusCode, content: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(content));
    *answer.status_mut() = status;
    for (name, value) in [("etag", TAG), ("last-modified", MODIFIED)] {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    answer
}

fn xml(text: String) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    answer
        .headers_mut()
        .insert("content-type", "application/xml".parse().unwrap());
    answer
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Response::default();
    *answer.status_mut() = status;
    answer
}
