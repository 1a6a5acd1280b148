//! Free TCP ports.

use std::{net::TcpListener, process};

use crate::Result;

/// Below Linux's range of ports for outgoing connections, so that none of those takes one meanwhile.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// Hands out ports that were free when asked for, each once.
pub(super) struct Ports {
    next: u32,
    tried: u32,
}

impl Ports {
    /// Starts at another place in each process.
    pub(super) fn new() -> Self {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |time| time.subsec_nanos());
        Self {
            next: process::id().wrapping_mul(97).wrapping_add(now / 1000) % COUNT,
            tried: 0,
        }
    }

    pub(super) fn take(&mut self) -> Result<u16> {
        while self.tried < COUNT {
            let port = u16::try_from(FIRST + self.next)?;
            self.next = (self.next + 1) % COUNT;
            self.tried += 1;
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return Ok(port);
            }
        }
        Err("no free port".into())
    }
}
