//! Running other programs, with failures that say which one and how.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::Result;

/// Runs it with this program's own streams; any exit status but 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{}: {status}", line(command)).into())
    }
}

/// Runs it without showing what it prints, unless it fails. Escape codes for terminals are left out then.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        return Ok(());
    }
    for stream in [&output.stdout, &output.stderr] {
        eprint!("{}", without_escapes(&String::from_utf8_lossy(stream)));
    }
    Err(format!("{}: {}", line(command), output.status).into())
}

/// The text without the sequences that color a terminal.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        if next != '\u{1b}' {
            plain.push(next);
        } else if chars.next() == Some('[') {
            // Ends with the first letter.
            chars.find(char::is_ascii_alphabetic);
        }
    }
    plain
}

/// Runs it and returns what it printed on stdout; stderr goes to ours.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{}: {}", line(command), output.status).into())
    }
}

/// Runs it, hands each line of its stdout to `on_line` as it comes, and says whether it succeeded.
pub(crate) fn each_line(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<bool> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| cannot_start(command, &error))?;
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes)? > 0 {
            on_line(String::from_utf8_lossy(&bytes).trim_end());
            bytes.clear();
        }
    }
    Ok(child.wait()?.success())
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("cannot start {}: {error}", command.get_program().display())
}

fn line(command: &Command) -> String {
    let mut line = command.get_program().display().to_string();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_codes_are_left_out() {
        assert_eq!(
            without_escapes("\u{1b}[0;1mred\u{1b}[0m, plain"),
            "red, plain"
        );
        assert_eq!(without_escapes("cut\u{1b}["), "cut");
        assert_eq!(without_escapes("none"), "none");
    }

    #[test]
    fn a_failure_says_which_program_and_how() {
        let error = run_quietly(Command::new("false").arg("x")).unwrap_err();
        assert!(error.to_string().starts_with("false x: "), "{error}");
        run_quietly(&mut Command::new("true")).unwrap();
    }
}
