#!/usr/bin/env bash
# A scan that projects no column returns nothing if the log is ARROW, and every row if it is INDEXED.
#
# Fluss 0.9.1-incubating, server and Java client. project(new int[0]) is accepted for both. It would be the way to count rows.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile Empty <<'JAVA'
import java.time.Duration;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.log.LogScanner;
import org.apache.fluss.client.table.writer.AppendWriter;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;

public class Empty {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        for (String format : new String[] {"ARROW", "INDEXED"}) {
            Table table = lab.table("empty_" + format.toLowerCase(), Schema.newBuilder().column("a", DataTypes.INT()).build(), "table.log.format", format);
            AppendWriter writer = table.newAppend().createWriter();
            for (int id = 0; id < 10; id++) writer.append(GenericRow.of(id)).get();
            String outcome;
            try (LogScanner scanner = table.newScan().project(new int[0]).createLogScanner()) {
                scanner.subscribeFromBeginning(0);
                int rows = 0;
                for (long end = System.nanoTime() + 5_000_000_000L; System.nanoTime() < end; ) rows += scanner.poll(Duration.ofMillis(200)).count();
                outcome = rows + " of 10 rows";
            } catch (Exception error) {
                outcome = Lab.reason(error);
            }
            System.out.println(format + ": " + outcome);
        }
        System.exit(0);
    }
}
JAVA
expect "$(run Empty "$BOOTSTRAP")" "ARROW: 0 of 10 rows
INDEXED: 10 of 10 rows"
