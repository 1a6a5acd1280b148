//! The official Java client, which does what it is told line by line (`java/src/main/java/interop/Interop.java`).

#![expect(
    clippy::panic,
    reason = "test support: what goes wrong here fails the test that asked for it"
)]

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::cluster::from_environment;

/// One running Java program with one connection to the cluster.
#[derive(Debug)]
pub struct JavaClient {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl JavaClient {
    /// Starts it. That takes about a second, so do it once a test.
    ///
    /// # Panics
    ///
    /// Without `FLUSS_INTEROP_CLASS_PATH`, which `cargo xtask test` sets to the compiled program and its jars, or if
    /// there is no Java.
    pub fn start(bootstrap_servers: &str) -> Self {
        Self::start_with(bootstrap_servers, &[])
    }

    /// As [`JavaClient::start`], with configuration of the Java client: `KEY=VALUE` each.
    ///
    /// # Panics
    ///
    /// As [`JavaClient::start`].
    pub fn start_with(bootstrap_servers: &str, settings: &[&str]) -> Self {
        let class_path = from_environment("FLUSS_INTEROP_CLASS_PATH");
        let java = env::var("JAVA_HOME")
            .map_or_else(|_| "java".to_owned(), |home| format!("{home}/bin/java"));
        let spawned = Command::new(&java)
            .args(["-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"])
            // Arrow reaches into direct buffers.
            .arg("--add-opens=java.base/java.nio=ALL-UNNAMED")
            .args(["-cp", &class_path, "interop.Interop", bootstrap_servers])
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = match spawned {
            Ok(process) => process,
            Err(error) => panic!("cannot start {java}: {error}"),
        };
        let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            panic!("the Java program has no pipes");
        };
        Self {
            process,
            stdin: Some(stdin),
            stdout: BufReader::new(stdout),
        }
    }

    /// Runs one command and returns its lines, each a JSON value.
    ///
    /// # Panics
    ///
    /// If the command fails, with the Java client's own words.
    pub fn run(&mut self, command: &str) -> Vec<String> {
        let written = self
            .stdin
            .as_mut()
            .map(|stdin| writeln!(stdin, "{command}").and_then(|()| stdin.flush()));
        assert!(
            matches!(written, Some(Ok(()))),
            "the Java program has ended before `{command}`"
        );
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match self.stdout.read_line(&mut line) {
                Ok(0) | Err(_) => panic!("the Java program ended during `{command}`"),
                Ok(_) => {}
            }
            let line = line.trim_end();
            if line == "done" {
                return lines;
            }
            if let Some(failure) = line.strip_prefix("failed ") {
                panic!("`{command}` failed in Java: {failure}");
            }
            lines.push(line.to_owned());
        }
    }
}

impl Drop for JavaClient {
    fn drop(&mut self) {
        // The end of its input ends it; should it hang, it is killed.
        drop(self.stdin.take());
        for _ in 0..100 {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cluster, rows};

    /// What `FIELD` of a line `{..,"FIELD":VALUE..}` holds from there on.
    fn after<'a>(line: &'a str, field: &str) -> &'a str {
        line.split_once(&format!("\"{field}\":")).unwrap().1
    }

    #[test]
    fn java_and_rust_compute_the_same_rows() {
        let mut java = JavaClient::start(&cluster::bootstrap_servers());
        let database = cluster::unique_database("same_rows");
        java.run(&format!("create-log {database} rows 1"));
        java.run(&format!("append {database} rows 0 100"));
        let lines = java.run(&format!("scan {database} rows 100"));
        assert_eq!(lines.len(), 100);
        for (i, line) in (0..).zip(&lines) {
            let row = after(line, "row").strip_suffix('}').unwrap();
            assert_eq!(row, rows::json(&rows::row(i)), "row {i}");
        }
    }
}
