//! Every log format and every compression, written by rows and by batches.

use fluss::metadata::LogFormat;

use super::support::{self, connect};
use super::write_support::{batch, expect_rows, log_table, make, read_all, row};

const ROWS: i64 = 3000;

/// Writes rows and batches to a table with these properties and reads them back.
async fn round_trip(name: &str, format: LogFormat, properties: &[(&str, &str)]) {
    let connection = connect().await;
    let database = support::database(&connection, "write_formats").await;
    let descriptor = log_table()
        .bucket_count(2)
        .log_format(format)
        .properties(properties.iter().copied())
        .build()
        .unwrap();
    let table = make(&connection, &database, name, &descriptor).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for i in 0..ROWS {
        writer.append(&row(i)).unwrap();
    }
    writer
        .append_arrow_batch(&batch(ROWS..2 * ROWS))
        .unwrap()
        .await
        .unwrap();
    writer.flush().await.unwrap();
    let read = read_all(&connection, &table, 2 * ROWS as usize).await;
    expect_rows(&read, 0..2 * ROWS);
}

pub(crate) async fn every_log_format_comes_back() {
    round_trip("arrow", LogFormat::Arrow, &[]).await;
    round_trip("indexed", LogFormat::Indexed, &[]).await;
    round_trip("compacted", LogFormat::Compacted, &[]).await;
}

pub(crate) async fn every_compression_comes_back() {
    const TYPE: &str = "table.log.arrow.compression.type";
    const LEVEL: &str = "table.log.arrow.compression.zstd.level";
    let cases: [(&str, &[(&str, &str)]); 6] = [
        ("none", &[(TYPE, "NONE")]),
        ("lz4", &[(TYPE, "LZ4_FRAME")]),
        ("zstd", &[(TYPE, "ZSTD")]),
        ("zstd_1", &[(TYPE, "ZSTD"), (LEVEL, "1")]),
        ("zstd_9", &[(TYPE, "ZSTD"), (LEVEL, "9")]),
        ("zstd_22", &[(TYPE, "ZSTD"), (LEVEL, "22")]),
    ];
    for (name, properties) in cases {
        round_trip(name, LogFormat::Arrow, properties).await;
    }
}
