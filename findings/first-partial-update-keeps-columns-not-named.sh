#!/usr/bin/env bash
# A partial update of a new key stores the columns that it does not name, if the table aggregates.
#
# Fluss 0.9.1-incubating, server and Java client. In a plain primary-key table a partial update of a key that is not there yet stores
# null in the columns that are not among its target columns. With the merge engine "aggregation" the first row of a key is stored as it
# was sent, so a value in such a column is kept.
#
# Steps: partial update of (id, a) with the row (1, 10, 20), in a plain and in an aggregating table.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile Partial <<'JAVA'
import org.apache.fluss.client.table.Table;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;

public class Partial {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        Schema schema = Schema.newBuilder().column("id", DataTypes.INT().copy(false)).column("a", DataTypes.INT()).column("b", DataTypes.INT()).primaryKey("id").build();
        Table[] tables = {lab.table("plain", schema), lab.table("aggregating", schema, "table.merge-engine", "aggregation")};
        for (Table table : tables) {
            table.newUpsert().partialUpdate("id", "a").createWriter().upsert(GenericRow.of(1, 10, 20)).get();
            InternalRow row = table.newLookup().createLookuper().lookup(GenericRow.of(1)).get().getSingletonRow();
            System.out.println(table.getTableInfo().getTablePath().getTableName() + ": a " + row.getInt(1) + ", b " + (row.isNullAt(2) ? "null" : row.getInt(2)));
        }
        System.exit(0);
    }
}
JAVA
expect "$(run Partial "$BOOTSTRAP")" "plain: a 10, b null
aggregating: a 10, b 20"
