//! Turns the Rust snippets of the documented page into functions, each snippet as it stands.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What surrounds each snippet, in the order of the page: the signature that gives it what the page takes for granted, and what ends it.
const FRAMES: [(&str, &str); 6] = [
    (
        "pub mod initialization {",
        "pub fn run() -> Result<()> { main() } }",
    ),
    (
        "pub async fn create_table(admin: &fluss::client::FlussAdmin) -> fluss::error::Result<()> {",
        "Ok(()) }",
    ),
    (
        "pub async fn append(conn: &fluss::client::FlussConnection, table_path: fluss::metadata::TablePath) -> fluss::error::Result<()> {",
        "Ok(()) }",
    ),
    (
        "pub async fn upsert(conn: &fluss::client::FlussConnection, table_path: fluss::metadata::TablePath) -> fluss::error::Result<()> { use fluss::row::GenericRow;",
        "Ok(()) }",
    ),
    (
        "pub async fn scan(table: fluss::client::FlussTable) -> fluss::error::Result<()> {",
        "}",
    ),
    (
        "pub async fn lookup(table: fluss::client::FlussTable) -> fluss::error::Result<()> { use fluss::row::GenericRow;",
        "Ok(()) }",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let page_path =
        Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../testdata/documented/rust-client.md");
    println!("cargo::rerun-if-changed={}", page_path.display());
    let page = fs::read_to_string(&page_path)?;
    let snippets = page
        .split("```rust\n")
        .skip(1)
        .map(|rest| rest.split_once("```").map_or(rest, |(snippet, _)| snippet))
        .collect::<Vec<_>>();
    if snippets.len() != FRAMES.len() {
        return Err(format!(
            "the page has {} Rust snippets, expected {}",
            snippets.len(),
            FRAMES.len()
        )
        .into());
    }
    let mut code = String::new();
    for (snippet, (before, after)) in snippets.iter().zip(FRAMES) {
        writeln!(code, "{before}\n{snippet}\n{after}\n")?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("documented.rs"), code)?;
    Ok(())
}
