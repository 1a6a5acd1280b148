//! Lists the public items of a crate, one a line, from the JSON that rustdoc makes of it: `api-snapshot FILE.json`.
//!
//! Not part of the workspace: it is built only by `cargo xtask api`, with dependencies of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: api-snapshot FILE.json");
        return ExitCode::FAILURE;
    };
    let items = public_api::Builder::from_rustdoc_json(path)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build();
    match items {
        Ok(api) => {
            for item in api.items() {
                println!("{item}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
