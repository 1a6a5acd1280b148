#!/usr/bin/env bash
# The offset for a time is early once a segment has moved to remote storage.
#
# Fluss 0.9.1-incubating, server, asked through the Java client. While a segment is on the server, the offset for a time is the base offset
# of the first batch written at or after it. Once the segment has moved, the server answers from the sparse time index alone: most answers
# are offsets of older rows, often in the middle of a batch. A reader that starts or ends there gets rows it did not ask for, or misses some.
#
# Steps: segments of 64 kB. Table "stays" gets 15 batches of 10 rows of 300 random letters, 20 ms apart, which fit the active segment, and that
# never moves; table "moves" gets 60. Ask for the commit time of each batch, again and again until most segments have moved.
# Seen: all answers for "stays" are the base offset of the batch; more than half of those for "moves" are smaller; none is larger.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster "log.segment.file-size: 64kb" "remote.log.task-interval-duration: 1s"
compile OffsetForTime <<'JAVA'
import java.util.*;
import org.apache.fluss.client.admin.OffsetSpec;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.ScanRecord;
import org.apache.fluss.client.table.writer.AppendWriter;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;

public class OffsetForTime {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        Schema schema = Schema.newBuilder().column("id", DataTypes.INT()).column("text", DataTypes.STRING()).build();
        Table stays = written(lab, schema, "stays", 15);
        int[] answers = compare(lab, stays, "stays");
        System.out.println("stays: " + answers[0] + " early, " + answers[1] + " late");
        Table moves = written(lab, schema, "moves", 60);
        for (int attempt = 0; attempt < 60 && (attempt == 0 || answers[0] < 30); attempt++) {
            Thread.sleep(500);
            answers = compare(lab, moves, "moves");
        }
        System.out.println("moves: more than half early: " + (answers[0] >= 30) + ", " + answers[1] + " late");
        System.exit(0);
    }

    static Table written(Lab lab, Schema schema, String name, int batches) throws Exception {
        Table table = lab.table(name, schema, "table.log.arrow.compression.type", "NONE", "table.log.tiered.local-segments", "1");
        AppendWriter writer = table.newAppend().createWriter();
        Random random = new Random(1);
        for (int id = 0; id < batches * 10; id++) {
            writer.append(GenericRow.of(id, BinaryString.fromString(Lab.letters(random, 300))));
            if (id % 10 == 9) {
                writer.flush();
                Thread.sleep(20);
            }
        }
        return table;
    }

    /** How many answers are before and behind the first row of the batch that has the time. */
    static int[] compare(Lab lab, Table table, String name) throws Exception {
        TreeMap<Long, Long> first = new TreeMap<>();
        for (ScanRecord record : lab.log(table)) first.putIfAbsent(record.timestamp(), record.logOffset());
        int early = 0, late = 0;
        for (Map.Entry<Long, Long> batch : first.entrySet()) {
            long answer = lab.admin.listOffsets(TablePath.of("fluss", name), Collections.singletonList(0),
                    new OffsetSpec.TimestampSpec(batch.getKey())).bucketResult(0).get();
            if (answer < batch.getValue()) early++;
            if (answer > batch.getValue()) late++;
        }
        return new int[] {early, late};
    }
}
JAVA
expect "$(run OffsetForTime "$BOOTSTRAP")" "stays: 0 early, 0 late
moves: more than half early: true, 0 late"
