package interop;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.fluss.metadata.Schema;
import org.apache.fluss.row.BinaryString;
import org.apache.fluss.row.GenericArray;
import org.apache.fluss.row.GenericMap;
import org.apache.fluss.row.GenericRow;
import org.apache.fluss.row.InternalArray;
import org.apache.fluss.row.InternalMap;
import org.apache.fluss.row.InternalRow;
import org.apache.fluss.types.DataTypes;

/**
 * The rows of the writers' interop tests: a partition column, nested values, columns to update alone. The Rust half is
 * {@code integration-tests/src/wide.rs}.
 */
final class Wide {
    static final String[] COLUMNS = {"id", "day", "text", "list", "map", "row"};

    private Wide() {}

    static Schema schema(boolean primaryKey) {
        Schema.Builder builder =
                Schema.newBuilder()
                        .column("id", DataTypes.BIGINT().copy(!primaryKey))
                        .column("day", DataTypes.STRING().copy(!primaryKey))
                        .column("text", DataTypes.STRING())
                        .column("list", DataTypes.ARRAY(DataTypes.INT()))
                        .column("map", DataTypes.MAP(DataTypes.STRING().copy(false), DataTypes.BIGINT()))
                        .column(
                                "row",
                                DataTypes.ROW(
                                        DataTypes.FIELD("a", DataTypes.INT()),
                                        DataTypes.FIELD("b", DataTypes.ARRAY(DataTypes.STRING()))));
        return primaryKey ? builder.primaryKey("id", "day").build() : builder.build();
    }

    static GenericRow key(long i) {
        return GenericRow.of(i, BinaryString.fromString(day(i)));
    }

    private static String day(long i) {
        return "d" + i % 3;
    }

    static GenericRow row(long i) {
        GenericRow row = new GenericRow(COLUMNS.length);
        row.setField(0, i);
        row.setField(1, BinaryString.fromString(day(i)));
        row.setField(2, i % 5 == 4 ? null : BinaryString.fromString("text " + i));
        if (i % 7 == 6) {
            return row;
        }
        Object[] list = new Object[(int) (i % 4)];
        for (int j = 0; j < list.length; j++) {
            list[j] = j == 1 ? null : Integer.valueOf((int) i * 10 + j);
        }
        row.setField(3, new GenericArray(list));
        Map<Object, Object> map = new LinkedHashMap<>();
        for (int j = 0; j < i % 3; j++) {
            map.put(BinaryString.fromString("k" + j), j == 1 ? null : Long.valueOf(i + j));
        }
        row.setField(4, new GenericMap(map));
        Object[] texts = {BinaryString.fromString("a long text of row " + i), null};
        row.setField(5, GenericRow.of(i % 2 == 1 ? null : Integer.valueOf((int) i), new GenericArray(texts)));
        return row;
    }

    /** A row as JSON; maps are sorted lists of pairs. */
    static String json(InternalRow row) {
        List<String> values = new ArrayList<>();
        values.add(Rows.quoted("" + row.getLong(0)));
        values.add(Rows.quoted(row.getString(1).toString()));
        values.add(row.isNullAt(2) ? "null" : Rows.quoted(row.getString(2).toString()));
        values.add(row.isNullAt(3) ? "null" : ints(row.getArray(3)));
        values.add(row.isNullAt(4) ? "null" : pairs(row.getMap(4)));
        if (row.isNullAt(5)) {
            values.add("null");
        } else {
            InternalRow nested = row.getRow(5, 2);
            String number = nested.isNullAt(0) ? "null" : "" + nested.getInt(0);
            values.add("[" + number + "," + texts(nested.getArray(1)) + "]");
        }
        return "[" + String.join(",", values) + "]";
    }

    private static String ints(InternalArray array) {
        List<String> values = new ArrayList<>();
        for (int i = 0; i < array.size(); i++) {
            values.add(array.isNullAt(i) ? "null" : "" + array.getInt(i));
        }
        return "[" + String.join(",", values) + "]";
    }

    private static String texts(InternalArray array) {
        List<String> values = new ArrayList<>();
        for (int i = 0; i < array.size(); i++) {
            values.add(array.isNullAt(i) ? "null" : Rows.quoted(array.getString(i).toString()));
        }
        return "[" + String.join(",", values) + "]";
    }

    private static String pairs(InternalMap map) {
        List<String> values = new ArrayList<>();
        InternalArray keys = map.keyArray();
        InternalArray numbers = map.valueArray();
        for (int i = 0; i < map.size(); i++) {
            String number = numbers.isNullAt(i) ? "null" : Rows.quoted("" + numbers.getLong(i));
            values.add("[" + Rows.quoted(keys.getString(i).toString()) + "," + number + "]");
        }
        // From Arrow batches the official client makes hash maps, which lose the order.
        Collections.sort(values);
        return "[" + String.join(",", values) + "]";
    }
}
