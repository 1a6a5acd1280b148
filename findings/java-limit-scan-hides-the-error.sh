#!/usr/bin/env bash
# The Java client turns the error of a limit scan into an empty result.
#
# Fluss 0.9.1-incubating. When the first of the last n rows has moved to remote storage, the server answers a limit scan with error 19
# (LOG_OFFSET_OUT_OF_RANGE_EXCEPTION). The Java client does not look at the error code of that answer: the application gets no rows and
# no exception, as if the table were empty.
#
# Steps: segments of 64 kB that move to remote storage at once, 600 rows of 300 random letters, then limit(400) once segments have moved.
# Seen: 0 rows, no exception, while the log holds 600 rows.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster "log.segment.file-size: 64kb" "remote.log.task-interval-duration: 1s" "log.replica.max-lag-time: 30s"
compile HiddenError <<'JAVA'
import java.time.Duration;
import java.util.*;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.batch.BatchScanner;
import org.apache.fluss.client.table.writer.AppendWriter;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;
import org.apache.fluss.utils.CloseableIterator;

public class HiddenError {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        Schema schema = Schema.newBuilder().column("id", DataTypes.INT()).column("text", DataTypes.STRING()).build();
        Table table = lab.table("moved", schema, "table.log.arrow.compression.type", "NONE", "table.log.tiered.local-segments", "1");
        AppendWriter writer = table.newAppend().createWriter();
        Random random = new Random(1);
        for (int id = 0; id < 600; id++) {
            writer.append(GenericRow.of(id, BinaryString.fromString(Lab.letters(random, 300))));
            if (id % 10 == 9) writer.flush();
        }
        TableBucket bucket = new TableBucket(table.getTableInfo().getTableId(), 0);
        int rows = -1;
        // The segments move within seconds: until then the answer holds rows.
        for (int attempt = 0; attempt < 60 && rows != 0; attempt++) {
            Thread.sleep(500);
            rows = 0;
            try (BatchScanner scanner = table.newScan().limit(400).createBatchScanner(bucket);
                    CloseableIterator<InternalRow> found = scanner.pollBatch(Duration.ofSeconds(10))) {
                while (found != null && found.hasNext()) {
                    found.next();
                    rows++;
                }
            }
        }
        System.out.println("limit(400): " + rows + " rows, no exception");
        System.out.println("end offset: " + lab.endOffset("moved"));
        System.exit(0);
    }
}
JAVA
expect "$(run HiddenError "$BOOTSTRAP")" "limit(400): 0 rows, no exception
end offset: 600"
