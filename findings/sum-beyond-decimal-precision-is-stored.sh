#!/usr/bin/env bash
# An aggregation table stores sums that its DECIMAL column cannot hold, or fails, depending on the log format.
#
# Fluss 0.9.1-incubating, server, written to by the Java client. SUM on DECIMAL(4, 2), 99.00 and then 1.00 under one key. With the log
# format COMPACTED the write is acknowledged and a lookup returns 100.00, five digits in a column of four. With the default format
# ARROW the write fails with an error that does not name the overflow, and the old value stays.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile Sum <<'JAVA'
import java.math.BigDecimal;
import org.apache.fluss.client.lookup.Lookuper;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.writer.UpsertWriter;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;

public class Sum {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        for (String format : new String[] {"COMPACTED", "ARROW"}) {
            Schema schema = Schema.newBuilder().column("id", DataTypes.INT().copy(false))
                    .column("total", DataTypes.DECIMAL(4, 2), AggFunctions.SUM()).primaryKey("id").build();
            Table table = lab.table("sum_" + format.toLowerCase(), schema, "table.merge-engine", "aggregation", "table.log.format", format);
            UpsertWriter writer = table.newUpsert().createWriter();
            String outcome = "acknowledged";
            writer.upsert(GenericRow.of(1, Decimal.fromBigDecimal(new BigDecimal("99.00"), 4, 2))).get();
            try {
                writer.upsert(GenericRow.of(1, Decimal.fromBigDecimal(new BigDecimal("1.00"), 4, 2))).get(20, java.util.concurrent.TimeUnit.SECONDS);
            } catch (Exception error) {
                outcome = Lab.reason(error);
            }
            Lookuper lookuper = table.newLookup().createLookuper();
            InternalRow row = lookuper.lookup(GenericRow.of(1)).get().getSingletonRow();
            System.out.println(format + ": " + outcome + ", looked up " + row.getDecimal(1, 4, 2));
        }
        System.exit(0);
    }
}
JAVA
expect "$(run Sum "$BOOTSTRAP")" "COMPACTED: acknowledged, looked up 100.00
ARROW: UnknownServerException, looked up 99.00"
