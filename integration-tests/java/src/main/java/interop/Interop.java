package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.fluss.bucketing.BucketingFunction;
import org.apache.fluss.client.Connection;
import org.apache.fluss.client.ConnectionFactory;
import org.apache.fluss.client.admin.Admin;
import org.apache.fluss.client.lookup.LookupResult;
import org.apache.fluss.client.lookup.Lookuper;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.ScanRecord;
import org.apache.fluss.client.table.scanner.log.LogScanner;
import org.apache.fluss.client.table.scanner.log.ScanRecords;
import org.apache.fluss.client.table.writer.AppendWriter;
import org.apache.fluss.client.table.writer.UpsertWriter;
import org.apache.fluss.config.ConfigOptions;
import org.apache.fluss.config.Configuration;
import org.apache.fluss.metadata.DatabaseDescriptor;
import org.apache.fluss.metadata.KvFormat;
import org.apache.fluss.metadata.LogFormat;
import org.apache.fluss.metadata.TableBucket;
import org.apache.fluss.metadata.TableDescriptor;
import org.apache.fluss.metadata.TablePath;
import org.apache.fluss.row.GenericRow;
import org.apache.fluss.row.InternalRow;
import org.apache.fluss.row.encode.KeyEncoder;
import org.apache.fluss.types.RowType;

/**
 * Does with the official client what the lines on stdin say. Each command is answered by lines of JSON, and after them
 * a line {@code done} or {@code failed TEXT}.
 *
 * <pre>
 * create-log  DB TABLE BUCKETS [FORMAT]   a log table with the columns of Rows; arrow (default), indexed, compacted
 * create-pk   DB TABLE BUCKETS [FORMAT]   a primary-key table with them; rows compacted (default) or indexed
 * append      DB TABLE FROM COUNT         rows FROM to FROM + COUNT - 1
 * upsert      DB TABLE FROM COUNT
 * delete      DB TABLE FROM COUNT
 * scan        DB TABLE COUNT              that many records of all buckets from their beginnings:
 *                                         {"bucket":0,"offset":0,"change":"+A","row":[..]}
 * lookup      DB TABLE FROM COUNT         one line a key, the row or null
 * buckets     DB TABLE FROM COUNT         one line a key: {"key":"HEX","bucket":0}, nothing is asked of the servers
 * wide-...                                 see {@link WideCommands}
 * </pre>
 */
public final class Interop {
    private static final long SECONDS = 60;

    private final Connection connection;
    private final PrintStream out;

    private Interop(Connection connection, PrintStream out) {
        this.connection = connection;
        this.out = out;
    }

    /** The first argument is the bootstrap address, others are configuration: {@code KEY=VALUE}. */
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Configuration configuration = new Configuration();
        configuration.setString(ConfigOptions.BOOTSTRAP_SERVERS.key(), args[0]);
        for (int i = 1; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            configuration.setString(pair[0], pair[1]);
        }
        try (Connection connection = ConnectionFactory.createConnection(configuration)) {
            Interop interop = new Interop(connection, out);
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                try {
                    interop.run(line.trim().split("\\s+"));
                    out.println("done");
                } catch (Exception e) {
                    e.printStackTrace();
                    out.println("failed " + e.toString().replace('\n', ' '));
                }
                out.flush();
            }
        }
    }

    private void run(String[] words) throws Exception {
        if (words[0].startsWith("wide-")) {
            new WideCommands(connection, out).run(words);
            return;
        }
        TablePath path = TablePath.of(words[1], words[2]);
        long first = Long.parseLong(words[3]);
        long count = words.length > 4 && words[4].matches("\\d+") ? Long.parseLong(words[4]) : 0;
        switch (words[0]) {
            case "create-log":
                create(path, false, (int) first, words.length > 4 ? words[4] : "arrow");
                break;
            case "create-pk":
                create(path, true, (int) first, words.length > 4 ? words[4] : "compacted");
                break;
            case "append":
                append(path, first, count);
                break;
            case "upsert":
                change(path, first, count, UpsertWriter::upsert);
                break;
            case "delete":
                change(path, first, count, UpsertWriter::delete);
                break;
            case "scan":
                scan(path, first);
                break;
            case "lookup":
                lookup(path, first, count);
                break;
            case "buckets":
                buckets(path, first, count);
                break;
            default:
                throw new IllegalArgumentException("no such command: " + words[0]);
        }
    }

    private void create(TablePath path, boolean primaryKey, int buckets, String format) throws Exception {
        TableDescriptor.Builder table =
                TableDescriptor.builder().schema(Rows.schema(primaryKey)).distributedBy(buckets);
        if (primaryKey) {
            table.kvFormat(KvFormat.fromString(format));
        } else {
            table.logFormat(LogFormat.fromString(format));
        }
        try (Admin admin = connection.getAdmin()) {
            wait(admin.createDatabase(path.getDatabaseName(), DatabaseDescriptor.EMPTY, true));
            wait(admin.createTable(path, table.build(), false));
        }
    }

    private void append(TablePath path, long first, long count) throws Exception {
        try (Table table = connection.getTable(path)) {
            RowType type = table.getTableInfo().getRowType();
            AppendWriter writer = table.newAppend().createWriter();
            List<CompletableFuture<?>> results = new ArrayList<>();
            for (long i = first; i < first + count; i++) {
                results.add(writer.append(Rows.row(type, i)));
            }
            writer.flush();
            for (CompletableFuture<?> result : results) {
                wait(result);
            }
        }
    }

    private interface Change {
        CompletableFuture<?> apply(UpsertWriter writer, InternalRow row);
    }

    private void change(TablePath path, long first, long count, Change change) throws Exception {
        try (Table table = connection.getTable(path)) {
            RowType type = table.getTableInfo().getRowType();
            UpsertWriter writer = table.newUpsert().createWriter();
            List<CompletableFuture<?>> results = new ArrayList<>();
            for (long i = first; i < first + count; i++) {
                results.add(change.apply(writer, Rows.row(type, i)));
            }
            writer.flush();
            for (CompletableFuture<?> result : results) {
                wait(result);
            }
        }
    }

    private void scan(TablePath path, long count) throws Exception {
        try (Table table = connection.getTable(path);
                LogScanner scanner = table.newScan().createLogScanner()) {
            RowType type = table.getTableInfo().getRowType();
            for (int bucket = 0; bucket < table.getTableInfo().getNumBuckets(); bucket++) {
                scanner.subscribeFromBeginning(bucket);
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
                        out.printf(
                                "{\"bucket\":%d,\"offset\":%d,\"change\":\"%s\",\"row\":%s}%n",
                                bucket.getBucket(),
                                record.logOffset(),
                                record.getChangeType().shortString(),
                                Rows.json(type, record.getRow()));
                        seen++;
                    }
                }
            }
        }
    }

    private void lookup(TablePath path, long first, long count) throws Exception {
        try (Table table = connection.getTable(path)) {
            RowType type = table.getTableInfo().getRowType();
            Lookuper lookuper = table.newLookup().createLookuper();
            List<CompletableFuture<LookupResult>> results = new ArrayList<>();
            for (long i = first; i < first + count; i++) {
                results.add(lookuper.lookup(Rows.key(i)));
            }
            for (CompletableFuture<LookupResult> result : results) {
                InternalRow row = wait(result).getSingletonRow();
                out.println(row == null ? "null" : Rows.json(type, row));
            }
        }
    }

    private void buckets(TablePath path, long first, long count) throws Exception {
        try (Table table = connection.getTable(path)) {
            RowType type = table.getTableInfo().getRowType();
            List<String> keys = table.getTableInfo().getBucketKeys();
            KeyEncoder encoder = KeyEncoder.ofBucketKeyEncoder(type, keys, null);
            BucketingFunction function = BucketingFunction.of(null);
            for (long i = first; i < first + count; i++) {
                GenericRow row = Rows.row(type, i);
                byte[] key = encoder.encodeKey(row);
                int bucket = function.bucketing(key, table.getTableInfo().getNumBuckets());
                out.printf("{\"key\":\"%s\",\"bucket\":%d}%n", Rows.hex(key), bucket);
            }
        }
    }

    private static <T> T wait(CompletableFuture<T> future) throws Exception {
        return future.get(SECONDS, TimeUnit.SECONDS);
    }
}
