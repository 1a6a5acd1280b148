# Shared by the findings: a Fluss cluster from the published artifacts in a temporary folder, and Java programs against it.
# To be sourced. Needs Java 17, javac and Maven. Everything is removed when the script ends.
set -euo pipefail

FLUSS_VERSION=0.9.1-incubating
WORK=$(mktemp -d)
PIDS=()

clean_up() {
    local code=$?
    for pid in "${PIDS[@]:-}"; do [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$WORK"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# The jars of the server and of the official Java client, in the pinned version.
get_jars() {
    mkdir -p "$WORK/pom"
    cat > "$WORK/pom/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.fluss</groupId><artifactId>fluss-server</artifactId><version>$FLUSS_VERSION</version></dependency>
    <dependency><groupId>org.apache.fluss</groupId><artifactId>fluss-client</artifactId><version>$FLUSS_VERSION</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
    mvn -q -B -f "$WORK/pom/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DoutputDirectory="$WORK/jars" > "$WORK/maven.log" 2>&1 || { cat "$WORK/maven.log"; exit 1; }
}

free_ports() {
    python3 - "$1" <<'PY'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])
PY
}

java_fluss() { exec java -Xmx512m -XX:+UseSerialGC --add-opens=java.base/java.nio=ALL-UNNAMED -cp "$WORK/jars/*:$WORK/classes" "$@"; }

# start_cluster [LINE OF server.yaml]...: one coordinator and one tablet server, ready for tables. Sets BOOTSTRAP.
start_cluster() {
    [ -d "$WORK/jars" ] || get_jars
    local zk coordinator tablet
    read -r zk coordinator tablet <<< "$(free_ports 3)"
    mkdir -p "$WORK/conf" "$WORK/zk" "$WORK/remote"
    printf 'dataDir=%s\nclientPort=%s\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\nadmin.enableServer=false\n' "$WORK/zk" "$zk" > "$WORK/zoo.cfg"
    {
        echo "zookeeper.address: localhost:$zk"
        echo "default.bucket.number: 1"
        echo "default.replication.factor: 1"
        echo "data.dir: $WORK/data"
        echo "remote.data.dir: $WORK/remote"
        echo "bind.listeners: FLUSS://localhost:$coordinator"
        echo "tablet-server.id: 0"
        for line in "$@"; do echo "$line"; done
    } > "$WORK/conf/server.yaml"
    java_fluss org.apache.fluss.shaded.zookeeper3.org.apache.zookeeper.server.quorum.QuorumPeerMain "$WORK/zoo.cfg" > "$WORK/zk.log" 2>&1 & PIDS+=($!); disown
    java_fluss org.apache.fluss.server.coordinator.CoordinatorServer --configDir "$WORK/conf" > "$WORK/coordinator.log" 2>&1 & PIDS+=($!); disown
    java_fluss org.apache.fluss.server.tablet.TabletServer --configDir "$WORK/conf" -Dtablet-server.id=0 "-Ddata.dir=$WORK/data" \
        "-Dbind.listeners=FLUSS://localhost:$tablet" > "$WORK/tablet.log" 2>&1 & PIDS+=($!); disown
    BOOTSTRAP=localhost:$coordinator
    cp "$(dirname "${BASH_SOURCE[0]}")/Lab.java" "$WORK/Lab.java"
    compile Lab < "$WORK/Lab.java"
    compile Ready <<'JAVA'
import java.util.concurrent.TimeUnit;
import org.apache.fluss.client.*;
import org.apache.fluss.client.admin.Admin;
import org.apache.fluss.config.*;
import org.apache.fluss.metadata.*;
import org.apache.fluss.types.DataTypes;

/** Waits until a table can be created and its bucket has a leader. */
public class Ready {
    public static void main(String[] args) throws Exception {
        for (int attempt = 0; attempt < 60; attempt++) {
            Configuration conf = new Configuration();
            conf.setString(ConfigOptions.BOOTSTRAP_SERVERS.key(), args[0]);
            try (Connection connection = ConnectionFactory.createConnection(conf); Admin admin = connection.getAdmin()) {
                TablePath path = TablePath.of("fluss", "ready_" + attempt);
                Schema schema = Schema.newBuilder().column("a", DataTypes.INT()).build();
                admin.createTable(path, TableDescriptor.builder().schema(schema).distributedBy(1).build(), false).get(10, TimeUnit.SECONDS);
                try (org.apache.fluss.client.table.Table table = connection.getTable(path)) {
                    org.apache.fluss.client.table.writer.AppendWriter writer = table.newAppend().createWriter();
                    writer.append(org.apache.fluss.row.GenericRow.of(1)).get(10, TimeUnit.SECONDS);
                }
                System.exit(0);
            } catch (Exception notYet) {
                Thread.sleep(1000);
            }
        }
        System.exit(1);
    }
}
JAVA
    local attempt
    for attempt in 1 2 3; do
        if timeout 90 java -Xmx256m --add-opens=java.base/java.nio=ALL-UNNAMED -cp "$WORK/jars/*:$WORK/classes" Ready "$BOOTSTRAP" > "$WORK/ready.log" 2>&1; then return; fi
    done
    echo "the cluster did not become ready"; tail -n 20 "$WORK"/*.log; exit 1
}

# compile CLASS < source
compile() {
    mkdir -p "$WORK/src" "$WORK/classes"
    cat > "$WORK/src/$1.java"
    javac -nowarn -cp "$WORK/jars/*:$WORK/classes" -d "$WORK/classes" "$WORK/src/$1.java" 2> "$WORK/javac.log" || { cat "$WORK/javac.log"; exit 1; }
}

# run CLASS [ARGS]: prints what the program prints; ends after two minutes.
run() {
    timeout 120 java -Xmx256m --add-opens=java.base/java.nio=ALL-UNNAMED -cp "$WORK/jars/*:$WORK/classes" "$@" 2> "$WORK/run.log" || { tail -n 30 "$WORK/run.log"; exit 1; }
}

# expect OUTPUT EXPECTED
expect() {
    if [ "$1" != "$2" ]; then
        printf 'CHANGED.\nexpected:\n%s\nseen:\n%s\n' "$2" "$1"
        exit 1
    fi
    printf 'as described: Fluss %s\n%s\n' "$FLUSS_VERSION" "$1"
}
