//! Creates, changes, describes and drops a table: `cargo run --example admin_tables`.

mod common;

use common::{Cluster, Outcome, fresh_table};
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableChange, TableDescriptor};

#[tokio::main]
async fn main() -> Outcome {
    let cluster = Cluster::from_arguments().await?;
    let connection = cluster.connect().await?;
    let admin = connection.get_admin().await?;
    for server in admin.get_server_nodes().await? {
        println!("{server}");
    }

    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .build()?;
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(2)
        .comment("created by an example")
        .build()?;
    let table = fresh_table(&connection, "administered", &descriptor).await?;
    let path = table.table_path();

    // Columns and properties need separate calls.
    let column = TableChange::add_column("score", DataTypes::double()).with_comment("out of ten");
    admin.alter_table(path, &[column], false).await?;
    let owner = TableChange::set("owner", "examples");
    admin.alter_table(path, &[owner], false).await?;

    let info = admin.get_table_info(path).await?;
    println!("columns now: {:?}", info.schema().column_names());
    println!("owner: {:?}", info.custom_properties().get("owner"));
    let before = admin.get_table_schema(path, Some(1)).await?;
    println!("columns before: {:?}", before.schema().column_names());
    let ends = admin
        .list_offsets(path, &[0, 1], OffsetSpec::Latest)
        .await?;
    println!("ends of the logs: {ends:?}");
    let stats = admin.get_table_stats(path).await?;
    println!("rows: {:?}", stats.row_count());

    admin.drop_table(path, false).await?;
    println!("exists now: {}", admin.table_exists(path).await?);
    Ok(())
}
