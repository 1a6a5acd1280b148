#!/usr/bin/env bash
# A delete of a missing key moves the end offset of the change log without a record.
#
# Fluss 0.9.1-incubating, server and Java client. The server appends an empty batch for it, which takes one offset. A reader that waits for
# "end offset" many records never gets there, and offsets of records have gaps.
#
# Steps: upsert key 1, delete key 2 (never written), upsert key 3.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile Nothing <<'JAVA'
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.ScanRecord;
import org.apache.fluss.client.table.writer.UpsertWriter;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;

public class Nothing {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        Schema schema = Schema.newBuilder().column("id", DataTypes.INT().copy(false)).column("v", DataTypes.INT()).primaryKey("id").build();
        Table table = lab.table("gaps", schema);
        UpsertWriter writer = table.newUpsert().createWriter();
        writer.upsert(GenericRow.of(1, 1)).get();
        writer.delete(GenericRow.of(2, 1)).get();
        writer.upsert(GenericRow.of(3, 1)).get();
        for (ScanRecord record : lab.log(table)) {
            System.out.println(record.getChangeType().shortString() + " key " + record.getRow().getInt(0) + " at " + record.logOffset());
        }
        System.out.println("end offset: " + lab.endOffset("gaps"));
        System.exit(0);
    }
}
JAVA
expect "$(run Nothing "$BOOTSTRAP")" "+I key 1 at 0
+I key 3 at 2
end offset: 3"
