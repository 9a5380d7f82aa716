// Kafka's own hash of keys given as hex, one a line: java -cp '<jars of kafka-clients>/*' Murmur.java < keys
// It wrote murmur2.json, and tests/unit/test_partitions.py runs it where there is a Java that can compile.
import java.util.HexFormat;
import java.util.Scanner;
import org.apache.kafka.common.utils.Utils;

public class Murmur {
    public static void main(String[] none) {
        Scanner keys = new Scanner(System.in);
        while (keys.hasNextLine()) {
            System.out.println(Utils.murmur2(HexFormat.of().parseHex(keys.nextLine())));
        }
    }
}
