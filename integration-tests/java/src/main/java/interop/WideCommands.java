package interop;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.fluss.client.Connection;
import org.apache.fluss.client.admin.Admin;
import org.apache.fluss.client.lookup.LookupResult;
import org.apache.fluss.client.lookup.Lookuper;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.ScanRecord;
import org.apache.fluss.client.table.scanner.log.LogScanner;
import org.apache.fluss.client.table.scanner.log.ScanRecords;
import org.apache.fluss.client.table.writer.AppendWriter;
import org.apache.fluss.client.table.writer.UpsertWriter;
import org.apache.fluss.metadata.PartitionInfo;
import org.apache.fluss.metadata.TableBucket;
import org.apache.fluss.metadata.TableDescriptor;
import org.apache.fluss.metadata.TablePath;
import org.apache.fluss.row.BinaryString;
import org.apache.fluss.row.GenericRow;
import org.apache.fluss.row.InternalRow;

/**
 * Commands on tables of {@link Wide}, partitioned by day.
 *
 * <pre>
 * wide-create-log DB TABLE [KEY=VALUE ...]  two buckets, with these properties
 * wide-create-pk  DB TABLE [KEY=VALUE ...]
 * wide-append     DB TABLE FROM COUNT
 * wide-upsert     DB TABLE FROM COUNT
 * wide-partial    DB TABLE FROM COUNT       sets the text to "changed I"
 * wide-scan       DB TABLE COUNT            that many records of all partitions, a row each
 * wide-lookup     DB TABLE FROM COUNT       one line a key, the row or null
 * </pre>
 */
final class WideCommands {
    private static final long SECONDS = 60;

    private final Connection connection;
    private final PrintStream out;

    WideCommands(Connection connection, PrintStream out) {
        this.connection = connection;
        this.out = out;
    }

    void run(String[] words) throws Exception {
        TablePath path = TablePath.of(words[1], words[2]);
        switch (words[0]) {
            case "wide-create-log":
                create(path, false, words);
                break;
            case "wide-create-pk":
                create(path, true, words);
                break;
            case "wide-append":
                write(path, words, false);
                break;
            case "wide-upsert":
                write(path, words, false);
                break;
            case "wide-partial":
                write(path, words, true);
                break;
            case "wide-scan":
                scan(path, Long.parseLong(words[3]));
                break;
            case "wide-lookup":
                lookup(path, Long.parseLong(words[3]), Long.parseLong(words[4]));
                break;
            default:
                throw new IllegalArgumentException("no such command: " + words[0]);
        }
    }

    private void create(TablePath path, boolean primaryKey, String[] words) throws Exception {
        TableDescriptor.Builder table =
                TableDescriptor.builder().schema(Wide.schema(primaryKey)).partitionedBy("day").distributedBy(2);
        for (int i = 3; i < words.length; i++) {
            String[] pair = words[i].split("=", 2);
            table.property(pair[0], pair[1]);
        }
        try (Admin admin = connection.getAdmin()) {
            wait(admin.createTable(path, table.build(), false));
        }
    }

    private void write(TablePath path, String[] words, boolean partial) throws Exception {
        long first = Long.parseLong(words[3]);
        long count = Long.parseLong(words[4]);
        try (Table table = connection.getTable(path)) {
            List<CompletableFuture<?>> results = new ArrayList<>();
            if (!table.getTableInfo().hasPrimaryKey()) {
                AppendWriter writer = table.newAppend().createWriter();
                for (long i = first; i < first + count; i++) {
                    results.add(writer.append(Wide.row(i)));
                }
                writer.flush();
            } else {
                UpsertWriter writer =
                        partial
                                ? table.newUpsert().partialUpdate("id", "day", "text").createWriter()
                                : table.newUpsert().createWriter();
                for (long i = first; i < first + count; i++) {
                    GenericRow row = Wide.row(i);
                    if (partial) {
                        row.setField(2, BinaryString.fromString("changed " + i));
                    }
                    results.add(writer.upsert(row));
                }
                writer.flush();
            }
            for (CompletableFuture<?> result : results) {
                wait(result);
            }
        }
    }

    private void scan(TablePath path, long count) throws Exception {
        try (Admin admin = connection.getAdmin();
                Table table = connection.getTable(path);
                LogScanner scanner = table.newScan().createLogScanner()) {
            for (PartitionInfo partition : wait(admin.listPartitionInfos(path))) {
                for (int bucket = 0; bucket < table.getTableInfo().getNumBuckets(); bucket++) {
                    scanner.subscribeFromBeginning(partition.getPartitionId(), bucket);
                }
            }
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
            long seen = 0;
            while (seen < count) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("only " + seen + " of " + count + " records");
                }
                ScanRecords records = scanner.poll(Duration.ofMillis(500));
                for (TableBucket bucket : records.buckets()) {
                    for (ScanRecord record : records.records(bucket)) {
                        out.println(Wide.json(record.getRow()));
                        seen++;
                    }
                }
            }
        }
    }

    private void lookup(TablePath path, long first, long count) throws Exception {
        try (Table table = connection.getTable(path)) {
            Lookuper lookuper = table.newLookup().createLookuper();
            for (long i = first; i < first + count; i++) {
                LookupResult result = wait(lookuper.lookup(Wide.key(i)));
                InternalRow row = result.getSingletonRow();
                out.println(row == null ? "null" : Wide.json(row));
            }
        }
    }

    private static <T> T wait(CompletableFuture<T> future) throws Exception {
        return future.get(SECONDS, TimeUnit.SECONDS);
    }
}
