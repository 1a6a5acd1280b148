#!/usr/bin/env bash
# Altering "bucket.num" is acknowledged and does nothing.
#
# Fluss 0.9.1-incubating, server and Java client. The name is the option with which Flink SQL creates a table of so many buckets. Set by
# alterTable it is stored as a custom property of that name, while the number of buckets stays.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile BucketNum <<'JAVA'
import java.util.*;
import org.apache.fluss.metadata.*;
import org.apache.fluss.types.DataTypes;

public class BucketNum {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        lab.table("three", Schema.newBuilder().column("a", DataTypes.INT()).build(), 3);
        TablePath path = TablePath.of("fluss", "three");
        lab.admin.alterTable(path, Collections.singletonList(TableChange.set("bucket.num", "6")), false).get();
        TableInfo info = lab.admin.getTableInfo(path).get();
        System.out.println("acknowledged; buckets " + info.getNumBuckets() + ", custom property " + info.getCustomProperties().toMap().get("bucket.num"));
        System.exit(0);
    }
}
JAVA
expect "$(run BucketNum "$BOOTSTRAP")" "acknowledged; buckets 3, custom property 6"
