//! One job in a process of its own: the asking side and the answering side.

use std::{
    env,
    io::Read,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    scenario::{self, Job, Measurement},
};

/// A job that takes longer is ended.
const LIMIT: Duration = Duration::from_secs(240);
/// The same under callgrind.
const LIMIT_COUNTED: Duration = Duration::from_secs(1800);

/// What a child prints.
#[derive(Serialize, Deserialize)]
enum Answer {
    Measured(Measurement),
    NotOffered,
    Failed(String),
}

/// Does the job in a new process. `None`: the client does not offer it.
pub(super) fn measure(job: &Job) -> Result<Option<Measurement>> {
    let mut command = Command::new(env::current_exe()?);
    let text = run(
        command.arg("--child").arg(serde_json::to_string(job)?),
        LIMIT,
        Stdio::inherit(),
    )?
    .output;
    match serde_json::from_str(text.trim())
        .map_err(|error| format!("child answered {text:?}: {error}"))?
    {
        Answer::Measured(measurement) => Ok(Some(measurement)),
        Answer::NotOffered => Ok(None),
        Answer::Failed(error) => Err(error.into()),
    }
}

/// Does the job under callgrind and returns the instructions that it took.
pub(super) fn instructions(job: &Job) -> Result<Option<f64>> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command
        .arg(env::current_exe()?)
        .arg("--child")
        .arg(serde_json::to_string(job)?);
    let printed = run(&mut command, LIMIT_COUNTED, Stdio::piped())?;
    match serde_json::from_str(printed.output.trim())? {
        Answer::Measured(_) => {}
        Answer::NotOffered => return Ok(None),
        Answer::Failed(error) => return Err(error.into()),
    }
    let collected = printed
        .errors
        .lines()
        .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    Ok(Some(
        collected.ok_or("callgrind told no number of instructions")?,
    ))
}

struct Printed {
    output: String,
    errors: String,
}

fn run(command: &mut Command, limit: Duration, errors: Stdio) -> Result<Printed> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()?;
    let output = reader(child.stdout.take());
    let errors = reader(child.stderr.take());
    let waited = wait(&mut child, limit);
    let printed = Printed {
        output: output.join().unwrap_or_default(),
        errors: errors.join().unwrap_or_default(),
    };
    waited.map(|()| printed)
}

/// Reads all that comes, so that the child never waits for a full pipe.
fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read until an error is what there is.
            let _ = pipe.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    })
}

fn wait(child: &mut Child, limit: Duration) -> Result<()> {
    let started = Instant::now();
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("child ended with {status}").into()),
            None if started.elapsed() > limit => {
                child.kill()?;
                child.wait()?;
                return Err(format!("not done within {limit:?}").into());
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The child's side: does the job that `text` describes and prints the answer.
pub(crate) fn answer(text: &str) -> Result<()> {
    let job: Job = serde_json::from_str(text)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let answer = match runtime.block_on(scenario::perform(&job)) {
        Ok(Some(measurement)) => Answer::Measured(measurement),
        Ok(None) => Answer::NotOffered,
        Err(error) => Answer::Failed(error.to_string()),
    };
    println!("{}", serde_json::to_string(&answer)?);
    runtime.shutdown_background();
    Ok(())
}
