#!/usr/bin/env bash
# A table that is partitioned by time takes partitions whose names are no times.
#
# Fluss 0.9.1-incubating, server and Java client. With table.auto-partition.enabled and the unit YEAR, partitions are named like "2026", and
# old ones are dropped by comparing names as texts. A partition created by hand is not checked: "notatime" is accepted. As it sorts behind
# every year, it stays for good.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile Names <<'JAVA'
import java.util.*;
import org.apache.fluss.metadata.*;
import org.apache.fluss.types.DataTypes;

public class Names {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        TablePath path = TablePath.of("fluss", "years");
        Schema schema = Schema.newBuilder().column("a", DataTypes.INT()).column("year", DataTypes.STRING()).build();
        lab.admin.createTable(path, TableDescriptor.builder().schema(schema).distributedBy(1).partitionedBy("year")
                .property("table.auto-partition.enabled", "true").property("table.auto-partition.time-unit", "YEAR").build(), false).get();
        for (String name : new String[] {"notatime", "199x"}) {
            String outcome = "accepted";
            try {
                lab.admin.createPartition(path, new PartitionSpec(Collections.singletonMap("year", name)), false).get();
            } catch (Exception error) {
                outcome = Lab.reason(error);
            }
            System.out.println(name + ": " + outcome);
        }
        System.exit(0);
    }
}
JAVA
expect "$(run Names "$BOOTSTRAP")" "notatime: accepted
199x: accepted"
