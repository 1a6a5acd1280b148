#!/usr/bin/env bash
# A row of a table with an auto-increment column can never be deleted.
#
# Fluss 0.9.1-incubating, server and Java client. Such a table is written by partial updates that leave the numbered column out, and a delete
# by a partial update removes a row only once all other columns are null. The numbered column never is: the delete is acknowledged, the other
# columns become null, and the row and its number stay.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile Numbered <<'JAVA'
import org.apache.fluss.client.lookup.Lookuper;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.writer.UpsertWriter;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;

public class Numbered {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        Schema schema = Schema.newBuilder().column("name", DataTypes.STRING().copy(false)).column("number", DataTypes.BIGINT())
                .column("note", DataTypes.STRING()).primaryKey("name").enableAutoIncrement("number").build();
        Table table = lab.table("numbered", schema);
        UpsertWriter writer = table.newUpsert().partialUpdate("name", "note").createWriter();
        GenericRow row = GenericRow.of(BinaryString.fromString("a"), null, BinaryString.fromString("first"));
        writer.upsert(row).get();
        show("after the upsert", table);
        writer.delete(row).get();
        show("after the acknowledged delete", table);
        System.exit(0);
    }

    static void show(String when, Table table) throws Exception {
        Lookuper lookuper = table.newLookup().createLookuper();
        InternalRow row = lookuper.lookup(GenericRow.of(BinaryString.fromString("a"))).get().getSingletonRow();
        System.out.println(when + ": " + (row == null ? "no row" : "number " + row.getLong(1) + ", note " + (row.isNullAt(2) ? "null" : row.getString(2))));
    }
}
JAVA
expect "$(run Numbered "$BOOTSTRAP")" "after the upsert: number 1, note first
after the acknowledged delete: number 1, note null"
