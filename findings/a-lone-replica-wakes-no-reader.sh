#!/usr/bin/env bash
# A reader at the end of a log waits half of its longest wait for each row if the table has one replica.
#
# Fluss 0.9.1-incubating, server and Java client. A fetch at the end of a log is held by the server until rows come or
# client.scanner.log.fetch.wait-max-time (500 ms) is over. With one replica, the default, nothing completes the held fetch when a row is
# appended: it is answered when its time is over. So rows that are acknowledged within a millisecond are seen some 250 ms later.
#
# Steps: one scanner at the end of one bucket, 30 rows appended and awaited at random pauses of 100 to 400 ms; the time from the
# acknowledgement to the poll that has the row.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile Tail <<'JAVA'
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.ScanRecord;
import org.apache.fluss.client.table.scanner.log.LogScanner;
import org.apache.fluss.client.table.writer.AppendWriter;
import org.apache.fluss.config.*;
import org.apache.fluss.client.*;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;

public class Tail {
    public static void main(String[] args) throws Exception {
        Configuration quick = new Configuration();
        quick.setString(ConfigOptions.BOOTSTRAP_SERVERS.key(), args[0]);
        quick.setString("client.writer.batch-timeout", "0 ms");
        Lab lab = new Lab(args[0]);
        Table table = lab.table("tail", Schema.newBuilder().column("id", DataTypes.INT()).build());
        Connection second = ConnectionFactory.createConnection(quick);
        AppendWriter writer = second.getTable(TablePath.of("fluss", "tail")).newAppend().createWriter();
        Map<Integer, Long> acknowledged = new ConcurrentHashMap<>();
        List<Double> waits = Collections.synchronizedList(new ArrayList<>());
        Thread reader = new Thread(() -> {
            try (LogScanner scanner = table.newScan().createLogScanner()) {
                scanner.subscribeFromBeginning(0);
                for (int seen = 0; seen < 40; ) {
                    for (ScanRecord record : scanner.poll(Duration.ofMillis(2000))) {
                        long now = System.nanoTime();
                        Thread.sleep(1);
                        if (++seen > 10) waits.add((now - acknowledged.getOrDefault(record.getRow().getInt(0), now)) / 1e6);
                    }
                }
            } catch (Exception error) {
                throw new RuntimeException(error);
            }
        });
        reader.start();
        Random random = new Random(1);
        for (int id = 0; id < 40; id++) {
            Thread.sleep(100 + random.nextInt(300));
            writer.append(GenericRow.of(id)).get();
            acknowledged.put(id, System.nanoTime());
        }
        reader.join(20_000);
        Collections.sort(waits);
        System.err.println(waits);
        System.out.println("rows seen: " + waits.size());
        System.out.println("median above 100 ms: " + (waits.get(15) > 100));
        System.out.println("longest below 700 ms: " + (waits.get(29) < 700));
        System.exit(0);
    }
}
JAVA
expect "$(run Tail "$BOOTSTRAP")" "rows seen: 30
median above 100 ms: true
longest below 700 ms: true"
