//! Checks pages of the documentation against the tables in the code that they show.

use std::fs;
use std::path::Path;

/// Fails unless `page` has `content` between its marks. With `FLUSS_WRITE_DOCS` in the environment it writes it there instead.
pub(crate) fn compare(page: &str, mark: &str, content: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fluss/docs")
        .join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (shown, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("FLUSS_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{before}{begin}{content}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(
        shown, content,
        "crates/fluss/docs/{page} is stale; write it with FLUSS_WRITE_DOCS=1 cargo test -p fluss-client docs"
    );
}
