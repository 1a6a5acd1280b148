package interop;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.fluss.metadata.Schema;
import org.apache.fluss.row.BinaryString;
import org.apache.fluss.row.Decimal;
import org.apache.fluss.row.GenericRow;
import org.apache.fluss.row.InternalRow;
import org.apache.fluss.row.TimestampLtz;
import org.apache.fluss.row.TimestampNtz;
import org.apache.fluss.types.DataType;
import org.apache.fluss.types.DataTypes;
import org.apache.fluss.types.DecimalType;
import org.apache.fluss.types.RowType;

/**
 * The rows of the interop tests: every scalar type, values computed from the row's number, nulls among them. The Rust
 * half, which computes the same rows on its own, is {@code integration-tests/src/rows.rs}.
 */
final class Rows {
    /** Columns from here on are null in some rows; those before are the primary key. */
    static final int FIRST_NULLABLE = 2;

    private Rows() {}

    /** The columns, with a primary key of (id, name) or without one. */
    static Schema schema(boolean primaryKey) {
        Schema.Builder builder =
                Schema.newBuilder()
                        .column("id", DataTypes.BIGINT().copy(!primaryKey))
                        .column("name", DataTypes.STRING().copy(!primaryKey))
                        .column("c_boolean", DataTypes.BOOLEAN())
                        .column("c_tinyint", DataTypes.TINYINT())
                        .column("c_smallint", DataTypes.SMALLINT())
                        .column("c_int", DataTypes.INT())
                        .column("c_bigint", DataTypes.BIGINT())
                        .column("c_float", DataTypes.FLOAT())
                        .column("c_double", DataTypes.DOUBLE())
                        .column("c_char", DataTypes.CHAR(5))
                        .column("c_string", DataTypes.STRING())
                        .column("c_binary", DataTypes.BINARY(4))
                        .column("c_bytes", DataTypes.BYTES())
                        .column("c_decimal", DataTypes.DECIMAL(10, 2))
                        .column("c_decimal_wide", DataTypes.DECIMAL(30, 5))
                        .column("c_date", DataTypes.DATE())
                        .column("c_time", DataTypes.TIME(3))
                        .column("c_timestamp3", DataTypes.TIMESTAMP(3))
                        .column("c_timestamp6", DataTypes.TIMESTAMP(6))
                        .column("c_timestamp_ltz3", DataTypes.TIMESTAMP_LTZ(3))
                        .column("c_timestamp_ltz9", DataTypes.TIMESTAMP_LTZ(9));
        return primaryKey ? builder.primaryKey("id", "name").build() : builder.build();
    }

    /** The columns that identify row {@code i}. */
    static GenericRow key(long i) {
        return GenericRow.of(i, BinaryString.fromString("key-" + i));
    }

    /** Row {@code i}. */
    static GenericRow row(RowType type, long i) {
        GenericRow row = new GenericRow(type.getFieldCount());
        row.setField(0, i);
        row.setField(1, BinaryString.fromString("key-" + i));
        for (int column = FIRST_NULLABLE; column < type.getFieldCount(); column++) {
            boolean isNull = i % 11 == 10 || (i + column) % 7 == 0;
            row.setField(column, isNull ? null : value(type.getFieldNames().get(column), i));
        }
        return row;
    }

    private static Object value(String column, long i) {
        boolean odd = i % 2 == 1;
        long sign = odd ? -1 : 1;
        int mixed = (int) (i * 2654435761L);
        switch (column) {
            case "c_boolean":
                return odd;
            case "c_tinyint":
                return (byte) i;
            case "c_smallint":
                return (short) (i * 257);
            case "c_int":
                return mixed;
            case "c_bigint":
                return i * 0x9E3779B97F4A7C15L;
            case "c_float":
                return sign * (i / 4.0f);
            case "c_double":
                return -sign * (i / 8.0);
            case "c_char":
                return BinaryString.fromString(String.format("c%04d", i % 10000));
            case "c_string":
                return BinaryString.fromString("µ" + "x".repeat((int) (i % 20)) + i);
            case "c_binary":
                // No byte is zero: in indexed rows the official classes take zeros at the end for padding.
                return ByteBuffer.allocate(4).putInt(mixed | 0x01010101).array();
            case "c_bytes":
                byte[] bytes = new byte[(int) (i % 9)];
                for (int j = 0; j < bytes.length; j++) {
                    bytes[j] = (byte) (i + j);
                }
                return bytes;
            case "c_decimal":
                return Decimal.fromUnscaledLong(i * 12345 % 1_000_000_000 - 500_000_000, 10, 2);
            case "c_decimal_wide":
                BigInteger wide = BigInteger.TEN.pow(20).add(BigInteger.ONE).multiply(BigInteger.valueOf(sign * i));
                return Decimal.fromBigDecimal(new BigDecimal(wide, 5), 30, 5);
            case "c_date":
                return (int) (i % 40_000 - 10_000);
            case "c_time":
                return (int) (i * 7919 % 86_400_000);
            case "c_timestamp3":
                return TimestampNtz.fromMillis(millis(i));
            case "c_timestamp6":
                return TimestampNtz.fromMillis(millis(i), odd ? 0 : (int) (i % 1000) * 1000);
            case "c_timestamp_ltz3":
                return TimestampLtz.fromEpochMillis(millis(i));
            case "c_timestamp_ltz9":
                return TimestampLtz.fromEpochMillis(millis(i), odd ? 0 : (int) (i * 37 % 1_000_000));
            default:
                throw new IllegalArgumentException("no such column: " + column);
        }
    }

    /**
     * After 1970 for even numbers, before it for odd ones, which then have whole milliseconds: the official client
     * cannot read parts of milliseconds before 1970 from Arrow batches.
     */
    private static long millis(long i) {
        return i % 2 == 1 ? -i * 1001 : 1_600_000_000_000L + i * 1001;
    }

    /**
     * A row as a JSON array. Numbers of 64 bits and more are strings (decimals unscaled), floats are the hex digits of
     * their bits, bytes are hex, timestamps are {@code [milliseconds, nanoseconds within]}.
     */
    static String json(RowType type, InternalRow row) {
        List<String> values = new ArrayList<>();
        for (int column = 0; column < type.getFieldCount(); column++) {
            DataType columnType = type.getTypeAt(column);
            Object value = InternalRow.createFieldGetter(columnType, column).getFieldOrNull(row);
            values.add(value == null ? "null" : json(columnType, value));
        }
        return "[" + String.join(",", values) + "]";
    }

    private static String json(DataType type, Object value) {
        switch (type.getTypeRoot()) {
            case BOOLEAN:
            case TINYINT:
            case SMALLINT:
            case INTEGER:
            case DATE:
            case TIME_WITHOUT_TIME_ZONE:
                return value.toString();
            case BIGINT:
            case CHAR:
            case STRING:
                return quoted(value.toString());
            case FLOAT:
                return quoted(String.format("0x%08x", Float.floatToRawIntBits((Float) value)));
            case DOUBLE:
                return quoted(String.format("0x%016x", Double.doubleToRawLongBits((Double) value)));
            case BINARY:
            case BYTES:
                return quoted(hex((byte[]) value));
            case DECIMAL:
                int scale = ((DecimalType) type).getScale();
                return quoted(((Decimal) value).toBigDecimal().setScale(scale).unscaledValue().toString());
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                TimestampNtz ntz = (TimestampNtz) value;
                return "[" + quoted("" + ntz.getMillisecond()) + "," + ntz.getNanoOfMillisecond() + "]";
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                TimestampLtz ltz = (TimestampLtz) value;
                return "[" + quoted("" + ltz.getEpochMillisecond()) + "," + ltz.getNanoOfMillisecond() + "]";
            default:
                throw new IllegalArgumentException("no JSON form for " + type);
        }
    }

    static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes) {
            text.append(String.format("%02x", b));
        }
        return text.toString();
    }

    static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < ' ') {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }
}
