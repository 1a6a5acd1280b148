import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.apache.fluss.client.Connection;
import org.apache.fluss.client.ConnectionFactory;
import org.apache.fluss.client.admin.Admin;
import org.apache.fluss.client.admin.OffsetSpec;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.scanner.ScanRecord;
import org.apache.fluss.client.table.scanner.log.LogScanner;
import org.apache.fluss.config.ConfigOptions;
import org.apache.fluss.config.Configuration;
import org.apache.fluss.metadata.Schema;
import org.apache.fluss.metadata.TableDescriptor;
import org.apache.fluss.metadata.TablePath;

/** What most of the Java programs of the findings need: a connection, a table of one bucket, and its change log. */
public class Lab {
    public final Connection connection;
    public final Admin admin;

    public Lab(String bootstrap) {
        Configuration conf = new Configuration();
        conf.setString(ConfigOptions.BOOTSTRAP_SERVERS.key(), bootstrap);
        connection = ConnectionFactory.createConnection(conf);
        admin = connection.getAdmin();
    }

    /** Creates a table of one bucket; properties are given as key, value, key, value. */
    public Table table(String name, Schema schema, String... properties) throws Exception {
        return table(name, schema, 1, properties);
    }

    public Table table(String name, Schema schema, int buckets, String... properties) throws Exception {
        TablePath path = TablePath.of("fluss", name);
        TableDescriptor.Builder table = TableDescriptor.builder().schema(schema).distributedBy(buckets);
        for (int i = 0; i < properties.length; i += 2) table.property(properties[i], properties[i + 1]);
        admin.createTable(path, table.build(), false).get();
        return connection.getTable(path);
    }

    public long endOffset(String name) throws Exception {
        return admin.listOffsets(TablePath.of("fluss", name), Collections.singletonList(0), new OffsetSpec.LatestSpec()).bucketResult(0).get();
    }

    /** The records of bucket 0 from its start, until nothing came for two seconds. */
    public List<ScanRecord> log(Table table) throws Exception {
        List<ScanRecord> all = new ArrayList<>();
        try (LogScanner scanner = table.newScan().createLogScanner()) {
            scanner.subscribeFromBeginning(0);
            for (long last = System.nanoTime(); System.nanoTime() - last < 2_000_000_000L; ) {
                for (ScanRecord record : scanner.poll(Duration.ofMillis(200))) {
                    all.add(record);
                    last = System.nanoTime();
                }
            }
        }
        return all;
    }

    public static String letters(Random random, int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) text.append((char) ('a' + random.nextInt(26)));
        return text.toString();
    }

    /** The message of the innermost cause. */
    public static String reason(Throwable error) {
        while (error.getCause() != null) error = error.getCause();
        return error.getClass().getSimpleName();
    }
}
