#!/usr/bin/env bash
# The official Python client does not find most integer keys above 127 that the Java client wrote.
#
# Fluss 0.9.1-incubating, server and Java client; pyfluss 1.0.0, which is built on the official Rust client. The bucket of a row is a
# hash of its encoded key. For a table of several buckets the two clients do not agree on the bucket of such keys, so a lookup asks the
# wrong bucket and returns "no such row" although the row is there. Keys of one byte are found.
#
# Steps: a table with an INT key and 16 buckets, keys 0 to 299 upserted by Java, all looked up by Java and by Python.
source "$(dirname "$0")/lib/fluss.sh"
get_jars
start_cluster
compile Keys <<'JAVA'
import org.apache.fluss.client.lookup.Lookuper;
import org.apache.fluss.client.table.Table;
import org.apache.fluss.client.table.writer.UpsertWriter;
import org.apache.fluss.metadata.*;
import org.apache.fluss.row.*;
import org.apache.fluss.types.DataTypes;

public class Keys {
    public static void main(String[] args) throws Exception {
        Lab lab = new Lab(args[0]);
        Schema schema = Schema.newBuilder().column("id", DataTypes.INT().copy(false)).column("v", DataTypes.INT()).primaryKey("id").build();
        Table table = lab.table("keys", schema, 16);
        UpsertWriter writer = table.newUpsert().createWriter();
        for (int id = 0; id < 300; id++) writer.upsert(GenericRow.of(id, id));
        writer.flush();
        Lookuper lookuper = table.newLookup().createLookuper();
        int small = 0, large = 0;
        for (int id = 0; id < 300; id++) {
            if (lookuper.lookup(GenericRow.of(id)).get().getSingletonRow() == null) continue;
            if (id < 128) small++; else large++;
        }
        System.out.println("Java finds " + small + " of 128 keys up to 127, " + large + " of 172 above");
        System.exit(0);
    }
}
JAVA
seen=$(run Keys "$BOOTSTRAP")
python3 -m venv "$WORK/venv" && "$WORK/venv/bin/pip" install -q pyfluss==1.0.0 pyarrow==21.0.0 > "$WORK/pip.log" 2>&1 || { cat "$WORK/pip.log"; exit 1; }
cat > "$WORK/keys.py" <<'PY'
import asyncio, sys
import fluss

async def main():
    connection = await fluss.FlussConnection.create(fluss.Config({"bootstrap.servers": sys.argv[1]}))
    table = await connection.get_table(fluss.TablePath("fluss", "keys"))
    lookuper = table.new_lookup().create_lookuper()
    small = large = 0
    for key in range(300):
        row = await lookuper.lookup({"id": key})
        if row is not None:
            if key < 128: small += 1
            else: large += 1
    print(f"Python finds {small} of 128 keys up to 127, {'fewer than half' if large < 86 else large} of 172 above")
    print(f"{large} above", file=sys.stderr)

asyncio.run(main())
PY
seen+=$'\n'$(timeout 120 "$WORK/venv/bin/python" "$WORK/keys.py" "$BOOTSTRAP" 2> "$WORK/python.log" || { cat "$WORK/python.log" >&2; exit 1; })
cat "$WORK/python.log" >&2
expect "$seen" "Java finds 128 of 128 keys up to 127, 172 of 172 above
Python finds 128 of 128 keys up to 127, fewer than half of 172 above"
