//! `cargo xtask book`: the guide as a book with search, in `target/book/html`, by mdBook.

use std::{fs, path::Path, process::Command};

use crate::{Result, shell, tools, workspace};

const VERSION: &str = "0.5.4";

/// The pages in the order of the book: their files in `crates/fluss/docs`. A page that is not named here is a failure.
const PAGES: [(&str, &str); 16] = [
    ("Concepts", "concepts.md"),
    ("Writing", "writing.md"),
    ("Reading", "reading.md"),
    ("Lookups", "lookups.md"),
    ("Administration", "admin.md"),
    ("Column types", "types.md"),
    ("Delivery and errors", "delivery-and-errors.md"),
    ("Shutdown and runtimes", "shutdown-and-runtimes.md"),
    ("Configuration", "configuration.md"),
    ("Tuning", "tuning.md"),
    ("Metrics and traces", "metrics.md"),
    ("Security", "security.md"),
    ("Testing", "testing.md"),
    ("Migrating", "migrating.md"),
    ("Troubleshooting", "troubleshooting.md"),
    ("Compatibility", "compatibility.md"),
];

/// The pages for those who work on the client, in `docs`.
const INTERNAL: [(&str, &str); 4] = [
    ("Architecture", "architecture.md"),
    ("A cluster on this machine", "cluster.md"),
    ("Benchmarks", "benchmarks.md"),
    ("Codec benchmarks", "benchmarks-codec.md"),
];

pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let (guide, docs) = (root.join("crates/fluss/docs"), root.join("docs"));
    complete(&guide)?;
    let book = workspace::target().join("book");
    let source = book.join("src");
    if source.exists() {
        fs::remove_dir_all(&source)?;
    }
    fs::create_dir_all(&source)?;
    for (folder, pages) in [(&guide, &PAGES[..]), (&docs, &INTERNAL)] {
        for (_, file) in pages {
            let text = fs::read_to_string(folder.join(file))?;
            fs::write(source.join(file), for_book(&text))?;
        }
    }
    fs::write(
        source.join("introduction.md"),
        for_book(&fs::read_to_string(docs.join("README.md"))?),
    )?;
    fs::write(source.join("SUMMARY.md"), summary())?;
    fs::write(
        book.join("book.toml"),
        "[book]\ntitle = \"Rust client for Apache Fluss\"\nlanguage = \"en\"\n\n\
         [build]\nbuild-dir = \"html\"\ncreate-missing = false\n\n[output.html.search]\nenable = true\n",
    )?;
    let on_path = Path::new("mdbook").to_owned();
    let mdbook = if tools::runs(&on_path) {
        on_path
    } else {
        let features = ["--no-default-features", "--features", "search"];
        tools::from_crates("mdbook", VERSION, &features)?
    };
    shell::run(Command::new(mdbook).arg("build").arg(&book))?;
    println!("book: {}", book.join("html/index.html").display());
    Ok(())
}

/// Every page of the guide is in the book.
fn complete(guide: &Path) -> Result<()> {
    for entry in fs::read_dir(guide)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !PAGES.iter().any(|(_, file)| *file == name) {
            return Err(format!("{name} is not in the book: add it to xtask/src/book.rs").into());
        }
    }
    Ok(())
}

fn summary() -> String {
    let mut summary = "# Summary\n\n[Introduction](introduction.md)\n\n# Guide\n\n".to_owned();
    list(&PAGES, &mut summary);
    summary.push_str("\n# Working on the client\n\n");
    list(&INTERNAL, &mut summary);
    summary
}

fn list(pages: &[(&str, &str)], to: &mut String) {
    for (title, file) in pages {
        to.extend(["- [", title, "](", file, ")\n"]);
    }
}

/// A page with links to the other pages of the book, which are all in one folder.
fn for_book(text: &str) -> String {
    let mut text = text.to_owned();
    for folder in ["../crates/fluss/docs/", "../../../docs/"] {
        text = text.replace(folder, "");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_the_guide_is_in_the_book() {
        complete(&workspace::root().join("crates/fluss/docs")).unwrap();
    }

    #[test]
    fn links_between_folders_become_links_inside_the_book() {
        let page = "[a](../crates/fluss/docs/writing.md) [b](../../../docs/cluster.md#x)";
        assert_eq!(for_book(page), "[a](writing.md) [b](cluster.md#x)");
    }
}
