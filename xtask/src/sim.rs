//! `cargo xtask sim`: the simulation with as many seeds as wanted, or with one.
//!
//! `--seeds N` runs the first N seeds; `--seed S` runs one, to do again what failed. A normal test run has 300 seeds of it.

use crate::{Result, shell, workspace};

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let mut sim = workspace::cargo(["test", "--package", "fluss-mock", "--test", "sim"]);
    match args {
        ["--seeds", count] => sim.env("FLUSS_SIM_SEEDS", number(count)?),
        ["--seed", seed] => sim.env("FLUSS_SIM_SEED", number(seed)?),
        other => {
            return Err(format!(
                "sim takes `--seeds N` or `--seed S`, not `{}`",
                other.join(" ")
            )
            .into());
        }
    };
    shell::run(sim.args(["--", "--nocapture"]))
}

fn number(text: &str) -> Result<String> {
    let number: u64 = text
        .parse()
        .map_err(|_| format!("`{text}` is no number of seeds"))?;
    Ok(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_seeds() {
        assert_eq!(number("12").unwrap(), "12");
        assert!(number("-1").is_err());
        assert!(run(&["--sed", "1"]).is_err());
    }
}
