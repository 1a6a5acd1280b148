//! The rounds: contenders take turns, and each turn is a process.

use std::{collections::HashMap, process};

use super::{
    child,
    report::{Row, Subject, Table},
    server,
};
use crate::{
    Result,
    arguments::Arguments,
    contender::{Compression, Name},
    scenario::{Job, Source, Step},
};

/// Runs what the arguments ask for and prints the results.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut rounds = Rounds {
        arguments,
        server: server::tablet_server(&arguments.address),
        prepared: HashMap::new(),
        tables: 0,
        failures: 0,
    };
    let mut table = Table::default();
    for scenario in &arguments.scenarios {
        for compression in scenario.compressions() {
            if !arguments.compressions.contains(compression) {
                continue;
            }
            let subject = Subject {
                scenario: *scenario,
                compression: *compression,
            };
            let rows = if arguments.instructions {
                rounds.count_instructions(subject)
            } else {
                rounds.measure(subject)
            };
            table.add(subject, &rows, arguments.json)?;
        }
    }
    rounds.clean_up();
    if !arguments.json {
        println!("{table}");
    }
    match rounds.failures {
        0 => Ok(()),
        failures => Err(format!("{failures} jobs failed, see above").into()),
    }
}

struct Rounds<'a> {
    arguments: &'a Arguments,
    server: Option<u32>,
    /// Filled tables, by what they hold, how it is compressed and who filled them.
    prepared: HashMap<(Source, Compression, Name), Job>,
    /// Tables named so far.
    tables: u32,
    failures: u32,
}

impl Rounds<'_> {
    /// All rounds of a scenario; one row for each contender.
    fn measure(&mut self, subject: Subject) -> Vec<Row> {
        let mut rows: Vec<Row> = self
            .arguments
            .contenders
            .iter()
            .map(|name| Row::new(*name))
            .collect();
        for round in 0..self.arguments.rounds {
            let mut turns: Vec<&mut Row> = rows.iter_mut().collect();
            if round % 2 == 1 {
                turns.reverse();
            }
            for row in turns {
                eprintln!("{subject}, round {}: {}", round + 1, row.contender);
                let measured = self
                    .job(subject, row.contender)
                    .and_then(|job| child::measure(&job));
                match measured {
                    Ok(Some(measurement)) => row.measurements.push(measurement),
                    Ok(None) => {}
                    Err(error) => self.failed(subject, row.contender, &*error),
                }
            }
        }
        rows
    }

    /// Instructions of one operation: the difference between two numbers of operations.
    fn count_instructions(&mut self, subject: Subject) -> Vec<Row> {
        let mut rows: Vec<Row> = self
            .arguments
            .contenders
            .iter()
            .map(|name| Row::new(*name))
            .collect();
        let few = subject.scenario.counted_operations();
        for row in &mut rows {
            eprintln!("{subject}, instructions: {}", row.contender);
            let mut count = |count| {
                let job = self.job(subject, row.contender)?;
                child::instructions(&Job {
                    count,
                    seconds: 600.0,
                    check: false,
                    ..job
                })
            };
            match count(few).and_then(|fewer| Ok(fewer.zip(count(few * 2)?))) {
                Ok(Some((fewer, more))) => row.instructions = Some((more - fewer) / few as f64),
                Ok(None) => {}
                Err(error) => self.failed(subject, row.contender, &*error),
            }
        }
        rows
    }

    fn failed(&mut self, subject: Subject, contender: Name, error: &dyn std::error::Error) {
        eprintln!("{subject}, {contender}: {error}");
        self.failures += 1;
    }

    /// The job of one turn; fills the table that it reads, unless that was done before.
    fn job(&mut self, subject: Subject, contender: Name) -> Result<Job> {
        let mut job = self.new_job(subject, contender);
        if let Some(source) = subject.scenario.source() {
            // All scan the same table; looked up is what the contender wrote itself.
            let writer = match source {
                Source::Keys => contender,
                Source::Log(..) => Name::Peer,
                Source::Silence => Name::Ours,
            };
            let key = (source, subject.compression, writer);
            if let Some(filled) = self.prepared.get(&key) {
                job.table.clone_from(&filled.table);
            } else {
                let filling = Job {
                    step: Step::Fill,
                    contender: writer,
                    ..job.clone()
                };
                eprintln!("{subject}: filling a table with {writer}");
                child::measure(&filling)?;
                job.table.clone_from(&filling.table);
                self.prepared.insert(key, filling);
            }
        }
        Ok(job)
    }

    fn new_job(&mut self, subject: Subject, contender: Name) -> Job {
        self.tables += 1;
        let Subject {
            scenario,
            compression,
        } = subject;
        let table =
            format!("{scenario}_{contender}_{}_{}", process::id(), self.tables).replace('-', "_");
        Job {
            step: Step::Measure,
            scenario,
            contender,
            compression,
            address: self.arguments.address.clone(),
            table,
            rows: self.arguments.rows,
            count: scenario.operations(self.arguments.rows),
            seconds: self.arguments.seconds,
            buckets: self.arguments.buckets,
            check: true,
            server: self.server,
        }
    }

    fn clean_up(&mut self) {
        for ((_, _, contender), filling) in self.prepared.drain() {
            let job = Job {
                step: Step::Drop,
                ..filling
            };
            if let Err(error) = child::measure(&job) {
                eprintln!("dropping {} with {contender}: {error}", job.table);
            }
        }
    }
}
