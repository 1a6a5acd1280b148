//! A detached server process: started, recognized later, ended.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Result, shell};

/// One server of a cluster. Its process id alone says little, since ids are used again: the time at which the process
/// started tells whether it is still the same one.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) pid: u32,
    pub(crate) started: String,
    /// Where it answers without authentication.
    pub(crate) port: u16,
    /// Program and arguments, to start it once more.
    pub(crate) command: Vec<String>,
    pub(crate) log: PathBuf,
}

/// How to end a process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It may clean up.
    Asked,
    /// It may not.
    Crash,
}

impl Server {
    /// Starts it in a process group of its own, so that it outlives this program and the terminal's Ctrl-C.
    pub(super) fn start(name: &str, command: &[String], log: &Path, port: u16) -> Result<Self> {
        let (program, args) = command.split_first().ok_or("a server without a command")?;
        let out = File::options().create(true).append(true).open(log)?;
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))?;
        let pid = child.id();
        let started =
            started(pid).ok_or_else(|| format!("{name} ended at once, see {}", log.display()))?;
        Ok(Self {
            name: name.to_owned(),
            pid,
            started,
            port,
            command: command.to_vec(),
            log: log.to_owned(),
        })
    }

    /// Whether this very process still runs.
    pub(super) fn is_running(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }

    /// Ends it and waits for its end; does nothing if it has ended before.
    pub(super) fn end(&self, how: How) -> Result<()> {
        if how == How::Asked && self.signal_and_wait("-TERM", Duration::from_secs(20))? {
            return Ok(());
        }
        if self.signal_and_wait("-KILL", Duration::from_secs(20))? {
            return Ok(());
        }
        Err(format!("{} (pid {}) does not end", self.name, self.pid).into())
    }

    /// Whether it has ended within that time.
    fn signal_and_wait(&self, signal: &str, patience: Duration) -> Result<bool> {
        if !self.is_running() {
            return Ok(true);
        }
        let sent = shell::run(Command::new("kill").arg(signal).arg(self.pid.to_string()));
        let since = Instant::now();
        while self.is_running() {
            if since.elapsed() > patience {
                sent?;
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(true)
    }
}

/// When the process started, in the words of this system; none if there is no such process any more (one that has
/// ended and that nobody has asked about yet counts as gone).
fn started(pid: u32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field, the program's name in brackets, may hold anything. State is the third, start time the 22nd.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?;
        let time = fields.nth(18)?;
        return (state != "Z" && state != "X").then(|| time.to_owned());
    }
    let output = Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (state, time) = text.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| time.trim().to_owned())
}
