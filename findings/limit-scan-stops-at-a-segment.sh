#!/usr/bin/env bash
# A limit scan of a log table answers from one log segment.
#
# Fluss 0.9.1-incubating, server and Java client. "The last n rows" of a bucket is true only while they lie in one segment: the server
# starts n offsets before the end and returns what the segment holding that offset has. The newest rows, which lie in the next segment,
# are missing, and nothing in the answer says so.
#
# Steps: segments of 64 kB that stay on the server, 600 rows of 300 random letters in batches of 10, then limit(n) for several n.
# Seen: limit(10) has the newest row (id 599); for larger n it is missing, although far more than n rows exist.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster "log.segment.file-size: 64kb" "remote.log.task-interval-duration: 0s"
compile LimitScan <<'JAVA'
import java.time.Duration;
import java.util.*;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.batch.BatchScanner;
import org.apache.fluss.client.table.writer.AppendWriter;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;
import org.apache.fluss.utils.CloseableIterator;

public class LimitScan {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        Schema schema = Schema.newBuilder().column("id", DataTypes.INT()).column("text", DataTypes.STRING()).build();
        Table table = lab.table("lines", schema, "table.log.arrow.compression.type", "NONE");
        AppendWriter writer = table.newAppend().createWriter();
        Random random = new Random(1);
        for (int id = 0; id < 600; id++) {
            writer.append(GenericRow.of(id, BinaryString.fromString(Lab.letters(random, 300))));
            if (id % 10 == 9) writer.flush();
        }
        TableBucket bucket = new TableBucket(table.getTableInfo().getTableId(), 0);
        int without = 0;
        for (int n = 10; n <= 200; n += 10) {
            TreeSet<Integer> ids = new TreeSet<>();
            try (BatchScanner scanner = table.newScan().limit(n).createBatchScanner(bucket);
                    CloseableIterator<InternalRow> rows = scanner.pollBatch(Duration.ofSeconds(10))) {
                while (rows != null && rows.hasNext()) ids.add(rows.next().getInt(0));
            }
            if (!ids.contains(599)) without++;
            if (n == 10) System.out.println("limit(10) has the newest row: " + ids.contains(599));
        }
        System.out.println("a limit from 20 to 200 lacks the newest row: " + (without > 0));
        System.exit(0);
    }
}
JAVA
expect "$(run LimitScan "$BOOTSTRAP")" "limit(10) has the newest row: true
a limit from 20 to 200 lacks the newest row: true"
