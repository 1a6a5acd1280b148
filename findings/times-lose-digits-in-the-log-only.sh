#!/usr/bin/env bash
# One row of a primary-key table has two values: what a lookup returns and what the changelog says.
#
# Fluss 0.9.1-incubating, server and Java client. The Java client does not cut a time to the precision of its column when it writes.
# The key-value side stores all digits in the compacted row. The changelog holds Arrow columns of the declared unit, so the surplus
# digits are gone there. Before 1970 the Arrow writer cuts toward zero: half a second before the epoch becomes the epoch itself.
#
# Steps: TIMESTAMP(0) columns, one row 1.9 s after the epoch and one 0.5 s before it; lookup and changelog of each.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile Times <<'JAVA'
import org.apache.fluss.client.lookup.Lookuper;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.ScanRecord;
import org.apache.fluss.client.table.writer.UpsertWriter;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;

public class Times {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        Schema schema = Schema.newBuilder().column("id", DataTypes.INT().copy(false)).column("t", DataTypes.TIMESTAMP(0)).primaryKey("id").build();
        Table table = lab.table("times", schema);
        UpsertWriter writer = table.newUpsert().createWriter();
        writer.upsert(GenericRow.of(1, TimestampNtz.fromMillis(1900))).get();
        writer.upsert(GenericRow.of(2, TimestampNtz.fromMillis(-500))).get();
        Lookuper lookuper = table.newLookup().createLookuper();
        for (int id = 1; id <= 2; id++) {
            InternalRow row = lookuper.lookup(GenericRow.of(id)).get().getSingletonRow();
            System.out.println("lookup of key " + id + ": " + row.getTimestampNtz(1, 0).getMillisecond() + " ms");
        }
        for (ScanRecord record : lab.log(table)) {
            System.out.println("changelog of key " + record.getRow().getInt(0) + ": " + record.getRow().getTimestampNtz(1, 0).getMillisecond() + " ms");
        }
        System.exit(0);
    }
}
JAVA
expect "$(run Times "$BOOTSTRAP")" "lookup of key 1: 1900 ms
lookup of key 2: -500 ms
changelog of key 1: 1000 ms
changelog of key 2: 0 ms"
