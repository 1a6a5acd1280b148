#!/usr/bin/env bash
# The Java client writes a null into a NOT NULL column of a log table, and cannot read the batch back.
#
# Fluss 0.9.1-incubating, server and Java client. Neither checks the row: the append is acknowledged. A scan of the log then ends with an
# IllegalStateException, for the rows beside it too.
#
# Steps: a log table (a INT, n INT NOT NULL); append (1, 1), (2, null), (3, 3), each flushed; scan from the start.
# Seen: three acknowledged appends, end offset 3; the scan ends with an IllegalStateException.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile NullInNotNull <<'JAVA'
import java.util.*;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.ScanRecord;
import org.apache.fluss.client.table.writer.AppendWriter;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;

public class NullInNotNull {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        Schema schema = Schema.newBuilder().column("a", DataTypes.INT()).column("n", DataTypes.INT().copy(false)).build();
        Table table = lab.table("strict", schema);
        AppendWriter writer = table.newAppend().createWriter();
        for (Object[] row : new Object[][] {{1, 1}, {2, null}, {3, 3}}) {
            writer.append(GenericRow.of(row)).get();
            writer.flush();
        }
        System.out.println("acknowledged: " + lab.endOffset("strict"));
        try {
            StringBuilder rows = new StringBuilder();
            for (ScanRecord record : lab.log(table)) {
                InternalRow row = record.getRow();
                rows.append("(").append(row.getInt(0)).append(", ").append(row.isNullAt(1) ? "null" : "" + row.getInt(1)).append(") ");
            }
            System.out.println("read: " + rows.toString().trim());
        } catch (Exception error) {
            System.out.println("read: " + Lab.reason(error));
        }
        System.exit(0);
    }
}
JAVA
expect "$(run NullInNotNull "$BOOTSTRAP")" "acknowledged: 3
read: IllegalStateException"
